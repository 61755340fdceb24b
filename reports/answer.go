package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"rubato/results"
)

// The answer is what a reader needs who has ten seconds: a sentence per style, one table, and
// whether to believe them. Page, Markdown and terminal say the same.

// sentences say what each style costs, in the order of the cells. The first comparison of a style
// that has an answer speaks for it; the others are a range.
func sentences(run *results.Run) (all []string) {
	all = changeAnswers(run)
	for _, cells := range byLabel(run) {
		all = append(all, sentence(run, cells))
	}
	return all
}

// named is a cell with the name of its arm: the style, and options that tell it from others.
type named struct {
	*results.Cell
	label string
}

// byLabel are the cells of each arm, without baselines and pieces, and without a conversation alone
// if the operation that it is a part of is there.
func byLabel(run *results.Run) [][]*named {
	var all []named
	for _, g := range groups(run) {
		for i, c := range g.cells {
			s := run.Scenario(c.Scenario)
			inside := s.Alone != "" && slices.ContainsFunc(run.Cells, func(o results.Cell) bool { return o.Scenario == s.Alone })
			if c.Style != run.BaselineIn(c.Scenario) && !s.Pieces() && !inside {
				all = append(all, named{c, g.labels[i]})
			}
		}
	}
	return together(all, func(n *named) string { return n.label })
}

// leading is the first comparison that has an answer; -1: none has.
func leading(cells []*named) int {
	return slices.IndexFunc(cells, func(n *named) bool { return n.Verdict == results.Measured && (n.Ratio != nil || n.CPURatio != nil) })
}

// bars are where the differences go that the sentences name.
func bars(run *results.Run, all []balance) (shown []Bar) {
	for _, cells := range byLabel(run) {
		at := leading(cells)
		for _, b := range all {
			if at >= 0 && b.cell == cells[at].Cell {
				shown = append(shown, b.bar())
			}
		}
	}
	return shown
}

func sentence(run *results.Run, cells []*named) string {
	at := leading(cells)
	if at < 0 {
		return cells[0].label + ": no answer."
	}
	lead := cells[at]
	text := fmt.Sprintf("%s: %s (%s)", lead.label, timeAnswer(lead.Cell, "one "+cmp.Or(run.Scenario(lead.Scenario).Op, "operation")), lead.ComparisonLabel())
	if lead.Ratio != nil && lead.CPURatio != nil {
		text += "; CPU " + timesRange(lead.CPURatio)
	}
	if base := results.BaselineOf(run, *lead.Cell); base != nil && base.RSSPeak > 0 && lead.RSSPeak > 0 {
		text += "; " + memoryAnswer(lead.RSSPeak-base.RSSPeak)
	}
	text += "."
	if p := run.ControlsOf(lead.Cell); p != nil && p.Insensitive != "" {
		text += " This comparison is insensitive, so it does not count."
	}
	return text + othersAnswer(slices.Delete(slices.Clone(cells), at, at+1)) + budgetsAnswer(cells)
}

// timeAnswer is what the interval supports. Where a clock sets the pace, CPU is the cost.
func timeAnswer(c *results.Cell, what string) string {
	e, verb, more := c.Ratio, "takes", "longer"
	if e == nil {
		e, verb, more = c.CPURatio, "uses", "more CPU"
	} else if c.OverheadNs != nil {
		more = nanoseconds(math.Abs(c.OverheadNs.Median)) + " longer"
		if c.OverheadNs.Median < 0 {
			more = nanoseconds(-c.OverheadNs.Median) + " less"
		}
	}
	if e.Bounded() && e.Lo <= 1 && e.Hi >= 1 {
		return fmt.Sprintf("no difference found: %s %s %s", what, verb, timesRange(e))
	}
	return fmt.Sprintf("%s %s %s, %s", what, verb, more, timesRange(e))
}

// timesRange is a ratio with its interval.
func timesRange(e *results.Estimate) string {
	if !e.Bounded() {
		return times(e.Median) + " without an interval"
	}
	return fmt.Sprintf("%s [%s, %s]", times(e.Median), ratio(e.Lo), ratio(e.Hi))
}

// memoryAnswer is a difference of peaks.
func memoryAnswer(bytes int64) string {
	const mebibyte = 1 << 20
	switch {
	case bytes >= mebibyte:
		return mebibytes(float64(bytes)) + " more memory"
	case bytes <= -mebibyte:
		return mebibytes(float64(-bytes)) + " less memory"
	}
	return "as much memory"
}

// othersAnswer is the range of the other comparisons.
func othersAnswer(cells []*named) string {
	var ratios []float64
	silent := 0
	for _, c := range cells {
		switch {
		case c.Verdict == results.Measured && c.Ratio != nil:
			ratios = append(ratios, c.Ratio.Median)
		case c.Verdict != results.Measured:
			silent++
		}
	}
	text := ""
	if len(ratios) > 0 {
		text = fmt.Sprintf(" In %s time is %s", plural(len(ratios), "other comparison"), times(slices.Min(ratios)))
		if len(ratios) > 1 {
			text += " to " + times(slices.Max(ratios))
		}
		text += "."
	}
	if silent > 0 {
		text += fmt.Sprintf(" %s no answer.", pluralVerb(silent, "comparison", "has", "have"))
	}
	return text
}

func pluralVerb(n int, of, one, many string) string {
	if n == 1 {
		return plural(n, of) + " " + one
	}
	return plural(n, of) + " " + many
}

