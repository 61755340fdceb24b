package reports

import (
	"fmt"
	"strings"
)

// Against is the question in words.
func (j Judged) Against() string {
	switch {
	case j.Limit == 0:
		return fmt.Sprintf("no change (%s)", percent(100*j.Margin))
	case j.Quantity == "overhead_ns":
		return "overhead ≤ " + nanoseconds(j.Limit)
	}
	return "ratio ≤ " + figure(j.Limit)
}

// RoundsText is how many rounds a cell's verdict took.
func (c Cell) RoundsText() string {
	text := plural(c.Rounds, "round")
	if c.Rule == Peeking {
		text = fmt.Sprintf("no look in %s", text)
		if c.Looked > 0 {
			text = fmt.Sprintf("after %s", plural(c.Looked, "round"))
		}
		open := false
		for _, j := range c.Judged {
			open = open || j.Verdict == Inconclusive
		}
		if c.Looked > 0 && !open {
			text = "decided " + text
		}
	}
	if c.LeftOut > 0 {
		text += fmt.Sprintf(", %d left out", c.LeftOut)
	}
	return text
}

// Verdict says whether the contest sees.
func (p Proof) Verdict() string {
	if p.Blind != "" {
		return "blind"
	}
	return "sees"
}

// SmallestText is the smallest effect that the contest would have found.
func (p Proof) SmallestText() string {
	if p.Smallest == nil {
		return "none"
	}
	return "+" + figure(100*(*p.Smallest-1)) + noBreak + "%"
}

// verdictSection is every ratio of the run that is judged, all rows together.
func verdictSection(run *Run) []section {
	g := grid{Head: []string{"cell", "ratio", "overhead/op", "against", "rounds", "p (Holm)", "verdict"}, Text: []int{0, 3, 4, 6}}
	for i := range run.Cells {
		c := &run.Cells[i]
		for n, j := range c.Judged {
			if c.Ratio == nil || c.OverheadNs == nil || c.Verdict == Void {
				continue
			}
			cells := []string{c.Scenario + " " + c.label(), ratioEstimate(c.Ratio), overheadEstimate(c.OverheadNs), j.Against(), c.RoundsText(), pText(c), j.verdict(c)}
			if n > 0 {
				cells[0], cells[1], cells[2], cells[4] = "", "", "", "" // told once
			}
			g.Rows = append(g.Rows, row{cells, j.mark()})
		}
	}
	if len(g.Rows) == 0 {
		return nil
	}
	return []section{{ID: "verdicts", Title: "Verdicts, all rows together", Grids: []grid{g}, Text: []string{verdictLead(run)}}}
}

func verdictLead(run *Run) string {
	text := "Over and within take the whole interval on one side; equivalent takes all of it within the margin round no change; anything else is inconclusive. Budget or no change stands under against."
	if run.Rule == nil {
		return text + " p is that of a sign test of no change, adjusted by Holm for the number of rows: of a run without any change, one row falls to 0.05 or below in at most one run of twenty."
	}
	return text + fmt.Sprintf(" Rounds went on until no verdict was open, or for %v a contest. Looks were after %s rounds; intervals of ratio and overhead hold for all looks and for all %d of them together, so that one is wrong in at most one run of twenty. A p-value would not know of the looks, and is left out.",
		run.Rule.Time, strings.Trim(fmt.Sprint(run.Rule.Looks), "[]"), run.Rule.Rows)
}

// verdict is over or within in plain words, where no limit was set.
func (j Judged) verdict(c *Cell) string {
	v := j.Verdict
	if j.Limit > 0 {
		return v + secondary + j.Budget
	}
	switch j.Verdict {
	case "over":
		v = "slower"
	case "within":
		v = "faster"
	}
	if c.PAdjusted != nil && *c.PAdjusted > 0.05 && (v == "slower" || v == "faster") {
		v += secondary + "not when all rows are counted"
	}
	return v
}

// mark colours what a budget allows or not; that something changed is neither.
func (j Judged) mark() string {
	if j.Limit > 0 || j.Verdict == Inconclusive {
		return j.Verdict
	}
	return ""
}

func pText(c *Cell) string {
	switch {
	case c.PAdjusted == nil:
		return noFigure
	case *c.PAdjusted < 0.001:
		return "< 0.001"
	}
	return fmt.Sprintf("%.3f", *c.PAdjusted)
}

// proofSection is what the run could have seen, nil when it carried no proof.
func proofSection(run *Run) []section {
	if len(run.Proofs) == 0 {
		return nil
	}
	g := grid{Head: []string{"contest", "twin", "plant", "stage", "would have found", "verdict"}, Text: []int{0, 3, 5}}
	for i := range run.Proofs {
		p := &run.Proofs[i]
		verdict := p.Verdict()
		if p.Blind != "" {
			verdict += secondary + p.Blind
		}
		mark := ""
		if p.Blind != "" {
			mark = Void
		}
		g.Rows = append(g.Rows, row{[]string{p.Contest(), ratioEstimate(p.Twin.Ratio), ratioEstimate(p.Plant.Ratio) + secondary + "planted " + percent(100*p.Share),
			p.Stage, p.SmallestText(), verdict}, mark})
	}
	return []section{{ID: "proof", Title: "What this run could have seen", Grids: []grid{g}, Text: []string{
		"Two more arms ran in each contest, of the baseline's style. The twin does what the baseline does: its interval must hold 1, or lie within the margin that nobody minds; all twins of a run together raise a false alarm in one clean run of a hundred. The plant is slowed down in a named stage: its interval must lie above 1. Else the run is blind, and none of its verdicts counts. Would have found is the smallest slowdown, or gain, that rounds as noisy as the twin's show in nine of ten runs."}}}
}
