package reports

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"rubato/inference"
	"rubato/results"
)

// A ridge is how the times of one arm are distributed, with the median of each trial below.
type ridge struct {
	label, said string
	weights     []float64 // of the bins, evenly spaced on the axis
	median      float64
	trials      []float64
	colour      color.RGBA
}

const (
	ridgeBins   = 72
	ridgeHeight = vg.Length(26)
)

type ridges struct {
	rows   []ridge
	lo, hi float64
	log    bool
}

// spreadPlot draws the distribution of latency, or of the time per operation where there is none. It
// is nil if no arm has several times.
func (p palette) spreadPlot(g group, blocks map[string][]results.Block) (*sketch, error) {
	var all []spread
	for i, c := range g.cells {
		s, err := spreadOf(blocks[c.Key()])
		if err != nil {
			return nil, err
		}
		s.label, s.colour = g.labels[i], p.colour(c.Style)
		if len(s.values) > 0 {
			all = append(all, s)
		}
	}
	if len(all) == 0 || slices.ContainsFunc(all, func(s spread) bool { return s.latency != all[0].latency || s.total < fewestSpread }) {
		return nil, nil
	}
	r := &ridges{lo: math.Inf(1), hi: math.Inf(-1)}
	for _, s := range all {
		r.lo, r.hi = min(r.lo, s.quantile(0.002)), max(r.hi, s.quantile(0.99))
		for _, t := range s.trials {
			r.lo, r.hi = min(r.lo, t), max(r.hi, t)
		}
	}
	r.lo, r.hi = max(r.lo*0.98, 1), max(r.hi*1.02, 2)
	r.log = r.hi > logFrom*r.lo
	for _, s := range all {
		r.rows = append(r.rows, r.of(s))
	}
	return r.sketch(g.title, all[0].latency), nil
}

// fewestSpread is how many values show how they are distributed.
const fewestSpread = 20

// A spread is what was timed in an arm: values with how often each came.
type spread struct {
	label   string
	colour  color.RGBA
	latency bool // of operations; otherwise the time per operation of turns or rounds
	values  []weighed
	total   float64
	trials  []float64
}

type weighed struct{ value, weight float64 }

func spreadOf(blocks []results.Block) (s spread, err error) {
	h, err := results.MergeLatency(blocks)
	if err != nil {
		return s, err
	}
	if s.latency = h != nil && h.TotalCount() > 0; s.latency {
		for _, bar := range h.Distribution() {
			if bar.Count > 0 {
				s.values = append(s.values, weighed{float64(bar.From+bar.To) / 2, float64(bar.Count)})
			}
		}
	}
	for i := range blocks {
		times := turnTimes(&blocks[i])
		if !s.latency {
			for _, t := range times {
				s.values = append(s.values, weighed{t, 1})
			}
			s.trials = append(s.trials, inference.Median(times))
			continue
		}
		own, err := results.MergeLatency(blocks[i : i+1])
		if err != nil {
			return s, err
		}
		if own != nil && own.TotalCount() > 0 {
			s.trials = append(s.trials, float64(own.ValueAtPercentile(50)))
		}
	}
	slices.SortFunc(s.values, func(a, b weighed) int { return int(math.Copysign(1, a.value-b.value)) })
	for _, v := range s.values {
		s.total += v.weight
	}
	return s, nil
}

// turnTimes are the times per operation of a block's turns, or its own if it has none.
func turnTimes(b *results.Block) (times []float64) {
	for k := range b.Slices {
		times = append(times, b.TurnTime(k))
	}
	if len(times) == 0 {
		times = []float64{float64(b.Wall) / float64(b.Ops)}
	}
	return times
}

func (s spread) quantile(q float64) float64 {
	below := 0.0
	for _, v := range s.values {
		if below += v.weight; below >= q*s.total {
			return v.value
		}
	}
	return s.values[len(s.values)-1].value
}

func (r *ridges) of(s spread) ridge {
	out := ridge{label: s.label, colour: s.colour, trials: s.trials, median: s.quantile(0.5), weights: make([]float64, ridgeBins)}
	out.said = "median " + nanoseconds(out.median)
	if s.total >= latenciesForP99 {
		out.said += ", 99 % under " + nanoseconds(s.quantile(0.99))
	}
	for _, v := range s.values {
		if bin := int(r.fraction(v.value) * ridgeBins); bin >= 0 && bin < ridgeBins {
			out.weights[bin] += v.weight
		}
	}
	return out
}

