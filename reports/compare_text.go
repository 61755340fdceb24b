package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"rubato/inference"
)

// Lead says which runs are compared and what weakens that, a line each.
func (c Comparison) Lead() []string {
	lines := []string{"OLD " + c.Old.line(), "NEW " + c.New.line()}
	if len(c.Otherwise) == 0 {
		lines = append(lines, "One machine, by what is known of it: absolute figures are compared, too.")
	} else {
		lines = append(lines, "Not one machine, so absolute figures are not compared, only ratios: "+strings.Join(c.Otherwise, "; ")+".")
	}
	for _, w := range c.Warnings {
		lines = append(lines, "Warning: "+w)
	}
	return lines
}

func (o Origin) line() string {
	const enough = 12 // digits that tell a commit
	commit := "commit " + o.Commit[:min(len(o.Commit), enough)]
	if o.Dirty {
		commit += " and changes"
	}
	return fmt.Sprintf("%s: %s, %s, %s, seed %d, %s, %s", o.Path, o.Started.UTC().Format("2006-01-02 15:04 UTC"), commit, o.Effort, o.Seed, o.Machine, o.Go)
}

// tables are the rows as people read them.
func (c Comparison) tables() []grid {
	var all []grid
	add := func(title string, rows []Change, first ...string) {
		if len(rows) == 0 {
			return
		}
		g := grid{Title: title, Head: append(first, "OLD [95 %]", "NEW [95 %]", "change [95 %]", "verdict")}
		for i := range first {
			g.Text = append(g.Text, i)
		}
		g.Text = append(g.Text, len(g.Head)-1)
		for _, r := range rows {
			g.Rows = append(g.Rows, row{r.cells(), string(r.Verdict)})
		}
		g.Notes = notesOf(rows)
		all = append(all, g)
	}
	add("Ratios to the baseline", c.Ratios, "scenario", "style", "figure")
	title := "Absolute figures (they decide nothing: the machine was not in one state in both runs)"
	if c.Decides != decideRatios {
		title = "Absolute figures"
	}
	add(title, c.Absolute, "scenario", "style", "figure")
	return all
}

// notesOf tells reasons and warnings, each once with the cells that it is of.
func notesOf(rows []Change) []string {
	var order []string
	of := map[string][]string{}
	note := func(text, cell string) {
		if of[text] == nil {
			order = append(order, text)
		}
		if !slices.Contains(of[text], cell) {
			of[text] = append(of[text], cell)
		}
	}
	for _, r := range rows {
		if r.Why != "" {
			note(fmt.Sprintf("%s: %s", r.shownQuantity(), r.Why), r.title())
		}
		for _, w := range r.Warnings {
			note("warning: "+w, r.title())
		}
	}
	for i, text := range order {
		order[i] = some(of[text]) + ": " + text
	}
	return order
}

// some are the first names of many.
func some(names []string) string {
	const most = 4
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most-1], ", "), len(names)-most+1)
}

func (r Change) title() string {
	return strings.TrimSpace(r.Scenario + " " + r.Style + " " + strings.ReplaceAll(r.Named, secondary, " "))
}

// quantityNames are what people read.
var quantityNames = map[string]string{"ratio": "time", "cpu_ratio": "CPU", "ns_op": "time/op", "cpu_ns_op": "CPU/op", "allocs_op": "allocs/op", "p99_ns": "p99"}

func (r Change) shownQuantity() string {
	if name, ok := quantityNames[r.Quantity]; ok {
		return name
	}
	return strings.TrimPrefix(r.Quantity, "figure:")
}

