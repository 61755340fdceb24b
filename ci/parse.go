package ci

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// parse walks the syntax tree of a budgets file. Decoding into structs would be
// shorter, but would lose the line of what is well-formed and still wrong: an
// unknown scenario, a limit that cannot be met.
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
		p.faults = append(p.faults, Fault{p.file, 1, "", "empty; it needs `schema: 1` and a list of `budgets`"})
	default:
		p.fault(bodies[1], "", "a second document; put all budgets into one list")
	}
	return nil
}

// fields calls the reader of each key of a mapping. Unknown and repeated keys are
// faults. It returns the line of each key, nil when n is no mapping.
func (p *parse) fields(n ast.Node, path string, readers map[string]func(ast.Node)) map[string]int {
	return p.pairs(n, path, func(key string, v *ast.MappingValueNode) {
		if read, ok := readers[key]; ok {
			read(v.Value)
			return
		}
		names := make([]string, 0, len(readers))
		for name := range readers {
			names = append(names, name)
		}
		p.fault(v.Key, join(path, key), "unknown field; %s", suggest(key, names))
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

func (p *parse) number(n ast.Node, path string) float64 {
	if v, ok := valueOf(n); ok && v > 0 {
		return v
	}
	p.fault(n, path, "must be a number over 0, not %s", kind(n))
	return 0
}

// amount may be 0: none lost.
func (p *parse) amount(n ast.Node, path string) float64 {
	if v, ok := valueOf(n); ok && v >= 0 {
		return v
	}
	p.fault(n, path, "must be a number from 0, not %s", kind(n))
	return 0
}

func valueOf(n ast.Node) (float64, bool) {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		v, err := strconv.ParseFloat(strings.ReplaceAll(tokenOf(n), "_", ""), 64)
		return v, err == nil && !math.IsInf(v, 0) && !math.IsNaN(v)
	}
	return 0, false
}

// kind says what a node is, for a message.
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

// tokenOf is the text of a scalar as it stands in the file.
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
