package reports

import (
	"bytes"
	"image/color"
	"io"
	"regexp"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

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
	if err := written(svg, &b); err != nil {
		return d, err
	}
	// A reader's machine may lack the font that the text was measured with.
	d.svg = fontFamily.ReplaceAll(b.Bytes(), []byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"))
	var p bytes.Buffer
	if err := written(vgimg.PngCanvas{Canvas: img}, &p); err != nil {
		return d, err
	}
	d.png = p.Bytes()
	return d, nil
}

func written(from io.WriterTo, to io.Writer) error {
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

// newPlot is an empty plot in the hand of all of them.
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
	return p
}

func newGrid() *plotter.Grid {
	g := plotter.NewGrid()
	pale := color.Gray{Y: 0xE2}
	g.Vertical.Color, g.Horizontal.Color = pale, pale
	return g
}

// shortened fits a name of the run into a plot.
func shortened(s string, most int) string {
	runes := []rune(oneLine(s))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}
