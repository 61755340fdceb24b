package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"rubato/results"
)

// cpuSection says, style by style, how time and CPU time go together and why they differ.
func cpuSection(s results.Scenario, gs []group, details results.Details) []section {
	if s.Pieces() || s.Paced {
		return nil
	}
	out := section{ID: slug(s.Name) + "-cpu", Title: s.Name + ": CPU against time"}
	for _, g := range gs {
		t := Grid{Title: g.title, Text: []int{0}, Head: []string{"style", "time/op", "CPU/op", "CPU to time", "CPU of a core, active", "idle", "messages/op", "bytes/op on the wire"}}
		for i, c := range g.cells {
			if c.Verdict == results.Invalid || c.NsOp.Median == 0 {
				continue
			}
			t.Add("", g.labels[i], nanoseconds(c.NsOp.Median), nanoseconds(c.CPUNsOp.Median), percent(100*c.CPUNsOp.Median/c.NsOp.Median),
				percent(c.ActiveCPU), idleText(c, details), crossed("messages_op", c), crossed("wire_bytes_op", c))
			if text := agreement(g.labels[i], c); text != "" {
				t.Notes = append(t.Notes, text+background(c, g.baseline))
			}
		}
		if length := idleWindow(g, details); length > 0 && length < longIdle {
			t.Notes = append(t.Notes, fmt.Sprintf("Idle CPU is of a window of %s: a rough figure. Without -quick it is of 5 s.", nanoseconds(float64(length))))
		}
		if len(t.Rows) > 0 {
			out.Grids = append(out.Grids, t)
		}
	}
	if len(out.Grids) == 0 {
		return nil
	}
	return []section{out}
}

// roughly is a percentage that is not known to more digits.
func roughly(share float64) string {
	switch {
	case share >= 100:
		return "all"
	case share < 1:
		return "less than 1" + noBreak + "%"
	}
	return fmt.Sprintf("%.0f", share) + noBreak + "%"
}

// longIdle is how long an idle window has to be at least, but for the time between two samples.
const longIdle = 4500 * time.Millisecond

// idleWindow is the time of the last sample of a comparison without work; 0 if there is none.
func idleWindow(g group, details results.Details) (last time.Duration) {
	for _, s := range details.Samples {
		if s.Window == "idle" && slices.ContainsFunc(g.cells, func(c *results.Cell) bool { return c.Key() == s.Cell }) {
			last = max(last, s.At)
		}
	}
	return last
}

// crossed is a count of what crossed a network; a style of one process has none.
func crossed(metric string, c *results.Cell) string {
	m, _ := results.MetricNamed(metric)
	if e, counted := m.Of(c); counted && c.Connections != nil && *c.Connections > 0 {
		return figure(e.Median)
	}
	return noFigure
}

// background says how much of the CPU that a style uses more is what it uses without any work, which
// is a usual explanation: idle CPU runs on during an operation, so it is a share of its time.
func background(c, base *results.Cell) string {
	if base == nil || base == c || c.IdleCPU == 0 && base.IdleCPU == 0 || base.NsOp.Median == 0 {
		return ""
	}
	more := c.CPUNsOp.Median - base.CPUNsOp.Median
	idle := (c.IdleCPU*c.NsOp.Median - base.IdleCPU*base.NsOp.Median) / 100
	text := fmt.Sprintf(" Without work it uses %s of a core, %s %s: in the time of an operation %s", percent(c.IdleCPU), base.Style, percent(base.IdleCPU), nanoseconds(c.IdleCPU*c.NsOp.Median/100))
	if more <= 0 || idle <= 0 {
		return text + "."
	}
	return text + fmt.Sprintf(". So its background accounts for %s of the %s of CPU that an operation takes more.", roughly(100*idle/more), nanoseconds(more))
}

