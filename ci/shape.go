package ci

import (
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

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
		"require_proof": func(n ast.Node) {
			v, ok := n.(*ast.BoolNode)
			if !ok {
				p.fault(n, "require_proof", "must be true or false, not %s", kind(n))
				return
			}
			budgets.RequireProof = v.Value
		},
		"budgets": func(n ast.Node) { budgets.List = p.budgets(n) },
	})
	p.need(n, "", lines, "schema", "budgets")
	p.relative(budgets)
	return budgets
}

// relative asks what a comparison is with.
func (p *parse) relative(budgets Budgets) {
	for i, b := range budgets.List {
		for _, l := range b.Limits {
			problem := ""
			switch {
			case !relative[l.Quantity]:
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
		if bounds(key) {
			limits = append(limits, Limit{key, p.amount(v.Value, path+"."+key), lineOf(v.Key)})
			return
		}
		if _, ok := findQuantity(key); !ok {
			p.fault(v.Key, path+"."+key, "unknown quantity; %s", suggest(key, quantityFields()))
			return
		}
		limits = append(limits, Limit{key, p.number(v.Value, path+"."+key), lineOf(v.Key)})
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
