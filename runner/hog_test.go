package runner

import (
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
		h.work(phases{random: weatherSource(1, "test", 0), least: time.Millisecond, longest: 2 * time.Millisecond}, func() {
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

// Weather is a function of the seed and of whom it meets.
func TestWeatherSource(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64, name string, number int) time.Duration {
		return phases{random: weatherSource(seed, name, number), least: shortestPhase, longest: longestPhase}.next()
	}
	first := draw(1, "cpu", 0)
	if first != draw(1, "cpu", 0) || first == draw(2, "cpu", 0) || first == draw(1, "memory", 0) || first == draw(1, "cpu", 1) {
		t.Error("phases do not follow seed, kind and core")
	}
	if first < shortestPhase || first >= longestPhase {
		t.Errorf("a phase of %v", first)
	}
}
