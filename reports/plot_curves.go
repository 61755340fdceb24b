package reports

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"rubato/results"
)

// latencyPlot draws latency over percentile. The axis stretches the tail: each further 9 takes the same
// space. A curve ends at its slowest operation. What happened in the turns of slow ones is marked.
func (p palette) latencyPlot(g group, blocks map[string][]results.Block) (*sketch, error) {
	canvas := newPlot("share of operations at most this slow")
	s := &sketch{kind: "latency", title: g.title + ": latency by percentile", height: 250, panel: canvas}
	end, used := 0.0, map[string]bool{}
	var tails []*tail
	for i, c := range g.cells {
		t, err := tailOf(blocks[c.Key()])
		if err != nil {
			return nil, err
		}
		if t == nil {
			continue
		}
		t.label, t.line = g.labels[i], p.line(g, i)
		if err := addLine(canvas, t.line, t.curve()); err != nil {
			return nil, err
		}
		for _, slow := range t.slowest() {
			used[slow.mark] = true
		}
		s.keys = append(s.keys, lineKey(shortened(t.label, 22)+": "+t.ends(), t.line))
		end, tails = max(end, t.rank(1)), append(tails, t)
	}
	if len(tails) == 0 {
		return nil, nil
	}
	for _, m := range tailMarks {
		if used[m.name] {
			s.keys = append(s.keys, glyphKey(m.label, m.glyph(ink.light)))
		}
	}
	canvas.Add(tailPlotter(tails))
	canvas.X.Min, canvas.X.Max, canvas.X.Tick.Marker = 0, end*1.02, plot.ConstantTicks(percentileTicks(end))
	lo, hi := canvas.Y.Min, canvas.Y.Max
	if scale, unit := timeUnit(hi); hi > logFrom*lo {
		canvas.Y.Scale, canvas.Y.Tick.Marker, s.upward = plot.LogScale{}, latencyTicks{}, "latency (log scale)"
		canvas.Y.Min, canvas.Y.Max = lo/1.15, hi*1.15
	} else {
		canvas.Y.Tick.Marker, s.upward = scaledTicks{scale}, "latency ("+unit+")"
		canvas.Y.Min, canvas.Y.Max = 0, hi*1.05
	}
	s.caption = "Compare the distance between the curves at 50 % and at 99.9 %. A curve that bends up early has a worse tail than its median suggests."
	var unknown []string
	for _, t := range tails {
		if t.known {
			s.caption += t.explained()
		} else {
			unknown = append(unknown, fmt.Sprintf("%s %d", t.label, t.gcs))
		}
	}
	if len(unknown) > 0 {
		s.caption += " What happened in slow operations was not recorded, since they were not measured in turns; cycles of garbage collection in all: " + strings.Join(unknown, ", ") + "."
	}
	return s, nil
}

// A tail is the latencies of an arm, and what is known of its slow turns.
type tail struct {
	label string
	line  draw.LineStyle
	h     *hdr.Histogram
	turns []slowTurn
	known bool // what happened in each turn
	gcs   int
}

// A slowTurn is the slowest operation of a turn, and what happened in that turn.
type slowTurn struct {
	latency float64
	marks   []string
	mark    string // the first of tailMarks that is in marks; empty: none
}

// tailMarks are what can happen in a turn, the rarest and longest first.
var tailMarks = []tailMark{
	{results.MarkCheckpoint, "a slow turn with a checkpoint", "a checkpoint", draw.BoxGlyph{}},
	{results.MarkGC, "a slow turn with garbage collection", "garbage collection", draw.TriangleGlyph{}},
	{results.MarkTrace, "a slow turn in which the trace was stored", "the trace stored", draw.CrossGlyph{}},
	{"", "a slow turn, cause not known", "", ring{}},
}

type tailMark struct {
	name, label, short string
	shape              draw.GlyphDrawer
}

func (m tailMark) glyph(c color.Color) draw.GlyphStyle {
	return draw.GlyphStyle{Color: c, Radius: 3.2, Shape: m.shape}
}

