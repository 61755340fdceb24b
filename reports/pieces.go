package reports

import (
	"math"
	"slices"
)

// Some scenarios compare the pieces of a whole, which do not do the same work: they
// have arms of their own instead of the styles of the run.

func (s Scenario) pieces() bool { return s.ArmKey != "" }

// armKey is what an arm is called in results.
func (s Scenario) armKey() string {
	if s.pieces() {
		return s.ArmKey
	}
	return "style"
}

// baseline is what ratios are to in a scenario: an arm of its own, or the style.
func (r *Run) baseline(scenario string) string {
	if s := r.scenario(scenario); s.Baseline != "" {
		return s.Baseline
	}
	return r.Baseline
}

// arm is the cell of an arm, with these options or, if they are nil, with any. A void
// one is none.
func (r *Run) arm(scenario, name string, options map[string]string) *Cell {
	i := slices.IndexFunc(r.Cells, func(c Cell) bool {
		return c.Scenario == scenario && c.Style == name && c.Verdict != Void && (options == nil || within(c.Options, options))
	})
	if i < 0 {
		return nil
	}
	return &r.Cells[i]
}

// without is c with its ratio and overhead to another arm than the baseline.
func (r *Run) without(c *Cell, less string, details Details) (*Cell, bool) {
	other := r.arm(c.Scenario, less, c.Options)
	if other == nil {
		return nil, false
	}
	own, others := roundsOf(c, details.Blocks), roundsOf(other, details.Blocks)
	ratio, difference, rounds := against(own, others, estimate)
	out := *c
	out.Ratio, out.OverheadNs, out.CPURatio = &ratio, &difference, cpuRatio(own, others, estimate)
	return &out, rounds > 0
}

// pieceTable is every arm of a scenario of pieces.
func pieceTable(run *Run, s Scenario, gs []group) grid {
	t := grid{
		Head: []string{s.ArmKey, "one operation", "time/op", "to " + run.baseline(s.Name), "CPU/op", "allocs/op", "work done", "verdict"},
		Text: []int{0, 1, 7},
	}
	for _, g := range gs {
		for _, c := range g.cells {
			t.Rows = append(t.Rows, row{pieceRow(run, s, c), c.Verdict})
		}
	}
	return t
}

func pieceRow(run *Run, s Scenario, c *Cell) []string {
	head := []string{c.label(), s.docOf(c.Style)}
	work := count(c.Work.Effects) + " of " + count(c.Work.Expected)
	if c.Verdict == Void {
		return slices.Concat(head, slices.Repeat([]string{noFigure}, 4), []string{work, Void + secondary + c.Why})
	}
	against := timesEstimate(c.Ratio)
	if c.Style == run.baseline(s.Name) {
		against = "1"
	}
	verdict := c.Verdict
	if n := len(c.Warnings); n > 0 {
		verdict += ", " + plural(n, "warning") // which, stands at the top of the page
	}
	return append(head, timeEstimate(c.NsOp), against, nanoseconds(c.CPUNsOp.Median),
		figure(rounded(c.AllocsOp))+secondary+figure(rounded(c.BytesOp))+noBreak+"B", work, verdict)
}

// rounded drops what the harness itself allocates in a block, a handful for very
// many operations.
func rounded(perOp float64) float64 { return math.Round(perOp*100) / 100 }

// timesEstimate is a ratio between unlike things, where a percentage says nothing.
func timesEstimate(e *Estimate) string {
	if e == nil {
		return noFigure
	}
	return "×" + figure(e.Median) + secondary + interval(*e, 1, "", figure)
}

func (s Scenario) docOf(arm string) string {
	for _, a := range s.Arms {
		if a.Name == arm {
			return a.Doc
		}
	}
	return ""
}
