package runner

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	ossignal "os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	psutil "github.com/shirou/gopsutil/v3/process"

	"rubato/reports"
	"rubato/results"
)

// patienceOfTests bounds every wait here; a loaded machine gets there long before.
const patienceOfTests = 60 * time.Second

// A started is a rubato run in a process of its own, in a folder of its own.
type started struct {
	command        *exec.Cmd
	dir            string
	stdout, stderr bytes.Buffer
	children       []int32
}

// startRun starts a run that goes on for long enough to be stopped, and waits until
// it has written so many blocks.
func startRun(t *testing.T, blocks int, wrap ...string) *started {
	t.Helper()
	s := &started{dir: t.TempDir()}
	s.start(t, &s.stdout, blocks, wrap...)
	return s
}

func (s *started) start(t *testing.T, stdout io.Writer, blocks int, wrap ...string) {
	t.Helper()
	line := append(wrap, "rubato", "run", "-full", "-out", "results", "-seed", "3", "-styles", "plain,other", "journal")
	s.command = exec.Command(line[0], line[1:]...)
	s.command.Dir, s.command.Stdout, s.command.Stderr = s.dir, stdout, &s.stderr
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.command.Process.Kill() })
	await(t, "blocks in results.jsonl", func() bool {
		data, _ := os.ReadFile(filepath.Join(s.results(), rawName))
		return bytes.Count(data, []byte(`{"block":`)) >= blocks
	})
	await(t, "a child for each arm", func() bool { // not between two trials
		s.children = childrenOf(s.command.Process.Pid)
		return len(s.children) == 2
	})
}

// fullPipe is a pipe that takes nothing more: whoever writes there waits.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err == nil {
		t.Cleanup(func() { _, _ = r.Close(), w.Close() })
		err = w.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 1<<22)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the pipe is not full: %v", err)
	}
	return w
}

func (s *started) blocks(t *testing.T) []results.Block {
	t.Helper()
	_, details, err := results.Load(s.results())
	if err != nil {
		t.Fatal(err)
	}
	return details.Blocks
}

func (s *started) results() string { return filepath.Join(s.dir, "results") }

func await(t *testing.T, what string, met func() bool) {
	t.Helper()
	for end := time.Now().Add(patienceOfTests); !met(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", patienceOfTests, what)
		}
	}
}

func childrenOf(pid int) (pids []int32) {
	p, err := psutil.NewProcess(int32(pid))
	if err != nil {
		return nil
	}
	children, _ := p.Children()
	for _, c := range children {
		pids = append(pids, c.Pid)
	}
	return pids
}

// inFolder are the processes that work in a folder. Those of the user alone can be seen,
// which suffices; none where the system does not tell.
func inFolder(dir string) (pids []int32) {
	all, _ := psutil.Pids()
	for _, pid := range all {
		p := &psutil.Process{Pid: pid}
		if at, err := p.Cwd(); err == nil && at == dir {
			pids = append(pids, pid)
		}
	}
	return pids
}

// gone tells whether a process has ended; one that nobody has reaped yet has.
func gone(pid int32) bool {
	p, err := psutil.NewProcess(pid)
	if err != nil {
		return true
	}
	state, err := p.Status()
	return err != nil || len(state) > 0 && state[0] == psutil.Zombie
}

// ends waits for the run to end and checks what every stopped run owes: exit code
// 5, readable results marked incomplete, nothing left behind.
func (s *started) ends(t *testing.T, why string) *results.Run {
	t.Helper()
	_ = s.command.Wait()
	if code := s.command.ProcessState.ExitCode(); code != exitFailed {
		t.Errorf("exit %d (%v)\n%s", code, s.command.ProcessState, s.stderr.String())
	}
	s.endsChildren(t)
	if _, err := os.Stat(filepath.Join(s.results(), workName)); !os.IsNotExist(err) {
		t.Errorf("work folder: %v", err)
	}
	run, details, err := results.Load(s.results())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(run.Incomplete, why) {
		t.Errorf("incomplete %q lacks %q", run.Incomplete, why)
	}
	reports.Summarize(run, details)
	if len(run.Cells) != 2 || run.Cells[0].Rounds == 0 || run.Cells[0].NsOp.Median <= 0 {
		t.Errorf("the blocks are lost: %+v", run.Cells)
	}
	return run
}