// tailOf is nil if there are too few latencies.
func tailOf(blocks []results.Block) (*tail, error) {
	h, err := results.MergeLatency(blocks)
	if err != nil || h == nil || h.TotalCount() < latenciesForP99 {
		return nil, err
	}
	t := &tail{h: h, known: true}
	for i := range blocks {
		b := &blocks[i]
		t.gcs += int(b.GCs)
		if b.Marks == nil || len(b.Slowest) == 0 || len(b.Slowest) != len(b.Slices) {
			t.known = false
			continue
		}
		first := len(t.turns)
		for _, d := range b.Slowest {
			t.turns = append(t.turns, slowTurn{latency: float64(d)})
		}
		for _, m := range tailMarks {
			for _, turn := range b.Marks[m.name] {
				if turn >= 0 && turn < len(b.Slices) {
					s := &t.turns[first+turn]
					s.marks, s.mark = append(s.marks, m.name), cmp.Or(s.mark, m.name)
				}
			}
		}
	}
	if !t.known {
		t.turns = nil
	}
	slices.SortFunc(t.turns, func(a, b slowTurn) int { return cmp.Compare(b.latency, a.latency) })
	return t, nil
}

// at is the latency of the i-th slowest operation.
func (t *tail) at(i float64) float64 {
	return float64(t.h.ValueAtPercentile(100 * (1 - (i-0.5)/float64(t.h.TotalCount()))))
}

// rank is where the i-th slowest operation lies on the axis.
func (t *tail) rank(i float64) float64 { return math.Log10(float64(t.h.TotalCount()) / i) }

func (t *tail) curve() (points plotter.XYs) {
	const steps = 300
	n := float64(t.h.TotalCount())
	for k := 0; k <= steps; k++ {
		i := math.Pow(n, 1-float64(k)/steps)
		points = append(points, plotter.XY{X: t.rank(i), Y: max(t.at(i), 1)})
	}
	points[steps].Y = float64(t.h.Max())
	return points
}

// ends are the percentile that few operations exceed, and the slowest of all.
func (t *tail) ends() string {
	text := "p99 " + nanoseconds(percentile(t.h, 99))
	if p := percentile(t.h, 99.9); p > 0 {
		text = "p99.9 " + nanoseconds(p)
	}
	return text + ", max " + nanoseconds(float64(t.h.Max()))
}

// tailFor is how many operations an arm needs for its tail to begin at p99.9 instead of p99.
const tailFor = 10 * latenciesForP999

// begin is where the tail begins, in percent.
func (t *tail) begin() float64 {
	if t.h.TotalCount() >= tailFor {
		return 99.9
	}
	return 99
}

// slow are the turns with an operation in the tail.
func (t *tail) slow() []slowTurn {
	from := percentile(t.h, t.begin())
	n := slices.IndexFunc(t.turns, func(s slowTurn) bool { return s.latency <= from })
	if n < 0 {
		n = len(t.turns)
	}
	return t.turns[:n]
}

// mostMarked is how many slow turns of an arm are marked; more would cover each other.
const mostMarked = 30

// slowest are the turns that are marked.
func (t *tail) slowest() []slowTurn {
	slow := t.slow()
	return slow[:min(len(slow), mostMarked)]
}

// explained says how often something happened in the slow turns, and in all, so that what is
// frequent everywhere does not pass for a cause.
func (t *tail) explained() string {
	slow := t.slow()
	if len(slow) == 0 {
		return ""
	}
	with := func(of []slowTurn, name string) (n int) {
		for _, s := range of {
			if slices.Contains(s.marks, name) || name == "" && len(s.marks) == 0 {
				n++
			}
		}
		return n
	}
	text := fmt.Sprintf(" %s: of %s with an operation above p%g", t.label, plural(len(slow), "turn"), t.begin())
	for _, m := range tailMarks {
		if all := with(t.turns, m.name); all > 0 && m.name != "" {
			text += fmt.Sprintf(", %d had %s (%s of all turns do)", with(slow, m.name), m.short, percent(100*float64(all)/float64(len(t.turns))))
		}
	}
	return text + fmt.Sprintf(", %d nothing that is recorded.", with(slow, ""))
}

// A tailPlotter marks p99.9, the slowest operation, and what happened in slow turns.
type tailPlotter []*tail

// Plot draws the marks on the curves.
func (tails tailPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	if at := x(3); at <= c.Max.X {
		c.StrokeLine2(draw.LineStyle{Color: soft.light, Width: 1, Dashes: dashes[1]}, at, c.Min.Y, at, c.Max.Y)
	}
	for _, t := range tails {
		n := float64(t.h.TotalCount())
		dot := draw.GlyphStyle{Color: t.line.Color, Radius: 3.5, Shape: draw.CircleGlyph{}}
		c.DrawGlyphNoClip(dot, vg.Point{X: x(t.rank(1)), Y: y(float64(t.h.Max()))})
		if p999 := percentile(t.h, 99.9); p999 > 0 {
			c.DrawGlyphNoClip(dot, vg.Point{X: x(3), Y: y(p999)})
		}
		above := 0.0
		for i, s := range t.slowest() {
			// Several operations of a turn can be slow, so the place in order is read from the curve.
			above = max(above, float64(i)+1, n*(1-t.below(s.latency)))
			m := tailMarks[slices.IndexFunc(tailMarks, func(m tailMark) bool { return m.name == s.mark })]
			c.DrawGlyphNoClip(m.glyph(t.line.Color), vg.Point{X: x(min(t.rank(above), t.rank(1))), Y: y(s.latency)})
		}
	}
}

