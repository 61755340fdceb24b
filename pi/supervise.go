package pi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rubato/results"
	"rubato/runner/host"
)

// A state is what is known of a run on the device.
type state struct {
	Run     string    `json:"run"`
	Args    []string  `json:"args"`
	Started time.Time `json:"started"`
	Running bool      `json:"running"`
	Results bool      `json:"results"`         // there is something to bring
	Ended   *ended    `json:"ended,omitempty"` // nil when it does not run: the device restarted, or was switched off
	Answer  string    `json:"answer,omitempty"`
}

// An ended is how a run ended.
type ended struct {
	Code   int    `json:"code"`             // 128 and the signal, if one ended it
	Signal string `json:"signal,omitempty"` // that ended it
	Asked  bool   `json:"asked,omitempty"`  // we sent that signal
	OOM    int    `json:"oom,omitempty"`    // programs that the kernel killed meanwhile for lack of memory
}

// readState reads the folder of a run.
func readState(run string) (state, error) {
	s := state{Run: filepath.Base(run)}
	data, err := os.ReadFile(filepath.Join(run, requestName))
	if err != nil {
		return state{}, fmt.Errorf("has no run %s", s.Run)
	}
	var r request
	if err := json.Unmarshal(data, &r); err != nil {
		return state{}, fmt.Errorf("cannot read its run %s: %w", s.Run, err)
	}
	if info, err := os.Stat(filepath.Join(run, requestName)); err == nil {
		s.Started = info.ModTime()
	}
	s.Args = r.Args
	dir := filepath.Dir(filepath.Dir(run))
	if s.Running = activeRun(dir) == s.Run; s.Running {
		return s, nil
	}
	if data, err := os.ReadFile(filepath.Join(run, endedName)); err == nil {
		s.Ended = &ended{}
		if err := json.Unmarshal(data, s.Ended); err != nil {
			s.Ended = nil // cut off by what ended the device
		}
	}
	if said, err := os.ReadFile(filepath.Join(run, answerName)); err == nil {
		s.Answer = string(said[:min(len(said), 256<<10)])
	}
	_, err = os.Stat(filepath.Join(run, resultName, results.RawFile))
	s.Results = err == nil
	return s, nil
}

// activeRun is the name of the run that is under way, "" if none is. The kernel drops the lock
// with the process that holds it, however that ends, so no number of a process can mislead.
func activeRun(dir string) string {
	file, err := os.Open(filepath.Join(dir, activeName))
	if err != nil {
		return ""
	}
	defer file.Close()
	if host.TryLock(file, true) == nil {
		return ""
	}
	name, _ := os.ReadFile(file.Name())
	return string(name)
}

// lockFD is where a supervisor has the lock.
const lockFD = 3

// start begins a run that goes on without us, in a session of its own.
func (a *agent) start(run string, r request) error {
	if s, err := readState(run); err == nil { // the answer to the first request was lost
		a.say(answer{Runs: []state{s}, End: true})
		return nil
	}
	lock, err := os.OpenFile(filepath.Join(a.dir, activeName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if host.TryLock(lock, false) != nil {
		return errors.New("is busy with another run: wait for it, or bring it with -collect")
	}
	a.tidy()
	if err := a.begin(run, r, lock); err != nil {
		return errors.Join(err, os.RemoveAll(run))
	}
	s, err := readState(run)
	a.say(answer{Runs: []state{s}, End: true})
	return err
}

// begin makes the folder of a run, and starts its supervisor, which inherits the lock.
func (a *agent) begin(run string, r request, lock *os.File) error {
	if err := os.MkdirAll(run, 0o700); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(run, logName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	err = errors.Join(lock.Truncate(0), results.WriteFile(filepath.Join(run, requestName), data))
	if _, failed := lock.WriteAt([]byte(filepath.Base(run)), 0); err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	c := exec.Command(a.self, "pi", "-supervise", run)
	c.Stdout, c.Stderr, c.ExtraFiles = log, log, []*os.File{lock}
	c.SysProcAttr = host.SessionAttributes()
	if err := c.Start(); err != nil {
		return err
	}
	return c.Process.Release()
}

// signal asks a run to end, or kills it. One that is about to begin is waited for.
func (a *agent) signal(ctx context.Context, run string, how syscall.Signal) error {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for activeRun(a.dir) == filepath.Base(run) {
		if text, err := os.ReadFile(filepath.Join(run, pidName)); err == nil {
			pid, err := strconv.Atoi(string(text))
			if err != nil {
				return err
			}
			process, err := os.FindProcess(pid)
			if err != nil {
				return err
			}
			return process.Signal(how)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// supervise runs rubato in the folder of a run, and writes how that ended. It holds the lock
// until then. An interrupt is passed on, SIGTERM kills the run.
func supervise(run string) error {
	syscall.CloseOnExec(lockFD)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	signal.Ignore(syscall.SIGHUP)
	data, err := os.ReadFile(filepath.Join(run, requestName))
	if err != nil {
		return err
	}
	var r request
	if err := json.Unmarshal(data, &r); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	said, err := os.Create(filepath.Join(run, answerName))
	if err != nil {
		return err
	}
	defer said.Close()
	c := exec.Command(self)
	c.Args = append([]string{"rubato", "run", "-out", resultName}, r.Args...)
	c.Dir, c.Stdout, c.Stderr = run, said, os.Stderr
	c.Env = append(os.Environ(), append(r.Env, "TMPDIR="+run)...)
	c.SysProcAttr = host.ChildAttributes()
	runtime.LockOSThread() // the kernel ends the run with the thread that started it
	before := oomKills()
	if err := c.Start(); err != nil {
		return err
	}
	if err := results.WriteFile(filepath.Join(run, pidName), []byte(strconv.Itoa(os.Getpid()))); err != nil {
		return err
	}
	killed := make(chan bool, 1)
	go func() {
		for s := range signals {
			if s == os.Interrupt {
				_ = c.Process.Signal(s) // it may have ended
				continue
			}
			select {
			case killed <- true:
			default:
			}
			_ = c.Process.Kill()
		}
	}()
	how := c.Wait()
	end := endOf(how, c.ProcessState)
	end.Asked, end.OOM = len(killed) > 0, oomKills()-before
	if data, err = json.Marshal(end); err != nil {
		return err
	}
	host.Sync() // results are durable before it is said that there are some
	return results.WriteFile(filepath.Join(run, endedName), data)
}

func endOf(err error, s *os.ProcessState) (e ended) {
	status, known := s.Sys().(syscall.WaitStatus)
	switch {
	case known && status.Signaled():
		return ended{Code: 128 + int(status.Signal()), Signal: status.Signal().String()}
	case err != nil && s.ExitCode() == 0:
		return ended{Code: exitFailed}
	}
	return ended{Code: s.ExitCode()}
}

// oomKills is how many programs the kernel has killed for lack of memory since it started; 0 if
// it does not count.
func oomKills() int { return countedKills(os.DirFS("/")) }

func countedKills(root fs.FS) int {
	text, _ := fs.ReadFile(root, "proc/vmstat")
	for line := range strings.Lines(string(text)) {
		if count, is := strings.CutPrefix(line, "oom_kill "); is {
			n, _ := strconv.Atoi(strings.TrimSpace(count))
			return n
		}
	}
	return 0
}
