package reports

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"

	"gonum.org/v1/plot"
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
	keys    []key // above the panel, so that nothing in it is hidden
	height  vg.Length
	upward  string // what the y axis is, above it: beside it, it would take space that a telephone does not have
	panel   *plot.Plot
}

// A key says what a line, a mark or an area of a plot means.
type key struct {
	label string
	thumb func(c draw.Canvas, left, middle, width vg.Length)
}

const (
	plotWidth = vg.Length(360) // as a telephone is wide, so that text keeps its size there
	plotDPI   = 216
	textSize  = 11
	lineGap   = 1.3 * textSize
)

// A pageColour is a colour on a light page and on a dark one.
type pageColour struct{ light, dark color.RGBA }

func rgb(hex uint32) color.RGBA {
	return color.RGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 0xFF}
}

// The colours of plots, beside those of the styles. No two are the same, and none is black: the dark
// page finds them by their light value.
var (
	paper   = pageColour{rgb(0xFFFFFF), rgb(0x191A1C)}
	ink     = pageColour{rgb(0x1B1B1B), rgb(0xE8E6E3)}
	soft    = pageColour{rgb(0x5A5A5A), rgb(0xAAA7A2)}
	pale    = pageColour{rgb(0xE2E2E2), rgb(0x36383C)}
	unseen  = pageColour{rgb(0xD9D9D6), rgb(0x45474C)} // what a run cannot detect
	limited = pageColour{rgb(0xB3001B), rgb(0xFF8A80)} // a budget
)

// plotCSS gives plots their dark colours. A viewer that does not follow it shows the light ones.
func plotCSS() string {
	var b strings.Builder
	b.WriteString("@media screen and (prefers-color-scheme: dark) {\n")
	for _, c := range slices.Concat([]pageColour{paper, ink, soft, pale, unseen, limited}, styled) {
		for _, property := range []string{"fill", "stroke"} {
			fmt.Fprintf(&b, "  .plot [style*=\"%[1]s:%[2]s\"] { %[1]s: %[3]s !important; }\n", property, hexOf(c.light), hexOf(c.dark))
		}
	}
	b.WriteString("}\n")
	return b.String()
}

func hexOf(c color.RGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

var dashes = [][]vg.Length{nil, {vg.Points(6), vg.Points(3)}, {vg.Points(2), vg.Points(2)}, {vg.Points(8), vg.Points(2), vg.Points(2), vg.Points(2)}}

// line is that of a group's i-th arm. Arms of one style differ by their dashes.
func (p palette) line(g group, i int) draw.LineStyle {
	before := 0
	for _, c := range g.cells[:i] {
		if c.Style == g.cells[i].Style {
			before++
		}
	}
	return draw.LineStyle{Color: p.colour(g.cells[i].Style), Width: vg.Points(1.6), Dashes: dashes[before%len(dashes)]}
}

// A ring is a mark that shows what is below it, and its own place when others cover it.
type ring struct{}

func (ring) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	c.SetLineStyle(draw.LineStyle{Color: style.Color, Width: 1})
	var p vg.Path
	p.Move(vg.Point{X: at.X + style.Radius, Y: at.Y})
	p.Arc(at, style.Radius, 0, 2*math.Pi)
	p.Close()
	c.Stroke(p)
}

// lineKey explains a line.
func lineKey(label string, style draw.LineStyle) key {
	return key{label, func(c draw.Canvas, left, middle, width vg.Length) {
		c.StrokeLine2(style, left, middle, left+width, middle)
	}}
}

// glyphKey explains a mark.
func glyphKey(label string, style draw.GlyphStyle) key {
	return key{label, func(c draw.Canvas, left, middle, width vg.Length) {
		c.DrawGlyphNoClip(style, vg.Point{X: left + width/2, Y: middle})
	}}
}

// drawPlots draws the plots of each scenario and of each of its comparisons, without invalid cells.
func drawPlots(run *results.Run, details results.Details) ([]drawing, error) {
	var all []drawing
	taken, p, blocks := map[string]bool{}, paletteOf(run), byCell(details.Blocks)
	begun := map[string]bool{} // scenarios
	for _, g := range groups(run) {
		if g = g.sound(); len(g.cells) == 0 {
			continue
		}
		sketches, err := p.sketches(run, g, blocks)
		if err != nil {
			return nil, fmt.Errorf("plot of %s: %w", g.title, err)
		}
		if !begun[g.scenario] {
			begun[g.scenario] = true
			sketches = slices.Insert(sketches, 0, p.forestOf(run, g.scenario, blocks))
		}
		for _, s := range sketches {
			if s == nil {
				continue
			}
			d, err := s.draw()
			if err != nil {
				return nil, fmt.Errorf("plot of %s: %w", g.title, err)
			}
			d.of = g.cells[0]
			of := g.title
			if s.kind == forestKind {
				of = g.scenario
			}
			d.name = free(taken, slug(of)+"-"+s.kind)
			all = append(all, d)
		}
	}
	return all, nil
}

