package ci

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

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

// root reads the whole file: its schema and its list of budgets.
func (p *parse) root(n ast.Node) Budgets {
	budgets := Budgets{File: p.file}
	lines := p.fields(n, "", map[string]func(ast.Node){
		"schema": func(n ast.Node) {
			if v := p.text(n, "schema"); v != "" && v != fmt.Sprint(BudgetsSchema) {
				p.fault(n, "schema", "is %s; this rubato reads schema %d", v, BudgetsSchema)
			}
		},
		"baseline": func(n ast.Node) { budgets.Baseline = p.text(n, "baseline") },
		"require_controls": func(n ast.Node) {
			v, ok := n.(*ast.BoolNode)
			if !ok {
				p.fault(n, "require_controls", "must be true or false, not %s", kind(n))
				return
			}
			budgets.RequireControls = v.Value
		},
		"budgets": func(n ast.Node) { budgets.List = p.budgets(n) },
	})
	p.need(n, "", lines, "schema", "budgets")
	p.relative(budgets)
	return budgets
}

// relative requires that a relative limit has a baseline, which must be another style.
func (p *parse) relative(budgets Budgets) {
	for i, b := range budgets.List {
		for _, l := range b.Limits {
			problem := ""
			switch {
			case !relative(l.Quantity):
			case budgets.Baseline == "":
				problem = "compares with nothing; name the style in the field `baseline` of the file"
			case slices.Contains(b.Styles, budgets.Baseline):
				problem = "compares " + budgets.Baseline + " with itself; take ns_op"
			case len(b.Styles) == 0:
				problem = "compares every style with " + budgets.Baseline + ", itself too; name the styles"
			}
			if problem != "" {
				p.faults = append(p.faults, Fault{p.file, l.line, fmt.Sprintf("budgets[%d].limits.%s", i, l.Quantity), problem})
			}
		}
	}
}

func (p *parse) budgets(n ast.Node) []Budget {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		p.fault(n, "budgets", "must be a list, not %s", kind(n))
		return nil
	}
	if len(list.Values) == 0 {
		p.fault(n, "budgets", "an empty list gates nothing")
	}
	budgets := make([]Budget, 0, len(list.Values))
	names := make(map[string]int)
	for i, v := range list.Values {
		b := p.budget(v, fmt.Sprintf("budgets[%d]", i))
		if first, twice := names[b.Name]; twice && b.Name != "" {
			p.fault(v, fmt.Sprintf("budgets[%d].name", i), "%q is taken by the budget in line %d", b.Name, first)
		}
		names[b.Name] = b.line
		budgets = append(budgets, b)
	}
	return budgets
}

func (p *parse) budget(n ast.Node, path string) Budget {
	b := Budget{line: lineOf(n)}
	b.lines = p.fields(n, path, map[string]func(ast.Node){
		"name":     func(n ast.Node) { b.Name = p.text(n, path+".name") },
		"scenario": func(n ast.Node) { b.Scenarios = p.texts(n, path+".scenario") },
		"style":    func(n ast.Node) { b.Styles = p.texts(n, path+".style") },
		"options":  func(n ast.Node) { b.Options = p.options(n, path+".options") },
		"figure":   func(n ast.Node) { b.Figure = p.text(n, path+".figure") },
		"limits":   func(n ast.Node) { b.Limits = p.limits(n, path+".limits") },
		"source":   func(n ast.Node) { b.Source = p.text(n, path+".source") },
	})
	p.need(n, path, b.lines, "name", "scenario", "limits", "source")
	p.bounded(b, path)
	if at, ok := b.lines["name"]; ok {
		b.line = at
	}
	return b
}

func (p *parse) options(n ast.Node, path string) map[string]string {
	options := make(map[string]string)
	p.pairs(n, path, func(key string, v *ast.MappingValueNode) {
		options[key] = p.text(v.Value, path+"."+key)
	})
	return options
}

func (p *parse) limits(n ast.Node, path string) []Limit {
	var limits []Limit
	lines := p.pairs(n, path, func(key string, v *ast.MappingValueNode) {
		q, ok := findQuantity(key)
		if !ok && !bounds(key) {
			p.fault(v.Key, path+"."+key, "unknown quantity; %s", suggest(key, quantityFields()))
			return
		}
		limits = append(limits, Limit{key, p.number(v.Value, path+"."+key, bounds(key) || q.Count), lineOf(v.Key)})
	})
	if lines != nil && len(lines) == 0 {
		p.fault(n, path, "no limit gates nothing; %s", suggest("", quantityFields()))
	}
	return limits
}

func (p *parse) need(n ast.Node, path string, lines map[string]int, fields ...string) {
	if lines == nil {
		return
	}
	for _, f := range fields {
		if _, ok := lines[f]; !ok {
			p.fault(n, join(path, f), "is missing")
		}
	}
}
