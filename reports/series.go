package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// seriesPlot draws a measure over the time of the blocks, a line a style and round;
// nil when no block has told it.
func (m Measure) seriesPlot(g group, details Details) (*sketch, error) {
	var all []Block
	for _, c := range g.cells {
		all = append(all, roundsOf(c, details.Blocks)...)
	}
	longest, most := m.extent(all)
	if longest < 0 {
		return nil, nil
	}
	seconds, span := 1.0, "s"
	if longest > 600 {
		seconds, span = 60, "min"
	}
	scale, unit := m.scale(most)
	title := shortened(g.title, 60) + ": " + shortened(m.Name, 40) + " over time"
	p := newPlot(title, "time since the block began ("+span+")", labelled(m.Name, unit))
	p.Add(newGrid())
	drawn := 0
	for i, c := range g.cells {
		told := false
		for _, b := range roundsOf(c, details.Blocks) {
			points := seriesOf(b.Series[m.Name], seconds, scale)
			if len(points) == 0 {
				continue
			}
			line, err := plotter.NewLine(points)
			if err != nil {
				return nil, fmt.Errorf("series %s: %w", m.Name, err)
			}
			line.LineStyle = lineOf(i)
			p.Add(line)
			if !told {
				p.Legend.Add(shortened(g.labels[i], 40), line)
				told, drawn = true, drawn+1
			}
		}
	}
	p.X.Min, p.Y.Min = 0, min(p.Y.Min, 0)
	p.X.Tick.Marker, p.Y.Tick.Marker = evenTicks{}, evenTicks{}
	// Room for the legend above the lines; a measure that stays at 0 still has a scale.
	p.Y.Max += (max(p.Y.Max, 0) - p.Y.Min) * (0.05 + 0.1*float64(drawn))
	if p.Y.Max <= p.Y.Min {
		p.Y.Max = p.Y.Min + 1
	}
	p.Legend.Top, p.Legend.YOffs = true, -vg.Points(4)
	return &sketch{kind: "series-" + slug(m.Name), title: title, height: 3.6 * vg.Inch, panels: []*plot.Plot{p},
		caption: "Look at whether a line still rises at its end, and whether the styles part. " + m.Name + ": " + m.Doc + "."}, nil
}

// extent is the end of the longest series in seconds, below 0 when there is none,
// and the largest value without its sign.
func (m Measure) extent(blocks []Block) (longest, most float64) {
	longest = -1
	for _, b := range blocks {
		for _, p := range b.Series[m.Name] {
			longest, most = max(longest, p.At.Seconds()), max(most, math.Abs(p.Value))
		}
	}
	return longest, most
}

// scale is the unit of an axis up to this value.
func (m Measure) scale(most float64) (float64, string) {
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

// seriesOf is a series on the axes, in the order of time.
func seriesOf(series []Point, seconds, scale float64) plotter.XYs {
	var points plotter.XYs
	for _, p := range series {
		points = append(points, plotter.XY{X: p.At.Seconds() / seconds, Y: p.Value / scale})
	}
	slices.SortStableFunc(points, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
	return points
}
