package reports

import (
	"fmt"
	"image/color"
	"slices"
	"strings"

	"rubato/results"
)

// styled are the colours of styles. They come from the palette of Okabe and Ito (2008), which
// colour-blind readers can distinguish, made darker or lighter until each stands out from its page by
// 3 to 1.
var styled = []pageColour{{rgb(0x0072B2), rgb(0x62B6F0)}, {rgb(0xB86A00), rgb(0xF0A830)}, {rgb(0x00805E), rgb(0x3FD0A4)},
	{rgb(0xA8467C), rgb(0xE79CC6)}, {rgb(0x6A5ACD), rgb(0xB0A6FF)}, {rgb(0x7A6A53), rgb(0xCDBD9F)}}

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

func (p palette) colour(style string) color.RGBA {
	return styled[max(slices.Index(p, style), 0)%len(styled)].light
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
		return fmt.Sprintf("style s%d", i%len(styled))
	}
	return ""
}

// terminal puts a dot in the style's colour before a label, for a terminal with 256 colours.
func (p palette) terminal(label string) string {
	s := p.styleIn(label)
	if s == "" {
		return label
	}
	c, level := p.colour(s), func(v uint8) int { return (int(v)*5 + 127) / 255 }
	return fmt.Sprintf("\x1b[38;5;%dm●\x1b[0m %s", 16+36*level(c.R)+6*level(c.G)+level(c.B), label)
}

// paletteCSS declares the colours as page.css uses them.
func paletteCSS() string {
	var light, dark strings.Builder
	for i, c := range styled {
		fmt.Fprintf(&light, ".s%d { --style: %s; }\n", i, hexOf(c.light))
		fmt.Fprintf(&dark, "  .s%d { --style: %s; }\n", i, hexOf(c.dark))
	}
	return light.String() + "@media screen and (prefers-color-scheme: dark) {\n" + dark.String() + "}\n"
}