// endsChildren waits until no process of the run is left, whichever trial it is of.
func (s *started) endsChildren(t *testing.T) {
	t.Helper()
	for _, pid := range s.children {
		await(t, "a child's end", func() bool { return gone(pid) })
	}
	await(t, "the end of all processes of the run", func() bool { return len(inFolder(s.dir)) == 0 })
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}
	if testing.Short() {
		signals = signals[:1]
	}
	heard := make(chan os.Signal, 1)
	ossignal.Notify(heard, syscall.SIGHUP) // children do not ignore it, even if whoever runs the tests does
	t.Cleanup(func() { ossignal.Stop(heard) })
	for _, signal := range signals {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s := startRun(t, 4)
			if err := s.command.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			s.ends(t, "stopped by signal: "+signal.String())
			kept := map[int]int{}
			for _, b := range s.blocks(t) {
				kept[b.Round]++
			}
			for trial, blocks := range kept {
				if blocks != 2 || trial >= len(kept) {
					t.Errorf("trial %d of %d has %d blocks, want 2", trial, len(kept), blocks)
				}
			}
			for _, name := range []string{"results.json", "report.html", "bench.txt"} {
				if _, err := os.Stat(filepath.Join(s.results(), name)); err != nil {
					t.Error(err)
				}
			}
			if !strings.Contains(s.stderr.String(), "incomplete") {
				t.Errorf("stderr:\n%s", s.stderr.String())
			}
		})
	}
}

// Two signals at once count as one: timeout(1) sends its own to the program and to the group. The
// run was stopped at once, without a summary.
func TestEchoedSignal(t *testing.T) {
	t.Parallel()
	s := startRun(t, 2)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} { // two of a kind may be delivered as one
		if err := s.command.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	s.ends(t, "stopped by signal: ")
	if strings.Contains(s.stderr.String(), "stopped at once") {
		t.Errorf("stderr:\n%s", s.stderr.String())
	}
}

// Raw data that is deleted or changed under way ends the run with that reason, and what was
// measured stays in the summary.
func TestRecordLost(t *testing.T) {
	t.Parallel()
	type loss struct {
		why  string
		harm func(string) error
	}
	for _, c := range some(2, []loss{
		{"/results.jsonl was removed while the run was under way", removeInUse},
		{"results.jsonl was changed by another program while the", func(path string) error { return os.Truncate(path, 9) }},
		{"results.jsonl was removed while the run was under way", os.Remove},
	}) {
		why, harm := c.why, c.harm
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			s := startRun(t, 2)
			if err := harm(filepath.Join(s.results(), rawName)); err != nil {
				t.Fatal(err)
			}
			_ = s.command.Wait()
			if code := s.command.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(s.stderr.String(), why) {
				t.Errorf("exit %d\n%s", code, s.stderr.String())
			}
			s.endsChildren(t)
			run, _, err := results.LoadSummary(filepath.Join(s.results(), summaryName))
			if err != nil || !strings.Contains(run.Incomplete, why) || len(run.Cells) != 2 || run.Cells[0].NsOp.Median <= 0 {
				t.Errorf("%v: %+v", err, run)
			}
		})
	}
}

// removeInUse removes a folder in which the run still makes files.
func removeInUse(path string) (err error) {
	for range 100 {
		if err = os.RemoveAll(filepath.Dir(path)); err == nil {
			break
		}
	}
	return err
}

