package runner

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"time"
)

// A hog works from Open to Close, and not after.
func TestHog(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{hogCPU, hogMemory} {
		load, err := hogScenario().Open(Setup{Style: kind, Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		if err := load.Close(); err != nil {
			t.Error(err)
		}
	}
	var steps atomic.Int64
	h := &hog{stop: make(chan struct{})}
	seen := make(chan struct{})
	h.working.Go(func() {
		h.work(phases{random: disturbanceSource(1, "test", 0), least: time.Millisecond, longest: 2 * time.Millisecond}, func() {
			if steps.Add(1) == 3 {
				close(seen)
			}
		})
	})
	<-seen
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	before := steps.Load()
	if newCopyStep()(); steps.Load() != before {
		t.Error("it works on after Close")
	}
}

// A disturbance is a function of the seed, the kind and the core.
func TestDisturbanceSource(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64, name string, number int) time.Duration {
		return phases{random: disturbanceSource(seed, name, number), least: shortestPhase, longest: longestPhase}.next()
	}
	first := draw(1, "cpu", 0)
	if first != draw(1, "cpu", 0) || first == draw(2, "cpu", 0) || first == draw(1, "memory", 0) || first == draw(1, "cpu", 1) {
		t.Error("phases do not follow seed, kind and core")
	}
	if first < shortestPhase || first >= longestPhase {
		t.Errorf("a phase of %v", first)
	}
}

// What getrusage counts of a process that does nothing but a known load is that load,
// and what its runtime takes beside: both count CPU time, so it holds however busy the
// machine is.
func TestDutyCycle(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{0.2, 0.5, 0.9} {
		got, err := dutyCycle(context.Background(), share, 500*time.Millisecond)
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
		if _, err := dutyCycle(context.Background(), share, time.Second); err == nil {
			t.Errorf("a load of %v of a core was taken", share)
		}
	}
	if _, err := dutyCycle(context.Background(), 0.5, time.Millisecond); err == nil {
		t.Error("a load of 1 ms was taken")
	}
}

func TestDutyIsRight(t *testing.T) {
	t.Parallel()
	for r, want := range map[dutyReading]bool{
		{Given: 49.9, Gopsutil: 50.3, Rusage: 50.2, Pprof: 48.1}: true,
		{Given: 80, Gopsutil: 82.5, Rusage: 80.5, Pprof: 79}:     false,
		{Given: 80, Gopsutil: 80, Rusage: 77.9, Pprof: 80}:       false,
		{Given: 80, Gopsutil: 80, Rusage: 80, Pprof: 82.1}:       false,
	} {
		if got := r.right(); got != want {
			t.Errorf("%+v is right: %v", r, got)
		}
	}
}
