package reports

import (
	"fmt"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"rubato/results"
)

// A HistoryPoint is a figure of one run of many.
type HistoryPoint struct {
	At     time.Time
	Commit string
	Value  results.Estimate
}

// A HistoryPlot is a ratio over many runs, with the levels between its changes.
type HistoryPlot struct {
	Title   string
	Points  []HistoryPoint // in the order of time; at least one
	Changes []int          // the first points after a change of level
	Levels  []float64      // before, between and after the changes
}

// SVG draws the plot as those of reports, light or dark as the reader's page is.
func (h HistoryPlot) SVG() ([]byte, error) {
	s, err := h.sketch()
	if err != nil {
		return nil, err
	}
	d, err := s.draw()
	return d.svg, err
}

func (h HistoryPlot) sketch() (*sketch, error) {
	first, last := h.Points[0].At, h.Points[len(h.Points)-1].At
	p := newPlot(fmt.Sprintf("runs, from %s to %s", first.Format("2006-01-02"), last.Format("2006-01-02")))
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.Ticker(evenTicks{}), evenTicks{}
	whisker := draw.LineStyle{Color: soft.light, Width: vg.Points(0.8)}
	level := draw.LineStyle{Color: styled[0].light, Width: vg.Points(2)}
	change := draw.LineStyle{Color: limited.light, Width: vg.Points(1.2), Dashes: dashes[1]}
	dot := draw.GlyphStyle{Color: ink.light, Radius: 2.2, Shape: ring{}}
	var medians plotter.XYs
	least, most := h.Points[0].Value.Median, h.Points[0].Value.Median
	for i, point := range h.Points {
		x, v := float64(i+1), point.Value
		medians = append(medians, plotter.XY{X: x, Y: v.Median})
		lo, hi := v.Median, v.Median
		if v.Bounded() {
			lo, hi = v.Lo, v.Hi
			if err := addLine(p, whisker, plotter.XYs{{X: x, Y: lo}, {X: x, Y: hi}}); err != nil {
				return nil, err
			}
		}
		least, most = min(least, lo), max(most, hi)
	}
	for i, y := range h.Levels {
		from, to := 0.5, float64(len(h.Points))+0.5
		if i > 0 {
			from = float64(h.Changes[i-1]) + 0.5
		}
		if i < len(h.Changes) {
			to = float64(h.Changes[i]) + 0.5
			if err := addLine(p, change, plotter.XYs{{X: to, Y: least}, {X: to, Y: most}}); err != nil {
				return nil, err
			}
		}
		if err := addLine(p, level, plotter.XYs{{X: from, Y: y}, {X: to, Y: y}}); err != nil {
			return nil, err
		}
	}
	p.Add(rings{medians, dot})
	p.X.Min, p.X.Max = 0.5, float64(len(h.Points))+0.5
	margin := max(0.05*(most-least), 0.002*most)
	p.Y.Min, p.Y.Max = least-margin, most+margin
	keys := []key{glyphKey("a run, with its interval", dot), lineKey("median between changes", level)}
	if len(h.Changes) > 0 {
		keys = append(keys, lineKey("change of level", change))
	}
	return &sketch{kind: "history", title: h.Title, height: 200, upward: "ratio", panel: p, keys: keys}, nil
}

// rings marks points; plotter's own would add its kind to the program.
type rings struct {
	at    plotter.XYs
	style draw.GlyphStyle
}

// Plot draws them.
func (r rings) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, point := range r.at {
		c.DrawGlyph(r.style, vg.Point{X: x(point.X), Y: y(point.Y)})
	}
}
