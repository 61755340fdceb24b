package web

import (
	"fmt"
	"strings"

	"rubato/player"
)

// FlowDOT writes a flow as a graph in the language of Graphviz: dot -Tsvg draws
// it. Actions are boxes, failed ones red; edges bear the rule.
func FlowDOT(f player.Flow) string {
	t := newFlowTree(f, drawnActions)
	var b strings.Builder
	b.WriteString("digraph flow {\n\trankdir=LR;\n\tnode [shape=box, fontname=\"sans-serif\", fontsize=10];\n\tedge [fontname=\"sans-serif\", fontsize=9];\n")
	names := map[*flowNode]string{t.started: "stimulus", t.lost: "lost"}
	fmt.Fprintf(&b, "\tstimulus [shape=oval, label=%s];\n", dotQuote(fmt.Sprintf("flow %d", f.Token)))
	if len(t.lost.children) > 0 {
		fmt.Fprintf(&b, "\tlost [shape=oval, style=dashed, label=%s];\n", dotQuote(notRecorded))
	}
	t.walk(func(parent, n *flowNode) {
		names[n] = fmt.Sprintf("a%d", len(names)-1)
		color := ""
		if n.row.Err != "" {
			color = ", color=red, fontcolor=red"
		}
		fmt.Fprintf(&b, "\t%s [label=%s%s];\n", names[n], dotQuote(strings.Join(boxLines(n.row), "\n")), color)
		fmt.Fprintf(&b, "\t%s -> %s [label=%s];\n", names[parent], names[n], dotQuote(shortened(edgeName(n.row), longestLabel)))
	})
	if t.missing > 0 {
		fmt.Fprintf(&b, "\tmissing [shape=plaintext, label=%s];\n", dotQuote(counted(t.missing, "action")+" more, not drawn"))
	}
	b.WriteString("}\n")
	return b.String()
}

// dotQuote quotes a label: in DOT a backslash begins an escape of its own.
func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
