//go:build !linux

package audio

import "time"

// NewClock returns a clock that starts now, and a function that waits until a time on it.
// Without clock_nanosleep the wait is a timer, which is less exact.
func NewClock() (now func() time.Duration, until func(time.Duration)) {
	began := time.Now()
	now = func() time.Duration { return time.Since(began) }
	timer := time.NewTimer(0)
	<-timer.C
	return now, func(d time.Duration) {
		timer.Reset(d - now())
		<-timer.C
	}
}
