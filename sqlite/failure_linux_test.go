package sqlite_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"rubato/sqlite"
)

// asNobody runs f without the rights of root, to which no folder is read-only.
// Linux keeps this identity per thread.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		const nobody = 65534
		if err := syscall.Setfsuid(nobody); err != nil {
			t.Fatal(err)
		}
		defer syscall.Setfsuid(0)
	}
	f()
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	path := library(t)
	dir := filepath.Dir(path)
	for p := dir; p != os.TempDir() && p != "/"; p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	asNobody(t, func() {
		if _, err := sqlite.Open(path, sqlite.Options{}); err == nil || !strings.Contains(err.Error(), "must both be writable") {
			t.Errorf("Open: %v", err)
		}
		if err := sqlite.Copy(path, path+".copy"); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("Copy: %v", err)
		}
		if err := sqlite.Make(path+".new", sqlite.Library{Passages: 100}, nil); err == nil || !strings.Contains(err.Error(), "its folder cannot be written") {
			t.Errorf("Make: %v", err)
		}
	})
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("left %v, %v, want the library alone", files, err)
	}
}
