package ci

import (
	"cmp"
	"slices"
	"strings"

	"rubato/reports"
	"rubato/results"
)

// noControls is the warning about a run without controls.
const noControls = "has no controls, so nothing shows that a slowdown would have been found; measure with `run -controls`"

// checkControls lets the controls of a comparison change the verdicts of its rows, and of no
// others. It computes what they object to from the figures; it does not trust the recorded
// answer. What no row rests on is only a warning: the memory, the idle CPU or the messages of
// a process need no comparison, and a limit that is far away needs no sharp eye.
func (a *Answer) checkControls(b Budgets, run *results.Run) {
	var without []string
	for i := range a.Rows {
		r := &a.Rows[i]
		if r.cell == nil || !r.of.Relative || !run.Controllable(r.cell) {
			continue
		}
		if run.ControlsOf(r.cell) == nil {
			without = results.AddOnce(without, r.cell.Scenario)
			if b.RequireControls && r.Verdict == Within {
				r.Verdict, r.Why = Insensitive, r.cell.Scenario+": "+noControls
			}
		}
		verdict, why := reports.Believed(run, r.cell, r.of, r.Limit, r.Verdict)
		if verdict != r.Verdict {
			r.Verdict, r.Why = verdict, why
		}
		if r.Verdict == Insensitive || r.Verdict == Suspect {
			a.Insensitive = results.AddOnce(a.Insensitive, r.Why)
		}
	}
	for i := range run.Controls {
		p := &run.Controls[i]
		if why := cmp.Or(reports.Insensitivity(p, run.Margin()), p.Insensitive); why != "" && !slices.ContainsFunc(a.Insensitive, func(said string) bool { return strings.HasPrefix(said, p.Comparison()+": ") }) {
			a.Warnings = append(a.Warnings, "insensitive, but no verdict rests on it: "+p.Comparison()+": "+why)
		}
	}
	if len(without) > 0 && !b.RequireControls {
		a.Warnings = append(a.Warnings, strings.Join(without, ", ")+": "+noControls)
	}
}
