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
	"syscall"
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

// longestOut is how long the path of the folder may be, in bytes. SQLite takes no path over
// 512, and the paths of what workloads keep hold all named options.
const longestOut = 320

// checkOut rejects a folder that holds a run already, since results are not overwritten, and
// one whose path is too long for the files below it.
func checkOut(out string) error {
	if out == "" {
		return nil
	}
	if path, err := filepath.Abs(out); err == nil && len(path) > longestOut {
		return usagef("-out is too long: its path has %d bytes, and at most %d leave room for the files below it: %s", len(path), longestOut, path)
	}
	for _, name := range []string{rawName, summaryName} {
		if _, err := os.Lstat(filepath.Join(out, name)); err == nil {
			return usagef("%s holds a run already (%s): choose another -out, or remove it", out, name)
		}
	}
	return nil
}

// makeFolder makes the folder and those inside it. A named one that cannot be made is the
// user's to correct, unless the disk is full.
func makeFolder(out string, now time.Time) (f folder, err error) {
	f = folder{show: out, dup: out == ""}
	if f.dup {
		f.show, err = makeTimed(now)
	}
	if err == nil {
		f.path, err = filepath.Abs(f.show)
	}
	f.work = filepath.Join(f.path, workName)
	for _, dir := range []string{filepath.Join(f.work, "tmp"), filepath.Join(f.path, profilesName)} {
		if err == nil {
			err = os.MkdirAll(dir, 0o755)
		}
	}
	if err == nil {
		return f, nil
	}
	if f.path != "" {
		_ = os.RemoveAll(f.work) // what could not be made is the news
	}
	if err = fmt.Errorf("making a folder for the results: %w", err); !f.dup && !errors.Is(err, syscall.ENOSPC) {
		err = usageError{err}
	}
	return folder{}, err
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

// pointLatest makes latest point to the folder, in one step. It fails where there are no
// links, or where latest is a folder.
func (f folder) pointLatest() error {
	if !f.dup {
		return nil
	}
	next := f.path + "." + latestName
	err := os.Symlink(filepath.Base(f.path), next)
	if err == nil {
		if err = os.Rename(next, filepath.Join(filepath.Dir(f.path), latestName)); err != nil {
			err = errors.Join(err, os.Remove(next))
		}
	}
	if err != nil {
		return fmt.Errorf("%s does not point to this run: %w", filepath.Join(filepath.Dir(f.show), latestName), err)
	}
	return nil
}

// A record is results.jsonl while it grows. Every line is written at once, so a broken run
// keeps what it had. It is synced between comparisons, so that a power cut costs at most one
// of them; within one, that would load the disk that is being measured.
type record struct {
	mu      sync.Mutex
	file    *os.File
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
	if r.err = r.intact(); r.err != nil {
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

// intact fails if the file is no longer what was written: SQLite, a child or the disk may
// then give a reason that is only a consequence. What is not a regular file cannot be checked.
func (r *record) intact() error {
	own, err := r.file.Stat()
	if err != nil || !own.Mode().IsRegular() {
		return err
	}
	written, err := r.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	now, err := os.Stat(r.file.Name())
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(own, now):
		return fmt.Errorf("%s was removed while the run was under way", r.file.Name())
	case err == nil && own.Size() != written:
		return fmt.Errorf("%s was changed by another program while the run was under way", r.file.Name())
	}
	return err
}

// sync makes the lines so far durable.
func (r *record) sync() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		if err := r.file.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // a pipe or /dev/null cannot
			r.err = fmt.Errorf("making the results durable: %w", err)
		}
	}
	return r.err
}

// lost is why the record cannot go on; nil: it can.
func (r *record) lost() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = r.intact()
	}
	return r.err
}

// halt lets no line be written any more, and returns the number of blocks so far. A program
// calls it before it exits at once.
func (r *record) halt() int {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	return len(r.details.Blocks)
}

// blocks are the blocks so far. Callers must not change them.
func (r *record) blocks() []results.Block {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.details.Blocks
}

// finish writes the summary as the last line.
func (r *record) finish(run *results.Run) error {
	if err := r.add(results.Line{Run: run}); err != nil {
		_ = r.file.Close() // the first failure is the news
		return err
	}
	return r.file.Close()
}
