package cheats_test

import (
	"flag"
	"fmt"
	"strconv"
	"testing"

	"rubato/direct"
	"rubato/reports"
)

// clean is how many contests between honest styles are held; an alarm in one of them is
// a false one.
var clean = flag.Int("clean", 12, "contests between honest styles that may raise no alarm")

// honest are the scenarios whose contests are held, with the styles that do them.
var honest = []string{"passage-select", "queue-low", "message-log", "message-mixed", "message-burst", "message-concurrent",
	"request-reply", "many-rules", "storm"}

// TestClean holds contests, each with a seed of its own, and prints how many there were.
func TestClean(t *testing.T) {
	t.Parallel()
	contests, cells := 0, 0
	for seed := 1; contests < *clean; seed++ {
		args := append([]string{"-seed", strconv.Itoa(seed), "-styles", "direct,bus,nats", "-set", "rate=max", "-set", "passages=1000", "-set", "senders=10"}, honest...)
		result := results(t, args...)
		told.Lock()
		told.machine = result.Machine
		told.Unlock()
		for _, c := range result.Cells {
			cells++
			if c.Style == direct.Style.Name {
				contests++
			}
			if c.Verdict == reports.Void {
				t.Errorf("seed %d: a false alarm: %s %s: %s", seed, c.Scenario, c.Style, shown(c))
			}
			if c.Certificate == nil || c.Certificate.Blocks == 0 || len(c.Certificate.Settings) == 0 {
				t.Errorf("seed %d: %s %s has no certificate: %+v", seed, c.Scenario, c.Style, c.Certificate)
			}
		}
	}
	told.Lock()
	defer told.Unlock()
	told.clean = fmt.Sprintf("%d contests of %d cells between honest styles", contests, cells)
	t.Log(told.clean)
}