func (r *ridges) fraction(v float64) float64 {
	if r.log {
		return math.Log(v/r.lo) / math.Log(r.hi/r.lo)
	}
	return (v - r.lo) / (r.hi - r.lo)
}

func (r *ridges) sketch(title string, latency bool) *sketch {
	what, each := "latency", "One operation is one value"
	if !latency {
		what, each = "time per operation", "One turn, or one round, is one value, since operations have no latency of their own"
	}
	scale, unit := timeUnit(r.hi)
	p := newPlot(what + " (" + unit + ")")
	if p.X.Tick.Marker = plot.Ticker(scaledTicks{scale}); r.log {
		p.X.Scale, p.X.Tick.Marker, p.X.Label.Text = plot.LogScale{}, latencyTicks{}, what+" (log scale)"
	}
	height := float64(len(r.rows)) * float64(r.rowHeight())
	p.HideY()
	p.Add(r)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = r.lo, r.hi, -height, 0
	dot := draw.GlyphStyle{Color: ink.light, Radius: 2.2, Shape: ring{}}
	upright := func(c draw.Canvas, left, middle, width vg.Length) {
		c.StrokeLine2(draw.LineStyle{Color: ink.light, Width: 1.4}, left+width/2, middle-5, left+width/2, middle+5)
	}
	return &sketch{kind: "spread", title: title + ": distribution of " + what, height: vg.Length(height) + axisHeight, panel: p,
		keys:    []key{{"median of all", upright}, glyphKey("median of a trial", dot)},
		caption: each + ". Two hills can mean that an operation takes one of two ways. Rings far apart mean that processes differ more than operations do. The slowest hundredth may lie beyond the right edge."}
}

func (r *ridges) rowHeight() vg.Length { return lineGap + ridgeHeight + laneHeight + rowGap }

// Plot draws the rows from top to bottom.
func (r *ridges) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i, row := range r.rows {
		row.draw(c, x, y(-float64(i)*float64(r.rowHeight())))
	}
}

func (r ridge) draw(c draw.Canvas, x func(float64) vg.Length, top vg.Length) {
	line := top - lineGap
	style := words(ink)
	said := shortened(r.said, 40)
	c.FillText(style, vg.Point{X: c.Min.X, Y: line}, shortened(r.label, 24))
	style.XAlign = draw.XRight
	c.FillText(style, vg.Point{X: c.Max.X, Y: line}, said)
	base := line - ridgeHeight - 4
	most := slices.Max(r.weights)
	width := (c.Max.X - c.Min.X) / ridgeBins
	outline := []vg.Point{{X: c.Min.X, Y: base}}
	for bin, w := range r.weights {
		left, high := c.Min.X+vg.Length(bin)*width, base+vg.Length(w/max(most, 1))*(ridgeHeight-2)
		outline = append(outline, vg.Point{X: left, Y: high}, vg.Point{X: left + width, Y: high})
	}
	c.FillPolygon(r.colour, append(outline, vg.Point{X: c.Max.X, Y: base}))
	c.StrokeLine2(draw.LineStyle{Color: ink.light, Width: 1.4}, x(r.median), base-2, x(r.median), line-2)
	for i, v := range r.trials {
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: r.colour, Radius: 2.2, Shape: ring{}}, vg.Point{X: x(v), Y: base - laneHeight/2 - 1 + vg.Length(i*2%5-2)*1.4})
	}
}

// latencyTicks labels 1, 2 and 5 of each power of ten, with units. A short axis has more
// labels, a long axis only the powers.
type latencyTicks struct{}

