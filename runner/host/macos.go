//go:build unix && !linux

package host

import (
	"runtime"
	"syscall"
)

// ChildAttributes puts a child in a process group of its own. Here only its stdin, which
// closes, ends it with the runner.
func ChildAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

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
