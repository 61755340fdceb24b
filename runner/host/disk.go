package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rubato/results"
)

// ErrLocked: another process has locked the file.
var ErrLocked = errors.New("locked by another process")

// syncs is how many times ReadDisk writes and syncs; their median is its answer.
const syncs = 20

// ReadDisk says on what a folder stands, and how long it takes to make 4 kB durable there: some
// 0.1 s on an SSD, up to 2 s on a microSD card. Its file is gone when it returns.
func ReadDisk(folder string) (results.Disk, error) {
	var d results.Disk
	path, err := filepath.Abs(folder)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err == nil {
		d.Free, err = freeSpace(path)
	}
	if err == nil {
		d.Fsync, err = medianFsync(path)
	}
	if err != nil {
		return results.Disk{}, fmt.Errorf("reading the disk of %s: %w", folder, err)
	}
	d.Device, d.FileSystem = mounted(os.DirFS("/"), path)
	return d, nil
}

func medianFsync(folder string) (time.Duration, error) {
	file, err := os.CreateTemp(folder, ".fsync-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	page := make([]byte, 4096)
	took := make([]time.Duration, syncs)
	for i := range took {
		start := time.Now()
		if _, err := file.WriteAt(page, int64(i*len(page))); err != nil {
			return 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, err
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return (took[syncs/2-1] + took[syncs/2]) / 2, nil
}

// mounted is the device and the type of the file system that holds an absolute path, as Linux
// tells it; empty elsewhere.
func mounted(root fs.FS, path string) (device, kind string) {
	longest := -1
	for line := range strings.Lines(textOf(root, "proc/self/mountinfo")) {
		before, after, found := strings.Cut(line, " - ")
		place, what := strings.Fields(before), strings.Fields(after)
		if !found || len(place) < 5 || len(what) < 2 {
			continue
		}
		point := unescaped.Replace(place[4])
		inside := point == "/" || path == point || strings.HasPrefix(path, point+"/")
		if inside && len(point) >= longest { // of two at one point the later hides the earlier
			longest, kind, device = len(point), what[0], unescaped.Replace(what[1])
		}
	}
	return device, kind
}

// unescaped undoes what the kernel writes for the characters that separate fields.
var unescaped = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
