//go:build !linux

package audio

import "time"

// newClock returns a clock that begins now, and what waits until it shows a time.
// Without clock_nanosleep it is a timer, which is later and is told by a channel.
func newClock() (now func() time.Duration, until func(time.Duration)) {
	began := time.Now()
	now = func() time.Duration { return time.Since(began) }
	timer := time.NewTimer(0)
	<-timer.C
	return now, func(d time.Duration) {
		timer.Reset(d - now())
		<-timer.C
	}
}
