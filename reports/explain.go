package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/montanaflynn/stats"

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

// A sweep is a style in the comparisons of a scenario that differ by an option, such as the size of
// a library, and so by how long the operation takes.
type sweep struct {
	scenario, label string
	points          []sweepPoint
}

// A sweepPoint is one comparison, in nanoseconds per operation; lo and hi are the interval of more.
type sweepPoint struct{ base, more, lo, hi float64 }

const (
	// fewestPoints is of which a line is fitted, and still one can be left out.
	fewestPoints = 4
	// leastSpread is how much longer the longest operation takes than the shortest.
	leastSpread = 3
	// closeBy is how well the time of a comparison that was left out has to be predicted.
	closeBy = 0.15
)

// sweeps are those of the run that are wide enough, in the order of its cells.
func sweeps(run *results.Run) (wide []sweep) {
	for _, cells := range byLabel(run) {
		of := map[string]*sweep{}
		var order []*sweep
		for _, n := range cells {
			base := results.BaselineOf(run, *n.Cell)
			if n.Verdict != results.Measured || !known(n.OverheadNs) || base == nil {
				continue
			}
			s := of[n.Scenario]
			if s == nil {
				s = &sweep{scenario: n.Scenario, label: n.label}
				of[n.Scenario], order = s, append(order, s)
			}
			own := base.NsOp.Median
			if base.TypicalNsOp != nil {
				own = base.TypicalNsOp.Median
			}
			s.points = append(s.points, sweepPoint{own, n.OverheadNs.Median, n.OverheadNs.Lo, n.OverheadNs.Hi})
		}
		for _, s := range order {
			if s.isWide() {
				wide = append(wide, *s)
			}
		}
	}
	return wide
}

func (s sweep) isWide() bool {
	least, most := math.Inf(1), 0.0
	for _, p := range s.points {
		least, most = min(least, p.base), max(most, p.base)
	}
	return len(s.points) >= fewestPoints && most >= leastSpread*least
}

// line is the least squares fit of the overhead: what each operation costs more, and the share of
// its own time on top.
func line(points []sweepPoint) (fixed, share float64, err error) {
	var series stats.Series
	first, last := points[0].base, points[0].base
	for _, p := range points {
		series = append(series, stats.Coordinate{X: p.base, Y: p.more})
		first, last = min(first, p.base), max(last, p.base)
	}
	fit, err := stats.LinearRegression(series)
	if err != nil {
		return 0, 0, err
	}
	var atFirst, atLast float64
	for _, c := range fit {
		if c.X == first {
			atFirst = c.Y
		}
		if c.X == last {
			atLast = c.Y
		}
	}
	share = (atLast - atFirst) / (last - first)
	return atFirst - share*first, share, nil
}

// shifted are the points with the lower, or the upper, end of each interval.
func (s sweep) shifted(end func(sweepPoint) float64) (points []sweepPoint) {
	for _, p := range s.points {
		points = append(points, sweepPoint{base: p.base, more: end(p)})
	}
	return points
}

// breakEven is from which time on the overhead is cheap: by the lines through the lower and the upper
// ends of the intervals. If they say different things, both are told.
func (s sweep) breakEven() string {
	var said [2]string
	for i, end := range []func(sweepPoint) float64{func(p sweepPoint) float64 { return p.lo }, func(p sweepPoint) float64 { return p.hi }} {
		fixed, share, err := line(s.shifted(end))
		if err != nil {
			return noFigure
		}
		said[i] = breakEven(fixed, share)
	}
	if said[0] == said[1] {
		return said[0]
	}
	return said[0] + " … " + said[1]
}

// leftOut predicts each point from the others, and counts those whose time comes near.
func (s sweep) leftOut() (good int) {
	for i, p := range s.points {
		others := append(append([]sweepPoint(nil), s.points[:i]...), s.points[i+1:]...)
		fixed, share, err := line(others)
		if err == nil && math.Abs((p.base+fixed+share*p.base)/(p.base+p.more)-1) <= closeBy {
			good++
		}
	}
	return good
}

// breakEven is from which time on the overhead is cheap, in words.
func breakEven(fixed, share float64) string {
	switch {
	case share >= cheap:
		return "none: it grows with the operation"
	case fixed <= 0:
		return "any"
	}
	return nanoseconds(fixed / (cheap - share))
}

// breakEvenSection fits each sweep of the run. There is none without one.
func breakEvenSection(run *results.Run) []section {
	t := Grid{Text: []int{0, 1}, Head: []string{"scenario", "style", "operations", "each costs more", "and of its time", "under " + percent(100*cheap) + " from", "predicted when left out"}}
	for _, s := range sweeps(run) {
		fixed, share, err := line(s.points)
		if err != nil {
			continue
		}
		least, most := math.Inf(1), 0.0
		for _, p := range s.points {
			least, most = min(least, p.base), max(most, p.base)
		}
		t.Add("", s.scenario, s.label, nanoseconds(least)+" to "+nanoseconds(most), nanoseconds(fixed), percent(100*share), s.breakEven(),
			fmt.Sprintf("%d of %d", s.leftOut(), len(s.points)))
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []section{{ID: "break-even", Title: "Break-even: how long an operation must take", Grids: []Grid{t}, Text: []string{fmt.Sprintf(
		"Comparisons of one scenario that differ by an option, and so by how long the operation takes in the baseline. A line is fitted to the overhead (least squares of the medians): what each operation costs more, and a share of its own time. From when on it is cheap is told for the lines through the lower and the upper ends of the intervals; if these are far apart, the run is too short to tell. The last column leaves each comparison out and predicts its time from the others: within %s is near enough. Outside of the measured range the line is a guess.", percent(100*closeBy))}}}
}
