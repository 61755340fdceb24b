package reports

import (
	"math"
	"strings"
	"testing"

	"rubato/results"
)

func interval95(median, lo, hi float64) *results.Estimate {
	return &results.Estimate{Median: median, Lo: lo, Hi: hi}
}

// TestAgreement: what intervals of time and CPU say of each other.
func TestAgreement(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		time, cpu *results.Estimate
		want      string
	}{
		"side by side": {interval95(1.27, 1.2, 1.3), interval95(1.99, 1.9, 2.1), "CPU grows more than time"},
		"waits":        {interval95(2, 1.9, 2.1), interval95(1.1, 1, 1.2), "Time grows more than CPU"},
		"agree":        {interval95(1.1, 1, 1.2), interval95(1.15, 1.1, 1.3), "no difference between the two"},
		"unknown":      {interval95(1.1, 1, 1.2), nil, ""},
	} {
		got := agreement("nats", &results.Cell{MeanRatio: c.time, CPURatio: c.cpu, NsOp: results.Estimate{Median: 100}, CPUNsOp: results.Estimate{Median: 150}})
		if !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestAdvice: 10 µs at most are 5 % of 200 µs. By hand: 10 / 0.05 = 200.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lo, hi, base float64 // µs
		insensitive  string
		want         string
	}{
		"cheap":       {4, 10, 200, "", "200 µs cheap: it takes 200 µs"},
		"not cheap":   {6, 10, 100, "", "200 µs not cheap: it takes 100 µs"},
		"open":        {4, 10, 100, "", "200 µs open: it takes 100 µs"},
		"faster":      {-3, -1, 100, "", "any cheap: it takes 100 µs"},
		"insensitive": {4, 10, 200, "not found", ""},
	} {
		run := &results.Run{Baseline: "direct", Cells: []results.Cell{
			{Scenario: "s", Style: "direct", Verdict: results.Measured, NsOp: results.Estimate{Median: 1e3 * c.base}},
			{Scenario: "s", Style: "bus", Verdict: results.Measured, OverheadNs: interval95(500*(c.lo+c.hi), 1e3*c.lo, 1e3*c.hi)}}}
		run.Controls = []results.Controls{{AA: run.Cells[0], Slowdown: run.Cells[0], Insensitive: c.insensitive}}
		got := ""
		if row := advice(run, &named{&run.Cells[1], "bus"}); row != nil {
			got = oneLine(strings.Join(row[3:], " "))
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestBreakEven: a style that costs 30 µs and 2 % is under 5 % from 1 ms on. By hand: 30 / (0.05 −
// 0.02) = 1 000.
func TestBreakEven(t *testing.T) {
	t.Parallel()
	run := &results.Run{Baseline: "direct"}
	for _, base := range []float64{100e3, 300e3, 900e3, 2700e3} {
		options := map[string]string{"passages": figure(base)}
		run.Cells = append(run.Cells,
			results.Cell{Scenario: "s", Style: "direct", Options: options, Named: []string{"passages"}, Verdict: results.Measured, NsOp: results.Estimate{Median: base}},
			results.Cell{Scenario: "s", Style: "nats", Options: options, Named: []string{"passages"}, Verdict: results.Measured, OverheadNs: interval95(30e3+0.02*base, 30e3+0.02*base, 30e3+0.02*base)})
	}
	got := breakEvenSection(run)
	if len(got) != 1 || len(got[0].Grids[0].Rows) != 1 {
		t.Fatalf("%+v", got)
	}
	row := got[0].Grids[0].Rows[0].Cells
	if want := []string{"s", "nats", "100 µs to 2.70 ms", "30.0 µs", "2.00 %", "1.00 ms", "4 of 4"}; !equalPlain(row, want) {
		t.Errorf("%q, want %q", row, want)
	}
	for i := 1; i < len(run.Cells); i += 2 { // 60 µs at most: 60 / (0.05 − 0.02) = 2 000
		run.Cells[i].OverheadNs.Lo, run.Cells[i].OverheadNs.Hi = run.Cells[i].OverheadNs.Lo-40e3, run.Cells[i].OverheadNs.Hi+30e3
	}
	if got := oneLine(sweeps(run)[0].breakEven()); got != "any … 2.00 ms" {
		t.Errorf("blurred: %q", got)
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
