package live

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"rubato/player"
)

// Bounds of a drawing. An engine ends a flow at 1 000 actions. A drawing has fewer, and
// says how many are missing.
const (
	drawnActions = 200
	drawnLines   = 2000 // as text
	drawnDepth   = 64
)

// notRecorded is the root of rows whose cause is missing: it was overwritten, or it ran in a
// module that is not traced.
const notRecorded = "(not recorded)"

// flowNode is an action in the tree of causes, or one of its two roots.
type flowNode struct {
	row      *player.TraceRow // nil: a root
	depth    int
	children []*flowNode
}

// flowTree is a flow as a tree of causes, bounded.
type flowTree struct {
	token   uint64
	started *flowNode // root of the actions that the stimulus itself started
	lost    *flowNode // root of the actions whose cause is missing
	drawn   int       // actions in the tree
	missing int       // actions left out because of the bounds
	failed  int       // actions of the flow that failed
}

// newFlowTree puts every row below its cause, in the order of the rows. Of two rows with
// one id the second causes nothing. A circle of causes is opened at its first row.
func newFlowTree(f player.Flow, most int) *flowTree {
	t := &flowTree{token: f.Token, started: &flowNode{}, lost: &flowNode{}}
	byID := make(map[uint64]int, len(f.Rows))
	for i, r := range f.Rows {
		if _, twice := byID[r.ID]; !twice && r.ID != 0 {
			byID[r.ID] = i
		}
		if r.Err != "" {
			t.failed++
		}
	}
	below := make([][]int, len(f.Rows))
	var roots, orphans []int
	for i, r := range f.Rows {
		cause, known := byID[r.Cause]
		switch {
		case r.Cause == 0:
			roots = append(roots, i)
		case known:
			below[cause] = append(below[cause], i)
		default:
			orphans = append(orphans, i)
		}
	}
	g := &grower{tree: t, rows: f.Rows, below: below, seen: make([]bool, len(f.Rows)), most: most}
	g.grow(t.started, roots)
	g.grow(t.lost, orphans)
	for i := range f.Rows {
		if !g.seen[i] {
			g.grow(t.lost, []int{i})
		}
	}
	t.missing = len(f.Rows) - t.drawn
	return t
}

// grower makes the tree's nodes.
type grower struct {
	tree  *flowTree
	rows  []player.TraceRow
	below [][]int // rows that each row caused
	seen  []bool
	most  int
}

// grow puts rows below a node, and what they caused below them. Beyond the bounds the node
// is nil: rows are only marked as seen.
func (g *grower) grow(n *flowNode, rows []int) {
	for _, i := range rows {
		if g.seen[i] {
			continue
		}
		g.seen[i] = true
		var child *flowNode
		if n != nil && g.tree.drawn < g.most && n.depth < drawnDepth {
			g.tree.drawn++
			child = &flowNode{row: &g.rows[i], depth: n.depth + 1}
			n.children = append(n.children, child)
		}
		g.grow(child, g.below[i])
	}
}

// roots are the roots to draw: the stimulus, and lost if it has children.
func (t *flowTree) roots() []*flowNode {
	if len(t.lost.children) == 0 {
		return []*flowNode{t.started}
	}
	return []*flowNode{t.started, t.lost}
}

// edgeName is the rule that started an action.
func edgeName(r *player.TraceRow) string { return cmp.Or(r.Rule, "called") }

// splitURI separates the module of a URI, "" if it names none, from the rest.
func splitURI(uri string) (module, rest string) {
	if module, rest, ok := strings.Cut(uri, "::"); ok {
		return module, rest
	}
	return "", uri
}

// shortened cuts text to so many characters, and replaces broken UTF-8, control characters
// and those that change the direction of writing, so that a user's text cannot control a
// terminal or disguise a line.
func shortened(text string, most int) string {
	all := min(len(text), utf8.UTFMax*(most+1)) // more is not looked at, however much was said
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0xFFFE || r == 0xFFFF {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text[:all], "\uFFFD")))
	if len(runes) <= most && all == len(text) {
		return string(runes)
	}
	return string(runes[:min(len(runes), most-1)]) + "…"
}

// longestValue is how many characters of inputs, outputs or an error a line shows.
const longestValue = 400

