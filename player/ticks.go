package player

import "time"

// Ticks is a time or a span in the player's own unit: 28 224 000 per second, the
// least common multiple of the usual sample rates, so that a sample of any of
// them lasts a whole number. Instants count from 1970-01-01 UTC.
type Ticks int64

const (
	Second Ticks = 28_224_000
	Minute       = 60 * Second
	Hour         = 60 * Minute
	Day          = 24 * Hour
)

// SecondOfDay is the time of day that t falls on, in UTC, from 0 to 86 399.
func (t Ticks) SecondOfDay() int {
	t %= Day
	if t < 0 {
		t += Day
	}
	return int(t / Second)
}

// Duration is t as a time.Duration, cut to whole nanoseconds. It holds 292 years.
func (t Ticks) Duration() time.Duration {
	return time.Duration(t/Second)*time.Second + time.Duration(t%Second)*time.Second/time.Duration(Second)
}
