package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"rubato/results"
)

// Names inside the folder of a run. Those that reports writes are its own.
const (
	rawName      = "results.jsonl"
	summaryName  = "results.json"
	profilesName = "profiles"
	keptName     = "kept" // what workloads keep, a folder each
	workName     = ".work"
	defaultOut   = "out"
	latestName   = "latest"
)

// A folder is where a run writes its results.
type folder struct {
	path string // absolute
	show string // as the user would type it
	work string // absolute; on the same disk; gone at the end, whatever the end is
	dup  bool   // named by the time: latest beside it will point to it
}

// checkOut rejects a folder that holds a run already: results are not overwritten.
func checkOut(out string) error {
	if out == "" {
		return nil
	}
	for _, name := range []string{rawName, summaryName} {
		if _, err := os.Lstat(filepath.Join(out, name)); err == nil {
			return usagef("%s holds a run already (%s): choose another -out, or remove it", out, name)
		}
	}
	return nil
}

// makeFolder makes the folder and those inside it.
func makeFolder(out string, now time.Time) (f folder, err error) {
	f = folder{show: out}
	if out == "" {
		f.dup = true
		if f.show, err = makeTimed(now); err != nil {
			return folder{}, fmt.Errorf("making a folder for the results: %w", err)
		}
	}
	if f.path, err = filepath.Abs(f.show); err != nil {
		return folder{}, err
	}
	f.work = filepath.Join(f.path, workName)
	for _, dir := range []string{filepath.Join(f.work, "tmp"), filepath.Join(f.path, profilesName)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return folder{}, fmt.Errorf("making a folder for the results: %w", errors.Join(err, os.RemoveAll(f.work)))
		}
	}
	return f, nil
}

// makeTimed makes a folder named by the time; of two in the same second the later
// gets a number.
func makeTimed(now time.Time) (string, error) {
	if err := os.MkdirAll(defaultOut, 0o755); err != nil {
		return "", err
	}
	stamp := filepath.Join(defaultOut, now.UTC().Format("20060102T150405Z"))
	for i := range 100 {
		path := stamp
		if i > 0 {
			path += "-" + strconv.Itoa(i+1)
		}
		err := os.Mkdir(path, 0o755)
		if !errors.Is(err, fs.ErrExist) {
			return path, err
		}
	}
	return "", fmt.Errorf("%s exists a hundred times: name a folder with -out", stamp)
}

// pointLatest makes latest point to the folder, in one step.
func (f folder) pointLatest() error {
	if !f.dup {
		return nil
	}
	next := f.path + "." + latestName
	if err := os.Symlink(filepath.Base(f.path), next); err != nil {
		return err
	}
	err := os.Rename(next, filepath.Join(filepath.Dir(f.path), latestName))
	if err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return nil
}

// A record is results.jsonl while it grows. Every line is written at once, so a broken run
// keeps what it had. It is not synced: that would load the disk that is being measured,
// and a crash of the runner loses nothing.
type record struct {
	mu      sync.Mutex
	file    io.WriteCloser
	details results.Details
	err     error // the first failure; nothing is written after it
}

func openRecord(dir string) (*record, error) {
	file, err := os.OpenFile(filepath.Join(dir, rawName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the results: %w", err)
	}
	return &record{file: file}, nil
}

// add writes a line and keeps it for the summary.
func (r *record) add(line results.Line) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	if err := writeLine(r.file, line); err != nil {
		r.err = fmt.Errorf("writing the results: %w", err)
		return r.err
	}
	switch {
	case line.Block != nil:
		r.details.Blocks = append(r.details.Blocks, *line.Block)
	case line.Sample != nil:
		r.details.Samples = append(r.details.Samples, *line.Sample)
	case line.Profile != nil:
		r.details.Profiles = append(r.details.Profiles, *line.Profile)
	}
	return nil
}

// blocks are the blocks so far. Callers must not change them.
func (r *record) blocks() []results.Block {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.details.Blocks
}

// finish writes the summary as the last line.
func (r *record) finish(run *results.Run) error {
	err := r.add(results.Line{Run: run})
	return errors.Join(err, r.file.Close())
}
