package reports

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A Grid is a table before it is rendered for a terminal, as Markdown or as HTML. A value
// may have a second line, its interval. The template page.html renders HTML, because rows
// have colours there.
type Grid struct {
	Title   string
	Head    []string
	Text    []int // columns of words; the others hold figures
	Rows    []Row
	Notes   []string
	Wide    bool    // too wide for a phone even as a list: a reader scrolls
	colours palette // of a terminal; nil: none
	Wrap    int     // in a terminal, the largest width of a column of words; 0: no limit
}

// A Row is one line of a Grid.
type Row struct {
	Cells []string
	Mark  string // a verdict or an answer, for its colour
}

// Add appends a row. The mark may be empty.
func (g *Grid) Add(mark string, cells ...string) {
	g.Rows = append(g.Rows, Row{cells, mark})
}

// IsText reports whether a column holds words, for its alignment.
func (g Grid) IsText(column int) bool { return slices.Contains(g.Text, column) }

// dropEmptyFirst removes the first column, which holds words, if all its cells are empty.
func (g *Grid) dropEmptyFirst() {
	if slices.ContainsFunc(g.Rows, func(r Row) bool { return r.Cells[0] != "" }) {
		return
	}
	g.Head = g.Head[1:]
	for i := range g.Rows {
		g.Rows[i].Cells = g.Rows[i].Cells[1:]
	}
	g.Text = slices.DeleteFunc(g.Text, func(column int) bool { return column == 0 })
	for i := range g.Text {
		g.Text[i]--
	}
}

// Terminal renders the grid as plain text, the same in every terminal.
func (g Grid) Terminal() string {
	t := table.NewWriter()
	t.SetStyle(table.StyleDefault)
	t.Style().Options = table.Options{SeparateHeader: true}
	t.Style().Format.Header = text.FormatDefault
	var columns []table.ColumnConfig
	for i := range g.Head {
		c := table.ColumnConfig{Number: i + 1, Align: text.AlignRight}
		if g.IsText(i) {
			c.Align, c.WidthMax, c.WidthMaxEnforcer = text.AlignLeft, g.Wrap, text.WrapSoft
		}
		columns = append(columns, c)
	}
	t.SetColumnConfigs(columns)
	t.AppendHeader(g.terminalRow(g.Head))
	for _, r := range g.Rows {
		t.AppendRow(g.terminalRow(r.Cells))
	}
	lines := []string{t.Render()}
	if g.Title != "" {
		lines = []string{g.Title, t.Render()}
	}
	for _, n := range g.Notes {
		lines = append(lines, oneLine(n))
	}
	return strings.Join(lines, "\n") + "\n"
}

func (g Grid) terminalRow(cells []string) (row table.Row) {
	for i, c := range cells {
		c = oneLine(inline(c))
		if g.namesStyles(i) {
			c = g.colours.terminal(c)
		}
		row = append(row, c)
	}
	return row
}

// namesStyles reports whether the values of a column, or its head, are styles or begin with one.
func (g Grid) namesStyles(column int) bool {
	head := g.Head[column]
	return head == "style" || head == "arm" || g.colours.styleIn(head) != ""
}

// Markdown renders the grid for a viewer that shows tables. Text in it is escaped.
func (g Grid) Markdown() string {
	var w bytes.Buffer
	g.markdown(&w)
	return w.String()
}

func (g Grid) markdown(w *bytes.Buffer) {
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
	emphasis  = regexp.MustCompile(`\b_|_\b`) // an underscore inside a word needs no escape
	lineStart = regexp.MustCompile(`^([#+>-]|\d+[.)])(\s|$)|^(-{2,}|={2,})`)
)

// mark escapes text that Markdown or HTML would read as markup.
func mark(s string) string {
	s = markup.Replace(oneLine(s))
	s = emphasis.ReplaceAllString(s, `\_`)
	return lineStart.ReplaceAllString(s, "&#8203;$0")
}
