package runner

import (
	"context"
	"math"
	"testing"
	"time"
)

// What getrusage counts of a process that does nothing but a known load is that load,
// and what its runtime takes beside: both count CPU time, so it holds however busy the
// machine is.
func TestDutyCycle(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{0.2, 0.5, 0.9} {
		got, err := DutyCycle(context.Background(), share, 500*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if got.Given <= 0 || got.Given > 101*share+1 || got.Rusage < got.Given-0.1 || got.Rusage > 1.1*got.Given+5 {
			t.Errorf("asked for %v: given %.2f, rusage %.2f", share, got.Given, got.Rusage)
		}
		t.Logf("%+v", got)
	}
}

func TestDutyCycleRefuses(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{0, -1, 1, 2, math.NaN()} {
		if _, err := DutyCycle(context.Background(), share, time.Second); err == nil {
			t.Errorf("a load of %v of a core was taken", share)
		}
	}
	if _, err := DutyCycle(context.Background(), 0.5, time.Millisecond); err == nil {
		t.Error("a load of 1 ms was taken")
	}
}
