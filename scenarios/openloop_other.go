//go:build !linux

package scenarios

import "time"

// newAlarm returns what waits until a time. Without clock_nanosleep it is a timer,
// which is later.
func newAlarm() func(time.Time) {
	timer := time.NewTimer(0)
	<-timer.C
	return func(at time.Time) {
		timer.Reset(time.Until(at))
		<-timer.C
	}
}

// cpuTime is 0: CPU is not measured here, and left out of the figures.
func cpuTime() time.Duration { return 0 }