func (latencyTicks) Ticks(lo, hi float64) []plot.Tick {
	steps := []float64{1, 2, 5}
	switch span := math.Log10(hi / lo); {
	case span > 3:
		steps = []float64{1}
	case span < 0.8:
		steps = []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}
	}
	var ticks []plot.Tick
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for m := 1.0; m < 10; m++ {
			t := plot.Tick{Value: m * math.Pow(10, e)}
			if t.Value < lo || t.Value > hi {
				continue
			}
			if slices.Contains(steps, m) {
				scale, unit := timeUnit(t.Value)
				t.Label = fmt.Sprintf("%g %s", math.Round(t.Value/scale), unit)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// scaledTicks are even ticks of values in another unit.
type scaledTicks struct{ scale float64 }

func (s scaledTicks) Ticks(lo, hi float64) []plot.Tick {
	ticks := evenTicks{}.Ticks(lo/s.scale, hi/s.scale)
	for i := range ticks {
		ticks[i].Value *= s.scale
	}
	return ticks
}

// evenTicks labels about six multiples of 1, 2 or 5 times a power of ten.
type evenTicks struct{}

func (evenTicks) Ticks(lo, hi float64) []plot.Tick {
	step := evenStep((hi - lo) / 6)
	if !(step > 0) || math.IsInf(step, 0) {
		return nil
	}
	var ticks []plot.Tick
	digits := max(0, -int(math.Floor(math.Log10(step))))
	for n := math.Ceil(lo / step); n*step <= hi; n++ {
		label := strings.Replace(strconv.FormatFloat(n*step+0, 'f', digits, 64), "-", minus, 1) // + 0: no -0
		ticks = append(ticks, plot.Tick{Value: n * step, Label: label})
	}
	return ticks
}

func evenStep(rough float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= rough {
			return m * power
		}
	}
	return 10 * power
}

// ratioTicks labels 1, 2 and 5 of each power of ten, on a logarithmic axis of ratios.
type ratioTicks struct{}

func (ratioTicks) Ticks(lo, hi float64) (ticks []plot.Tick) {
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for _, m := range []float64{1, 2, 3, 5} {
			if v := m * math.Pow(10, e); v >= lo && v <= hi {
				ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%g", v)})
			}
		}
	}
	return ticks
}

// An evenField are the cells of a map and the line through them.
type evenField struct {
	model
	columns     []float64
	bytes       float64
	least, most float64 // measured times
	colour      color.RGBA
}

// rows are the bounds of the cells: two in each power of ten.
func (f *evenField) rows() (bounds []float64) {
	for e := math.Floor(2 * math.Log10(f.least)); ; e++ {
		bounds = append(bounds, math.Pow(10, e/2))
		if at := bounds[len(bounds)-1]; at > f.most {
			return bounds
		}
	}
}

// Plot fills the cells, draws the line, and then writes into the cells, so that it crosses no word.
func (f *evenField) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	rows := f.rows()
	var line []vg.Point
	var write []func()
	for i, parts := range f.columns {
		left, right := x(float64(i)-0.5), x(float64(i)+0.5)
		s := sizes{payload: f.bytes, fanout: parts}
		lo, hi := f.from(s)
		for k := range rows[1:] {
			time := math.Sqrt(rows[k] * rows[k+1])
			said, fill, style := f.judged(time, lo, hi)
			if i == len(f.columns)-1 || time < f.least || time > f.most {
				said += guess
			}
			style.XAlign, style.YAlign = draw.XCenter, draw.YCenter
			box := vg.Rectangle{Min: vg.Point{X: left, Y: y(rows[k])}, Max: vg.Point{X: right, Y: y(rows[k+1])}}
			f.fill(c, box, fill)
			at := vg.Point{X: (left + right) / 2, Y: (box.Min.Y + box.Max.Y) / 2}
			write = append(write, func() {
				c.SetColor(fill)
				c.Fill(style.Rectangle(said).Add(at).Path())
				c.FillText(style, at, said)
			})
		}
		at := f.middle.from(s)
		line = append(line, vg.Point{X: x(float64(i)), Y: y(min(max(at, rows[0]), rows[len(rows)-1]))})
	}
	c.StrokeLines(draw.LineStyle{Color: ink.light, Width: vg.Points(1.6)}, line)
	for _, w := range write {
		w()
	}
}

func (f *evenField) fill(c draw.Canvas, box vg.Rectangle, fill color.Color) {
	c.SetColor(fill)
	c.Fill(box.Path())
	c.SetColor(soft.light)
	c.SetLineWidth(vg.Points(0.3))
	c.Stroke(box.Path())
}

// judged is what is said of a cell, its colour and that of its word.
func (f *evenField) judged(time, lo, hi float64) (string, color.Color, draw.TextStyle) {
	switch {
	case time >= hi:
		style := bold()
		style.Color = paper.light
		return "cheap", f.colour, style
	case time < lo:
		return "not", paper.light, words(ink)
	}
	return "open", unseen.light, words(ink)
}
