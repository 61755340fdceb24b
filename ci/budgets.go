package ci

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// BudgetsSchema is the version of the budgets file that this package reads.
const BudgetsSchema = 1

// Limits of a budgets file. The parser's memory grows with the square of the nesting, so a
// file that is nested too deeply is refused before.
const (
	maxBudgetsFile = 64 << 10 // bytes; a budgets file is a page or two
	maxLine        = 500      // bytes
	maxNesting     = 16       // brackets and braces open at once
	maxFaults      = 20       // reported in full; more are counted
)

// Budgets are the budgets of one file.
type Budgets struct {
	File     string // for messages
	Baseline string // the style that ratio and overhead_us are to
	// RequireControls: a run without controls is insensitive.
	RequireControls bool
	List            []Budget
}

// A Budget is about one or more cells of a run.
type Budget struct {
	Name      string
	Scenarios []string          // at least one
	Styles    []string          // empty: every style
	Options   map[string]string // options that a cell must have
	Figure    string            // the measure that max and min limit; empty: Limits name quantities
	Limits    []Limit           // at least one
	Source    string            // the document and section that the budget is from
	line      int
	lines     map[string]int // of each field, "scenario" or "options.mode"
}

// A Limit is one figure that a budget allows, in the unit of its quantity.
type Limit struct {
	Quantity string
	Value    float64
	line     int
}

// A Fault is one error in a budgets file.
type Fault struct {
	File    string
	Line    int    // from 1; 0: the whole file
	Field   string // path such as budgets[2].limits.ratio; may be empty
	Problem string // what is wrong, and what is right
}

func (f Fault) Error() string {
	place := f.File
	if f.Line > 0 {
		place = fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	if f.Field == "" {
		return place + ": " + f.Problem
	}
	return place + ": " + f.Field + ": " + f.Problem
}

// Faults are all errors in a budgets file, in its order.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, 0, len(fs))
	for i, f := range fs {
		if i == maxFaults {
			lines = append(lines, fmt.Sprintf("%s: %d more", f.File, len(fs)-i))
			break
		}
		lines = append(lines, f.Error())
	}
	return strings.Join(lines, "\n")
}

// ReadBudgets reads and checks a budgets file. It returns its errors as Faults.
func ReadBudgets(path string) (Budgets, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return Budgets{}, fmt.Errorf("%s: no such file; name yours with -budgets FILE", path)
		}
		return Budgets{}, fmt.Errorf("read budgets: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBudgetsFile+1))
	if err != nil {
		return Budgets{}, fmt.Errorf("read budgets: %w", err)
	}
	return ParseBudgets(path, data)
}

// ParseBudgets reads budgets from YAML. The file name is only for messages.
func ParseBudgets(file string, data []byte) (Budgets, error) {
	if len(data) > maxBudgetsFile {
		return Budgets{}, Faults{{File: file, Problem: fmt.Sprintf("longer than %d KiB; is it a budgets file?", maxBudgetsFile>>10)}}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // the byte order mark of other systems' editors
	if fault := tooDeep(file, data); fault != nil {
		return Budgets{}, Faults{*fault}
	}
	p := &parse{file: file}
	root := p.document(data)
	if root == nil {
		return Budgets{}, p.faults
	}
	budgets := p.root(root)
	if len(p.faults) > 0 {
		return Budgets{}, p.faults
	}
	return budgets, nil
}

// tooDeep finds the first line that is too long, which bounds how deep blocks nest, or at
// which too many brackets are open. It ignores quotes and comments, since no real file comes
// near these limits.
func tooDeep(file string, data []byte) *Fault {
	open := 0
	for i, line := range bytes.Split(data, []byte("\n")) {
		if len(line) > maxLine {
			return &Fault{file, i + 1, "", fmt.Sprintf("longer than %d bytes; break the line", maxLine)}
		}
		for _, b := range line {
			switch b {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
		}
		if open > maxNesting {
			return &Fault{file, i + 1, "", fmt.Sprintf("%d brackets are open; budgets nest two deep", open)}
		}
	}
	return nil
}

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
		p.faults = append(p.faults, Fault{p.file, 1, "", "empty; it needs `schema: 1` and a list of `budgets`"})
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

// number reads a number over 0, or from 0 for a count and a bound of a figure.
func (p *parse) number(n ast.Node, path string, zero bool) float64 {
	v, ok := valueOf(n)
	switch {
	case ok && (v > 0 || zero && v == 0):
		return v
	case zero:
		p.fault(n, path, "must be a number from 0, not %s", kind(n))
	default:
		p.fault(n, path, "must be a number over 0, not %s", kind(n))
	}
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
