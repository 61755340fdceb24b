package runner

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"rubato/reports"
)

// verdictTable is what a run that decides found, a line a question; "" of others.
func verdictTable(run *reports.Run) string {
	if run.Rule == nil {
		return ""
	}
	t := plainTable()
	t.AppendHeader(table.Row{"scenario", "style", "against", "verdict", "rounds"})
	lines := 0
	for _, c := range run.Cells {
		for _, j := range c.Judged {
			if c.Rule == reports.Peeking {
				t.AppendRow(table.Row{cellName(c), c.Style, j.Against(), j.Verdict, c.RoundsText()})
				lines++
			}
		}
	}
	if lines == 0 {
		return ""
	}
	return "\n" + t.Render() + "\n"
}

// proofTable is what a run that proves itself could have seen; "" of others.
func proofTable(run *reports.Run) string {
	if len(run.Proofs) == 0 {
		return ""
	}
	t := plainTable()
	t.AppendHeader(table.Row{"what this run could have seen", "twin", "plant", "smallest", "verdict"})
	var blind strings.Builder
	for _, p := range run.Proofs {
		t.AppendRow(table.Row{cellName(p.Twin), ratioOf(p.Twin), fmt.Sprintf("%s of +%.3g %%", ratioOf(p.Plant), 100*p.Share), p.SmallestText(), p.Verdict()})
		if p.Blind != "" {
			fmt.Fprintf(&blind, "blind: %s: %s\n", cellName(p.Twin), p.Blind)
		}
	}
	return "\n" + t.Render() + "\n" + blind.String()
}

func ratioOf(c reports.Cell) string {
	switch {
	case c.Ratio == nil:
		return "-"
	case !c.Ratio.Bounded():
		return fmt.Sprintf("%.3f [no interval]", c.Ratio.Median)
	}
	return fmt.Sprintf("%.3f [%.3f, %.3f]", c.Ratio.Median, c.Ratio.Lo, c.Ratio.Hi)
}