// below is the share of operations that are at most this slow.
func (t *tail) below(latency float64) float64 {
	count := int64(0)
	for _, bar := range t.h.Distribution() {
		if float64(bar.From) <= latency {
			count += bar.Count
		}
	}
	return float64(count) / float64(t.h.TotalCount())
}

// percentileTicks are those that fit on an axis that ends here.
func percentileTicks(end float64) []plot.Tick {
	var ticks []plot.Tick
	for _, q := range []float64{50, 90, 99, 99.9, 99.99, 99.999} {
		if at := -math.Log10(1 - q/100); at <= end*1.02 {
			ticks = append(ticks, plot.Tick{Value: at, Label: fmt.Sprintf("%g", q) + noBreak + "%"})
		}
	}
	return ticks
}

func byTime(points plotter.XYs) plotter.XYs {
	slices.SortStableFunc(points, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
	return points
}

// seriesPlot draws a measure over the time of the blocks, one line per style and round. It
// is nil if no block reported the measure.
func (p palette) seriesPlot(m results.Measure, g group, blocks map[string][]results.Block) (*sketch, error) {
	var all []results.Block
	for _, c := range g.cells {
		all = append(all, blocks[c.Key()]...)
	}
	longest, most := measureExtent(m, all)
	if longest < 0 {
		return nil, nil
	}
	seconds, span := 1.0, "s"
	if longest > 600 {
		seconds, span = 60, "min"
	}
	scale, unit := scale(m, most)
	canvas := newPlot("time since the block began (" + span + ")")
	out := &sketch{upward: labelled(m.Name, unit), kind: "series-" + slug(m.Name), title: g.title + ": " + shortened(m.Name, 40) + " over time", height: 230, panel: canvas,
		caption: "Check whether a line still rises at its end, and whether the styles diverge. " + m.Name + ": " + m.Doc + "."}
	for i, c := range g.cells {
		drawn := false
		for _, b := range blocks[c.Key()] {
			points := seriesOf(b.Series[m.Name], seconds, scale)
			if len(points) == 0 {
				continue
			}
			if err := addLine(canvas, p.line(g, i), points); err != nil {
				return nil, fmt.Errorf("series %s: %w", m.Name, err)
			}
			drawn = true
		}
		if drawn { // one key for all rounds
			out.keys = append(out.keys, lineKey(shortened(g.labels[i], 50), p.line(g, i)))
		}
	}
	canvas.X.Min, canvas.Y.Min = 0, min(canvas.Y.Min, 0)
	canvas.X.Tick.Marker, canvas.Y.Tick.Marker = evenTicks{}, evenTicks{}
	canvas.Y.Max += 0.05 * (max(canvas.Y.Max, 0) - canvas.Y.Min)
	if canvas.Y.Max <= canvas.Y.Min { // a measure that stays at 0 needs a scale
		canvas.Y.Max = canvas.Y.Min + 1
	}
	return out, nil
}

// measureExtent is the end of the longest series in seconds, or less than 0 if there is no
// series, and the largest absolute value.
func measureExtent(m results.Measure, blocks []results.Block) (longest, most float64) {
	longest = -1
	for _, b := range blocks {
		for _, p := range b.Series[m.Name] {
			longest, most = max(longest, p.At.Seconds()), max(most, math.Abs(p.Value))
		}
	}
	return longest, most
}

// scale is the unit of an axis that ends at this value.
func scale(m results.Measure, most float64) (float64, string) {
	switch m.Unit {
	case "ns":
		return timeUnit(most)
	case "bytes":
		return memoryUnit(most)
	case "x":
		return 1, ""
	}
	return 1, m.Unit
}

func labelled(name, unit string) string {
	if name = shortened(name, 40); unit != "" {
		name += " (" + unit + ")"
	}
	return name
}

// seriesOf is a series in the units of the axes, in the order of time.
func seriesOf(series []results.Point, seconds, scale float64) plotter.XYs {
	var points plotter.XYs
	for _, p := range series {
		points = append(points, plotter.XY{X: p.At.Seconds() / seconds, Y: p.Value / scale})
	}
	return byTime(points)
}
