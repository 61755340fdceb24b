package reports

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const plotsFolder = "plots"

// A drawing is one plot, in both formats.
type drawing struct {
	name    string // of the file, without its ending
	title   string
	caption string // what to look at
	of      *Cell  // the first of the comparison group
	svg     []byte
	png     []byte
}

// A sketch is a plot before it is drawn.
type sketch struct {
	kind    string
	title   string
	caption string
	height  vg.Length
	panels  []*plot.Plot // from top to bottom
}

const (
	plotWidth = 7.2 * vg.Inch
	plotDPI   = 144
)

// okabeIto is the palette of Okabe and Ito (2008), which stays apart for the
// colour-blind; its yellow is left out, for it is hard to see on white.
var okabeIto = []color.RGBA{
	{0x00, 0x72, 0xB2, 0xFF}, {0xE6, 0x9F, 0x00, 0xFF}, {0x00, 0x9E, 0x73, 0xFF}, {0xD5, 0x5E, 0x00, 0xFF},
	{0x56, 0xB4, 0xE9, 0xFF}, {0xCC, 0x79, 0xA7, 0xFF}, {0x00, 0x00, 0x00, 0xFF},
}

var dashes = [][]vg.Length{nil, {vg.Points(6), vg.Points(3)}, {vg.Points(2), vg.Points(2)}, {vg.Points(8), vg.Points(2), vg.Points(2), vg.Points(2)}}

// lineOf tells the i-th line of a plot from the others, by colour and by dash.
func lineOf(i int) draw.LineStyle {
	return draw.LineStyle{Color: okabeIto[i%len(okabeIto)], Width: vg.Points(1.6), Dashes: dashes[i%len(dashes)]}
}

// drawPlots draws what there is to draw of each comparison group. A void cell is in none.
func drawPlots(run *Run, details Details) ([]drawing, error) {
	var all []drawing
	taken := map[string]bool{}
	for _, g := range groups(run) {
		g = g.sound()
		if len(g.cells) == 0 {
			continue
		}
		plots := []func(group, Details) (*sketch, error){overheadPlot, latencyPlot, cpuPlot}
		if run.scenario(g.scenario).pieces() {
			plots = plots[:0] // from nanoseconds to milliseconds: no axis shows all their differences
		}
		for _, m := range run.scenario(g.scenario).Measures {
			plots = append(plots, m.seriesPlot)
		}
		for _, make := range plots {
			s, err := make(g, details)
			if err != nil {
				return nil, fmt.Errorf("plot of %s: %w", g.title, err)
			}
			if s == nil {
				continue
			}
			d, err := s.draw()
			if err != nil {
				return nil, fmt.Errorf("plot of %s: %w", g.title, err)
			}
			d.of = g.cells[0]
			d.name = free(taken, slug(g.title)+"-"+s.kind)
			all = append(all, d)
		}
	}
	return all, nil
}

// sound is the group without its void cells.
func (g group) sound() group {
	var cells []*Cell
	var labels []string
	for i, c := range g.cells {
		if c.Verdict != Void {
			cells, labels = append(cells, c), append(labels, g.labels[i])
		}
	}
	g.cells, g.labels = cells, labels
	return g
}

func free(taken map[string]bool, name string) string {
	unique := name
	for n := 2; taken[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", name, n)
	}
	taken[unique] = true
	return unique
}
