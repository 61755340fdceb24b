package pi

import (
	"archive/tar"
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"rubato/results"
	"rubato/runner/host"
)

// A request is one line to the agent.
type request struct {
	Do   string   `json:"do"`
	Run  string   `json:"run,omitempty"` // name of a run: a folder in runs
	Args []string `json:"args,omitempty"`
	Env  []string `json:"env,omitempty"`
	At   int64    `json:"at,omitempty"` // bytes that we have already
	Sum  string   `json:"sum,omitempty"`
}

// An answer is one line of the agent. Those to "follow" and "send" have data, and the last of them
// is the end.
type answer struct {
	Failed  string           `json:"failed,omitempty"`
	Machine *results.Machine `json:"machine,omitempty"`
	Now     time.Time        `json:"now,omitzero"`
	Sum     string           `json:"sum,omitempty"` // SHA-256 of the binary, or of all that was sent
	Runs    []state          `json:"runs,omitempty"`
	Data    []byte           `json:"data,omitempty"`
	End     bool             `json:"end,omitempty"`
}

// Files of the folder on the device.
const (
	runsName   = "runs"
	activeName = "active" // locked while a run is under way; holds its name
	// Of a run:
	requestName = "request.json"
	logName     = "log"
	answerName  = "answer" // its stdout
	pidName     = "pid"
	endedName   = "ended.json"
	resultName  = "result"
)

// An agent answers requests in a folder on the device, until its stdin ends.
type agent struct {
	dir  string
	self string // the binary
	to   io.Writer
	mu   sync.Mutex
}

// serveAgent is the command pi -agent.
func serveAgent(in io.Reader, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	a := &agent{dir: dir, self: self, to: out}
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		wait.Go(func() { // "stop" comes while "follow" goes on
			if err := a.do(ctx, r); err != nil && ctx.Err() == nil {
				a.say(answer{Failed: err.Error()})
			}
		})
	}
	return lines.Err()
}

func (a *agent) say(said answer) {
	data, err := json.Marshal(said)
	if err != nil {
		data = []byte(`{"failed":"cannot write its answer"}`)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	_, _ = fmt.Fprintf(a.to, "%s%s\n", mark, data) // a connection that broke also ends stdin
}

func (a *agent) do(ctx context.Context, r request) error {
	run := filepath.Join(a.dir, runsName, r.Run)
	if r.Run != "" && filepath.Base(run) != r.Run {
		return fmt.Errorf("%q is no name of a run", r.Run)
	}
	switch r.Do {
	case "check":
		return a.check()
	case "list":
		runs, err := a.list()
		a.say(answer{Runs: runs, End: true})
		return err
	case "start":
		return a.start(run, r)
	case "stop":
		return a.signal(ctx, run, syscall.SIGINT)
	case "kill":
		return a.signal(ctx, run, syscall.SIGTERM)
	case "follow":
		return a.follow(ctx, run, r.At)
	case "send":
		return a.send(run, r.At)
	case "forget":
		return a.forget(run, r.Sum)
	}
	return fmt.Errorf("does not know the request %q", r.Do)
}

// check says what the device is, and that this binary arrived whole.
func (a *agent) check() error {
	var m results.Machine
	host.ReadMachine(&m, nil)
	disk, err := host.ReadDisk(a.dir)
	if err != nil {
		return err
	}
	m.Disk = &disk
	file, err := os.Open(a.self)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	a.say(answer{Machine: &m, Now: time.Now(), Sum: hex.EncodeToString(sum.Sum(nil)), End: true})
	return nil
}

// list are the runs, the oldest first.
func (a *agent) list() ([]state, error) {
	entries, err := os.ReadDir(filepath.Join(a.dir, runsName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var runs []state
	for _, e := range entries {
		if s, err := readState(filepath.Join(a.dir, runsName, e.Name())); err == nil {
			runs = append(runs, s)
		}
	}
	slices.SortStableFunc(runs, func(x, y state) int {
		return cmp.Or(x.Started.Compare(y.Started), strings.Compare(x.Run, y.Run))
	})
	return runs, nil
}

// followEvery is how often the log is looked at: seldom, since a run is being measured.
const followEvery = time.Second

// follow sends the log from a byte on, as it grows, and at the end of the run its state.
func (a *agent) follow(ctx context.Context, run string, at int64) error {
	log, err := os.Open(filepath.Join(run, logName))
	if err != nil {
		return err
	}
	defer log.Close()
	if _, err := log.Seek(at, io.SeekStart); err != nil {
		return err
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		s, err := readState(run) // before the log: what was written before the end is not missed
		if err != nil {
			return err
		}
		if err := a.copy(log); err != nil {
			return err
		}
		if !s.Running {
			a.say(answer{Runs: []state{s}, End: true})
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// copy says all of a file that is left.
func (a *agent) copy(from io.Reader) error {
	_, err := io.Copy(sayer{a}, from)
	return err
}

// A sayer sends what is written to it as data.
type sayer struct{ a *agent }

const chunk = 32 << 10

func (s sayer) Write(data []byte) (int, error) {
	for part := range slices.Chunk(data, chunk) {
		s.a.say(answer{Data: part})
	}
	return len(data), nil
}

// A skipper leaves out the first bytes.
type skipper struct {
	left int64
	to   io.Writer
}

func (s *skipper) Write(data []byte) (int, error) {
	n := min(int64(len(data)), s.left)
	s.left -= n
	if _, err := s.to.Write(data[n:]); err != nil {
		return 0, err
	}
	return len(data), nil
}

// send sends the results as an archive from a byte on, and then the checksum of all of it. The
// same results always make the same archive.
func (a *agent) send(run string, at int64) error {
	s, err := readState(run)
	if err != nil {
		return err
	}
	if s.Running {
		return errors.New("is still running it")
	}
	sum := sha256.New()
	out := bufio.NewWriterSize(sayer{a}, chunk)
	if err := archive(io.MultiWriter(sum, &skipper{at, out}), filepath.Join(run, resultName)); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	a.say(answer{Sum: hex.EncodeToString(sum.Sum(nil)), End: true})
	return nil
}

// archive writes the files of a folder, without those that a run works with.
func archive(to io.Writer, dir string) error {
	out := tar.NewWriter(to)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path == ".work":
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		}
		file, err := root.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		if err := out.WriteHeader(&tar.Header{Name: path, Size: info.Size(), Mode: 0o644, Format: tar.FormatPAX}); err != nil {
			return err
		}
		_, err = io.Copy(out, file)
		return err
	})
	return errors.Join(err, out.Close())
}

// forget removes a run whose results have arrived: the checksum says so. One without results
// can go, too.
func (a *agent) forget(run, sum string) error {
	s, err := readState(run)
	if err != nil {
		a.say(answer{End: true}) // it is gone: the answer to the first request was lost
		return nil
	}
	if s.Running {
		return errors.New("is still running it")
	}
	if s.Results {
		own := sha256.New()
		if err := archive(own, filepath.Join(run, resultName)); err != nil {
			return err
		}
		if hex.EncodeToString(own.Sum(nil)) != sum {
			return errors.New("keeps the results: what arrived is not what it has")
		}
	}
	if err := os.RemoveAll(run); err != nil {
		return err
	}
	a.say(answer{End: true})
	return nil
}

// tidy removes binaries of earlier runs. Nothing runs now that could need one.
func (a *agent) tidy() {
	old, _ := filepath.Glob(filepath.Join(a.dir, binaryPrefix+"*"))
	for _, path := range old {
		if filepath.Base(path) != filepath.Base(a.self) {
			_ = os.Remove(path) // it only takes space
		}
	}
}
