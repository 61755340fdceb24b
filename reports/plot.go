package reports

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"rubato/results"
)

const plotsFolder = "plots"

// A drawing is a finished plot in both formats.
type drawing struct {
	name    string // of the file, without the extension
	title   string
	caption string        // what to look at
	of      *results.Cell // the first of the comparison group
	svg     []byte
	png     []byte
}

// A sketch is a plot that is not drawn yet.
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

var dashes = [][]vg.Length{nil, {vg.Points(6), vg.Points(3)}, {vg.Points(2), vg.Points(2)}, {vg.Points(8), vg.Points(2), vg.Points(2), vg.Points(2)}}

// line is how a plot draws the i-th arm: in the colour of its style, with dashes of its own.
func (g group) line(i int) draw.LineStyle {
	return draw.LineStyle{Color: g.palette.of(g.cells[i].Style), Width: vg.Points(1.6), Dashes: dashes[i%len(dashes)]}
}

// drawPlots draws the plots of each comparison group, without invalid cells.
func drawPlots(run *results.Run, details results.Details) ([]drawing, error) {
	var all []drawing
	taken := map[string]bool{}
	for _, g := range groups(run) {
		g = g.sound()
		if len(g.cells) == 0 {
			continue
		}
		plots := []func(group, results.Details) (*sketch, error){overheadPlot, latencyPlot, cpuPlot}
		if run.Scenario(g.scenario).Pieces() {
			plots = plots[:0] // pieces take nanoseconds to milliseconds: one axis cannot show all differences
		}
		for _, m := range run.Scenario(g.scenario).Measures {
			plots = append(plots, func(g group, d results.Details) (*sketch, error) { return seriesPlot(m, g, d) })
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

// sound is the group without its invalid cells.
func (g group) sound() group {
	var cells []*results.Cell
	var labels []string
	for i, c := range g.cells {
		if c.Verdict != results.Invalid {
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

var (
	fixedSize  = regexp.MustCompile(` (width|height)="[^"]*"`)
	fontFamily = regexp.MustCompile(`font-family:Liberation Sans;`)
)

func (s *sketch) draw() (drawing, error) {
	d := drawing{title: s.title, caption: s.caption}
	svg := vgsvg.New(plotWidth, s.height)
	img := vgimg.NewWith(vgimg.UseWH(plotWidth, s.height), vgimg.UseDPI(plotDPI))
	s.on(draw.New(svg))
	s.on(draw.New(img))
	var b bytes.Buffer
	if err := writeTo(svg, &b); err != nil {
		return d, err
	}
	// The reader's machine may not have the font that the layout used.
	d.svg = fontFamily.ReplaceAll(b.Bytes(), []byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"))
	var p bytes.Buffer
	if err := writeTo(vgimg.PngCanvas{Canvas: img}, &p); err != nil {
		return d, err
	}
	d.png = p.Bytes()
	return d, nil
}

func writeTo(from io.WriterTo, to io.Writer) error {
	_, err := from.WriteTo(to)
	return err
}

func (s *sketch) on(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, vg.Points(8), -vg.Points(20), vg.Points(6), -vg.Points(6))
	rows := make([][]*plot.Plot, len(s.panels))
	for i, p := range s.panels {
		rows[i] = []*plot.Plot{p}
	}
	tiles := draw.Tiles{Rows: len(rows), Cols: 1, PadY: vg.Points(14)}
	for i, at := range plot.Align(rows, tiles, c) {
		rows[i][0].Draw(at[0])
	}
}

// newPlot is an empty plot with the fonts and spacing of all plots.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	sans := func(f *font.Font, size vg.Length) { f.Variant, f.Size = "Sans", size }
	sans(&p.Title.TextStyle.Font, 12)
	sans(&p.X.Label.TextStyle.Font, 10.5)
	sans(&p.Y.Label.TextStyle.Font, 10.5)
	sans(&p.X.Tick.Label.Font, 9.5)
	sans(&p.Y.Tick.Label.Font, 9.5)
	sans(&p.Legend.TextStyle.Font, 10)
	p.Legend.Padding, p.Legend.ThumbnailWidth = vg.Points(3), vg.Points(28)
	p.Title.Text, p.Title.Padding = title, vg.Points(10)
	p.X.Label.Text, p.X.Label.Padding = x, vg.Points(4)
	p.Y.Label.Text, p.Y.Label.Padding = y, vg.Points(4)
	grid := plotter.NewGrid()
	pale := color.Gray{Y: 0xE2}
	grid.Vertical.Color, grid.Horizontal.Color = pale, pale
	p.Add(grid)
	return p
}

// addLine draws an arm's line and, unless the label is empty, its legend.
func addLine(p *plot.Plot, as draw.LineStyle, label string, points plotter.XYs) error {
	line, err := plotter.NewLine(points)
	if err != nil {
		return err
	}
	line.LineStyle = as
	p.Add(line)
	if label != "" {
		p.Legend.Add(shortened(label, 40), line)
	}
	return nil
}

// shortened fits a name of the run into a plot.
func shortened(s string, most int) string {
	runes := []rune(oneLine(s))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}

func percentileTicks() []plot.Tick {
	var ticks []plot.Tick
	for _, q := range []float64{0, 50, 75, 90, 95, 99, 99.5, 99.9} {
		ticks = append(ticks, plot.Tick{Value: -math.Log10(1 - q/100), Label: fmt.Sprintf("%g %%", q)})
	}
	return ticks
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
