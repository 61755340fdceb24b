package ci

import (
	"cmp"
	"slices"
	"strings"

	"rubato/reports"
	"rubato/results"
)

// insensitiveVerdict is the verdict of a run that could not have seen what its budgets
// forbid: its A/A control differs, or it missed the injected slowdown.
const insensitiveVerdict = "insensitive"

// noControls is the warning about a run without controls.
const noControls = "has no controls, so nothing shows that a slowdown would have been found; measure with `rubato run -controls`"

// checkControls checks the controls of every comparison in which a budget compares styles.
// Without such a budget an insensitive comparison is only a warning: the memory or the idle
// CPU of a process needs no comparison.
func (a *Answer) checkControls(b Budgets, run *results.Run) {
	var without []string
	for _, c := range b.comparedCells(run) {
		if c.Verdict == results.Invalid || !run.Controllable(c) {
			continue
		}
		controls := run.ControlsOf(c)
		if controls == nil {
			without = results.AddOnce(without, c.Scenario)
		} else if why := insensitivity(run, controls); why != "" {
			a.Insensitive = results.AddOnce(a.Insensitive, why)
		}
	}
	for i := range run.Controls {
		if why := insensitivity(run, &run.Controls[i]); why != "" && !slices.Contains(a.Insensitive, why) {
			a.Warnings = append(a.Warnings, "insensitive, but no budget compares there: "+why)
		}
	}
	switch text := strings.Join(without, ", ") + ": " + noControls; {
	case len(without) == 0:
	case b.RequireControls:
		a.Insensitive = append(a.Insensitive, text)
	default:
		a.Warnings = append(a.Warnings, text)
	}
}

// insensitivity computes the answer from the figures; it does not trust the recorded one.
func insensitivity(run *results.Run, p *results.Controls) string {
	if why := cmp.Or(reports.Insensitivity(p, run.Margin()), p.Insensitive); why != "" {
		return p.Comparison() + ": " + why
	}
	return ""
}

// comparedCells are the cells whose time some budget compares with the baseline.
func (b Budgets) comparedCells(run *results.Run) []*results.Cell {
	var all []*results.Cell
	for i := range run.Cells {
		c := &run.Cells[i]
		if c.Style != run.Baseline && len(b.Paired(c.Scenario, c.Style, c.Options)) > 0 {
			all = append(all, c)
		}
	}
	return all
}
