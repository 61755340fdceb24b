package reports

import (
	"fmt"
	"slices"
)

// A grid is a table before it becomes Markdown or HTML. A
// value may have a second line, its interval.
type grid struct {
	Title string
	Head  []string
	Text  []int // columns of words; the others hold figures
	Rows  []row
	Notes []string
}

type row struct {
	Cells []string
	Mark  string // a verdict or an answer, for its colour
}

// IsText tells how to align a column.
func (g grid) IsText(column int) bool { return slices.Contains(g.Text, column) }

func plural(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// summaryTable is every cell of a scenario, group by group.
func summaryTable(run *Run, gs []group, details Details) grid {
	t := grid{
		Head: []string{"options", "style", "time/op", "ratio", "overhead/op", "latency", "CPU/op", "allocs/op", "switches/op", "RSS peak", "CPU of a core", "work done", "verdict"},
		Text: []int{0, 1, 12},
	}
	rowOf := summaryRow
	if run.scenario(gs[0].scenario).Paced {
		t.Head, t.Text, rowOf = pacedHead, []int{0, 1, len(pacedHead) - 1}, pacedRow
	}
	var cells []Cell
	for _, g := range gs {
		for _, c := range g.cells {
			t.Rows = append(t.Rows, row{rowOf(run, c, details), c.Verdict})
			cells = append(cells, *c)
		}
	}
	for _, w := range warnings(cells, func(c Cell) string { return c.label() }) {
		t.Notes = append(t.Notes, "Warning: "+w)
	}
	if !slices.ContainsFunc(t.Rows, func(r row) bool { return r.Cells[0] != "" }) {
		t.dropFirst()
	}
	return t
}

// dropFirst takes away the first column, a column of words.
func (g *grid) dropFirst() {
	g.Head = g.Head[1:]
	for i := range g.Rows {
		g.Rows[i].Cells = g.Rows[i].Cells[1:]
	}
	g.Text = slices.DeleteFunc(g.Text, func(column int) bool { return column == 0 })
	for i := range g.Text {
		g.Text[i]--
	}
}

func summaryRow(run *Run, c *Cell, details Details) []string {
	work := workText(c)
	if c.Verdict == Void {
		return voidRow(c, 9)
	}
	ratio, overhead := ratioEstimate(c.Ratio), overheadEstimate(c.OverheadNs)
	if c.Style == run.baseline(c.Scenario) {
		ratio, overhead = "baseline", "baseline"
	}
	return append([]string{c.optionsLabel(), c.Style, timeEstimate(c.NsOp), ratio, overhead, latencyText(c)},
		append(resources(c, details), work, verdictText(c, c.Ratio, "slower", "faster"))...)
}

func workText(c *Cell) string {
	return count(c.Work.Effects) + " of " + count(c.Work.Expected) + secondary + "from " + count(c.Work.Stimuli) + " stimuli"
}

// voidRow is a row of a summary that has so many columns of figures.
func voidRow(c *Cell, figures int) []string {
	blank := slices.Repeat([]string{noFigure}, figures)
	return slices.Concat([]string{c.optionsLabel(), c.Style}, blank, []string{workText(c), "void" + secondary + c.Why})
}

// resources are what a cell used, the same columns in every summary.
func resources(c *Cell, details Details) []string {
	return []string{
		nanoseconds(c.CPUNsOp.Median) + secondary + "user " + nanoseconds(c.UserNsOp) + secondary + "system " + nanoseconds(c.SystemNsOp),
		figure(c.AllocsOp) + secondary + figure(c.BytesOp) + noBreak + "B", figure(c.SwitchesOp), mebibytes(float64(c.RSSPeak)),
		percent(c.ActiveCPU) + " active" + secondary + idleText(c, details) + " idle"}
}

func latencyText(c *Cell) string {
	if c.P50Ns == 0 {
		return noFigure
	}
	p99 := "p99: too few"
	if c.P99Ns > 0 {
		p99 = "p99 " + nanoseconds(c.P99Ns)
	}
	if c.P95Ns > 0 {
		p99 = "p95 " + nanoseconds(c.P95Ns) + secondary + p99
	}
	return "p50 " + nanoseconds(c.P50Ns) + secondary + p99
}

// idleText tells a core that was idle from a window that was not measured.
func idleText(c *Cell, details Details) string {
	if c.IdleCPU == 0 && !slices.ContainsFunc(details.Samples, func(s Sample) bool { return s.Window == "idle" && s.Cell == c.Key() }) {
		return noFigure
	}
	return percent(c.IdleCPU)
}

// verdictText says, next to the verdict, what the interval of the ratio that counts
// allows to say.
func verdictText(c *Cell, ratio *Estimate, above, below string) string {
	s := c.Verdict
	if n := len(c.Warnings); n > 0 {
		s += ", " + plural(n, "warning")
	}
	if c.Why != "" {
		s += secondary + c.Why
	}
	switch {
	case ratio == nil || !ratio.Bounded():
		return s
	case ratio.Lo > 1:
		return s + secondary + above + " than the baseline"
	case ratio.Hi < 1:
		return s + secondary + below + " than the baseline"
	}
	return s + secondary + "not told apart from the baseline"
}
