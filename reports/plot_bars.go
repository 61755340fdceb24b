package reports

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"rubato/results"
)

// overheadPlot draws the overhead of each style in µs: a dot for the median and a bar for
// the interval, with the ratio as label.
func overheadPlot(g group, _ results.Details) (*sketch, error) {
	p := newPlot(shortened(g.title, 60)+": overhead per operation", "µs more than the baseline (median, 95 % interval)", "")
	var names []string
	var ends = []float64{0}
	var bars []*intervalBar
	for i, c := range g.cells {
		if c == g.baseline || c.OverheadNs == nil {
			continue
		}
		b := &intervalBar{at: c.OverheadNs.Mapped(func(ns float64) float64 { return ns / 1e3 }), row: float64(len(bars)), colour: g.palette.of(c.Style)}
		b.label = overheadLabel(c)
		bars, names = append(bars, b), append(names, shortened(g.labels[i], 28))
		ends = append(ends, b.at.Median)
		if b.at.Bounded() {
			ends = append(ends, b.at.Lo, b.at.Hi)
		}
	}
	if len(bars) == 0 {
		return nil, nil
	}
	return barSketch("overhead", p, bars, names, ends,
		"A bar that crosses the zero line means that this run shows no difference between the style and the baseline. The label is the ratio, which depends on how long the operation itself takes.")
}

// barSketch has one row for each bar and a line at zero.
func barSketch(kind string, p *plot.Plot, bars []*intervalBar, names []string, ends []float64, caption string) (*sketch, error) {
	lo, hi := extent(ends)
	n := float64(len(bars))
	zero, err := plotter.NewLine(plotter.XYs{{X: 0, Y: -0.6}, {X: 0, Y: n - 0.4}})
	if err != nil {
		return nil, err
	}
	zero.Width = vg.Points(1)
	p.Add(zero)
	for _, b := range bars {
		if err := b.add(p, lo, hi); err != nil {
			return nil, err
		}
	}
	p.NominalY(names...)
	p.X.Tick.Marker = evenTicks{}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = lo, hi, -0.6, n-0.4
	return &sketch{kind: kind, title: p.Title.Text, height: vg.Length(1.2+0.55*n) * vg.Inch, panels: []*plot.Plot{p}, caption: caption}, nil
}

func overheadLabel(c *results.Cell) string {
	over, _ := lines(overheadEstimate(c.OverheadNs))
	against, _ := lines(ratioEstimate(c.Ratio))
	if !c.OverheadNs.Bounded() {
		return over + ", " + against + ", no interval: too few rounds"
	}
	return over + ", " + against
}

// extent is the range of the values and 0, with a margin. It is never empty.
func extent(values []float64) (lo, hi float64) {
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	margin := max((hi-lo)*0.06, 1e-3)
	return lo - margin, hi + margin
}

type intervalBar struct {
	at     results.Estimate // in the unit of the axis
	row    float64
	label  string
	colour color.RGBA
}

func (b *intervalBar) add(p *plot.Plot, lo, hi float64) error {
	at := plotter.XYs{{X: b.at.Median, Y: b.row}}
	if b.at.Bounded() {
		bar, err := plotter.NewXErrorBars(struct {
			plotter.XYs
			plotter.XErrors
		}{at, plotter.XErrors{{Low: b.at.Median - b.at.Lo, High: b.at.Hi - b.at.Median}}})
		if err != nil {
			return err
		}
		bar.LineStyle = draw.LineStyle{Color: b.colour, Width: vg.Points(2)}
		bar.CapWidth = vg.Points(9)
		p.Add(bar)
	}
	dot, err := plotter.NewScatter(at)
	if err != nil {
		return err
	}
	dot.GlyphStyle = draw.GlyphStyle{Color: b.colour, Radius: vg.Points(4), Shape: draw.CircleGlyph{}}
	if !b.at.Bounded() {
		dot.Shape = draw.RingGlyph{}
	}
	label, err := plotter.NewLabels(plotter.XYLabels{XYs: at, Labels: []string{b.label}})
	if err != nil {
		return err
	}
	label.TextStyle[0].Font.Variant, label.TextStyle[0].Font.Size = "Sans", 10
	label.TextStyle[0].XAlign = towardsMiddle((b.at.Median - lo) / (hi - lo))
	label.Offset = vg.Point{Y: vg.Points(8)}
	p.Add(dot, backed{label})
	return nil
}

// backed draws labels on white, so that lines do not cross them.
type backed struct{ *plotter.Labels }

func (b backed) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i, at := range b.XYs {
		box := b.TextStyle[i].Rectangle(b.Labels.Labels[i]).Add(b.Offset).Add(vg.Point{X: x(at.X), Y: y(at.Y)})
		c.SetColor(color.White)
		c.Fill(box.Path())
	}
	b.Labels.Plot(c, p)
}

// towardsMiddle aligns a label so that it grows away from the nearer edge.
func towardsMiddle(fraction float64) text.XAlignment {
	switch {
	case math.IsNaN(fraction) || fraction < 0.35:
		return draw.XLeft
	case fraction > 0.65:
		return draw.XRight
	}
	return draw.XCenter
}
