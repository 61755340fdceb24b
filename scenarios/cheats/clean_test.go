package cheats_test

import (
	"flag"
	"fmt"
	"strconv"
	"testing"

	"rubato/direct"
	"rubato/results"
)

// clean is the number of comparisons between honest styles; an alarm in one of them is false.
var clean = flag.Int("clean", 12, "comparisons between honest styles, none of which may raise an alarm")

// honest lists the scenarios of these comparisons.
var honest = []string{"passage-select", "queue-low", "message-log", "message-mixed", "message-burst", "message-concurrent",
	"request-reply", "many-rules", "storm"}

// TestClean runs comparisons, each with its own seed, and prints how many there were.
func TestClean(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes minutes: go test runs it without -short")
	}
	t.Parallel()
	comparisons, cells := 0, 0
	for seed := 1; comparisons < *clean; seed++ {
		args := append([]string{"-seed", strconv.Itoa(seed), "-styles", "direct,bus,nats", "-set", "rate=max", "-set", "passages=1000", "-set", "senders=10"}, honest...)
		result := got(t, args...)
		page.Lock()
		page.machine = result.Machine
		page.Unlock()
		for _, c := range result.Cells {
			cells++
			if c.Style == direct.Style.Name {
				comparisons++
			}
			if c.Verdict == results.Invalid {
				t.Errorf("seed %d: a false alarm: %s %s: %s", seed, c.Scenario, c.Style, shown(c))
			}
			if c.Equivalence == nil || c.Equivalence.Blocks == 0 || len(c.Equivalence.Settings) == 0 {
				t.Errorf("seed %d: %s %s has no equivalence check: %+v", seed, c.Scenario, c.Style, c.Equivalence)
			}
		}
	}
	page.Lock()
	defer page.Unlock()
	page.clean = fmt.Sprintf("%d comparisons of %d cells between honest styles", comparisons, cells)
	t.Log(page.clean)
}
