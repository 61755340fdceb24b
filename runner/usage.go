package runner

import (
	"syscall"
	"time"
)

// usage is what this process has used since it started: getrusage, which counts
// precisely, where gopsutil sees ticks of 10 ms.
type usage struct {
	user, system           time.Duration
	voluntary, involuntary int64
}

func (u usage) cpu() time.Duration { return u.user + u.system }

func usageNow() usage {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return usage{} // cannot fail with these arguments
	}
	return usage{
		user:        time.Duration(r.Utime.Nano()),
		system:      time.Duration(r.Stime.Nano()),
		voluntary:   int64(r.Nvcsw),
		involuntary: int64(r.Nivcsw),
	}
}
