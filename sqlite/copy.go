package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Copy gives a style a library of its own: a copy at to, where nothing may be
// yet, of the library at from, which nobody may have open.
func Copy(from, to string) error {
	if err := settled(from); err != nil {
		return err
	}
	if err := vacant(to); err != nil {
		return err
	}
	if err := copyFile(from, to); err != nil {
		return fmt.Errorf("sqlite: copy library: %w", err)
	}
	return nil
}

// settled refuses a library whose write-ahead log still holds commits: a copy of
// the file alone would lack them.
func settled(path string) error {
	if err := plain(path); err != nil {
		return err
	}
	wal := path + "-wal"
	if info, err := os.Stat(wal); err == nil && info.Size() > 0 {
		return fmt.Errorf("sqlite: %s holds commits that %s lacks: close whoever has it open, or open and close it once", wal, path)
	}
	return nil
}

// copyFile waits until the copy is on disk, or else the system would write it
// back later, while something is measured.
func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	if err == nil {
		err = target.Sync()
	}
	if err = errors.Join(err, target.Close()); err != nil {
		err = errors.Join(err, os.Remove(to))
	}
	return err
}
