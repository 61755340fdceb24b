package host

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestMounted(t *testing.T) {
	t.Parallel()
	root := files(map[string]string{"proc/self/mountinfo": `22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw
23 22 0:20 / /tmp rw shared:2 - tmpfs tmpfs rw
24 22 8:1 / /media/my\040disk rw - vfat /dev/sda1 rw
25 22 8:2 / /home rw master:3 - ext4 /dev/sdb1 rw
26 25 0:30 / /home rw - overlay over rw
half a line
`})
	for path, want := range map[string][2]string{
		"/":                   {"/dev/mmcblk0p2", "ext4"},
		"/var/lib":            {"/dev/mmcblk0p2", "ext4"},
		"/tmp":                {"tmpfs", "tmpfs"},
		"/tmpfiles":           {"/dev/mmcblk0p2", "ext4"},
		"/media/my disk/runs": {"/dev/sda1", "vfat"},
		"/home/pi":            {"over", "overlay"},
	} {
		if device, kind := mounted(root, path); device != want[0] || kind != want[1] {
			t.Errorf("%s: %s %s, want %s", path, device, kind, want)
		}
	}
	if device, kind := mounted(files(nil), "/"); device != "" || kind != "" {
		t.Errorf("without mountinfo: %q %q", device, kind)
	}
}

func TestReadDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	got, err := ReadDisk(dir)
	if err != nil || got.Free == 0 || got.Fsync <= 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := ReadDisk(dir + "/missing"); err == nil {
		t.Error("a folder that does not exist has a disk")
	}
}

// TestTryLock: one may have it alone, several may share it, and closing gives it back.
func TestTryLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	first, second, third := open(), open(), open()
	if err := errors.Join(TryLock(first, true), TryLock(second, true)); err != nil {
		t.Errorf("two share: %v", err)
	}
	if err := TryLock(third, false); !errors.Is(err, ErrLocked) {
		t.Errorf("alone beside two: %v, want ErrLocked", err)
	}
	_, _ = first.Close(), second.Close()
	if err := TryLock(third, false); err != nil {
		t.Errorf("alone: %v", err)
	}
	if err := TryLock(open(), true); !errors.Is(err, ErrLocked) {
		t.Errorf("shared beside one alone: %v, want ErrLocked", err)
	}
}
