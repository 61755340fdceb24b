package player

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"
)

func TestCodeOf(t *testing.T) {
	t.Parallel()
	full := fail(QueueFull, "queue: enqueue", errors.New("100 passages wait"))
	for name, c := range map[string]struct {
		err  error
		want Code
	}{
		"nil":            {nil, ""},
		"bare":           {full, QueueFull},
		"wrapped":        {fmt.Errorf("while refilling: %w", full), QueueFull},
		"joined":         {errors.Join(errors.New("first"), full), QueueFull},
		"outermost wins": {fail(Invalid, "stimulus", full), Invalid},
		"foreign":        {errors.New("no code"), Unavailable},
		"closed":         {ErrClosed, Closed},
		"unknown":        {Unknown(Stimulus{Kind: 99}), Invalid},
	} {
		if got := CodeOf(c.err); got != c.want {
			t.Errorf("%s: code %q, want %q", name, got, c.want)
		}
	}
	if got := full.Error(); got != "queue: enqueue: queue-full: 100 passages wait" {
		t.Errorf("text %q", got)
	}
	if got := ErrClosed.Error(); got != "player: closed" {
		t.Errorf("text %q", got)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	got := Config{}.Defaults()
	if got.Batch != 1 || got.Window != 256 || got.Timeout != 5*time.Second || got.Placement != (Placement{Transport: "tcp", Codec: "json", Delivery: "core", Replicas: 1, Share: "nothing", Envelope: "header", Flush: "auto", Broadcast: "overlapped", Flavor: "once"}) || got.Trace.On || got.Verbatim {
		t.Errorf("defaults %+v", got)
	}
	set := Config{Batch: 9, Window: 10, Timeout: time.Minute, Placement: Placement{Transport: "pipe", Codec: "msgpack", Delivery: "jetstream-file", Replicas: 3, Share: "outcomes", Envelope: "header", Flush: "each", Broadcast: "awaited", Flavor: "twice", Dir: "here"}, Dispatch: Queued, Rules: 5, Pace: Limited}
	if got := set.Defaults(); !reflect.DeepEqual(got, set) {
		t.Errorf("defaults change what is set: %+v", got)
	}
	if got := (Config{Batch: 1000, Window: 10}).Defaults(); got.Window != 1000 {
		t.Errorf("a window of %d can never fill a batch of 1000", got.Window)
	}
}

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
