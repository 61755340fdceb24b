package audio

import (
	"time"

	"golang.org/x/sys/unix"
)

// NewClock returns a clock that starts now, and a function that waits until a time on it.
// The wait is clock_nanosleep to an absolute time: Go's timers are 0.4 ms later in the
// median, and drift.
func NewClock() (now func() time.Duration, until func(time.Duration)) {
	began, base := sameInstant()
	now = func() time.Duration { return time.Since(began) }
	return now, func(d time.Duration) {
		at := unix.NsecToTimespec(base + int64(d))
		for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &at, nil) == unix.EINTR {
			continue
		}
	}
}

// sameInstant is one instant on Go's clock and on the system's. Of several readings it
// takes the one where both are closest, since their difference would look like lateness.
func sameInstant() (began time.Time, base int64) {
	closest := time.Hour
	for range 16 {
		var at unix.Timespec
		before := time.Now()
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &at) // every Linux has it
		if between := time.Since(before); between < closest {
			began, base, closest = before.Add(between/2), at.Nano(), between
		}
	}
	return began, base
}
