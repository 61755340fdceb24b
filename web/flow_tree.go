package web

import (
	"strings"
	"unicode"

	"rubato/player"
)

// Bounds of a drawing. An engine ends a flow at 1 000 actions; what is drawn for
// people is less, and says how much is missing.
const (
	drawnActions = 200
	drawnLines   = 2000 // as text
	drawnDepth   = 64
)

// notRecorded is what rows hang from whose cause is not among the rows: it was
// overwritten, or it ran in a module that is not traced.
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
	started *flowNode // what the stimulus itself set off
	lost    *flowNode // what has lost its cause
	drawn   int       // actions in the tree
	missing int       // actions that are not, for its bounds
	failed  int       // actions of the flow that failed
}

// newFlowTree hangs every row on its cause, rows in their own order. Of two rows
// with one id the second causes nothing; a circle of causes is opened at its first
// row.
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

// grow hangs rows below a node, and what they caused below them. What the bounds
// leave out is seen, and not drawn.
func (g *grower) grow(n *flowNode, rows []int) {
	for _, i := range rows {
		if g.seen[i] {
			continue
		}
		g.seen[i] = true
		if g.tree.drawn >= g.most || n.depth >= drawnDepth {
			g.skip(i)
			continue
		}
		g.tree.drawn++
		child := &flowNode{row: &g.rows[i], depth: n.depth + 1}
		n.children = append(n.children, child)
		g.grow(child, g.below[i])
	}
}

// skip marks all below a row that is not drawn, without recursion: a chain may be
// as long as the flow.
func (g *grower) skip(row int) {
	for waiting := []int{row}; len(waiting) > 0; {
		i := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		for _, j := range g.below[i] {
			if !g.seen[j] {
				g.seen[j] = true
				waiting = append(waiting, j)
			}
		}
	}
}

// walk visits the actions, causes before what they caused. parent is a root for
// those that have no recorded cause.
func (t *flowTree) walk(visit func(parent, n *flowNode)) {
	var down func(n *flowNode)
	down = func(n *flowNode) {
		for _, c := range n.children {
			visit(n, c)
			down(c)
		}
	}
	down(t.started)
	down(t.lost)
}

// roots are those that have something below them, the stimulus always first.
func (t *flowTree) roots() []*flowNode {
	if len(t.lost.children) == 0 {
		return []*flowNode{t.started}
	}
	return []*flowNode{t.started, t.lost}
}

// rootName is what a root is called.
func (t *flowTree) rootName(n *flowNode) string {
	if n == t.lost {
		return notRecorded
	}
	return "stimulus"
}

// edgeName is the rule that set an action off.
func edgeName(r *player.TraceRow) string {
	if r.Rule == "" {
		return "called"
	}
	return r.Rule
}

// moduleOf is the module of a URI, "" when it names none.
func moduleOf(uri string) string {
	module, _, ok := strings.Cut(uri, "::")
	if !ok {
		return ""
	}
	return module
}

// withoutModule is the rest of a URI.
func withoutModule(uri string) string {
	if _, rest, ok := strings.Cut(uri, "::"); ok {
		return rest
	}
	return uri
}

// shortened cuts text to so many characters, and replaces what no drawing can
// show: broken UTF-8, control characters, and those that turn writing round, so
// that what a user said cannot steer a terminal or disguise a line.
func shortened(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0xFFFE || r == 0xFFFF {
			return ' '
		}
		return r
	}, text))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}
