package reports

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// beyond is how many latencies must lie above the last point of a curve.
const beyond = 2

// latencyPlot draws latency over percentile. The axis spreads the tail: each
// further 9 takes the same room.
func latencyPlot(g group, details Details) (*sketch, error) {
	p := newPlot(shortened(g.title, 60)+": latency by percentile", "share of operations at most this slow", "latency (log scale)")
	p.Add(newGrid())
	drawn := 0
	for i, c := range g.cells {
		h, err := mergeLatency(roundsOf(c, details.Blocks))
		if err != nil {
			return nil, err
		}
		if h == nil || h.TotalCount() < latenciesForP99 {
			continue
		}
		end := min(3, math.Log10(float64(h.TotalCount())/beyond))
		var points plotter.XYs
		for n := 0; n <= 300; n++ {
			x := end * float64(n) / 300
			y := h.ValueAtPercentile(100 * (1 - math.Pow(10, -x)))
			points = append(points, plotter.XY{X: x, Y: max(float64(y), 1)})
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.LineStyle = lineOf(i)
		p.Add(line)
		p.Legend.Add(shortened(g.labels[i], 40), line)
		drawn++
	}
	if drawn == 0 {
		return nil, nil
	}
	p.X.Min, p.X.Max = 0, 3
	p.X.Tick.Marker = plot.ConstantTicks(percentileTicks())
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, latencyTicks{}
	p.Y.Min, p.Y.Max = p.Y.Min/1.15, p.Y.Max*math.Pow(p.Y.Max/p.Y.Min, 0.08*float64(drawn))*1.15
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(10), -vg.Points(4)
	return &sketch{kind: "latency", title: p.Title.Text, height: 4.2 * vg.Inch, panels: []*plot.Plot{p},
		caption: "Look at the distance between the curves at 50 %, and whether it stays the same towards 99.9 %: a curve that bends up early has a worse tail than its median tells."}, nil
}

// cpuPlot draws CPU % over time, one panel for the active window, one for the idle.
func cpuPlot(g group, details Details) (*sketch, error) {
	s := &sketch{kind: "cpu", title: shortened(g.title, 60) + ": CPU over time",
		caption: "Look at the idle panel: what a style burns while nothing is asked of it. The curves are read in ticks of 10 ms every 100 ms, so their jitter is that of the clock; the figures in the table are from cumulative times."}
	for _, window := range []string{"active", "idle"} {
		p, err := cpuPanel(g, details, window)
		if err != nil {
			return nil, err
		}
		if p != nil {
			s.panels = append(s.panels, p)
		}
	}
	if len(s.panels) == 0 {
		return nil, nil
	}
	s.height = vg.Length(len(s.panels)) * 2.6 * vg.Inch
	return s, nil
}

func cpuPanel(g group, details Details, window string) (*plot.Plot, error) {
	p := newPlot(shortened(g.title, 60)+": CPU while "+window, "time since the window opened (s)", "% of one core")
	p.Add(newGrid())
	drawn := 0
	for i, c := range g.cells {
		points := samplesOf(c, details.Samples, window)
		if len(points) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		line.LineStyle = lineOf(i)
		line.Width = vg.Points(1.2)
		dots.GlyphStyle = draw.GlyphStyle{Color: line.Color, Radius: vg.Points(1.5), Shape: draw.CircleGlyph{}}
		p.Add(line, dots)
		p.Legend.Add(shortened(g.labels[i], 40), line)
		drawn++
	}
	if drawn == 0 {
		return nil, nil
	}
	// Room for the legend above the curves; an idle core still shows a scale.
	p.X.Min, p.Y.Min = 0, 0
	p.X.Tick.Marker, p.Y.Tick.Marker = evenTicks{}, evenTicks{}
	p.Y.Max = max(p.Y.Max, 1) * (1.1 + 0.2*float64(drawn))
	p.Legend.Top, p.Legend.YOffs = true, -vg.Points(4)
	return p, nil
}

func samplesOf(c *Cell, samples []Sample, window string) plotter.XYs {
	key := c.Key()
	var points plotter.XYs
	for _, s := range samples {
		if s.Cell == key && s.Window == window && s.Percent >= 0 {
			points = append(points, plotter.XY{X: s.At.Seconds(), Y: s.Percent})
		}
	}
	slices.SortStableFunc(points, func(a, b plotter.XY) int {
		switch {
		case a.X < b.X:
			return -1
		case a.X > b.X:
			return 1
		}
		return 0
	})
	return points
}
