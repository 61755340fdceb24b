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
	if got.Batch != 1 || got.Window != 256 || got.Timeout != 5*time.Second || got.Placement.Transport != "tcp" || got.Trace.On || got.Verbatim {
		t.Errorf("defaults %+v", got)
	}
	set := Config{Batch: 9, Window: 10, Timeout: time.Minute, Placement: Placement{Transport: "pipe"}, Dispatch: Queued, Rules: 5, Pace: Limited}
	if got := set.Defaults(); !reflect.DeepEqual(got, set) {
		t.Errorf("defaults change what is set: %+v", got)
	}
	if got := (Config{Batch: 1000, Window: 10}).Defaults(); got.Window != 1000 {
		t.Errorf("a window of %d can never fill a batch of 1000", got.Window)
	}
}