// The second Ctrl-C ends at once; what was recorded stays, and the last line says where.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	s := &started{dir: t.TempDir()}
	s.start(t, fullPipe(t), 2) // it waits to print its answer, so it has not ended when the second comes
	ended := make(chan struct{})
	go func() { // again and again: two at once would be delivered as one
		for {
			_ = s.command.Process.Signal(os.Interrupt)
			select {
			case <-ended:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	s.ends(t, "")
	close(ended)
	if want := " blocks: rubato report results renders it\n"; !strings.HasSuffix(s.stderr.String(), want) || !strings.Contains(s.stderr.String(), "rubato: stopped at once. results/results.jsonl keeps ") {
		t.Errorf("stderr does not end with %q:\n%s", want, s.stderr.String())
	}
	_ = filepath.WalkDir(s.results(), func(path string, _ fs.DirEntry, _ error) error {
		if strings.HasPrefix(filepath.Base(path), halfWritten) {
			t.Errorf("left behind: %s", path)
		}
		return nil
	})
}

// A child that is killed while its slices are calibrated ends its comparison: there is no trial
// that could be dropped.
func TestKilledBeforeTrials(t *testing.T) {
	t.Parallel()
	kill := func(p *program) {
		meet(t, p.left, func(pid int, goOn func()) { signalTo(t, pid, syscall.SIGKILL); goOn() })
	}
	r := runTiny(t, t.Context(), kill, "journal", "-set", "ink=black", "-styles", "plain,other", "-set", "fault=other/wait/0/0")
	if r.code != exitFailed || r.run.Incomplete != "journal fault=other/wait/0/0 ink=black style other: its process ended during \"block\" (signal: killed)" {
		t.Errorf("exit %d, incomplete %q\n%s", r.code, r.run.Incomplete, r.stderr)
	}
}

// When the runner itself is killed its children end with it.
func TestKilledRunner(t *testing.T) {
	t.Parallel()
	s := startRun(t, 2)
	if err := s.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.command.Wait()
	s.endsChildren(t)
	run, details, err := results.Load(s.results())
	if err != nil || run.Incomplete == "" {
		t.Fatalf("load: %v, incomplete %q", err, run.Incomplete)
	}
	reports.Summarize(run, details)
	if len(run.Cells) != 2 || run.Cells[1].Work.Digest == "" || run.Cells[1].Named == nil {
		t.Errorf("cells of the broken run: %+v", run.Cells)
	}
}

// Beyond 24 kB a file cannot grow here, as on a disk that is full.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := &started{dir: t.TempDir()}
	s.command = exec.Command("bash", "-c", "ulimit -f 24; exec rubato run -quick -out results -seed 3 -styles plain,other count")
	s.command.Dir, s.command.Stdout, s.command.Stderr = s.dir, &s.stdout, &s.stderr
	_ = s.command.Run()
	if code := s.command.ProcessState.ExitCode(); code != exitFailed {
		t.Errorf("exit %v\n%s", s.command.ProcessState, s.stderr.String())
	}
	if !strings.Contains(s.stderr.String(), "file too large") {
		t.Errorf("stderr:\n%s", s.stderr.String())
	}
	if _, err := os.Stat(filepath.Join(s.results(), workName)); !os.IsNotExist(err) {
		t.Errorf("work folder: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(s.results(), ".tmp-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if run, _, err := results.Load(s.results()); err != nil || run.Incomplete == "" {
		t.Errorf("load: %v", err)
	}
}

// A reader that goes away, as in rubato run | head -1, breaks nothing.
func TestClosedStdout(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	t.Parallel()
	dir := t.TempDir()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	command := exec.Command("rubato", "run", "-quick", "-out", "results", "-styles", "plain", "count")
	command.Dir, command.Stdout, command.Stderr = dir, write, write
	_ = command.Run()
	_ = write.Close()
	run, details, err := results.Load(filepath.Join(dir, "results"))
	if err != nil {
		t.Fatal(err)
	}
	reports.Summarize(run, details)
	// On a machine that is busy enough it is inconclusive, which is no failure either.
	if code := command.ProcessState.ExitCode(); code != exitCode(run) || run.Incomplete != "" {
		t.Errorf("%v, incomplete %q", command.ProcessState, run.Incomplete)
	}
	if _, err := os.Stat(filepath.Join(dir, "results", workName)); !os.IsNotExist(err) {
		t.Errorf("work folder: %v", err)
	}
}
