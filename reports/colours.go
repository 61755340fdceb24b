package reports

import (
	"fmt"
	"html/template"
	"image/color"
	"slices"
	"strings"

	"rubato/results"
)

// okabeIto is the palette of Okabe and Ito (2008), which colour-blind readers can
// distinguish. Its yellow and its black are left out: one is hard to see on white, the other on
// black.
var okabeIto = []color.RGBA{
	{0x00, 0x72, 0xB2, 0xFF}, {0xE6, 0x9F, 0x00, 0xFF}, {0x00, 0x9E, 0x73, 0xFF}, {0xD5, 0x5E, 0x00, 0xFF},
	{0x56, 0xB4, 0xE9, 0xFF}, {0xCC, 0x79, 0xA7, 0xFF}, {0x80, 0x80, 0x80, 0xFF},
}

// ownColour are the styles that have the same colour in every run.
var ownColour = []string{"direct", "bus", "nats"}

// A palette gives each style of a run one colour, in every table, plot, page and terminal.
type palette []string

// paletteOf gives the styles without a colour of their own the others, in the order of the run.
func paletteOf(run *results.Run) palette {
	var styles []string
	for _, s := range run.Styles {
		styles = append(styles, s.Name)
	}
	for _, c := range run.Arms() {
		styles = append(styles, c.Style)
	}
	return newPalette(styles)
}

func newPalette(styles []string) palette {
	p := slices.Clone(ownColour)
	for _, s := range styles {
		p = results.AddOnce(p, s)
	}
	return p
}

func (p palette) of(style string) color.RGBA {
	return okabeIto[max(slices.Index(p, style), 0)%len(okabeIto)]
}

// styleIn is the style that a label begins with, such as bus in "bus mode=closed"; "" if none.
func (p palette) styleIn(label string) string {
	for _, s := range p {
		if rest, found := strings.CutPrefix(label, s); found && s != "" && (rest == "" || strings.HasPrefix(rest, " ")) {
			return s
		}
	}
	return ""
}

// Class is how page.css finds the colour of the style in a label; "" if there is none.
func (p palette) Class(label string) string {
	if i := slices.Index(p, p.styleIn(label)); i >= 0 {
		return fmt.Sprintf("style s%d", i%len(okabeIto))
	}
	return ""
}

// terminal puts a dot in the style's colour before a label, for a terminal with 256 colours.
func (p palette) terminal(label string) string {
	s := p.styleIn(label)
	if s == "" {
		return label
	}
	c, level := p.of(s), func(v uint8) int { return (int(v)*5 + 127) / 255 }
	return fmt.Sprintf("\x1b[38;5;%dm●\x1b[0m %s", 16+36*level(c.R)+6*level(c.G)+level(c.B), label)
}

// paletteCSS declares the colours as page.css uses them.
func paletteCSS() template.CSS {
	var b strings.Builder
	for i, c := range okabeIto {
		fmt.Fprintf(&b, ".s%d { --style: #%02X%02X%02X; }\n", i, c.R, c.G, c.B)
	}
	return template.CSS(b.String())
}
