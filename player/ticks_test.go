package player

import (
	"testing"
	"time"
)

func TestSecondOfDay(t *testing.T) {
	t.Parallel()
	for at, want := range map[Ticks]int{
		0: 0, 1: 0, Second - 1: 0, Second: 1, Day - 1: 86_399, Day: 0, 20_000*Day + 13*Hour: 46_800,
		-1: 86_399, -Second: 86_399, -Second - 1: 86_398, -Day: 0, -Day - 1: 86_399,
	} {
		if got := at.SecondOfDay(); got != want {
			t.Errorf("%d: second %d, want %d", at, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for span, want := range map[Ticks]time.Duration{
		0: 0, 1: 35, Second: time.Second, -Second: -time.Second, Second + Second/2: 1500 * time.Millisecond,
		640: 22_675 * time.Nanosecond, 365 * Day: 365 * 24 * time.Hour, Second - 1: time.Second - 36,
	} {
		if got := span.Duration(); got != want {
			t.Errorf("%d ticks: %d ns, want %d", span, got, want)
		}
	}
}

// A sample of each usual rate lasts a whole number of ticks.
func TestSecondDivides(t *testing.T) {
	t.Parallel()
	for _, rate := range []Ticks{8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000} {
		if Second%rate != 0 {
			t.Errorf("a second is no whole number of samples at %d Hz", rate)
		}
	}
	if Second/44_100 != 640 {
		t.Errorf("%d ticks a sample at 44.1 kHz, want 640", Second/44_100)
	}
}
