//go:build valgrind

package runner

import (
	"math"
	"path/filepath"
	"testing"

	"rubato/reports"
	"rubato/results"
)

// TestValgrind counts calls of which the number is known: an operation of the style plain calls step
// three times, one of other seven times. What a process does once, such as read its request, may differ by a
// call. It needs valgrind, and fails without it.
func TestValgrind(t *testing.T) {
	out := filepath.Join(t.TempDir(), "counts")
	if code := countSteppers(t, "count", "-n", "1000000", "-styles", "plain,other", "-out", out, "stepper"); code != exitPass {
		t.Fatalf("exit %d", code)
	}
	run, details, err := results.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	steps := map[string]int64{"plain": 3_000_000, "other": 7_000_000}
	for _, b := range details.Blocks {
		c, err := results.ParseKey(b.Cell)
		if err != nil || max(b.Executed.HouseCalls-steps[c.Style], steps[c.Style]-b.Executed.HouseCalls) > 10 || b.Executed.Functions["rubato/runner.step"] != steps[c.Style] {
			t.Errorf("%s: %+v, %v", b.Cell, b.Executed, err)
		}
	}
	if len(details.Blocks) != 4 || math.Abs(run.Cells[1].Executed.HouseCalls.Median-7) > 1e-5 {
		t.Errorf("%d blocks, %+v", len(details.Blocks), run.Cells)
	}
	reports.Summarize(run, details)
	if wrong, err := reports.Verify(out, run, details); err != nil || wrong != nil {
		t.Errorf("%q, %v", wrong, err)
	}
}

// TestValgrindAgainst: a program is held against itself, and nothing has changed in any repeat.
func TestValgrindAgainst(t *testing.T) {
	out := filepath.Join(t.TempDir(), "counts")
	own, err := (*build)(nil).file()
	if err != nil {
		t.Fatal(err)
	}
	if code := countSteppers(t, "count", "-n", "1000000", "-styles", "other", "-against", own, "-out", out, "stepper"); code != exitPass {
		t.Fatalf("exit %d", code)
	}
	run, _, err := results.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	if x := run.Changes[0].Executed; x == nil || max(math.Abs(x.HouseCalls.Lo), x.HouseCalls.Hi) > 1e-4 || math.Abs(x.InstructionsRatio.Median-1) > .1 {
		t.Errorf("%+v", x)
	}
}

// countSteppers is the command without its watch for signals, which lasts as long as a program.
func countSteppers(t *testing.T, args ...string) int {
	p := program{suite: steppers().complete(), name: "rubato", stdout: t.Output(), stderr: t.Output(), limits: patience, left: &leftovers{}}
	return p.main(t.Context(), args)
}
