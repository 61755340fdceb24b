package reports

import (
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"rubato/results"
)

const forestKind = "ratio"

// A forest has a row for each estimate: its interval above, and each trial below. It is a Plotter.
type forest struct {
	rows []forestRow
	one  float64 // what no difference is
	log  bool
}

type forestRow struct {
	heading bool // label alone
	label   string
	said    string // the figures
	at      results.Estimate
	trials  []float64
	band    [2]float64 // what the run cannot detect; empty: not known
	limits  []limitLine
	colour  color.RGBA

	apart bool // label and figures take a line each
	below int  // lines with limits
}

// A limitLine is where a budget or a target ends.
type limitLine struct {
	at     float64
	label  string
	target bool
	level  int // line of its label
}

// forestOf draws the ratios of all comparisons of a scenario; CPU ratios where a clock sets the pace.
func (p palette) forestOf(run *results.Run, scenario string, blocks map[string][]results.Block) *sketch {
	s := run.Scenario(scenario)
	if s.Pieces() {
		return nil
	}
	f, of := &forest{one: 1}, slices.DeleteFunc(groups(run), func(g group) bool { return g.scenario != scenario })
	for _, g := range of {
		g = g.sound()
		var rows []forestRow
		for i, c := range g.cells {
			if r, drawn := p.ratioRow(run, g, i, blocks); drawn && c != g.baseline {
				rows = append(rows, r)
			}
		}
		if len(rows) > 0 && len(of) > 1 {
			f.rows = append(f.rows, forestRow{heading: true, label: g.title})
		}
		f.rows = append(f.rows, rows...)
	}
	what := "time"
	if s.Paced {
		what = "CPU"
	}
	return f.sketch(scenario+": "+what+" against "+run.BaselineIn(scenario), what+" per operation ("+run.BaselineIn(scenario)+" = 1)",
		f.caption())
}

// caption says what to look at, of what is there.
func (f *forest) caption() string {
	text := "Each ring is one trial. A bar that crosses 1 may be no difference."
	if slices.ContainsFunc(f.rows, func(r forestRow) bool { return r.band[1] > 0 }) {
		text += " What lies in the grey area, this run finds less than nine times in ten, if it is there."
	}
	if slices.ContainsFunc(f.rows, func(r forestRow) bool { return len(r.limits) > 0 }) {
		text += " The end of a bar, not its middle, must clear the line of a budget."
	}
	return text
}

// ratioRow is the row of a group's i-th cell; false if it has no ratio.
func (p palette) ratioRow(run *results.Run, g group, i int, blocks map[string][]results.Block) (forestRow, bool) {
	c, quantity := g.cells[i], "ratio"
	e := c.Ratio
	if run.Scenario(c.Scenario).Paced {
		e, quantity = c.CPURatio, "cpu_ratio"
	}
	if e == nil || g.baseline == nil {
		return forestRow{}, false
	}
	r := forestRow{label: g.labels[i], at: *e, said: bracketed(e, times), colour: p.colour(c.Style), trials: trialRatios(blocks[c.Key()], blocks[g.baseline.Key()], quantity)}
	if quantity == "ratio" && c.OverheadNs != nil {
		r.said += ", " + signedTime(c.OverheadNs.Median)
	}
	if controls := run.ControlsOf(c); quantity == "ratio" && controls != nil && controls.MinimumDetectable != nil {
		r.band = [2]float64{1 / *controls.MinimumDetectable, *controls.MinimumDetectable}
	}
	for n, of := range [][]results.Judged{c.Judged, c.Targets} {
		for _, j := range of {
			if j.Quantity == quantity && j.Limit > 0 {
				r.limits = append(r.limits, limitLine{at: j.Limit, label: times(j.Limit), target: n == 1})
			}
		}
	}
	return r, true
}

// trialRatios are the ratios of a cell to its baseline, one per trial or round.
func trialRatios(own, base []results.Block, quantity string) (ratios []float64) {
	logs, _ := pair(own, base)
	if quantity == "cpu_ratio" {
		logs = nil
		for _, p := range partners(own, base, func(b results.Block) float64 { return float64(b.User+b.System) / float64(b.Ops) }) {
			logs = append(logs, math.Log(p[0]/p[1]))
		}
	}
	for _, l := range logs {
		if ratio := math.Exp(l); ratio > 0 && !math.IsInf(ratio, 0) {
			ratios = append(ratios, ratio)
		}
	}
	return ratios
}

