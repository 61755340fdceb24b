//go:build !linux

package runner

import (
	"runtime"
	"syscall"
)

// childAttributes puts a child in a process group of its own. Its end with the
// runner hangs on its stdin alone here.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// forgetPeak does nothing: no other system lets a process do it.
func forgetPeak() {}

// peakRSS is the largest RSS in bytes of the process's life.
func peakRSS() int64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(r.Maxrss) // bytes there, kB elsewhere
	}
	return int64(r.Maxrss) << 10
}