// budgetsAnswer counts the judged budgets of an arm and names what is over.
func budgetsAnswer(cells []*named) string {
	var over []string
	within, open := 0, 0
	for _, c := range cells {
		for _, j := range c.Judged {
			switch {
			case j.Limit == 0:
			case j.Verdict == "over":
				over = append(over, fmt.Sprintf("%s (%s)", j.Budget, Against(j)))
			case j.Verdict == "within":
				within++
			default:
				open++
			}
		}
	}
	text := targetsAnswer(cells)
	if len(over) > 0 {
		text += " Over budget: " + strings.Join(over, "; ") + "."
	}
	if within > 0 {
		text += " Within " + plural(within, "budget") + "."
	}
	if open > 0 {
		text += " " + plural(open, "budget") + " open."
	}
	return text
}

// targetsAnswer names the targets that are missed or reached; one that is open is neither.
func targetsAnswer(cells []*named) (text string) {
	names := map[string][]string{}
	for _, c := range cells {
		for _, j := range c.Targets {
			names[j.Verdict] = results.AddOnce(names[j.Verdict], fmt.Sprintf("%s (%s)", j.Budget, Against(j)))
		}
	}
	for _, said := range [][2]string{{"over", " Misses its target: "}, {"within", " Reaches its target: "}, {results.Inconclusive, " Target open: "}} {
		if of := names[said[0]]; len(of) > 0 {
			text += said[1] + strings.Join(of, "; ") + "."
		}
	}
	return text
}

// answerTable has one line per cell. Its last column is what the budgets say, or else what the
// interval supports.
func answerTable(run *results.Run) Grid {
	g := Grid{Text: []int{0, 1, 9},
		Head: []string{"scenario", "style", "per op", "more per op", "to " + baselineName(run), "all-in", "CPU", "p99", "memory", "answer"}}
	for i := range run.Cells {
		c := &run.Cells[i]
		if c.Verdict == results.Invalid {
			g.Add(c.Verdict, c.ComparisonLabel(), c.Style, "", "", "", "", "", "", "", results.Invalid)
			continue
		}
		perOp, against, overhead, cpu := nanoseconds(c.NsOp.Median), "1", "", ""
		if c.TypicalNsOp != nil {
			perOp = nanoseconds(c.TypicalNsOp.Median)
		}
		if c.CPURatio != nil {
			cpu = bracketed(c.CPURatio, ratio)
		}
		switch {
		case run.Scenario(c.Scenario).Paced: // a clock sets the time, so only CPU can be compared
			perOp, against = "paced", ""
		case c.Ratio != nil && c.OverheadNs != nil:
			against, overhead = bracketed(c.Ratio, ratio), bracketed(c.OverheadNs, nanoseconds)
		}
		mark, answer := answerOf(run, c)
		g.Add(mark, c.ComparisonLabel(), c.Style, perOp, overhead, against, optionalText(c.MeanRatio), cpu, percentileText(c.P99Ns), memoryText(c), answer)
	}
	return g
}

// memoryText is the peak of memory, which is not measured of other programs.
func memoryText(c *results.Cell) string {
	if c.RSSPeak == 0 {
		return noFigure
	}
	return mebibytes(float64(c.RSSPeak))
}

// optionalText is a ratio with its interval, or nothing.
func optionalText(e *results.Estimate) string {
	if e == nil {
		return ""
	}
	return bracketed(e, ratio)
}

func percentileText(ns float64) string {
	if ns == 0 {
		return noFigure
	}
	return nanoseconds(ns)
}

// answerOf is the worst verdict on the cell's budgets; without one, what the interval supports.
func answerOf(run *results.Run, c *results.Cell) (mark, text string) {
	verdicts := map[string]int{}
	for _, j := range c.Judged {
		if j.Limit > 0 {
			verdicts[j.Verdict]++
		}
	}
	switch {
	case c.Verdict != results.Measured:
		mark, text = c.Verdict, c.Verdict
	case len(verdicts) > 0:
		for _, v := range []string{"over", results.Inconclusive, "within"} {
			if n := verdicts[v]; n > 0 {
				mark, text = cmp.Or(mark, v), cmp.Or(text, v+" "+plural(n, "budget"))
			}
		}
	case c.Style == run.BaselineIn(c.Scenario):
		text = "baseline"
	default:
		text = supported(c)
	}
	if missed := over(c.Targets); missed > 0 {
		text += fmt.Sprintf(", misses %s", plural(missed, "target"))
		if mark == "within" {
			mark = "" // no green: it would hide the target
		}
	}
	if p := run.ControlsOf(c); p != nil && p.Insensitive != "" {
		text += ", insensitive"
	}
	return mark, text
}

func over(of []results.Judged) (n int) {
	for _, j := range of {
		if j.Verdict == "over" {
			n++
		}
	}
	return n
}

// supported is what the interval of the ratio, or of the CPU ratio where a clock sets the pace, supports.
func supported(c *results.Cell) string {
	e, above, below := c.Ratio, "slower", "faster"
	if e == nil {
		e, above, below = c.CPURatio, "more CPU", "less CPU"
	}
	switch {
	case e == nil:
		return "measured"
	case !e.Bounded():
		return "too few rounds"
	case e.Lo > 1:
		return above
	case e.Hi < 1:
		return below
	}
	return "no difference found"
}
