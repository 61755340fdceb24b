package reports

import (
	"strings"
	"testing"

	"rubato/results"
)

// TestHeld: an answer is one of three, and what follows it stays.
func TestHeld(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		"within": "holds", "over": "does not hold: over", "under in each of 4 rounds": "does not hold: under in each of 4 rounds",
		"inconclusive": "cannot be told here: the interval includes the limit", "not measured": "cannot be told here: not measured",
		"over, by the machine alone":    "cannot be told here: over by the machine alone",
		"more than direct, which has 0": "more than direct, which has 0",
	} {
		if got := held(answer); got != want {
			t.Errorf("%q: %q, want %q", answer, got, want)
		}
	}
}

// TestQuestions: budgets, targets and claims have a row each; one of an insensitive comparison, and
// one of an invalid cell, cannot be told.
func TestQuestions(t *testing.T) {
	t.Parallel()
	judged := []results.Judged{{Budget: "b", Quantity: "ratio", Limit: 1.1, Verdict: "over"}, {Quantity: "ratio", Margin: 0.02, Verdict: "over"}}
	cell := func(scenario, style, verdict string) results.Cell {
		return results.Cell{Scenario: scenario, Style: style, Verdict: verdict, Ratio: interval95(1.2, 1.15, 1.3), OverheadNs: interval95(2e3, 1e3, 3e3), Judged: judged,
			Targets: []results.Judged{{Budget: "t", Quantity: "overhead_ns", Limit: 5e3, Verdict: "within"}}}
	}
	run := &results.Run{Baseline: "direct", Scenarios: []results.Scenario{{Name: "s", Claims: []results.Claim{{Text: "c", Source: "there", Kind: "estimate", Style: "none", Quantity: "ratio", Hi: 2}}}},
		Cells: []results.Cell{{Scenario: "s", Style: "direct", Verdict: results.Measured}, cell("s", "bus", results.Measured), {Scenario: "blurred", Style: "direct", Verdict: results.Measured},
			cell("blurred", "bus", results.Measured), {Scenario: "wrong", Style: "direct", Verdict: results.Measured}, cell("wrong", "bus", results.Invalid)}}
	run.Controls = []results.Controls{{AA: run.Cells[2], Slowdown: run.Cells[2], Insensitive: "not found"}}
	var got []string
	for _, r := range questionSection(run, results.Details{})[0].Grids[0].Rows {
		got = append(got, strings.Join([]string{r.Cells[0], r.Cells[4], oneLine(r.Cells[5]), r.Cells[6]}, " | "))
	}
	want := []string{"b | s bus | ×1.200 [×1.150, ×1.300] | does not hold: over", "t | s bus | 2.00 µs [1.00 µs, 3.00 µs] | holds",
		"b | blurred bus | ×1.200 [×1.150, ×1.300] | cannot be told here: the comparison is insensitive", "t | blurred bus | 2.00 µs [1.00 µs, 3.00 µs] | cannot be told here: the comparison is insensitive",
		"b | wrong bus | – | cannot be told here: not measured", "t | wrong bus | – | cannot be told here: not measured", "c | s – | – | cannot be told here: not measured"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