// sketches are the plots of a comparison; nil: it has no data for it.
func (p palette) sketches(run *results.Run, g group, blocks map[string][]results.Block) ([]*sketch, error) {
	var all []*sketch
	plots := []func(group, map[string][]results.Block) (*sketch, error){p.latencyPlot, p.spreadPlot}
	if run.Scenario(g.scenario).Pieces() {
		plots = nil // pieces take nanoseconds to milliseconds: one axis cannot show all differences
	}
	for _, m := range run.Scenario(g.scenario).Measures {
		plots = append(plots, func(g group, of map[string][]results.Block) (*sketch, error) { return p.seriesPlot(m, g, of) })
	}
	for _, plot := range plots {
		s, err := plot(g, blocks)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
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
	svgBegin   = regexp.MustCompile(`<svg([^>]*)>`)
)

func (s *sketch) draw() (drawing, error) {
	d := drawing{title: s.title, caption: s.caption}
	height := s.height + s.head()
	svg := vgsvg.New(plotWidth, height)
	img := vgimg.NewWith(vgimg.UseWH(plotWidth, height), vgimg.UseDPI(plotDPI))
	s.on(draw.New(svg))
	s.on(draw.New(img))
	var b bytes.Buffer
	if err := writeTo(svg, &b); err != nil {
		return d, err
	}
	// The reader's machine may not have the font that the layout used.
	d.svg = fontFamily.ReplaceAll(b.Bytes(), []byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"))
	d.svg = svgBegin.ReplaceAll(d.svg, []byte("<svg class=\"plot\"$1>\n<style>\n"+plotCSS()+"</style>\n"))
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

const plotMargin = vg.Length(8)

// head is the height of title and keys.
func (s *sketch) head() vg.Length {
	return lineGap*vg.Length(len(wrapped(s.title, bold(), plotWidth-2*plotMargin))+len(s.keys)+min(len(s.upward), 1)) + 2*plotMargin
}

func (s *sketch) on(c draw.Canvas) {
	c.SetColor(paper.light)
	c.Fill(c.Rectangle.Path())
	at := c.Max.Y - plotMargin
	for _, line := range wrapped(s.title, bold(), plotWidth-2*plotMargin) {
		at -= lineGap
		c.FillText(bold(), vg.Point{X: plotMargin, Y: at}, line)
	}
	for _, k := range s.keys {
		at -= lineGap
		const thumb = 20
		k.thumb(c, plotMargin, at+0.35*textSize, thumb)
		c.FillText(words(ink), vg.Point{X: plotMargin + thumb + 6, Y: at}, k.label)
	}
	if s.upward != "" {
		at -= lineGap
		c.FillText(words(soft), vg.Point{X: plotMargin, Y: at}, s.upward)
	}
	s.panel.Draw(draw.Crop(c, plotMargin, -plotMargin, plotMargin, at-c.Max.Y-plotMargin))
}

// words is the style of text in a plot.
func words(c pageColour) draw.TextStyle {
	f := plot.DefaultFont
	f.Variant, f.Size = "Sans", textSize
	return draw.TextStyle{Color: c.light, Font: f, Handler: plot.DefaultTextHandler}
}

func bold() draw.TextStyle {
	style := words(ink)
	style.Font.Weight = 3 // bold, of package x/image/font
	return style
}

// wrapped breaks a text into lines of this width. A word that is longer is cut off.
func wrapped(s string, style draw.TextStyle, width vg.Length) (lines []string) {
	for _, word := range strings.Fields(oneLine(s)) {
		for n := len([]rune(word)); n > 1 && style.Width(word) > width; n-- {
			word = shortened(word, n)
		}
		if n := len(lines); n > 0 && style.Width(lines[n-1]+" "+word) <= width {
			lines[n-1] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}

// newPlot is an empty plot with the fonts and spacing of all plots.
func newPlot(x string) *plot.Plot {
	p := plot.New()
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font, axis.Label.TextStyle.Color = words(ink).Font, ink.light
		axis.Tick.Label.Font, axis.Tick.Label.Color = words(ink).Font, ink.light
		axis.Tick.Color, axis.Color = soft.light, soft.light
	}
	p.BackgroundColor = paper.light
	p.X.Label.Text, p.X.Label.Padding = x, vg.Points(4)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = pale.light, pale.light
	p.Add(grid)
	return p
}

// addLine draws an arm's line.
func addLine(p *plot.Plot, style draw.LineStyle, points plotter.XYs) error {
	line, err := plotter.NewLine(points)
	if err != nil {
		return err
	}
	line.LineStyle = style
	p.Add(line)
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
