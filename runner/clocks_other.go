//go:build !linux

package runner

import "time"

var started = time.Now()

// clocksNow has no clock here that goes on while the machine sleeps.
func clocksNow() clocks {
	now := time.Now()
	steady := now.Sub(started)
	return clocks{steady: steady, boot: steady, wall: time.Duration(now.Round(0).UnixNano())}
}
