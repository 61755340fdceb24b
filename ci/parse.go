package ci

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// parse walks the syntax tree of a budgets file. Decoding into structs would be shorter, but
// would lose the line of errors that are not syntax, such as an unknown scenario.
type parse struct {
	file   string
	faults Faults
}

func (p *parse) fault(n ast.Node, field, format string, args ...any) {
	p.faults = append(p.faults, Fault{p.file, lineOf(n), field, fmt.Sprintf(format, args...)})
}

// document returns the only document of the file, nil when there is none.
func (p *parse) document(data []byte) ast.Node {
	f, err := parser.ParseBytes(data, 0)
	if err != nil {
		fault := Fault{File: p.file, Problem: "not YAML: " + err.Error()}
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			fault.Line, fault.Problem = at.GetToken().Position.Line, "not YAML: "+at.GetMessage()
		}
		p.faults = append(p.faults, fault)
		return nil
	}
	var bodies []ast.Node
	for _, d := range f.Docs {
		if d.Body != nil {
			bodies = append(bodies, d.Body)
		}
	}
	switch len(bodies) {
	case 1:
		return bodies[0]
	case 0:
		p.faults = append(p.faults, Fault{p.file, 1, "", "empty; it needs `schema: 2` and a list of `budgets`"})
	default:
		p.fault(bodies[1], "", "a second document; put all budgets into one list")
	}
	return nil
}

// fields calls the reader of each key of a mapping. Unknown and repeated keys are faults. It
// returns the line of each key, nil if n is not a mapping.
func (p *parse) fields(n ast.Node, path string, readers map[string]func(ast.Node)) map[string]int {
	return p.pairs(n, path, func(key string, v *ast.MappingValueNode) {
		if read, ok := readers[key]; ok {
			read(v.Value)
			return
		}
		if key == "require_proof" {
			p.fault(v.Key, key, "is now require_controls")
			return
		}
		p.fault(v.Key, join(path, key), "unknown field; %s", suggest(key, slices.Collect(maps.Keys(readers))))
	})
}

func (p *parse) pairs(n ast.Node, path string, each func(key string, v *ast.MappingValueNode)) map[string]int {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		p.fault(n, path, "must be fields of the form `name: value`, not %s", kind(n))
		return nil
	}
	lines := make(map[string]int, len(m.Values))
	for _, v := range m.Values {
		if tokenOf(v.Key) == "" {
			p.fault(v, path, "a field without a name")
			continue
		}
		key := tokenOf(v.Key)
		if first, twice := lines[key]; twice {
			p.fault(v.Key, join(path, key), "given twice, first in line %d", first)
			continue
		}
		lines[key] = lineOf(v.Key)
		each(key, v)
	}
	return lines
}

// text reads a scalar as it is written.
func (p *parse) text(n ast.Node, path string) string {
	switch v := n.(type) {
	case *ast.StringNode:
		if strings.TrimSpace(v.Value) != "" {
			return v.Value
		}
	case *ast.LiteralNode:
		if strings.TrimSpace(v.Value.Value) != "" {
			return strings.TrimSpace(v.Value.Value)
		}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return tokenOf(n)
	}
	p.fault(n, path, "must be a text, not %s", kind(n))
	return ""
}

// texts reads one text, or a list of them.
func (p *parse) texts(n ast.Node, path string) []string {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		if t := p.text(n, path); t != "" {
			return []string{t}
		}
		return nil
	}
	if len(list.Values) == 0 {
		p.fault(n, path, "an empty list")
	}
	var out []string
	for i, v := range list.Values {
		out = append(out, p.text(v, fmt.Sprintf("%s[%d]", path, i)))
	}
	return out
}

// amount reads a number from 0 with its unit, such as 5ms, 150MB, 1% or 7.
func (p *parse) amount(n ast.Node, path, want string) (v float64, unit string, ok bool) {
	text := ""
	switch n := n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		text = tokenOf(n)
	case *ast.StringNode:
		text = strings.TrimSpace(n.Value)
	}
	at := strings.LastIndexAny(text, "0123456789.") + 1
	v, err := strconv.ParseFloat(strings.ReplaceAll(text[:at], "_", ""), 64)
	switch {
	case err != nil || math.IsInf(v, 0) || math.IsNaN(v):
		p.fault(n, path, "must be %s, not %s", want, kind(n))
	case v < 0 || math.Signbit(v):
		p.fault(n, path, "must be %s: %s is negative", want, kind(n))
	default:
		return v, strings.TrimSpace(text[at:]), true
	}
	return 0, "", false
}

// kind is the kind of a node, for a message.
func kind(n ast.Node) string {
	switch v := n.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.MappingNode:
		return "fields"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		return "an anchor, alias or tag (write the value out)"
	default:
		if t := tokenOf(v); len(t) <= 40 {
			return strconv.Quote(t)
		}
		return "a long text"
	}
}

