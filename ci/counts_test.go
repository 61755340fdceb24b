package ci

import (
	"strings"
	"testing"

	"rubato/results"
)

// Counts are judged alone, without times and controls. The limit is kept only when every repeat
// keeps it.
func TestCountsJudged(t *testing.T) {
	t.Parallel()
	budgets := "schema: 1\nbaseline: direct\nrequire_controls: true\nbudgets:\n  - name: b\n    scenario: queue-low\n    style: bus\n    limits: {LIMIT}\n    source: s\n"
	for limit, want := range map[string]struct {
		code int
		text string
	}{
		"instructions_op: 110":      {ExitWithin, "within"},
		"instructions_op: 99":       {ExitOver, "100 [99.5, 101]"},
		"instructions_op: 100":      {ExitInconclusive, "straddles"},
		"instructions_ratio: 1.005": {ExitWithin, "within"},
		"instructions_ratio: 1.001": {ExitOver, "over"},
		"calls_op: 3":               {ExitWithin, "within"},
		"house_calls_op: 1.5":       {ExitOver, "over"},
		"ns_op: 1":                  {ExitInconclusive, "no figure"},
		"ratio: 2":                  {ExitInconclusive, "no comparison"},
	} {
		run := goodRun()
		run.Counted, run.Cells = true, run.Cells[:2]
		for i := range run.Cells {
			c := &run.Cells[i]
			*c = results.Cell{Scenario: c.Scenario, Style: c.Style, Options: c.Options, Named: c.Named, Rounds: 2, BlockOps: 9, Work: c.Work, Verdict: c.Verdict,
				Executed: &results.ExecutedOp{Instructions: results.Estimate{Median: 100, Lo: 99.5, Hi: 101}, Calls: results.Estimate{Median: 3, Lo: 3, Hi: 3}, HouseCalls: results.Estimate{Median: 2, Lo: 2, Hi: 2}}}
		}
		run.Cells[1].Executed.InstructionsRatio = &results.Estimate{Median: 1.003, Lo: 1.002, Hi: 1.004}
		code, out, diagnostics := gate(t, Gate{}, strings.Replace(budgets, "LIMIT", limit, 1), run)
		if code != want.code || !strings.Contains(out, want.text) {
			t.Errorf("%s: exit %d, want %d with %q\n%s%s", limit, code, want.code, want.text, out, diagnostics)
		}
	}
}