const (
	laneHeight = vg.Length(11) // of an interval, and of the trials below it
	rowGap     = vg.Length(7)
	axisHeight = vg.Length(42)
)

func (r forestRow) height() vg.Length {
	lines := 1 + r.below
	if r.apart {
		lines++
	}
	if r.heading {
		return lineGap + rowGap
	}
	return vg.Length(lines)*lineGap + 2*laneHeight + rowGap
}

// sketch is nil if there is no row.
func (f *forest) sketch(title, axis, caption string) *sketch {
	if len(f.rows) == 0 {
		return nil
	}
	p := newPlot(axis)
	lo, hi := f.extent()
	if f.log = f.one > 0 && hi > logFrom*lo; f.log {
		p.X.Scale, p.X.Tick.Marker, p.X.Label.Text = plot.LogScale{}, ratioTicks{}, strings.TrimSuffix(axis, ")")+", log scale)"
		lo, hi = lo/math.Pow(hi/lo, 0.03), hi*math.Pow(hi/lo, 0.03)
	} else {
		p.X.Tick.Marker = evenTicks{}
		lo, hi = lo-0.03*(hi-lo), hi+0.03*(hi-lo)
	}
	height := vg.Length(0)
	for i := range f.rows {
		f.rows[i].arrange(func(v float64) vg.Length { return f.fraction(v, lo, hi) * (plotWidth - 2*plotMargin) })
		height += f.rows[i].height()
	}
	p.HideY()
	p.Add(f)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = lo, hi, -float64(height), 0
	return &sketch{kind: forestKind, title: title, caption: caption, keys: f.keys(), height: height + axisHeight, panel: p}
}

// logFrom is how far the ends of an axis are apart, as a ratio, from which on it is logarithmic: on a
// linear one, what is near its beginning could not be told apart.
const logFrom = 5

func (f *forest) fraction(v, lo, hi float64) vg.Length {
	if f.log {
		return vg.Length(math.Log(v/lo) / math.Log(hi/lo))
	}
	return vg.Length((v - lo) / (hi - lo))
}

// extent includes all that was measured, and limits that are not far from it.
func (f *forest) extent() (lo, hi float64) {
	lo, hi = f.one, f.one
	add := func(values ...float64) {
		for _, v := range values {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	for _, r := range f.rows {
		if r.heading {
			continue
		}
		add(r.at.Median)
		if r.at.Bounded() {
			add(r.at.Lo, r.at.Hi)
		}
		add(r.trials...)
		if r.band[1] > 0 {
			add(r.band[:]...)
		}
	}
	measured := hi
	for _, r := range f.rows {
		for _, l := range r.limits {
			if l.at <= 2*measured {
				add(l.at)
			}
		}
	}
	if hi-lo < 1e-3 {
		lo, hi = lo-1e-3, hi+1e-3
	}
	return lo, hi
}

// arrange finds lines for what does not fit beside each other.
func (r *forestRow) arrange(x func(float64) vg.Length) {
	style := words(ink)
	r.apart = style.Width(r.label)+style.Width(r.said) > plotWidth-2*plotMargin-12
	slices.SortFunc(r.limits, func(a, b limitLine) int { return int(math.Copysign(1, a.at-b.at)) })
	var ends []vg.Length // of the last label in each line
	for i := range r.limits {
		l := &r.limits[i]
		middle, half := min(x(l.at), plotWidth-2*plotMargin), style.Width(l.label)/2+3
		for l.level < len(ends) && middle-half < ends[l.level] {
			l.level++
		}
		if l.level == len(ends) {
			ends = append(ends, 0)
		}
		ends[l.level] = middle + half
	}
	r.below = len(ends)
}

// keys explain only what is there.
func (f *forest) keys() (all []key) {
	has := func(of func(forestRow) bool) bool { return slices.ContainsFunc(f.rows, of) }
	limit := func(target bool) func(forestRow) bool {
		return func(r forestRow) bool {
			return slices.ContainsFunc(r.limits, func(l limitLine) bool { return l.target == target })
		}
	}
	all = append(all, key{"median with its interval", func(c draw.Canvas, left, middle, width vg.Length) {
		c.StrokeLine2(draw.LineStyle{Color: ink.light, Width: 2.5}, left, middle, left+width, middle)
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: ink.light, Radius: 3.5, Shape: draw.CircleGlyph{}}, vg.Point{X: left + width/2, Y: middle})
	}})
	if has(func(r forestRow) bool { return len(r.trials) > 0 }) {
		all = append(all, glyphKey("a trial", draw.GlyphStyle{Color: ink.light, Radius: 2.2, Shape: ring{}}))
	}
	if has(func(r forestRow) bool { return r.band[1] > 0 }) {
		all = append(all, key{f.unseenText(), func(c draw.Canvas, left, middle, width vg.Length) {
			c.FillPolygon(unseen.light, box(left, left+width, middle-4, middle+4))
		}})
	}
	if has(limit(false)) {
		all = append(all, lineKey("at most this: a budget", limitStyle(false)))
	}
	if has(limit(true)) {
		all = append(all, lineKey("at most this: a target", limitStyle(true)))
	}
	return all
}

