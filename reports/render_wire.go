package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rubato/results"
)

// wireSection shows what crossed the network between modules, as its server counted it. There
// is none if no cell was counted, as in runs that are older than the counts.
func wireSection(run *results.Run) []section {
	modules := wireModules(run)
	t := Grid{Text: []int{0}, Head: append([]string{"cell", "messages/op", "bytes/op", "connections"}, modules...)}
	for i := range run.Cells {
		c := &run.Cells[i]
		if row := wireRow(c, modules); row[1] != noFigure && c.Verdict != results.Invalid {
			t.Add("", row...)
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []section{{ID: "wire", Title: "On the wire", Grids: []Grid{t}, Text: []string{
		"What crossed the network between modules, per operation. The network's server counts it for each connection, whatever the style reports. Messages and bytes are those that modules sent, so a message counts once, however many receive it. Bytes are header and payload; lines and pings of the network's protocol are not in them. Below a module's name is what its connection sent and received.",
		"A request is two messages: the question and the answer. Operations that share a request to commit share its message, so a count per operation need not be whole."}}}
}

// wireModules are the modules that sent or received something in a cell of the run.
func wireModules(run *results.Run) (modules []string) {
	for i := range run.Cells {
		if check := run.Cells[i].Equivalence; check != nil {
			for name, n := range check.Own {
				if n > 0 && (results.Sent(name) || results.Received(name)) {
					modules = results.AddOnce(modules, name[strings.LastIndex(name, " ")+1:])
				}
			}
		}
	}
	return slices.Sorted(slices.Values(modules))
}

func wireRow(c *results.Cell, modules []string) []string {
	row := []string{c.Scenario + " " + c.Label()}
	for _, name := range []string{"messages_op", "wire_bytes_op", "connections"} {
		shown := noFigure
		m, _ := results.MetricNamed(name)
		if e, known := m.Of(c); known {
			shown = showUnit(m.Unit)(e.Median)
		}
		row = append(row, shown)
	}
	if c.Connections != nil && *c.Connections == 0 {
		row[3] += secondary + "none: one process"
	}
	for _, module := range modules {
		row = append(row, moduleText(c, module))
	}
	return row
}

// moduleText is what a module's connection sent and received, per operation.
func moduleText(c *results.Cell, module string) string {
	if c.Equivalence == nil || c.Work.Stimuli == 0 {
		return noFigure
	}
	if c.Connections != nil && *c.Connections == 0 {
		return noFigure
	}
	side := func(verb, messages, bytes string) string {
		n, counted := c.Equivalence.Own[messages+module]
		if !counted {
			return verb + " " + noFigure
		}
		each := func(n int64) string { return figure(float64(n) / float64(c.Work.Stimuli)) }
		return fmt.Sprintf("%s %s, %s%sB", verb, each(n), each(c.Equivalence.Own[bytes+module]), noBreak)
	}
	return side("sent", results.SentMessages, results.SentBytes) + secondary + side("received", results.ReceivedMessages, results.ReceivedBytes)
}

// withoutWire leaves out counts of what crossed a network, and zeros.
func withoutWire(c results.Counts) results.Counts {
	c = maps.Clone(c)
	maps.DeleteFunc(c, func(name string, n int64) bool { return n == 0 || results.Sent(name) || results.Received(name) })
	return c
}
