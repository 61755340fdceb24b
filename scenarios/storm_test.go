package scenarios

import (
	"testing"
	"time"

	"rubato/player"
	"rubato/runner"
)

// TestStormScript checks that time goes forward within a storm and that a storm ends before
// a second refill would be due.
func TestStormScript(t *testing.T) {
	t.Parallel()
	var began, last player.Ticks
	for i := range 3 * stormLength {
		s := stormy10ms(1, i)
		if i%stormLength == 0 {
			began = s.At
		}
		if s.At < last || s.At-began >= player.RefillInterval || s.Seq != uint64(i)+1 {
			t.Fatalf("stimulus %d, %d in its storm: at %v, the one before at %v, the storm began at %v", s.Seq, i%stormLength, s.At, last, began)
		}
		last = s.At
	}
}

// TestRate checks that a rate is max or a whole number.
func TestRate(t *testing.T) {
	t.Parallel()
	rate := realStyles.storm().Keys[0].Check
	for value, ok := range map[string]bool{"max": true, "1": true, "100000": true, "0": false, "100001": false, "1.5": false, "": false, "MAX": false} {
		if err := rate(value); (err == nil) != ok {
			t.Errorf("rate %q: %v", value, err)
		}
	}
}

// TestPacingAlone checks that waking up costs CPU time, and that nothing is measured without
// an open loop.
func TestPacingAlone(t *testing.T) {
	t.Parallel()
	wake := func(rate string, verbatim bool) time.Duration {
		d, err := pacingAlone(runner.Setup{Options: runner.Options{"rate": rate}, Seed: 1, Verbatim: verbatim})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	awake := time.Duration(0)
	for i := 0; i < 10 && awake <= 0; i++ { // beside other work, spinning can seem to take more CPU time than there was
		awake = max(awake, wake("2000", false))
	}
	if awake <= 0 {
		t.Error("500 stimuli were paced without CPU time, ten times")
	}
	if max, script := wake("max", false), wake("2000", true); max != 0 || script != 0 {
		t.Errorf("%v with rate=max, %v in a transcript", max, script)
	}
}
