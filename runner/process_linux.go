package runner

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// childAttributes puts a child in a process group of its own, so that Ctrl-C
// reaches the runner first and the group can be ended whole; and has the kernel
// end it with the runner, whatever the runner dies of.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// forgetPeak makes the present RSS the peak. Where the kernel cannot, the peak
// stays that of the process's life.
func forgetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// peakRSS is the largest RSS in bytes since forgetPeak. getrusage would not do: a
// process inherits its parent's peak there.
func peakRSS() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}
