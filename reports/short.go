package reports

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"rubato/results"
)

// How long the files may be, in bytes.
const (
	answerRoom   = 2_000     // the beginning of report.md, which is the answer
	markdownRoom = 60_000    // report.md, so that it fits a comment on a change
	pageRoom     = 3_000_000 // report.html
	noteRoom     = 2_000     // what report.md says of what is left out
)

// mostNamed is how many sections are named that are left out.
const mostNamed = 8

// A passage is a part of report.md that is there as a whole or not at all.
type passage struct {
	title string
	text  []byte
	aside int
}

// markdown writes the page for a viewer that shows tables. Text from the run is escaped.
func (p *page) markdown(w *bytes.Buffer) error {
	whole := p.answer(w)
	passages := p.passages(!whole)
	shown := fitting(passages, markdownRoom-noteRoom-w.Len())
	var left []string
	times := map[string]int{}
	for i, b := range passages {
		if shown[i] {
			w.Write(b.text)
			continue
		}
		title := shortened(b.title, 40)
		left = results.AddOnce(left, title)
		times[title]++
	}
	if len(left) == 0 {
		return nil
	}
	for i, title := range left {
		if n := times[title]; n > 1 {
			left[i] = fmt.Sprintf("%s (%d times)", title, n)
		}
	}
	if n := len(left) - mostNamed; n > 0 {
		left = append(left[:mostNamed], plural(n, "more section"))
	}
	fmt.Fprintf(w, "## Left out here\n\nSo that this file fits a comment on a change; report.html has it: %s.\n", mark(strings.Join(left, ", ")))
	return nil
}

// answer writes the title, the sentences, what each comparison found, and whether to believe it. It
// is whole if the table of all comparisons has room; else a shorter one stands there.
func (p *page) answer(w *bytes.Buffer) (whole bool) {
	fmt.Fprintf(w, "# %s\n\n", mark(shortened(p.Title, 100)))
	var belief, table bytes.Buffer
	for _, b := range p.Banners {
		if b.Kind == "incomplete" {
			fmt.Fprintf(&belief, "* **%s**: %s\n", b.Kind, mark(shortened(b.Text, 100)))
		}
	}
	for _, t := range p.Belief {
		fmt.Fprintf(&belief, "* %s\n", mark(shortened(t, 250)))
	}
	room := answerRoom - belief.Len() - 400
	for i, t := range p.Said {
		line := fmt.Sprintf("* %s\n", mark(t))
		if w.Len()+len(line) > room {
			fmt.Fprintf(w, "* %s: in the table below.\n", plural(len(p.Said)-i, "more style"))
			break
		}
		w.WriteString(line)
	}
	fmt.Fprintln(w)
	room = answerRoom - w.Len() - belief.Len()
	whole = true
	if len(p.Answer.Rows) > 0 {
		p.Answer.markdown(&table)
		if whole = table.Len() < room; !whole {
			table.Reset()
			p.findings(&table, room)
		}
	}
	w.Write(table.Bytes())
	w.Write(belief.Bytes())
	fmt.Fprintln(w)
	return whole
}

// findings has the ratio and the answer of as many comparisons as there is room for: first those
// that are over a budget or invalid.
func (p *page) findings(w *bytes.Buffer, room int) {
	head := p.Answer.Head
	short := Grid{Head: []string{head[0], head[1], head[4], head[9]}, Text: []int{0, 1, 3}}
	for _, bad := range []bool{true, false} {
		for _, r := range p.Answer.Rows {
			if c := r.Cells; c[9] != "baseline" && bad == (r.Mark == "over" || r.Mark == "invalid") {
				short.Add(r.Mark, shortened(c[0], 60), shortened(c[1], 30), c[4], c[9])
			}
		}
	}
	for n, rows := len(short.Rows), short.Rows; n > 0; n-- {
		if short.Rows = rows[:n]; n < len(rows) {
			short.Notes = []string{plural(len(rows)-n, "more line") + " in the table of all comparisons."}
		}
		var b bytes.Buffer
		if short.markdown(&b); b.Len() <= room {
			w.Write(b.Bytes())
			return
		}
	}
}

// passages are what follows the answer.
func (p *page) passages(withTable bool) (all []passage) {
	add := func(title string, aside int, write func(w *bytes.Buffer)) {
		var b bytes.Buffer
		write(&b)
		all = append(all, passage{title, b.Bytes(), aside})
	}
	if withTable {
		add("the table of all comparisons", 0, func(w *bytes.Buffer) {
			fmt.Fprint(w, "## All comparisons\n\n")
			p.Answer.markdown(w)
		})
	}
	add("what weakens the figures", 0, func(w *bytes.Buffer) {
		for _, b := range p.Bars {
			fmt.Fprintf(w, "* %s\n", mark(b.Label))
		}
		if len(p.Bars) > 0 {
			fmt.Fprintln(w)
		}
		for _, t := range p.Scope {
			fmt.Fprintf(w, "%s\n\n", mark(t))
		}
		for _, b := range p.Banners {
			fmt.Fprintf(w, "> **%s**: %s\n\n", mark(b.Kind), mark(b.Text))
		}
	})
	add("the machine", 0, func(w *bytes.Buffer) {
		for _, t := range p.Lead {
			fmt.Fprintf(w, "%s\n\n", mark(t))
		}
		p.Machine.markdown(w)
	})
	for _, s := range p.Sections {
		add(strings.TrimPrefix(s.Title, s.Scenario+": "), s.Aside, s.markdown)
	}
	return all
}

// fitting says which passages fit together: first those near to the answer, and of equals the first;
// rounds are never there.
func fitting(all []passage, room int) []bool {
	shown, order := make([]bool, len(all)), make([]int, len(all))
	for i := range all {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return all[a].aside - all[b].aside })
	for _, i := range order {
		if n := len(all[i].text); n <= room && all[i].aside != asideRaw {
			shown[i], room = true, room-n
		}
	}
	return shown
}

// html writes the page. If it would be too long, what is furthest aside goes first, and then the
// plots of the last sections.
func (p *page) html(w *bytes.Buffer) error {
	for aside := asideRaw; ; aside-- {
		w.Reset()
		if err := pageTemplate.Execute(w, p); err != nil || w.Len() <= pageRoom || aside < 0 {
			return err
		}
		p.leaveOut(aside, w.Len()-pageRoom)
	}
}

func (p *page) leaveOut(aside, excess int) {
	for i := range slices.Backward(p.Sections) {
		s := &p.Sections[i]
		switch {
		case aside > 0 && s.Aside == aside:
			s.Text, s.Grids, s.Plots = []string{"Left out, so that this page stays small: results.jsonl and the profiles have it."}, nil, nil
		case aside == 0 && excess > 0 && len(s.Plots) > 0:
			var names []string
			for _, d := range slices.Concat(s.Plots...) {
				names, excess = append(names, d.Path()), excess-len(d.Inline())
			}
			s.Plots, s.Text = nil, append(s.Text, "Plots, left out so that this page stays small: "+strings.Join(names, ", ")+".")
		}
	}
}
