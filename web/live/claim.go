package live

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rubato/runner/host"
)

// claimFile says who serves a data folder. It is locked while that lasts, so one that a crash
// left behind claims nothing.
const claimFile = "serving"

// claim reserves a data folder for this process. release gives it back.
func claim(folder, address string) (release func() error, err error) {
	path := filepath.Join(folder, claimFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot use the data folder: %w; give another -data", err)
	}
	err = host.TryLock(f, false)
	if errors.Is(err, host.ErrLocked) {
		f.Close()
		who, _ := os.ReadFile(path)
		return nil, fmt.Errorf("the data folder %s is in use by %s: stop that one, or give another -data", folder, strings.TrimSpace(string(who)))
	}
	// A file system without locks cannot say who else is there.
	if here, gone := os.Stat(path); err == nil && (gone != nil || !sameFile(f, here)) { // who had it has just left
		f.Close()
		return claim(folder, address)
	}
	if err := errors.Join(f.Truncate(0), write(f, fmt.Sprintf("process %d, which serves it at %s\n", os.Getpid(), address))); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot use the data folder: %w", err), f.Close())
	}
	return func() error { return errors.Join(os.Remove(path), f.Close()) }, nil
}

func write(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

func sameFile(f *os.File, at os.FileInfo) bool {
	own, err := f.Stat()
	return err == nil && os.SameFile(own, at)
}
