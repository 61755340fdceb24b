//go:build valgrind

package runner

import (
	"path/filepath"
	"testing"

	"rubato/reports"
	"rubato/results"
)

// TestValgrind counts calls of which the number is known: an operation of the style plain calls step
// three times, one of other seven times. It needs valgrind, and fails without it.
func TestValgrind(t *testing.T) {
	out := filepath.Join(t.TempDir(), "counts")
	if code := Main(steppers(), []string{"count", "-n", "1000", "-styles", "plain,other", "-out", out, "stepper"}); code != exitPass {
		t.Fatalf("exit %d", code)
	}
	run, details, err := results.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	steps := map[string]int64{"plain": 3000, "other": 7000}
	for _, b := range details.Blocks {
		c, err := results.ParseKey(b.Cell)
		if err != nil || b.Executed.HouseCalls != steps[c.Style] || b.Executed.Functions["rubato/runner.step"] != steps[c.Style] {
			t.Errorf("%s: %+v, %v", b.Cell, b.Executed, err)
		}
	}
	if len(details.Blocks) != 4 || run.Cells[1].Executed.HouseCalls != (results.Estimate{Median: 7, Lo: 7, Hi: 7}) {
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
	if code := Main(steppers(), []string{"count", "-n", "500", "-styles", "other", "-against", own, "-out", out, "stepper"}); code != exitPass {
		t.Fatalf("exit %d", code)
	}
	run, _, err := results.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	if x := run.Changes[0].Executed; x == nil || x.HouseCalls != (results.Estimate{}) || len(x.Moved) > 0 || x.InstructionsRatio.Lo > 1 || x.InstructionsRatio.Hi < 1 {
		t.Errorf("%+v", x)
	}
}
