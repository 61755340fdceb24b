package reports

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// markdown writes the page for a viewer that shows tables. All that comes from the
// run is escaped.
func (p *page) markdown(w *bytes.Buffer) error {
	fmt.Fprintf(w, "# %s\n\n", mark(p.Title))
	for _, t := range p.Lead {
		fmt.Fprintf(w, "%s\n\n", mark(t))
	}
	for _, b := range p.Banners {
		fmt.Fprintf(w, "> **%s**: %s\n\n", mark(b.Kind), mark(b.Text))
	}
	p.Machine.markdown(w)
	for _, s := range p.Sections {
		s.markdown(w)
	}
	return nil
}

func (s section) markdown(w *bytes.Buffer) {
	fmt.Fprintf(w, "## %s\n\n", mark(s.Title))
	if s.Folded != "" {
		fmt.Fprintf(w, "<details><summary>%s</summary>\n\n", mark(s.Folded))
	}
	for _, t := range s.Text {
		fmt.Fprintf(w, "%s\n\n", mark(t))
	}
	for _, g := range s.Grids {
		g.markdown(w)
	}
	for _, f := range slices.Concat(s.Plots...) {
		fmt.Fprintf(w, "![%s](%s)\n\n%s\n\n", mark(f.title), plotPath(f), mark(f.caption))
	}
	if s.Folded != "" {
		fmt.Fprint(w, "</details>\n\n")
	}
}

func (g grid) markdown(w *bytes.Buffer) {
	if g.Title != "" {
		fmt.Fprintf(w, "### %s\n\n", mark(g.Title))
	}
	line := func(cells []string) {
		for _, c := range cells {
			fmt.Fprintf(w, "| %s ", mark(inline(c)))
		}
		fmt.Fprint(w, "|\n")
	}
	line(g.Head)
	for i := range g.Head {
		if g.IsText(i) {
			fmt.Fprint(w, "|---")
		} else {
			fmt.Fprint(w, "|---:")
		}
	}
	fmt.Fprint(w, "|\n")
	for _, r := range g.Rows {
		line(r.Cells)
	}
	fmt.Fprintln(w)
	for _, n := range g.Notes {
		fmt.Fprintf(w, "%s\n\n", mark(n))
	}
}

var (
	markup    = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `\`, `\\`, "`", "\\`", "*", `\*`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`)
	emphasis  = regexp.MustCompile(`\b_|_\b`) // an underscore inside a word is itself
	lineStart = regexp.MustCompile(`^([#+>-]|\d+[.)])(\s|$)|^(-{2,}|={2,})`)
)

// mark escapes what Markdown, and the HTML in it, would take for markup.
func mark(s string) string {
	s = markup.Replace(oneLine(s))
	s = emphasis.ReplaceAllString(s, `\_`)
	return lineStart.ReplaceAllString(s, "&#8203;$0")
}
