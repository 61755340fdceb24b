package web

import (
	"fmt"

	"rubato/player"
)

// flowDrawing is where everything of a drawing goes.
type flowDrawing struct {
	width, height int
	boxes         []flowBox
	edges         []flowEdge
}

// flowBox is an action or a root in its place.
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

// placeFlow lays a tree out in columns by depth: leaves from top to bottom, each
// cause beside the middle of what it caused.
func placeFlow(t *flowTree) *flowDrawing {
	d := &flowDrawing{}
	y := drawingEdge
	for _, root := range t.roots() {
		lines := []string{t.rootName(root)}
		if root == t.started {
			lines = append(lines, shortened(fmt.Sprintf("flow %d", t.token), longestLine))
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

// place puts a node at x and what is below it to the right, from y on. It returns
// the node's box, and where the next may begin.
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