// agreement compares the intervals of both ratios. "" if one is not known.
func agreement(label string, c *results.Cell) string {
	wall := c.MeanRatio
	if wall == nil {
		wall = c.Ratio
	}
	cpu := c.CPURatio
	if wall == nil || cpu == nil || !wall.Bounded() || !cpu.Bounded() {
		return ""
	}
	both := fmt.Sprintf("%s: time %s, CPU %s. ", label, timesRange(wall), timesRange(cpu))
	if m, _ := results.MetricNamed("messages_op"); c.Connections != nil && *c.Connections > 0 {
		if e, counted := m.Of(c); counted {
			both += figure(e.Median) + " messages an operation cross. "
		}
	}
	share := percent(100 * c.CPUNsOp.Median / c.NsOp.Median)
	switch {
	case cpu.Lo > wall.Hi:
		return both + "CPU grows more than time: parts of an operation, or several operations, run side by side on more than one core. " +
			"In an operation's time " + share + " of a core are used, so the bill is larger than the clock says."
	case cpu.Hi < wall.Lo:
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
	t := Grid{Text: []int{0, 1, 4}, Head: []string{"scenario", "style", "overhead/op", "cheap for operations of at least", "here"}}
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
	t.Notes = []string{"What would change it: an overhead that grows with the work, since this takes the overhead of the measured operation for that of a longer one; another machine, disk or network; what -set changes, and what it does not."}
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

// breakEvenSection fits each sweep of the run. There is none without one.
func breakEvenSection(run *results.Run, plots []drawing) []section {
	lines := Grid{Text: []int{0, 1}, Head: []string{"scenario", "style", "operations", "each costs more", "and of its time", "under " + percent(100*cheap) + " from", "predicted when left out"}}
	costs := Grid{Title: "What a style costs more, and how well that predicts", Text: []int{0, 1},
		Head: []string{"scenario", "style"}}
	for _, t := range costTerms {
		costs.Head = append(costs.Head, t.name)
	}
	costs.Head = append(costs.Head, "predicted when left out")
	var froms []Grid
	for _, s := range sweeps(run) {
		least, most, wide := s.isWide()
		terms, several := s.terms()
		if !wide && s.plain {
			continue
		}
		m, err := newModel(s, terms)
		switch told := fmt.Sprintf("%d of %d", m.predicted, len(s.points)); {
		case err != nil && !s.plain:
			costs.Notes = append(costs.Notes, s.label+" has no fit: "+err.Error()+".")
		case err != nil:
		case several:
			costs.Add("", append(append([]string{s.scenario, s.label}, m.factors()...), told)...)
			froms = append(froms, m.table(least, most))
		default:
			lines.Add("", s.scenario, s.label, nanoseconds(least)+" to "+nanoseconds(most), nanoseconds(m.middle.factors[0]), percent(100*m.middle.share()), enoughText(m.from(sizes{})), told)
		}
		if !s.plain && s.unmeasured > 0 {
			costs.Notes = append(costs.Notes, fmt.Sprintf("%s: %s no figure of it, of %d.", s.label, comparisonsHave(s.unmeasured), s.unmeasured+len(s.points)))
		}
	}
	out := section{ID: "break-even", Title: "Break-even: how long an operation must take"}
	if len(lines.Rows) > 0 {
		out.Grids = append(out.Grids, lines)
		out.Text = append(out.Text, fmt.Sprintf("Comparisons of one scenario that differ by an option, and so by how long the operation takes in the baseline. A line is fitted to the overhead: what each operation costs more, and a share of its own time. From when on it is cheap is told for the lines through the lower and the upper ends of the intervals; if these are far apart, the run is too short to tell. The last column leaves each comparison out and predicts its time from the others: within %s is near enough. Outside of the measured range the line is a guess.", percent(100*closeBy)))
	}
	if len(costs.Rows)+len(costs.Notes) > 0 {
		out.Grids = append(append(out.Grids, costs), froms...)
		out.Text = append(out.Text, fmt.Sprintf("Comparisons of one scenario in which work, payload, fan-out and rate vary together. The overhead is fitted as a sum (least squares, weighed by the widths of the intervals): each operation, each part that it reaches, each KiB that it carries to a part, once more after a pause, each part that has slept (after a pause, or while an operation of over 100 µs works), and a share of the operation's own time in the baseline. The tables then say how long an operation must take before the style costs under %s: by the lower and the upper ends of the intervals. The last column leaves each comparison out and predicts its time in the style from the others alone, the baseline's time included: within %s is near enough.", percent(100*cheap), percent(100*closeBy)))
	}
	if maps := slices.DeleteFunc(slices.Clone(plots), func(p drawing) bool { return p.of != nil }); len(maps) > 0 {
		out.Plots = [][]drawing{maps}
	}
	if len(out.Grids) == 0 {
		return nil
	}
	return []section{out}
}

// costTerms are the columns of the table of costs.
var costTerms = slices.Concat([]term{each}, ofSize, []term{ofTime})

// factors are the columns of the table of costs.
func (m model) factors() (cells []string) {
	for _, t := range costTerms {
		at := slices.IndexFunc(m.middle.terms, func(o term) bool { return o.name == t.name })
		switch {
		case at < 0:
			cells = append(cells, noFigure)
		case t.name == ofTime.name:
			cells = append(cells, percent(100*m.middle.factors[at]))
		default:
			cells = append(cells, nanoseconds(m.middle.factors[at]))
		}
	}
	return cells
}

// table says for each payload and rate how long an operation must take, by the parts that it reaches.
func (m model) table(least, most float64) Grid {
	columns, payloads := m.columns(), m.measured(payloadOf)
	t := Grid{Title: m.label + ": cheap for operations of at least", Text: []int{0}, Head: []string{"operation"},
		Notes: []string{fmt.Sprintf("%s a guess: more parts than were measured, or another time than the operations that were: %s to %s.", guess, nanoseconds(least), nanoseconds(most))}}
	for i, f := range columns {
		t.Head = append(t.Head, reaching(f)+map[bool]string{true: guess}[i == len(columns)-1])
	}
	for _, paused := range []bool{false, true} {
		for _, bytes := range slices.Compact([]float64{payloads[0], payloads[len(payloads)-1]}) {
			if !slices.ContainsFunc(m.points, func(p sweepPoint) bool { return p.sizes.paused == paused }) {
				continue
			}
			row := []string{Compact(bytes) + " bytes, " + map[bool]string{false: "one after the other", true: "after a pause"}[paused]}
			for i, f := range columns {
				lo, hi := m.from(sizes{payload: bytes, fanout: f, paused: paused})
				text := enoughText(lo, hi)
				if i == len(columns)-1 || lo < least || hi > most {
					text += guess
				}
				row = append(row, text)
			}
			t.Add("", row...)
		}
	}
	return t
}

func reaching(n float64) string {
	if n == 1 {
		return "1 part"
	}
	return Compact(n) + " parts"
}

// enough is from which time on the overhead is cheap.
func enough(fixed, share float64) float64 {
	switch {
	case share >= cheap:
		return math.Inf(1)
	case fixed <= 0:
		return 0
	}
	return fixed / (cheap - share)
}

// enoughText says it in words. If both ends say different things, both are told.
func enoughText(lo, hi float64) string {
	said := func(ns float64) string {
		switch {
		case ns == 0:
			return "any"
		case math.IsInf(ns, 0):
			return "none: it grows with the operation"
		}
		return nanoseconds(ns)
	}
	if said(lo) == said(hi) {
		return said(lo)
	}
	return said(lo) + " … " + said(hi)
}

func comparisonsHave(n int) string {
	if n == 1 {
		return "1 comparison has"
	}
	return count(int64(n)) + " comparisons have"
}
