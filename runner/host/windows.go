//go:build windows

package host

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
)

// FD is an open file as system calls take it.
type FD = syscall.Handle

// CannotRun says why nothing can be measured on this system: a wrong figure is worse than none.
func CannotRun() error {
	return errors.New("Windows cannot be measured: a process inherits no pipes for its turns there, cannot be ended with all that it started, " +
		"and its CPU time is counted in ticks of 15.6 ms. Measure on Linux, or in WSL 2. What reads results works here: report, verify, gate, compare, baseline")
}

// The signals of SignalGroup, which has none here.
const (
	Kill   = syscall.SIGKILL
	Pause  = syscall.Signal(19)
	Resume = syscall.Signal(18)
)

// SignalGroup fails: Windows has no groups of processes that can be signalled.
func SignalGroup(int, syscall.Signal) error { return syscall.EWINDOWS }

// KillChild kills a child, and nothing that it has started.
func KillChild(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}

func ChildAttributes() *syscall.SysProcAttr { return nil }

func SessionAttributes() *syscall.SysProcAttr { return nil }

// Sync does nothing.
func Sync() {}

// lockAt is behind the end of every file: others can read what is locked.
const lockAt = 1 << 30 // of 4 GB

// TryLock locks an open file, alone or shared, until it is closed or the process has ended. The
// error is ErrLocked if another process has it.
func TryLock(f *os.File, shared bool) error {
	how := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if !shared {
		how |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	err := windows.LockFileEx(windows.Handle(f.Fd()), how, 0, 1, 0, &windows.Overlapped{OffsetHigh: lockAt})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return err
}

// PeakRSS is 0: it is not measured here.
func PeakRSS() int64 { return 0 }

// Whose usage usageOf tells.
const (
	ofSelf     = 0
	ofChildren = -1
)

// usageOf is the CPU time of this process, in ticks. That of children is not told.
func usageOf(who int) Usage {
	var created, exited, system, user syscall.Filetime
	process, err := syscall.GetCurrentProcess()
	if err == nil {
		err = syscall.GetProcessTimes(process, &created, &exited, &system, &user)
	}
	if err != nil || who != ofSelf {
		return Usage{}
	}
	lasted := func(t syscall.Filetime) time.Duration {
		return time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime)) * 100 // units of 100 ns
	}
	return Usage{User: lasted(user), System: lasted(system)}
}

func freeSpace(string) (uint64, error) { return 0, nil }
