package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"rubato/inference"
	"rubato/results"
)

// Lead names the runs and the machines, one line each.
func (c Comparison) Lead() []string {
	lines := []string{"OLD " + c.Old.line(), "NEW " + c.New.line()}
	if len(c.Otherwise) == 0 {
		lines = append(lines, "Both runs seem to be from one machine, so absolute figures are compared, too.")
	} else {
		lines = append(lines, "The machines differ, so only ratios are compared: "+strings.Join(c.Otherwise, "; ")+".")
	}
	return lines
}

func (o Origin) line() string {
	const enough = 12 // digits that identify a commit
	commit := "commit " + o.Commit[:min(len(o.Commit), enough)]
	if o.Dirty {
		commit += " with uncommitted changes"
	}
	return fmt.Sprintf("%s: %s, %s, %s, seed %d, %s, %s", o.Path, o.Started.UTC().Format("2006-01-02 15:04 UTC"), commit, o.Effort, o.Seed, o.Machine, o.Go)
}

// tables returns the rows as tables.
func (c Comparison) tables() []Grid {
	var all []Grid
	add := func(title string, rows []Change, first ...string) {
		if len(rows) == 0 {
			return
		}
		g := Grid{Title: title, Head: append(first, "OLD [95 %]", "NEW [95 %]", "change [95 %]", "verdict")}
		for i := range first {
			g.Text = append(g.Text, i)
		}
		g.Text = append(g.Text, len(g.Head)-1)
		for _, r := range rows {
			g.Add(string(r.Verdict), r.cells()...)
		}
		g.Notes = notesOf(rows)
		all = append(all, g)
	}
	add("Ratios to the baseline", c.Ratios, "scenario", "style", "figure")
	title := "Absolute figures (shown only: the machine may have changed between the runs)"
	if c.Decides != decideRatios {
		title = "Absolute figures"
	}
	add(title, c.Absolute, "scenario", "style", "figure")
	return all
}

// notesOf lists each reason and warning once, after the cells that it concerns.
func notesOf(rows []Change) []string {
	var all Notes
	for _, r := range rows {
		if r.Why != "" {
			all.Add(fmt.Sprintf("%s: %s", r.shownQuantity(), r.Why), r.title())
		}
		for _, w := range r.Warnings {
			all.Add("warning: "+w, r.title())
		}
	}
	return all.Lines()
}

func (r Change) title() string {
	return strings.TrimSpace(r.Scenario + " " + r.Style + " " + strings.ReplaceAll(r.Named, secondary, " "))
}

// shownQuantity is the metric's name for people.
func (r Change) shownQuantity() string {
	if m, known := results.MetricNamed(r.Quantity); known {
		return m.Compared
	}
	return strings.TrimPrefix(r.Quantity, results.MeasurePrefix)
}

