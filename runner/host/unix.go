//go:build unix

package host

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// FD is an open file as system calls take it.
type FD = int

// CannotRun says why nothing can be measured on this system; nil: it can.
func CannotRun() error { return nil }

// The signals of SignalGroup.
const (
	Kill   = syscall.SIGKILL
	Pause  = syscall.SIGSTOP
	Resume = syscall.SIGCONT
)

// SignalGroup signals a process that was started with ChildAttributes, and all of its group.
func SignalGroup(leader int, s syscall.Signal) error { return syscall.Kill(-leader, s) }

// KillChild kills a child, its process group, and what has left that group and still descends from it.
// That is known on Linux only.
func KillChild(pid int) {
	for _, d := range descendantsOf(pid) {
		_ = syscall.Kill(d.pid, syscall.SIGKILL)
	}
	_ = SignalGroup(pid, Kill)
}

// SessionAttributes put a process into a session of its own, which the end of ours does not end.
func SessionAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// Sync makes durable what was written.
func Sync() { unix.Sync() }

// TryLock locks an open file, alone or shared, until it is closed or the process has ended. The
// error is ErrLocked if another process has it.
func TryLock(f *os.File, shared bool) error {
	how := syscall.LOCK_EX
	if shared {
		how = syscall.LOCK_SH
	}
	err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

// Whose usage usageOf tells.
const (
	ofSelf     = syscall.RUSAGE_SELF
	ofChildren = syscall.RUSAGE_CHILDREN
)

// usageOf is that of this process, or of the children that it has waited for.
func usageOf(who int) Usage {
	var r syscall.Rusage
	if err := syscall.Getrusage(who, &r); err != nil {
		return Usage{} // cannot fail with these arguments
	}
	return Usage{
		User:        time.Duration(r.Utime.Nano()),
		System:      time.Duration(r.Stime.Nano()),
		Voluntary:   int64(r.Nvcsw),
		Involuntary: int64(r.Nivcsw),
		MinorFaults: int64(r.Minflt),
		MajorFaults: int64(r.Majflt),
	}
}

// freeSpace is what a user who is not root may still write, in bytes.
func freeSpace(path string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil
}
