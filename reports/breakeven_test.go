package reports

import (
	"math"
	"testing"

	"rubato/results"
)

// TestBreakEven: a style that costs 30 µs and 2 % is under 5 % from 1 ms on. By hand: 30 / (0.05 −
// 0.02) = 1 000.
func TestBreakEven(t *testing.T) {
	t.Parallel()
	run := &results.Run{Baseline: "direct"}
	for _, base := range []float64{100e3, 300e3, 900e3, 2700e3} {
		options := map[string]string{"passages": figure(base)}
		run.Cells = append(run.Cells,
			results.Cell{Scenario: "s", Style: "direct", Options: options, Named: []string{"passages"}, Verdict: results.Measured, NsOp: results.Estimate{Median: base}},
			results.Cell{Scenario: "s", Style: "nats", Options: options, Named: []string{"passages"}, Verdict: results.Measured, OverheadNs: &results.Estimate{Median: 30e3 + 0.02*base}})
	}
	got := breakEvenSection(run)
	if len(got) != 1 || len(got[0].Grids[0].Rows) != 1 {
		t.Fatalf("%+v", got)
	}
	row := got[0].Grids[0].Rows[0].Cells
	if want := []string{"s", "nats", "100 µs to 2.70 ms", "30.0 µs", "2.00 %", "1.00 ms", "4 of 4"}; !equalPlain(row, want) {
		t.Errorf("%q, want %q", row, want)
	}
	run.Cells[3].OverheadNs.Median = 900e3 // one that no line of the others predicts
	if s := sweeps(run)[0]; s.leftOut() > 2 {
		t.Errorf("%d of %d were predicted, though one is three times off", s.leftOut(), len(s.points))
	}
	run.Cells = run.Cells[:6]
	if got := breakEvenSection(run); got != nil {
		t.Error("three comparisons were fitted")
	}
}

func equalPlain(got, want []string) bool {
	for i := range want {
		if oneLine(got[i]) != want[i] {
			return false
		}
	}
	return len(got) == len(want)
}

func TestBreakEvenWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fixed, share float64
		want         string
	}{{-5, 0.01, "any"}, {5e3, 0.05, "none: it grows with the operation"}, {5e3, 0, "100 µs"}, {5e3, math.Copysign(0.05, -1), "50.0 µs"}} {
		if got := oneLine(breakEven(c.fixed, c.share)); got != c.want {
			t.Errorf("%v: %q, want %q", c, got, c.want)
		}
	}
}