func (r Change) cells() []string {
	show := showUnit(r.Unit)
	change := ranged(r.Change, percentMore)
	if r.As == asDifference {
		change = ranged(r.Change, plus(show))
	} else if r.Change.Median <= 0 {
		change = noFigure // there was nothing to compare with
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

// ranged is a figure with its interval in brackets.
func ranged(e results.Estimate, show func(float64) string) string {
	if !e.Bounded() {
		return show(e.Median)
	}
	return fmt.Sprintf("%s [%s, %s]", show(e.Median), show(e.Lo), show(e.Hi))
}

// says is the verdict in words.
func (r Change) says() string {
	if r.Verdict == inference.Within {
		return "within (not worse)"
	}
	return string(r.Verdict)
}

// Text writes the comparison as plain text, independent of the terminal.
func (c Comparison) Text(w io.Writer) error {
	var b bytes.Buffer
	for _, line := range c.Lead() {
		fmt.Fprintln(&b, oneLine(line))
	}
	for _, g := range c.tables() {
		fmt.Fprintf(&b, "\n%s", g.Terminal())
	}
	fmt.Fprintln(&b)
	for _, line := range append(c.rest(), c.answer()) { // last, where the terminal stops
		fmt.Fprintln(&b, oneLine(line))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// rest lists what weakens the comparison, and what could not be compared.
func (c Comparison) rest() []string {
	var lines []string
	for _, w := range c.Warnings {
		lines = append(lines, "Warning: "+w)
	}
	var why Notes
	for _, v := range c.NotCompared {
		why.Add(v.Why, v.Cell)
	}
	for _, line := range why.Lines() {
		lines = append(lines, "Not compared: "+line)
	}
	if len(c.OnlyOld) > 0 {
		lines = append(lines, "Only in OLD: "+some(c.OnlyOld))
	}
	if len(c.OnlyNew) > 0 {
		lines = append(lines, "Only in NEW: "+some(c.OnlyNew))
	}
	if n := countOver(c.Absolute); n > 0 && c.Decides == decideRatios {
		lines = append(lines, plural(n, "absolute figure")+" over: this may come from the machine, and does not count without -absolute")
	}
	return lines
}

// answer is the verdict, in one line.
func (c Comparison) answer() string {
	answer := fmt.Sprintf("compare: %s by %s, margin %s", c.Verdict, c.Decides, percent(100*c.Margin))
	if c.Why != "" {
		answer += ": " + c.Why
	}
	return answer
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
	fmt.Fprintf(&b, "# Comparison of two runs\n\n**%s**\n\n", mark(c.answer()))
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

// WriteMarkdown writes the comparison to a file, completely or not at all.
func (c Comparison) WriteMarkdown(path string) error {
	return writeWith(path, func(b *bytes.Buffer) error { return c.Markdown(b) })
}

// WriteHTML writes the comparison to a file as a page, completely or not at all.
func (c Comparison) WriteHTML(path string) error {
	p, err := c.page()
	if err != nil {
		return err
	}
	return writeWith(path, p.html)
}

// page has a plot for each scenario and the content of Text.
func (c Comparison) page() (*page, error) {
	p := &page{Title: "What has changed", Lead: slices.Concat([]string{c.answer()}, c.Lead(), c.rest())}
	changes := section{ID: "changes", Title: "Plots of the changes"}
	var scenarios []string
	for _, r := range c.Ratios {
		scenarios = results.AddOnce(scenarios, r.Scenario)
	}
	for _, name := range scenarios {
		s := c.sketch(name)
		if s == nil {
			continue
		}
		d, err := s.draw()
		if err != nil {
			return nil, err
		}
		changes.Plots = append(changes.Plots, []drawing{d})
	}
	if len(changes.Plots) > 0 {
		p.Sections = append(p.Sections, changes)
	}
	for _, g := range c.tables() {
		p.Sections = append(p.Sections, section{ID: slug(g.Title), Title: g.Title, Grids: []Grid{{Head: g.Head, Rows: g.Rows, Text: g.Text, Notes: g.Notes}}})
	}
	return p, nil
}

// sketch draws how much a scenario's ratios changed. It is nil if there are none.
func (c Comparison) sketch(scenario string) *sketch {
	f, styles := new(forest), newPalette(nil)
	for _, r := range c.Ratios {
		styles = results.AddOnce(styles, r.Style)
		if r.Scenario != scenario || r.Change.Median <= 0 {
			continue
		}
		percent := r.Change.Mapped(func(ratio float64) float64 { return 100 * (ratio - 1) })
		f.rows = append(f.rows, forestRow{label: strings.TrimSpace(r.Named + " " + r.Style + " " + r.shownQuantity()), said: percentMore(r.Change.Median) + ", " + r.says(),
			at: percent, band: [2]float64{-100 * c.Margin, 100 * c.Margin}, colour: styles.colour(r.Style)})
	}
	s := f.sketch(scenario+": change of the ratio to the baseline", "% more in NEW than in OLD",
		"The grey area counts as no change. A bar that crosses both of its edges is inconclusive: give both runs more rounds.")
	if s != nil {
		s.kind = "changes"
	}
	return s
}
