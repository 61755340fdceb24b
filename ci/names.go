package ci

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rubato/command"
	"rubato/results"
)

// names finds names in budgets that do not exist.
func (g Gate) names(budgets Budgets, run *results.Run) Faults {
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
			if s != others && unknown(s, g.Styles, styles) {
				fault("style", "no style %q; %s", s, suggest(s, choice(g.Styles, styles)))
			}
		}
		if b.To != nil && b.To.Style != "" && unknown(b.To.Style, g.Styles, styles) {
			fault("to", "no style %q; %s", b.To.Style, suggest(b.To.Style, choice(g.Styles, styles)))
		}
		if why := g.impossible(b); why != "" {
			fault("scenario", "matches no cell of any run: %s", why)
		}
		if names, ran := b.figures(run); b.Figure != "" && ran && !slices.Contains(names, b.Figure) {
			fault("figure", "no measure %q in these scenarios; %s", b.Figure, suggest(b.Figure, names))
		}
		for _, l := range b.Limits {
			if of, _ := run.Scenario(b.Scenarios[0]).Measure(b.Figure); b.Figure != "" && l.Unit != "" && of.Name != "" && l.Unit != judgedIn(of.Unit) {
				faults = append(faults, Fault{budgets.File, l.line, fmt.Sprintf("budgets[%d].limits.%s", i, l.Quantity), fmt.Sprintf("%s is %s: write %s", b.Figure, cmp.Or(of.Unit, "a count"), wanted(judgedIn(of.Unit)))})
			}
		}
		for _, k := range slices.Sorted(maps.Keys(b.Options)) {
			if keys := b.keys(run); len(keys) > 0 && !slices.Contains(keys, k) {
				fault("options", "no option %q in these scenarios; %s", k, suggest(k, keys))
			}
		}
	}
	return faults
}

// impossible says why no run has a cell of a budget. It is empty if one can.
func (g Gate) impossible(b Budget) (why string) {
	if g.Can == nil {
		return ""
	}
	styles := b.Styles
	if len(styles) == 0 || slices.Contains(styles, others) {
		styles = []string{""}
	}
	for _, scenario := range b.Scenarios {
		for _, style := range styles {
			err := g.Can(scenario, style, b.Options)
			if err == nil {
				return ""
			}
			why = cmp.Or(why, err.Error())
		}
	}
	return why
}

// unknown reports whether a name does not exist: it is not among the known names or, if
// these are not given, it is close to a name of the run but not equal.
func unknown(name string, known, measured []string) bool {
	if len(known) > 0 {
		return !slices.Contains(known, name)
	}
	if slices.Contains(measured, name) || len(measured) == 0 {
		return false
	}
	return command.Nearest(name, measured) != ""
}

func choice(known, measured []string) []string {
	if len(known) > 0 {
		return known
	}
	return measured
}

func namesOf(run *results.Run) (scenarios, styles []string) {
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

// keys are the options of the measured cells that have the budget's scenario and style.
func (b Budget) keys(run *results.Run) []string {
	keys := make(map[string]bool)
	for _, c := range run.Cells {
		if slices.Contains(b.Scenarios, c.Scenario) && b.names(c.Style, run.BaselineIn(c.Scenario)) {
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

// suggest gives the valid name near to a wrong one, and all names if there are few or none
// is near.
func suggest(wrong string, valid []string) string {
	if len(valid) == 0 {
		return "there is none to choose from"
	}
	names := slices.Sorted(slices.Values(valid))
	all := "there are " + strings.Join(names, ", ")
	switch best := command.Nearest(wrong, names); {
	case best == "":
		return all
	case len(names) > 6:
		return fmt.Sprintf("nearest is %q", best)
	default:
		return fmt.Sprintf("nearest is %q; %s", best, all)
	}
}
