package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"rubato/results"
)

// latenciesBeyond is the number of latencies that must lie above the last point of a curve.
const latenciesBeyond = 2

// latencyPlot draws latency over percentile. The axis stretches the tail: each further 9
// takes the same space.
func latencyPlot(g group, details results.Details) (*sketch, error) {
	p := newPlot(shortened(g.title, 60)+": latency by percentile", "share of operations at most this slow", "latency (log scale)")
	drawn := 0
	for i, c := range g.cells {
		h, err := results.MergeLatency(roundsOf(c, details.Blocks))
		if err != nil {
			return nil, err
		}
		if h == nil || h.TotalCount() < latenciesForP99 {
			continue
		}
		end := min(3, math.Log10(float64(h.TotalCount())/latenciesBeyond))
		var points plotter.XYs
		for n := 0; n <= 300; n++ {
			x := end * float64(n) / 300
			y := h.ValueAtPercentile(100 * (1 - math.Pow(10, -x)))
			points = append(points, plotter.XY{X: x, Y: max(float64(y), 1)})
		}
		if err := addLine(p, g.line(i), g.labels[i], points); err != nil {
			return nil, err
		}
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
		caption: "Compare the distance between the curves at 50 % and at 99.9 %. A curve that bends up early has a worse tail than its median suggests."}, nil
}

// cpuPlot draws CPU % over time, with one panel for the active and one for the idle window.
func cpuPlot(g group, details results.Details) (*sketch, error) {
	s := &sketch{kind: "cpu", title: shortened(g.title, 60) + ": CPU over time",
		caption: "The idle panel shows the CPU that a style uses while it has no work. The curves are sampled every 100 ms in ticks of 10 ms, so their jitter comes from the clock. The figures in the table are from cumulative times."}
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

func cpuPanel(g group, details results.Details, window string) (*plot.Plot, error) {
	p := newPlot(shortened(g.title, 60)+": CPU while "+window, "time since the window opened (s)", "% of one core")
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
		line.LineStyle = g.line(i)
		line.Width = vg.Points(1.2)
		dots.GlyphStyle = draw.GlyphStyle{Color: line.Color, Radius: vg.Points(1.5), Shape: draw.CircleGlyph{}}
		p.Add(line, dots)
		p.Legend.Add(shortened(g.labels[i], 40), line)
		drawn++
	}
	if drawn == 0 {
		return nil, nil
	}
	// Leave space for the legend above the curves. An idle core needs a scale.
	p.X.Min, p.Y.Min = 0, 0
	p.X.Tick.Marker, p.Y.Tick.Marker = evenTicks{}, evenTicks{}
	p.Y.Max = max(p.Y.Max, 1) * (1.1 + 0.2*float64(drawn))
	p.Legend.Top, p.Legend.YOffs = true, -vg.Points(4)
	return p, nil
}

func samplesOf(c *results.Cell, samples []results.Sample, window string) plotter.XYs {
	key := c.Key()
	var points plotter.XYs
	for _, s := range samples {
		if s.Cell == key && s.Window == window && s.Percent >= 0 {
			points = append(points, plotter.XY{X: s.At.Seconds(), Y: s.Percent})
		}
	}
	return byTime(points)
}

func byTime(points plotter.XYs) plotter.XYs {
	slices.SortStableFunc(points, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
	return points
}

// seriesPlot draws a measure over the time of the blocks, one line per style and round. It
// is nil if no block reported the measure.
func seriesPlot(m results.Measure, g group, details results.Details) (*sketch, error) {
	var all []results.Block
	for _, c := range g.cells {
		all = append(all, roundsOf(c, details.Blocks)...)
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
	title := shortened(g.title, 60) + ": " + shortened(m.Name, 40) + " over time"
	p := newPlot(title, "time since the block began ("+span+")", labelled(m.Name, unit))
	drawn := 0
	for i, c := range g.cells {
		label := g.labels[i]
		for _, b := range roundsOf(c, details.Blocks) {
			points := seriesOf(b.Series[m.Name], seconds, scale)
			if len(points) == 0 {
				continue
			}
			if err := addLine(p, g.line(i), label, points); err != nil {
				return nil, fmt.Errorf("series %s: %w", m.Name, err)
			}
			if label != "" {
				label, drawn = "", drawn+1 // one legend for all rounds
			}
		}
	}
	p.X.Min, p.Y.Min = 0, min(p.Y.Min, 0)
	p.X.Tick.Marker, p.Y.Tick.Marker = evenTicks{}, evenTicks{}
	// Leave space for the legend above the lines. A measure that stays at 0 needs a scale.
	p.Y.Max += (max(p.Y.Max, 0) - p.Y.Min) * (0.05 + 0.1*float64(drawn))
	if p.Y.Max <= p.Y.Min {
		p.Y.Max = p.Y.Min + 1
	}
	p.Legend.Top, p.Legend.YOffs = true, -vg.Points(4)
	return &sketch{kind: "series-" + slug(m.Name), title: title, height: 3.6 * vg.Inch, panels: []*plot.Plot{p},
		caption: "Check whether a line still rises at its end, and whether the styles diverge. " + m.Name + ": " + m.Doc + "."}, nil
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
