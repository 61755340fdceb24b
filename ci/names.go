package ci

import (
	"fmt"
	"maps"
	"slices"

	"rubato/reports"
)

// names finds what budgets name and nobody has.
func (g Gate) names(budgets Budgets, run *reports.Run) Faults {
	var faults Faults
	scenarios, styles := namesOf(run)
	if b := budgets.Baseline; b != "" && unknown(b, g.Styles, styles) {
		faults = append(faults, Fault{budgets.File, 0, "baseline", fmt.Sprintf("no style %q; %s", b, suggest(b, choice(g.Styles, styles)))})
	}
	for i, b := range budgets.List {
		fault := func(field, format string, args ...any) {
			faults = append(faults, Fault{budgets.File, b.lineOf(field), fmt.Sprintf("budgets[%d].%s", i, field), fmt.Sprintf(format, args...)})
		}
		for _, s := range b.Scenarios {
			if unknown(s, g.Scenarios, scenarios) {
				fault("scenario", "no scenario %q; %s", s, suggest(s, choice(g.Scenarios, scenarios)))
			}
		}
		for _, s := range b.Styles {
			if unknown(s, g.Styles, styles) {
				fault("style", "no style %q; %s", s, suggest(s, choice(g.Styles, styles)))
			}
		}
		if names, ran := b.figures(run); b.Figure != "" && ran && !slices.Contains(names, b.Figure) {
			fault("figure", "no measure %q in these scenarios; %s", b.Figure, suggest(b.Figure, names))
		}
		for _, k := range slices.Sorted(maps.Keys(b.Options)) {
			if keys := b.keys(run); len(keys) > 0 && !slices.Contains(keys, k) {
				fault("options", "no option %q in these scenarios; %s", k, suggest(k, keys))
			}
		}
	}
	return faults
}

// unknown says whether a name is nobody's: not among the known ones, or, when
// those are not given, close to one of the run but not it.
func unknown(name string, known, measured []string) bool {
	if len(known) > 0 {
		return !slices.Contains(known, name)
	}
	if slices.Contains(measured, name) || len(measured) == 0 {
		return false
	}
	best, _ := nearest(name, measured)
	return edits(name, best) <= 2
}

func choice(known, measured []string) []string {
	if len(known) > 0 {
		return known
	}
	return measured
}

func namesOf(run *reports.Run) (scenarios, styles []string) {
	for _, s := range run.Scenarios {
		scenarios = append(scenarios, s.Name)
	}
	for _, c := range run.Cells {
		scenarios = append(scenarios, c.Scenario)
		styles = append(styles, c.Style)
	}
	if run.Baseline != "" {
		styles = append(styles, run.Baseline)
	}
	slices.Sort(scenarios)
	slices.Sort(styles)
	return slices.Compact(scenarios), slices.Compact(styles)
}

// keys are the options of the measured cells that the budget's names fit.
func (b Budget) keys(run *reports.Run) []string {
	keys := make(map[string]bool)
	for _, c := range run.Cells {
		if slices.Contains(b.Scenarios, c.Scenario) && (len(b.Styles) == 0 || slices.Contains(b.Styles, c.Style)) {
			for k := range c.Options {
				keys[k] = true
			}
		}
	}
	return slices.Collect(maps.Keys(keys))
}

func (b Budget) lineOf(field string) int {
	if at, ok := b.lines[field]; ok {
		return at
	}
	return b.line
}
