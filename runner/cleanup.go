package runner

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"rubato/reports"
)

// halfWritten begins the name of a file that reports has not finished yet.
const halfWritten = ".tmp-"

// leftovers are what must be gone when the program ends, even when it ends in a
// hurry: processes, and the folder they work in.
type leftovers struct {
	mu        sync.Mutex
	processes map[*process]bool
	out       string // the folder of the run
	work      string
}

func (l *leftovers) add(p *process) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.processes == nil {
		l.processes = map[*process]bool{}
	}
	l.processes[p] = true
}

func (l *leftovers) drop(p *process) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.processes, p)
}

func (l *leftovers) in(f folder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out, l.work = f.path, f.work
}

// clear ends the processes by force and removes the folder. What cannot be removed
// is said: the user has to do it.
func (l *leftovers) clear() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.processes {
		p.kill()
	}
	if l.work == "" {
		return nil
	}
	return os.RemoveAll(l.work)
}

// sweep clears, and removes files that were half written: for an end in a hurry, as
// rendering does it itself when it has the time.
func (l *leftovers) sweep() error {
	err := l.clear()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out == "" {
		return err
	}
	return errors.Join(err, removeHalfWritten(l.out))
}

// halt has the report begin no further file. One that a slow disk holds up is removed.
func halt() {
	halted := make(chan struct{})
	go func() {
		defer close(halted)
		reports.Halt()
	}()
	select {
	case <-halted:
	case <-time.After(2 * time.Second):
	}
}

func removeHalfWritten(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(entry.Name(), halfWritten) {
			err = os.Remove(path)
		}
		if errors.Is(err, fs.ErrNotExist) { // it was finished meanwhile
			return nil
		}
		return err
	})
}
