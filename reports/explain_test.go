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

// TestBackground: 2 % of a core in 1 ms are 20 µs, 1 % in 0.5 ms are 5: 15 of the 300 µs that the
// style takes more, which is 5 %.
func TestBackground(t *testing.T) {
	t.Parallel()
	cell := func(style string, time, cpu, idle float64) *results.Cell {
		return &results.Cell{Style: style, NsOp: results.Estimate{Median: time}, CPUNsOp: results.Estimate{Median: cpu}, IdleCPU: idle}
	}
	base := cell("direct", 500e3, 400e3, 1)
	for want, c := range map[string]*results.Cell{
		"in the time of an operation 20.0 µs. So its background accounts for 5 % of the 300 µs of CPU that an operation takes more.": cell("nats", 1e6, 700e3, 2),
		"Without work it uses 2.00 % of a core, direct 1.00 %: in the time of an operation 20.0 µs.":                                 cell("nats", 1e6, 300e3, 2),
	} {
		if got := strings.ReplaceAll(background(c, base), noBreak, " "); !strings.Contains(got, want) || !strings.HasSuffix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := background(base, base) + background(cell("nats", 1, 1, 0), cell("direct", 1, 1, 0)); got != "" {
		t.Errorf("of the baseline, and without an idle window: %q", got)
	}
}

// TestDropEmpty: a column without a figure goes, with its alignment; one with a single figure stays.
func TestDropEmpty(t *testing.T) {
	t.Parallel()
	g := Grid{Head: []string{"style", "nothing", "time", "dashes", "said"}, Text: []int{0, 1, 4}}
	g.Add("", "direct", "", "1", noFigure, "fast")
	g.Add("", "bus", "", noFigure, "", "")
	before := g
	g.dropEmpty()
	if got := strings.Join(g.Head, " "); got != "style time said" || !g.IsText(0) || g.IsText(1) || !g.IsText(2) {
		t.Errorf("columns %q, words in %v", got, g.Text)
	}
	if got := strings.Join(g.Rows[0].Cells, " ") + "|" + strings.Join(g.Rows[1].Cells, " "); got != "direct 1 fast|bus "+noFigure+" " {
		t.Errorf("rows %q", got)
	}
	if len(before.Head) != 5 {
		t.Error("the table that it was copied from has changed, too")
	}
}

// TestResourcesWithoutZeros: what no style used has no row, but is named; what one used has one.
func TestResourcesWithoutZeros(t *testing.T) {
	t.Parallel()
	run := &results.Run{Baseline: "direct"}
	for style, faults := range map[string]float64{"direct": 0, "bus": 2} {
		run.Cells = append(run.Cells, results.Cell{Scenario: "s", Style: style, Verdict: results.Measured, UserNsOp: 5, SystemNsOp: 5, BytesOp: 1, AllocsOp: 1,
			Spent: map[string]float64{"minor_faults": faults, "major_faults": 0, "gcs": 0}})
	}
	table := resourceTable(groups(run)[0], results.Details{})
	var rows []string
	for _, r := range table.Rows {
		rows = append(rows, r.Cells[0])
	}
	if got := strings.Join(rows, ", "); !strings.Contains(got, "page faults, minor") || strings.Contains(got, "major") || strings.Contains(got, "garbage") {
		t.Errorf("rows: %s", got)
	}
	if len(table.Notes) != 1 || table.Notes[0] != "0 in every style: garbage collections, page faults, major." {
		t.Errorf("notes %q", table.Notes)
	}
}
