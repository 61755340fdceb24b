package runner

import (
	"time"

	"golang.org/x/sys/unix"
)

// clocksNow reads all three; some 0.1 µs.
func clocksNow() clocks {
	return clocks{steady: clock(unix.CLOCK_MONOTONIC), boot: clock(unix.CLOCK_BOOTTIME), wall: clock(unix.CLOCK_REALTIME)}
}

func clock(id int32) time.Duration {
	var at unix.Timespec
	if err := unix.ClockGettime(id, &at); err != nil {
		return 0 // a kernel without this clock never has it jump
	}
	return time.Duration(at.Nano())
}
