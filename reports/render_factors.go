package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"rubato/results"
)

// factorSection takes a published gain apart: what each factor saves in each style, and what a
// style costs with everything else equal. There is none unless two corners were measured.
func factorSection(s results.Scenario, gs []group, details results.Details) []section {
	if s.Factors == nil {
		return nil
	}
	out := section{ID: slug(s.Name) + "-factors", Title: s.Name + ": which part is which", Text: []string{
		fmt.Sprintf("Published: %s (%s). That comparison changed everything at once. Here each change is measured alone: %s, %s, and the style. Ratios are of times per operation; below ×1 time is saved.",
			s.Factors.Text, s.Factors.Source, s.Factors.Factors[0], s.Factors.Factors[1])}}
	for _, f := range factorials(s, gs, details) {
		if f.measured() > 1 {
			out.Text = append(out.Text, f.answers()...)
			out.Grids = append(out.Grids, f.savings(), f.costs())
		}
	}
	out.Text = append(out.Text, "The cost of a style is paired by trial. What compares two corners is not: they were measured one after the other. Its interval is that of two independent samples (Mann and Whitney), wider by as much as the second half of a corner's trials differs from the first, and by the share of a corner's time that other programs can have taken. A machine that changed just between two corners is in it all the same. How the cost of a style changes from corner to corner is free of that. The intervals between corners hold together. Those of main effects and of both changes together take the worst case of their parts.")
	if len(out.Grids) == 0 {
		return nil
	}
	return []section{out}
}

func (f *factorial) measured() (n int) {
	for _, g := range f.corners {
		if g != nil {
			n++
		}
	}
	return n
}

// corner is its name: "mode=closed".
func (f *factorial) corner(i int) string { return f.of.Key + "=" + f.of.Corners[i] }

// steps are the two pairs of corners that differ in one factor alone.
var steps = [2][2][2]int{{{neither, firstFactor}, {secondFactor, bothFactors}}, {{neither, secondFactor}, {firstFactor, bothFactors}}}

// A row of a table of effects: what an arm's log-ratio is, if it was measured.
type effect struct {
	name, between string
	of            func(label string) (results.Estimate, bool)
}

// all measures several effects and adds them up with weights.
func all(weights []float64, parts ...func(label string) (results.Estimate, bool)) func(string) (results.Estimate, bool) {
	return func(label string) (results.Estimate, bool) {
		var of []results.Estimate
		for _, part := range parts {
			e, known := part(label)
			if !known {
				return e, false
			}
			of = append(of, e)
		}
		return weighted(weights, of...), true
	}
}

// savings is what each factor does to the time of each style.
func (f *factorial) savings() Grid {
	var rows []effect
	for i, name := range f.of.Factors {
		var alone []func(string) (results.Estimate, bool)
		for _, step := range steps[i] {
			change := func(label string) (results.Estimate, bool) { return f.change(label, step[0], step[1]) }
			rows, alone = append(rows, effect{name, f.corner(step[0]) + " → " + f.of.Corners[step[1]], change}), append(alone, change)
		}
		rows = append(rows, effect{name, "main effect: the mean of the two", all([]float64{0.5, 0.5}, alone...)})
	}
	rows = append(rows, effect{"both together", "interaction: to the product of each alone", all([]float64{1, -1}, rows[1].of, rows[0].of)})
	return f.grid("What each change saves", "change", "between", f.arms(), rows)
}

// costs is what each style costs in each corner, to the baseline.
func (f *factorial) costs() Grid {
	var rows []effect
	var each []func(string) (results.Estimate, bool)
	for i := range f.of.Corners {
		cost := func(label string) (results.Estimate, bool) { return f.cost(label, i) }
		rows, each = append(rows, effect{"cost to " + f.baseline(), f.corner(i) + ", paired", cost}), append(each, cost)
	}
	rows = append(rows, effect{"cost to " + f.baseline(), "main effect: the mean of the four", all([]float64{0.25, 0.25, 0.25, 0.25}, each...)})
	for i, name := range f.of.Factors {
		for _, step := range steps[i] {
			rows = append(rows, effect{"interaction with " + name, f.corner(step[0]) + " → " + f.of.Corners[step[1]],
				func(label string) (results.Estimate, bool) { return f.changeOfCost(label, step[0], step[1]) }})
		}
	}
	others := slices.DeleteFunc(f.arms(), func(label string) bool { return label == f.baseline() })
	return f.grid("What each style costs", "cost", "where", others, rows)
}

