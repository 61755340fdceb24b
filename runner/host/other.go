//go:build !linux

package host

import (
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"

	"rubato/results"
)

// ChildAttributes puts a child in a process group of its own. Here only its stdin, which
// closes, ends it with the runner.
func ChildAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// AdoptOrphans does nothing: only Linux has it.
func AdoptOrphans() error { return nil }

var started = time.Now()

// ClocksNow has no clock here that goes on while the machine sleeps.
func ClocksNow() Clocks {
	now := time.Now()
	steady := now.Sub(started)
	return Clocks{Steady: steady, Boot: steady, Wall: time.Duration(now.Round(0).UnixNano())}
}

// ThreadCPU is that of the whole process: not every system has it for a thread.
func ThreadCPU() time.Duration { return OwnCPU() }

// ResetPeakRSS does nothing: only Linux lets a process do it.
func ResetPeakRSS() {}

// PeakRSS is the largest RSS in bytes in the whole life of the process.
func PeakRSS() int64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(r.Maxrss) // bytes there, kB elsewhere
	}
	return int64(r.Maxrss) << 10
}

// RSS is 0: it is not measured here.
func RSS() int64 { return 0 }

// hasChildren is false: only children that were waited for are counted here.
func hasChildren() bool { return false }

func descendants() []descendant { return nil }

func descendantsOf(int) []descendant { return nil }

// CPUOf is 0: a process's clock is read from outside only on Linux.
func CPUOf(int) time.Duration { return 0 }

// The counters below are not available on other systems.

func openIO() *os.File { return nil }

func readIO(*os.File, bool) *results.IO { return nil }

func readWaits(fs.FS) map[string]time.Duration { return nil }

func freeSpace(string) (uint64, error) { return 0, nil }