// tokenOf is the text of a scalar as it is in the file.
func tokenOf(n ast.Node) string {
	if n == nil || n.GetToken() == nil {
		return ""
	}
	return n.GetToken().Value
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// root reads the whole file: its schema and its list of budgets.
func (p *parse) root(n ast.Node) Budgets {
	budgets := Budgets{File: p.file}
	lines := p.fields(n, "", map[string]func(ast.Node){
		"schema": func(n ast.Node) {
			if v := p.text(n, "schema"); v != "" && v != "1" && v != fmt.Sprint(BudgetsSchema) {
				p.fault(n, "schema", "is %s; this rubato reads schemas 1 and %d", v, BudgetsSchema)
			}
		},
		"baseline": func(n ast.Node) { budgets.Baseline = p.text(n, "baseline") },
		"machines": func(n ast.Node) {
			p.pairs(n, "machines", func(name string, v *ast.MappingValueNode) {
				p.text(v.Value, "machines."+name)
				budgets.Machines = append(budgets.Machines, name)
			})
		},
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
	for i, b := range budgets.List {
		p.relative(budgets, b, i)
		p.machines(budgets, b, i)
	}
	p.contradictions(budgets)
	return budgets
}

// machines requires that the file names every kind of machine that a budget does.
func (p *parse) machines(budgets Budgets, b Budget, i int) {
	check := func(name, field string, line int) {
		if name != "" && !slices.Contains(budgets.Machines, name) {
			p.faults = append(p.faults, Fault{p.file, line, fmt.Sprintf("budgets[%d].%s", i, field),
				fmt.Sprintf("no machine %q in the field `machines` of the file; %s", name, suggest(name, budgets.Machines))})
		}
	}
	for _, m := range b.Machines {
		check(m, "machine", b.lineOf("machine"))
	}
	for _, l := range b.Limits {
		check(l.Machine, l.Part+"."+l.Quantity, l.line)
	}
}

// relative requires that a relative limit has a baseline, which must be another style. Compared
// with another revision, the baseline is a style like others.
func (p *parse) relative(budgets Budgets, b Budget, i int) {
	for _, l := range b.Limits {
		problem := ""
		switch {
		case l.Part != inLimits || b.To != nil || !relative(l.Quantity):
		case budgets.Baseline == "":
			problem = "compares with nothing; name the style in the field `baseline` of the file"
		case slices.Contains(b.Styles, budgets.Baseline):
			problem = "compares " + budgets.Baseline + " with itself; take time"
		case len(b.Styles) == 0:
			problem = "compares every style with " + budgets.Baseline + ", itself too; name the styles, or `others`"
		}
		if problem != "" {
			p.faults = append(p.faults, Fault{p.file, l.line, fmt.Sprintf("budgets[%d].limits.%s", i, l.Quantity), problem})
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
	readers := map[string]func(ast.Node){
		"name":     func(n ast.Node) { b.Name = p.text(n, path+".name") },
		"scenario": func(n ast.Node) { b.Scenarios = p.texts(n, path+".scenario") },
		"style":    func(n ast.Node) { b.Styles = p.texts(n, path+".style") },
		"options":  func(n ast.Node) { b.Options = p.options(n, path+".options") },
		"to":       func(n ast.Node) { b.To = p.other(n, path+".to") },
		"figure":   func(n ast.Node) { b.Figure = p.text(n, path+".figure") },
		"machine":  func(n ast.Node) { b.Machines = p.texts(n, path+".machine") },
		"severity": func(n ast.Node) { b.Warn = p.severity(n, path+".severity") },
		"source":   func(n ast.Node) { b.Source = p.text(n, path+".source") },
	}
	for _, part := range limitParts {
		readers[part] = func(n ast.Node) { b.Limits = append(b.Limits, p.limits(part, n, path+"."+part)...) }
	}
	b.lines = p.fields(n, path, readers)
	needed := []string{"name", "scenario", "source"}
	if !slices.ContainsFunc(limitParts, func(part string) bool { return b.lines[part] > 0 }) {
		needed = append(needed, inLimits)
	}
	p.need(n, path, b.lines, needed...)
	p.bounded(b, path)
	if at, ok := b.lines["name"]; ok {
		b.line = at
	}
	return b
}

func (p *parse) severity(n ast.Node, path string) (warn bool) {
	v := p.text(n, path)
	if v != "" && v != "warn" && v != "fail" {
		p.fault(n, path, "no severity %q; %s", v, suggest(v, []string{"warn", "fail"}))
	}
	return v == "warn"
}

// other reads an arm, or options.
func (p *parse) other(n ast.Node, path string) *Other {
	if _, is := n.(*ast.MappingNode); is {
		o := &Other{Options: p.options(n, path)}
		if len(o.Options) == 0 {
			p.fault(n, path, "must be an arm, or options such as {trace: off}")
		}
		return o
	}
	return &Other{Style: p.text(n, path)}
}

func (p *parse) options(n ast.Node, path string) map[string]string {
	options := make(map[string]string)
	p.pairs(n, path, func(key string, v *ast.MappingValueNode) {
		options[key] = p.text(v.Value, path+"."+key)
	})
	return options
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
