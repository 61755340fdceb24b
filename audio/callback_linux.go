package audio

import (
	"time"

	"golang.org/x/sys/unix"
)

// newClock returns a clock that begins now, and what waits until it shows a time.
// The wait is clock_nanosleep to an absolute time: Go's own timers come 0.4 ms later
// in the median, and have no deadline that does not drift.
func newClock() (now func() time.Duration, until func(time.Duration)) {
	began, base := sameInstant()
	now = func() time.Duration { return time.Since(began) }
	return now, func(d time.Duration) {
		at := unix.NsecToTimespec(base + int64(d))
		for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &at, nil) == unix.EINTR {
			continue
		}
	}
}

// sameInstant is one instant on Go's clock and on the system's. It is read again and
// again, and the closest reading taken: what lies between would be lateness.
func sameInstant() (began time.Time, base int64) {
	closest := time.Hour
	for range 16 {
		var at unix.Timespec
		before := time.Now()
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &at) // which every Linux has
		if between := time.Since(before); between < closest {
			began, base, closest = before.Add(between/2), at.Nano(), between
		}
	}
	return began, base
}
