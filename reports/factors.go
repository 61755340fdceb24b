package reports

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"rubato/inference"
	"rubato/results"
)

// A factorial is a scenario's corners of two factors, with the same other options. Cells of one
// corner were measured side by side, so their ratios are paired by trial. Corners were measured
// one after the other: what compares them is not paired, and a machine that changed meanwhile is
// in it.
type factorial struct {
	of         results.Factorial
	title      string    // other named options
	corners    [4]*group // as in of.Corners; nil: not measured
	blocks     map[string][]results.Block
	confidence float64 // of each interval between corners, so that all hold together
}

// Corners by the factors that they have.
const (
	neither = iota
	firstFactor
	secondFactor
	bothFactors
)

// intervalsBetween is the number of intervals between corners for each arm: four of the factors,
// four of how much the arm's ratio changes, and the whole.
const intervalsBetween = 9

// factorials are those of a scenario, in the order of its groups.
func factorials(s results.Scenario, gs []group, details results.Details) (all []*factorial) {
	others := map[string]*factorial{}
	arms := 0
	for i := range gs {
		g := &gs[i]
		arms = max(arms, len(g.cells))
		if g.baseline == nil {
			continue
		}
		corner := slices.Index(s.Factors.Corners[:], g.baseline.Options[s.Factors.Key])
		if corner < 0 {
			continue
		}
		rest := *g.baseline
		rest.Options, rest.Named = maps.Clone(rest.Options), slices.DeleteFunc(slices.Clone(rest.Named), func(k string) bool { return k == s.Factors.Key })
		delete(rest.Options, s.Factors.Key)
		f := others[rest.Key()]
		if f == nil {
			f = &factorial{of: *s.Factors, title: rest.OptionsLabel(), blocks: byCell(details.Blocks)}
			others[rest.Key()], all = f, append(all, f)
		}
		f.corners[corner] = g
	}
	for _, f := range all {
		f.confidence = 1 - (1-inference.Confidence)/float64(intervalsBetween*max(arms, 1))
	}
	return all
}

// arm is the cell of an arm in a corner, nil if it was not measured or is invalid.
func (f *factorial) arm(corner int, label string) *results.Cell {
	g := f.corners[corner]
	if g == nil {
		return nil
	}
	if i := slices.Index(g.labels, label); i >= 0 && g.cells[i].Verdict != results.Invalid {
		return g.cells[i]
	}
	return nil
}

// arms are the labels of all arms.
func (f *factorial) arms() (labels []string) {
	for _, g := range f.corners {
		if g != nil {
			for _, label := range g.labels {
				labels = results.AddOnce(labels, label)
			}
		}
	}
	return labels
}

// baseline is the label of the baseline.
func (f *factorial) baseline() string {
	for _, g := range f.corners {
		if g != nil {
			return g.labels[slices.Index(g.cells, g.baseline)]
		}
	}
	return ""
}

// times are the logarithms of what is typical of each trial, in ns per operation.
func (f *factorial) times(c *results.Cell) (logs []float64) {
	typical, _ := results.MetricNamed("typical_ns_op")
	for _, b := range f.blocks[c.Key()] {
		t, sliced := typical.Round(&b)
		if !sliced {
			t = float64(b.Wall) / float64(b.Ops)
		}
		logs = append(logs, math.Log(t))
	}
	return logs
}

// change is how an arm's time changes from one corner to another, as a log-ratio.
func (f *factorial) change(label string, from, to int) (results.Estimate, bool) {
	return f.between(label, from, label, to)
}

// between compares an arm in one corner with an arm in another. The machine can be another
// there, by nobody knows how much. So the interval is wider by as much as the machine changed
// within a corner, and by what other programs can have taken from each.
func (f *factorial) between(before string, from int, after string, to int) (results.Estimate, bool) {
	old, new := f.arm(from, before), f.arm(to, after)
	if old == nil || new == nil {
		return results.Estimate{}, false
	}
	was, is := f.times(old), f.times(new)
	e, known := f.shift(was, is)
	drift := max(drift(was), drift(is))
	e.Lo, e.Hi = e.Lo-drift+math.Log(1-f.taken(to)), e.Hi+drift-math.Log(1-f.taken(from))
	return e, known
}

// drift is how far the second half of the trials lies from the first.
func drift(logs []float64) float64 {
	half := len(logs) / 2
	return math.Abs(inference.Median(logs[half:]) - inference.Median(logs[:half]))
}

// taken is the largest share of a corner's time that other programs can have taken. A long
// slice is interrupted more often than a short one, so on a busy machine corners would differ
// that do not. The baseline has one thread at work: when it used no CPU although it was ready
// to run, another program had it.
func (f *factorial) taken(corner int) float64 {
	base := f.arm(corner, f.baseline())
	if base == nil {
		return 0
	}
	var shares []float64
	for _, b := range f.blocks[base.Key()] {
		idle := max(0, b.Wall-b.User-b.System)
		if b.Resources != nil && b.Resources.Waited != nil {
			idle = min(idle, *b.Resources.Waited)
		}
		shares = append(shares, float64(idle)/float64(b.Wall))
	}
	return min(inference.Median(shares), 0.99)
}

func (f *factorial) shift(before, after []float64) (results.Estimate, bool) {
	e, err := estimateOf(inference.Shift(before, after, f.confidence))
	return e, err == nil
}

// cost is the log-ratio of an arm to the baseline in a corner, paired by trial.
func (f *factorial) cost(label string, corner int) (results.Estimate, bool) {
	c := f.arm(corner, label)
	if c == nil || c.Ratio == nil {
		return results.Estimate{}, false
	}
	return c.Ratio.Mapped(math.Log), true
}

// changeOfCost is how that log-ratio changes from one corner to another. A machine that became
// slower meanwhile did so for both arms, so it is not in it.
func (f *factorial) changeOfCost(label string, from, to int) (results.Estimate, bool) {
	var logs [2][]float64
	for i, corner := range []int{from, to} {
		c, base := f.arm(corner, label), f.arm(corner, f.baseline())
		if c == nil || base == nil {
			return results.Estimate{}, false
		}
		logs[i], _ = pair(f.blocks[c.Key()], f.blocks[base.Key()])
	}
	return f.shift(logs[0], logs[1])
}

// weighted is a sum of estimates, each with its weight. The interval takes the worst case of
// all, so it is wider than it must be.
func weighted(weights []float64, of ...results.Estimate) (sum results.Estimate) {
	for i, e := range of {
		lo, hi := weights[i]*e.Lo, weights[i]*e.Hi
		sum.Median, sum.Lo, sum.Hi = sum.Median+weights[i]*e.Median, sum.Lo+min(lo, hi), sum.Hi+max(lo, hi)
	}
	return sum
}

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