func (r Change) cells() []string {
	show := Measure{Unit: r.Unit}.Show
	if r.Quantity == "allocs_op" {
		show = figure
	}
	change := ranged(r.Change, percentMore)
	if r.As == asDifference {
		change = ranged(r.Change, func(v float64) string {
			if v > 0 {
				return "+" + show(v)
			}
			return show(v)
		})
	} else if r.Change.Median <= 0 {
		change = noFigure // there was none to compare with
	}
	old, new := ranged(r.Old, show), ranged(r.New, show)
	if r.Unit == "x" && r.Old.Median == 0 {
		old = noFigure
	}
	if r.Unit == "x" && r.New.Median == 0 {
		new = noFigure
	}
	return []string{strings.TrimSpace(r.Scenario + " " + r.Named), r.Style, r.shownQuantity(), old, new, change, r.says()}
}

// ranged is a figure and its interval.
func ranged(e Estimate, show func(float64) string) string {
	if !e.Bounded() {
		return show(e.Median)
	}
	return fmt.Sprintf("%s [%s, %s]", show(e.Median), show(e.Lo), show(e.Hi))
}

// says is the verdict and, where it leaves that open, the side.
func (r Change) says() string {
	if r.Verdict == inference.Within {
		return "within (not worse)"
	}
	return string(r.Verdict)
}

// Text writes the comparison as plain text, in every terminal the same.
func (c Comparison) Text(w io.Writer) error {
	var b bytes.Buffer
	for _, line := range c.Lead() {
		fmt.Fprintln(&b, oneLine(line))
	}
	for _, g := range c.tables() {
		fmt.Fprintf(&b, "\n%s\n%s\n", g.Title, g.plain())
		for _, n := range g.Notes {
			fmt.Fprintln(&b, oneLine(n))
		}
	}
	fmt.Fprintln(&b)
	for _, line := range c.rest() {
		fmt.Fprintln(&b, oneLine(line))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// plain is the table with lines below its header only.
func (g grid) plain() string {
	t := table.NewWriter()
	t.SetStyle(table.StyleDefault)
	t.Style().Options = table.Options{SeparateHeader: true}
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(tableRow(g.Head))
	for _, r := range g.Rows {
		t.AppendRow(tableRow(r.Cells))
	}
	return t.Render()
}

func tableRow(cells []string) table.Row {
	var r table.Row
	for _, c := range cells {
		r = append(r, oneLine(inline(c)))
	}
	return r
}

// rest is what could not be compared, and the answer.
func (c Comparison) rest() []string {
	var lines []string
	for _, v := range c.Voids {
		lines = append(lines, "Void: "+v.Cell+": "+v.Why)
	}
	for _, k := range c.OnlyOld {
		lines = append(lines, "Only in OLD: "+k)
	}
	for _, k := range c.OnlyNew {
		lines = append(lines, "Only in NEW: "+k)
	}
	if n := countOver(c.Absolute); n > 0 && c.Decides == decideRatios {
		lines = append(lines, plural(n, "absolute figure")+" over: that may be the machine, and decides nothing without -absolute")
	}
	answer := fmt.Sprintf("compare: %s by %s, margin %s", c.Verdict, c.Decides, percent(100*c.Margin))
	if c.Why != "" {
		answer += ": " + c.Why
	}
	return append(lines, answer)
}

func countOver(rows []Change) (n int) {
	for _, r := range rows {
		if r.Verdict == inference.Over {
			n++
		}
	}
	return n
}

// Markdown writes the comparison for a viewer that shows tables.
func (c Comparison) Markdown(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprint(&b, "# Comparison of two runs\n\n")
	for _, line := range c.Lead() {
		fmt.Fprintf(&b, "- %s\n", mark(line))
	}
	fmt.Fprintln(&b)
	for _, g := range c.tables() {
		g.markdown(&b)
	}
	for _, line := range c.rest() {
		fmt.Fprintf(&b, "- %s\n", mark(line))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// JSON writes the comparison for programs.
func (c Comparison) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(c)
}

// WriteMarkdown leaves the comparison in a file, whole or not at all.
func (c Comparison) WriteMarkdown(path string) error {
	return writeWith(path, func(b *bytes.Buffer) error { return c.Markdown(b) })
}