// grid has a column for each arm. Rows without any figure are left out.
func (f *factorial) grid(title, what, where string, arms []string, rows []effect) Grid {
	t := Grid{Title: strings.TrimSpace(title + " " + f.title), Head: append([]string{what, where}, arms...), Text: []int{0, 1}}
	for _, r := range rows {
		cells, any := []string{r.name, r.between}, false
		for _, label := range arms {
			text := noFigure
			if e, known := r.of(label); known {
				e = e.Mapped(math.Exp)
				text, any = ratioEstimate(&e), true
			}
			cells = append(cells, text)
		}
		if any {
			t.Add("", cells...)
		}
	}
	return t
}

// answers says, for each arm of the style in question, which part of the published gain is
// which. Every word follows from an interval.
func (f *factorial) answers() (texts []string) {
	for _, label := range f.arms() {
		c := slices.IndexFunc(f.corners[:], func(g *group) bool { return g != nil && slices.Contains(g.labels, label) })
		g := f.corners[c]
		if g.cells[slices.Index(g.labels, label)].Style == f.of.Style {
			texts = append(texts, f.answer(label))
		}
	}
	return texts
}

func (f *factorial) answer(label string) string {
	base := f.baseline()
	var parts []string
	for i, step := range [2][2]int{{neither, firstFactor}, {firstFactor, bothFactors}} {
		e, known := f.change(base, step[0], step[1])
		where := fmt.Sprintf("in %s, %s → %s", base, f.corner(step[0]), f.of.Corners[step[1]])
		parts = append(parts, f.of.Factors[i]+": "+f.part(e, known, where))
	}
	text := fmt.Sprintf("Answer: of a gain of %s, %s; %s itself: %s.", percent(100*(1-f.of.Claimed)), strings.Join(parts, "; "), label, f.stylePart(label))
	if whole, known := f.between(base, neither, label, bothFactors); known && whole.Bounded() {
		whole = whole.Mapped(math.Exp)
		text += fmt.Sprintf(" All at once, from %s with %s to %s with %s, it is %s.", base, f.corner(neither), label, f.corner(bothFactors), bracketed(&whole, times))
	}
	if f.title != "" {
		text += " (" + f.title + ".)"
	}
	return text
}

// part says whether one change is enough for the published gain.
func (f *factorial) part(e results.Estimate, known bool, where string) string {
	if !known {
		return "not measured (" + where + ")"
	}
	e = e.Mapped(math.Exp)
	share := "inconclusive"
	switch {
	case !e.Bounded():
	case e.Hi <= f.of.Claimed:
		share = "enough for all of it"
	case e.Lo >= 1:
		share = "no part of it"
	case e.Lo > f.of.Claimed && e.Hi < 1:
		share = "a part of it"
	case e.Lo > f.of.Claimed:
		share = "at most a part of it"
	}
	return fmt.Sprintf("%s (%s %s)", share, bracketed(&e, times), where)
}

// stylePart says whether the style itself has a part in the gain, by its cost in every corner
// that was measured.
func (f *factorial) stylePart(label string) string {
	var faster, open []string
	var costs []float64
	for i := range f.of.Corners {
		e, known := f.cost(label, i)
		if !known {
			continue
		}
		e = e.Mapped(math.Exp)
		costs = append(costs, e.Median)
		switch {
		case e.Hi < 1:
			faster = append(faster, f.corner(i))
		case e.Lo < 1:
			open = append(open, f.corner(i))
		}
	}
	switch {
	case len(costs) == 0:
		return "not measured"
	case len(faster) > 0:
		return "perhaps a part of it (with everything else equal it is faster in " + strings.Join(faster, ", ") + ")"
	case len(open) > 0:
		return "inconclusive (faster or slower in " + strings.Join(open, ", ") + ")"
	}
	return fmt.Sprintf("no part of it (with everything else equal it is %s to %s in all %d corners measured)", times(slices.Min(costs)), times(slices.Max(costs)), len(costs))
}
