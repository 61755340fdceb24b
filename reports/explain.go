package reports

import (
	"fmt"
	"strings"

	"rubato/results"
)

// cpuSection says, style by style, how time and CPU time go together and why they differ.
func cpuSection(s results.Scenario, gs []group, details results.Details) []section {
	if s.Pieces() || s.Paced {
		return nil
	}
	out := section{ID: slug(s.Name) + "-cpu", Title: s.Name + ": CPU against time"}
	for _, g := range gs {
		t := Grid{Title: g.title, Text: []int{0}, Head: []string{"style", "time/op", "CPU/op", "CPU to time", "CPU of a core, active", "idle"}}
		for i, c := range g.cells {
			if c.Verdict == results.Invalid || c.NsOp.Median == 0 {
				continue
			}
			t.Add("", g.labels[i], nanoseconds(c.NsOp.Median), nanoseconds(c.CPUNsOp.Median), percent(100*c.CPUNsOp.Median/c.NsOp.Median),
				percent(c.ActiveCPU), idleText(c, details))
			if text := agreement(g.labels[i], c); text != "" {
				t.Notes = append(t.Notes, text)
			}
		}
		if len(t.Notes) > 0 {
			out.Grids = append(out.Grids, t)
		}
	}
	if len(out.Grids) == 0 {
		return nil
	}
	return []section{out}
}

// agreement compares the intervals of both ratios. "" if one is not known.
func agreement(label string, c *results.Cell) string {
	time := c.MeanRatio
	if time == nil {
		time = c.Ratio
	}
	cpu := c.CPURatio
	if time == nil || cpu == nil || !time.Bounded() || !cpu.Bounded() {
		return ""
	}
	both := fmt.Sprintf("%s: time %s, CPU %s. ", label, timesRange(time), timesRange(cpu))
	if m, _ := results.MetricNamed("messages_op"); c.Connections != nil && *c.Connections > 0 {
		if e, counted := m.Of(c); counted {
			both += figure(e.Median) + " messages an operation cross. "
		}
	}
	share := percent(100 * c.CPUNsOp.Median / c.NsOp.Median)
	switch {
	case cpu.Lo > time.Hi:
		return both + "CPU grows more than time: parts of an operation, or several operations, run side by side on more than one core. " +
			"In an operation's time " + share + " of a core are used, so the bill is larger than the clock says."
	case cpu.Hi < time.Lo:
		return both + "Time grows more than CPU: the style waits, for sockets, wake-ups or the disk, while no core works for it. " +
			"In an operation's time " + share + " of a core are used, so the machine has room for more of them at a time."
	}
	return both + "This run shows no difference between the two. In an operation's time " + share + " of a core are used."
}

// cheap is the share of an operation's time that an overhead may be.
const cheap = 0.05

// recommendationSection applies stated rules to the figures.
func recommendationSection(run *results.Run) []section {
	out := section{ID: "recommendation", Title: "What follows", Text: []string{fmt.Sprintf(
		"Rule. A style is cheap for an operation if the upper end of its overhead's interval is at most %s of the operation's time in the baseline. A comparison that is insensitive, or without an interval, gives no advice.", percent(100*cheap))}}
	t := Grid{Text: []int{0, 1, 4}, Cards: true, Head: []string{"scenario", "style", "overhead/op", "cheap for operations of at least", "here"}}
	for _, cells := range byLabel(run) {
		for _, n := range cells {
			if row := advice(run, n); row != nil {
				t.Add("", row...)
			}
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	t.Notes = []string{"What would change it: an overhead that grows with the work, since this takes the overhead of the measured operation for that of a longer one; another machine, disk or network; more rules, larger messages, or another transport, each of which is a -set."}
	out.Grids = []Grid{t}
	return []section{out}
}

// advice is a row; nil if the cell gives none.
func advice(run *results.Run, n *named) []string {
	base := results.BaselineOf(run, *n.Cell)
	if p := run.ControlsOf(n.Cell); n.Verdict != results.Measured || !known(n.OverheadNs) || base == nil || p != nil && p.Insensitive != "" {
		return nil
	}
	least, here := "any", "cheap"
	if n.OverheadNs.Hi > 0 {
		least = nanoseconds(n.OverheadNs.Hi / cheap)
	}
	own := base.NsOp.Median
	if base.TypicalNsOp != nil {
		own = base.TypicalNsOp.Median
	}
	switch {
	case n.OverheadNs.Hi <= cheap*own:
	case n.OverheadNs.Lo > cheap*own:
		here = "not cheap"
	default:
		here = "open"
	}
	return []string{n.ComparisonLabel(), strings.TrimSpace(n.label), bracketed(n.OverheadNs, nanoseconds), least, here + ": it takes " + nanoseconds(own)}
}
