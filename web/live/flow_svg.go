package live

import (
	"bytes"
	"fmt"
	"html"
	"strings"

	"rubato/player"
)

// Sizes of a drawing, in px.
const (
	boxWidth     = 300
	boxPadding   = 9
	lineHeight   = 15
	columnGap    = 215 // room for the names of rules
	rowGap       = 14
	drawingEdge  = 16
	rootWidth    = 130
	longestLine  = 42 // characters
	longestLabel = 28
)

// flowStyle has both themes: a picture follows the theme of the reader's system. Names begin
// with rf-, so that a drawing does not change the page around it.
const flowStyle = `
.rf-ground{fill:#fff}.rf-text{font:12px system-ui,sans-serif;fill:#1c2430}.rf-name{font-weight:600}
.rf-quiet{font-size:11px;fill:#55606e}.rf-rule{font-size:11px;fill:#3c4653}.rf-bad{font-size:11px;fill:#b3261e}
.rf-edge{fill:none;stroke:#8a94a1;stroke-width:1.3}
.rf-box{fill:#f4f5f7;stroke:#8a94a1}.rf-root{fill:#fff;stroke:#55606e}.rf-lost{stroke-dasharray:4 3}
.rf-ap{fill:#e3eefc;stroke:#2f6fc4}.rf-pd{fill:#e2f4e6;stroke:#2d8a4a}.rf-ui{fill:#f1e6fa;stroke:#8347b5}.rf-log{fill:#fdeeda;stroke:#b8721a}
.rf-failed{stroke:#b3261e;stroke-width:2.5}
@media (prefers-color-scheme:dark){
.rf-ground{fill:#14181e}.rf-text{fill:#e6eaf0}.rf-quiet{fill:#a3aebb}.rf-rule{fill:#c0c9d4}.rf-bad{fill:#ff8a80}
.rf-edge{stroke:#6f7a88}.rf-box{fill:#232a33;stroke:#6f7a88}.rf-root{fill:#14181e;stroke:#a3aebb}
.rf-ap{fill:#16304f;stroke:#5b9bee}.rf-pd{fill:#163a23;stroke:#55b877}.rf-ui{fill:#34204a;stroke:#b47fe0}.rf-log{fill:#45300f;stroke:#e0a04a}
.rf-failed{stroke:#ff8a80}}
`

// FlowSVG draws a flow as a self-contained picture: the stimulus on the left, each action
// right of its cause, coloured by module, edges labelled with the rule. All text is
// escaped.
func FlowSVG(f player.Flow) []byte {
	t := newFlowTree(f, drawnActions)
	d := placeFlow(t)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`, d.width, d.height, d.width, d.height)
	fmt.Fprintf(&b, "<title>flow %d: %s</title><style>%s</style>\n", f.Token, counted(len(f.Rows), "action"), flowStyle)
	fmt.Fprintf(&b, `<rect class="rf-ground" width="%d" height="%d"/>`+"\n", d.width, d.height)
	for _, e := range d.edges {
		drawEdge(&b, e)
	}
	for _, p := range d.boxes {
		drawBox(&b, t, p)
	}
	if t.missing > 0 {
		textAt(&b, drawingEdge, d.height-drawingEdge, "rf-text", fmt.Sprintf("… and %s more, not drawn", counted(t.missing, "action")))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// boxLines are the lines of a box: action, inputs, outputs or error, duration.
func boxLines(r *player.TraceRow) []string {
	module, name := splitURI(r.Action)
	lines := []string{shortened(name, longestLine-6)}
	if r.In != "" {
		lines = append(lines, shortened(r.In, longestLine))
	}
	if r.Out != "" {
		lines = append(lines, shortened("→ "+r.Out, longestLine))
	}
	if r.Err != "" {
		lines = append(lines, shortened("✗ "+r.Err, longestLine))
	}
	last := r.Took.String()
	if module != "" {
		last = module + " · " + last
	}
	return append(lines, shortened(last, longestLine))
}

func drawEdge(b *bytes.Buffer, e flowEdge) {
	bend := e.x1 + 14
	fmt.Fprintf(b, `<path class="rf-edge" d="M%d %dH%dV%dH%d"/>`, e.x1, e.y1, bend, e.y2, e.x2)
	fmt.Fprintf(b, `<path class="rf-edge" d="M%d %dl5 4l-5 4"/>`, e.x2-5, e.y2-4)
	textAt(b, bend+5, e.y2-4, "rf-text rf-rule", shortened(edgeName(e.row), longestLabel))
	if e.row.Trigger != "" {
		_, event := splitURI(e.row.Trigger)
		textAt(b, bend+5, e.y2+12, "rf-text rf-quiet", shortened("on "+event, longestLabel))
	}
	b.WriteByte('\n')
}

func drawBox(b *bytes.Buffer, t *flowTree, p flowBox) {
	b.WriteString("<g>")
	class := "rf-root"
	if r := p.node.row; r != nil {
		class = "rf-box"
		switch module, _ := splitURI(r.Action); module {
		case "ap", "pd", "ui", "log":
			class += " rf-" + module
		}
		if r.Err != "" {
			class += " rf-failed"
		}
		fmt.Fprintf(b, "<title>%s</title>", html.EscapeString(shortened(strings.Join([]string{r.Action, r.In, r.Out, r.Err}, "  "), longestValue)))
	} else if p.node == t.lost {
		class += " rf-lost"
	}
	fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="6"/>`, class, p.x, p.y, p.width, p.height)
	// A nested picture cuts off what is wider than its box.
	fmt.Fprintf(b, `<svg x="%d" y="%d" width="%d" height="%d">`, p.x, p.y, p.width-2, p.height)
	for i, line := range p.lines {
		class := "rf-text rf-quiet"
		switch {
		case i == 0:
			class = "rf-text rf-name"
		case strings.HasPrefix(line, "✗"):
			class = "rf-text rf-bad"
		}
		textAt(b, boxPadding, boxPadding+lineHeight*i+11, class, line)
	}
	b.WriteString("</svg></g>\n")
}