// FlowText draws a flow as a tree of causes, one action a line: the rule that started it,
// its URI, its duration, inputs, outputs or error.
func FlowText(f player.Flow) string {
	t := newFlowTree(f, drawnLines)
	var b strings.Builder
	fmt.Fprintf(&b, "flow %d: %s", f.Token, counted(len(f.Rows), "action"))
	if t.failed > 0 {
		fmt.Fprintf(&b, ", %d failed", t.failed)
	}
	if len(f.Rows) > 0 {
		fmt.Fprintf(&b, ", from %s", f.Rows[0].Start.UTC().Format("2006-01-02 15:04:05.000000 UTC"))
	}
	b.WriteByte('\n')
	for _, root := range t.roots() {
		if root == t.lost {
			b.WriteString(notRecorded + "\n")
		}
		branches(&b, root, "")
	}
	if t.missing > 0 {
		fmt.Fprintf(&b, "… and %s more, not drawn\n", counted(t.missing, "action"))
	}
	return b.String()
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func branches(b *strings.Builder, n *flowNode, indent string) {
	for i, c := range n.children {
		fork, below := "├─ ", "│  "
		if i == len(n.children)-1 {
			fork, below = "└─ ", "   "
		}
		b.WriteString(indent + fork)
		branch(b, c.row)
		branches(b, c, indent+below)
	}
}

// branch writes "[Rule] action 12µs (inputs) → outputs".
func branch(b *strings.Builder, r *player.TraceRow) {
	if r.Rule != "" && r.Cause == 0 { // the first action was started by an event that has no line
		fmt.Fprintf(b, "[%s on %s] ", shortened(r.Rule, longestValue), shortened(r.Trigger, longestValue))
	} else if r.Rule != "" {
		fmt.Fprintf(b, "[%s] ", shortened(r.Rule, longestValue))
	}
	fmt.Fprintf(b, "%s %v", shortened(r.Action, longestValue), r.Took)
	if r.In != "" {
		fmt.Fprintf(b, " (%s)", shortened(r.In, longestValue))
	}
	if r.Out != "" {
		fmt.Fprintf(b, " → %s", shortened(r.Out, longestValue))
	}
	if r.Err != "" {
		fmt.Fprintf(b, " ✗ %s", shortened(r.Err, longestValue))
	}
	b.WriteByte('\n')
}

// FlowDOT writes a flow as a graph in the language of Graphviz: dot -Tsvg draws it. Actions
// are boxes, failed ones red. Edges are labelled with the rule.
func FlowDOT(f player.Flow) string {
	t := newFlowTree(f, drawnActions)
	var b strings.Builder
	b.WriteString("digraph flow {\n\trankdir=LR;\n\tnode [shape=box, fontname=\"sans-serif\", fontsize=10];\n\tedge [fontname=\"sans-serif\", fontsize=9];\n")
	names := map[*flowNode]string{t.started: "stimulus", t.lost: "lost"}
	fmt.Fprintf(&b, "\tstimulus [shape=oval, label=%s];\n", dotQuote(fmt.Sprintf("flow %d", f.Token)))
	if len(t.lost.children) > 0 {
		fmt.Fprintf(&b, "\tlost [shape=oval, style=dashed, label=%s];\n", dotQuote(notRecorded))
	}
	var draw func(parent *flowNode)
	draw = func(parent *flowNode) {
		for _, n := range parent.children {
			names[n] = fmt.Sprintf("a%d", len(names)-1)
			color := ""
			if n.row.Err != "" {
				color = ", color=red, fontcolor=red"
			}
			fmt.Fprintf(&b, "\t%s [label=%s%s];\n", names[n], dotQuote(strings.Join(boxLines(n.row), "\n")), color)
			fmt.Fprintf(&b, "\t%s -> %s [label=%s];\n", names[parent], names[n], dotQuote(shortened(edgeName(n.row), longestLabel)))
			draw(n)
		}
	}
	draw(t.started)
	draw(t.lost)
	if t.missing > 0 {
		fmt.Fprintf(&b, "\tmissing [shape=plaintext, label=%s];\n", dotQuote(counted(t.missing, "action")+" more, not drawn"))
	}
	b.WriteString("}\n")
	return b.String()
}

// dotQuote quotes a label. In DOT a backslash begins an escape.
func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