func (f *forest) unseenText() string {
	if f.one == 0 {
		return "counts as no change"
	}
	return "too small for this run to find"
}

func limitStyle(target bool) draw.LineStyle {
	if target {
		return draw.LineStyle{Color: limited.light, Width: 1.5, Dashes: dashes[2]}
	}
	return draw.LineStyle{Color: limited.light, Width: 1.8}
}

func box(left, right, bottom, top vg.Length) []vg.Point {
	return []vg.Point{{X: left, Y: bottom}, {X: left, Y: top}, {X: right, Y: top}, {X: right, Y: bottom}}
}

// Plot draws the rows from top to bottom.
func (f *forest) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	top := 0.0
	for _, r := range f.rows {
		r.draw(c, x, f.one, y(top))
		top -= float64(r.height())
	}
}

func (r forestRow) draw(c draw.Canvas, x func(float64) vg.Length, one float64, top vg.Length) {
	line := top - lineGap
	if r.heading {
		c.FillText(bold(), vg.Point{X: c.Min.X, Y: line}, shortened(r.label, 52))
		return
	}
	style := words(ink)
	c.FillText(style, vg.Point{X: c.Min.X, Y: line}, shortened(r.label, 52))
	if r.apart {
		line -= lineGap
	}
	style.XAlign = draw.XRight
	c.FillText(style, vg.Point{X: c.Max.X, Y: line}, shortened(r.said, 60))
	high := line - 5
	middle, low := high-laneHeight, high-2*laneHeight
	if r.band[1] > 0 {
		c.FillPolygon(unseen.light, c.ClipPolygonXY(box(x(r.band[0]), x(r.band[1]), low, high)))
	}
	c.StrokeLine2(draw.LineStyle{Color: soft.light, Width: 1}, x(one), low-2, x(one), high+2)
	r.drawLimits(c, x, low, high)
	for i, v := range r.trials { // moved up and down, so that equal ones can be told apart
		at := vg.Point{X: x(v), Y: middle - laneHeight/2 + vg.Length(i*2%5-2)*1.6}
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: r.colour, Radius: 2.2, Shape: ring{}}, at)
	}
	bar := middle + laneHeight/2
	if r.at.Bounded() {
		c.StrokeLine2(draw.LineStyle{Color: r.colour, Width: 2.5}, x(r.at.Lo), bar, x(r.at.Hi), bar)
	}
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: r.colour, Radius: 4, Shape: draw.CircleGlyph{}}, vg.Point{X: x(r.at.Median), Y: bar})
}

// drawLimits draws each limit, or at the edge that it lies beyond it.
func (r forestRow) drawLimits(c draw.Canvas, x func(float64) vg.Length, low, high vg.Length) {
	for _, l := range r.limits {
		at, label, style := x(l.at), l.label, words(limited)
		style.XAlign = draw.XCenter
		if half := style.Width(label) / 2; at > c.Max.X {
			label, style.XAlign, at = label+" →", draw.XRight, c.Max.X
		} else {
			c.StrokeLine2(limitStyle(l.target), at, low-2, at, high+2)
			at = min(max(at, c.Min.X+half), c.Max.X-half)
		}
		c.FillText(style, vg.Point{X: at, Y: low - lineGap*vg.Length(1+l.level)}, label)
	}
}
