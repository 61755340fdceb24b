package web

import (
	"fmt"
	"strings"

	"rubato/player"
)

// longestValue is how much of inputs, outputs or an error a line of text shows.
const longestValue = 400

// FlowText draws a flow as a tree of causes, one action a line: the rule that set
// it off, its URI, how long it took, inputs, outputs or error.
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
	if r.Rule != "" && r.Cause == 0 { // what set off the first of a flow is no action, so no line says it
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