func textAt(b *bytes.Buffer, x, y int, class, text string) {
	fmt.Fprintf(b, `<text class="%s" x="%d" y="%d">%s</text>`, class, x, y, html.EscapeString(text))
}

// flowDrawing has the position of everything in a drawing.
type flowDrawing struct {
	width, height int
	boxes         []flowBox
	edges         []flowEdge
}

// flowBox is an action or a root, with its position.
type flowBox struct {
	node                *flowNode
	x, y, width, height int
	lines               []string
}

// middle is where edges meet the box.
func (b flowBox) middle() int { return b.y + b.height/2 }

// flowEdge goes from the right of a cause to the left of what it caused.
type flowEdge struct {
	x1, y1, x2, y2 int
	row            *player.TraceRow
}

// placeFlow arranges a tree in columns by depth: leaves from top to bottom, each cause
// beside the middle of what it caused.
func placeFlow(t *flowTree) *flowDrawing {
	d := &flowDrawing{}
	y := drawingEdge
	for _, root := range t.roots() {
		lines := []string{"stimulus", fmt.Sprintf("flow %d", t.token)}
		if root == t.lost {
			lines = []string{notRecorded}
		}
		_, y = d.place(root, drawingEdge, y, lines)
	}
	for _, b := range d.boxes {
		d.width = max(d.width, b.x+b.width+drawingEdge)
	}
	d.height = y - rowGap + drawingEdge
	if t.missing > 0 {
		d.height += lineHeight + rowGap
	}
	return d
}

// place puts a node at x and what it caused to its right, from y on. It returns the node's
// box, and the y where the next box may begin.
func (d *flowDrawing) place(n *flowNode, x, y int, lines []string) (flowBox, int) {
	b := flowBox{node: n, x: x, y: y, width: boxWidth, lines: lines, height: 2*boxPadding + lineHeight*len(lines) - 2}
	if n.row == nil {
		b.width = rootWidth
	}
	next := y
	var below []flowBox
	for _, c := range n.children {
		var box flowBox
		box, next = d.place(c, x+b.width+columnGap, next, boxLines(c.row))
		below = append(below, box)
	}
	if len(below) > 0 {
		b.y = max(y, (below[0].middle()+below[len(below)-1].middle())/2-b.height/2)
	}
	for i, box := range below {
		d.edges = append(d.edges, flowEdge{b.x + b.width, b.middle(), box.x, box.middle(), n.children[i].row})
	}
	d.boxes = append(d.boxes, b)
	return b, max(next, b.y+b.height+rowGap)
}
