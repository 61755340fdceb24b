package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"rubato/results"
)

// questionSection answers every budget, target and published claim in one table, a row each.
func questionSection(run *results.Run, details results.Details) []section {
	t := Grid{Text: []int{0, 1, 2, 4, 6}, Head: []string{"question", "who asks", "quantity", "limit", "where", "measured", "answer"}}
	for i := range run.Cells {
		t.Rows = append(t.Rows, limitRows(run, &run.Cells[i])...)
	}
	text := "A budget is a promise that a build must keep; a target is what the project wants to reach; a claim is a figure that was published elsewhere, as an estimate or measured. The answer holds, or does not, if the whole interval lies on one side of the limit or inside of the claimed range; for counts, and with too few rounds for an interval, every round must lie there. Otherwise this run cannot tell. This machine cannot refute an estimate that was made for another one, but it tests its size."
	for _, s := range run.Scenarios {
		for _, r := range claimTable(run, s, details).Rows {
			t.Add(r.Mark, r.Cells[0], r.Cells[2]+secondary+r.Cells[1], r.Cells[3], r.Cells[4], s.Name+" "+r.Cells[5], r.Cells[6], held(r.Cells[7]))
		}
		if own := aloneText(s); own != "" && !strings.Contains(text, own) {
			text += own
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []section{{ID: "questions", Title: "Budgets, targets and claims", Text: []string{text}, Grids: []Grid{t}}}
}

// limitRows are a cell's budgets and targets.
func limitRows(run *results.Run, c *results.Cell) (rows []Row) {
	add := func(who string, of []results.Judged) {
		for _, j := range of {
			m, _ := results.MetricNamed(j.Quantity)
			e, known := m.Of(c)
			if j.Limit == 0 {
				continue
			}
			measured, verdict := noFigure, claimNotMeasured
			if known && c.Verdict != results.Invalid {
				measured = limitText(j, e)
				verdict, _ = Answer(run, c, j)
			}
			rows = append(rows, Row{[]string{j.Budget, who, m.Title, limitText(j, results.Estimate{Median: j.Limit}), c.ComparisonLabel() + " " + c.Style, measured, held(verdict)}, verdict})
		}
	}
	add("budget", c.Judged)
	add("target", c.Targets)
	return rows
}

// limitText is a value in the unit of the question; a limit has no interval.
func limitText(j results.Judged, e results.Estimate) string {
	show, at := times, "at most "
	if j.Quantity == "overhead_ns" {
		show = nanoseconds
	}
	if e.Lo == 0 && e.Hi == 0 {
		return at + show(e.Median)
	}
	return bracketed(&e, show)
}

// held is an answer as one of: it holds, it does not hold, it cannot be told here. What follows the
// answer stays.
func held(answer string) string {
	for _, a := range [][2]string{{claimMachine, "cannot be told here: over by the machine alone"}, {claimWithin, "holds"}, {claimOver, "does not hold: over"}, {claimUnder, "does not hold: under"},
		{claimInconclusive, "cannot be told here: the interval includes the limit"}, {claimInsensitive, "cannot be told here: the comparison is insensitive"}, {Suspect, "cannot be told here: the A/A control differs"}, {claimNotMeasured, "cannot be told here: not measured"}} {
		if rest, is := strings.CutPrefix(answer, a[0]); is {
			return a[1] + rest
		}
	}
	return answer
}

// An explanation says, from the figures of a run, why a published claim comes out as it does.
type explanation struct {
	results.Published
	run     *results.Run
	details results.Details
}

// publishedSections explain the claims that the suite names, each under an anchor of its own. A run
// without the scenarios that they need says which command has them.
func publishedSections(run *results.Run, details results.Details) (all []section) {
	for _, p := range run.Published {
		x := explanation{p, run, details}
		out := section{ID: slug(p.ID), Title: "The claim: " + p.Title}
		table, lacks, any := x.table()
		if !any {
			out.Text = []string{fmt.Sprintf("This run measured nothing that it needs. To answer it: %s", p.Command)}
			all = append(all, out)
			continue
		}
		out.Text = slices.Concat(p.Text, x.texts())
		if len(lacks) > 0 {
			out.Text = append(out.Text, fmt.Sprintf("Not measured in this run: %s. To answer all of it: %s", strings.Join(lacks, "; "), p.Command))
		}
		out.Grids = []Grid{table}
		all = append(all, out)
	}
	return all
}

// parts are all parts: the whole first.
func (x explanation) parts() []results.Part {
	all := []results.Part{x.Whole}
	if x.Base != nil {
		all = append(all, *x.Base)
	}
	return append(all, x.Parts...)
}

// table has a row for each part and cell that answers it, and names the parts that none does.
func (x explanation) table() (t Grid, lacks []string, any bool) {
	t = Grid{Text: []int{0, 2, 4}, Head: []string{"what", "published", "where", "here", "answer"}}
	for _, part := range x.parts() {
		s, found := x.run.Scenario(part.Scenario), false
		for i := range x.run.Cells {
			c := &x.run.Cells[i]
			if !about(part.Claim, x.run, s, c) {
				continue
			}
			r := claimRow(part.Claim, x.run, s, c, x.details)
			found = found || r.Cells[7] != claimNotMeasured
			e, known := claimEstimate(part.Claim, x.run, s, c, x.details)
			t.Add(r.Mark, part.Claim.Text, r.Cells[4], s.Name+" "+r.Cells[5], r.Cells[6], told(r.Cells[7], e, known))
		}
		if any = any || found; !found {
			lacks = append(lacks, part.Claim.Text)
		}
	}
	return t, lacks, any
}

// told is an answer that does not speak of an interval where there is none.
func told(answer string, e results.Estimate, known bool) string {
	if known && !e.Bounded() && answer == claimInconclusive {
		return "cannot be told here: too few trials for an interval"
	}
	return held(answer)
}

// of is the first cell that answers a part, with what it answers.
func (x explanation) of(part results.Part) (c *results.Cell, e results.Estimate, is bool) {
	s := x.run.Scenario(part.Scenario)
	for i := range x.run.Cells {
		if c = &x.run.Cells[i]; about(part.Claim, x.run, s, c) {
			if e, is = claimEstimate(part.Claim, x.run, s, c, x.details); is {
				return c, e, true
			}
		}
	}
	return nil, e, false
}

// texts are the reasons that this run has figures for.
func (x explanation) texts() (all []string) {
	c, e, is := x.of(x.Whole)
	if is {
		s := x.run.Scenario(c.Scenario)
		_, show, _ := claimQuantity(x.Whole.Claim, s)
		text := fmt.Sprintf("Here %s %s: %s (%s).", c.Label(), bracketed(&e, show), told(answer(x.Whole.Claim, e), e, true), c.ComparisonLabel())
		if p := x.run.ControlsOf(c); p != nil && p.Insensitive != "" {
			text += " That comparison is insensitive, so it does not count."
		}
		all = append(all, text, x.stopped(c, e), x.share(e), agreement(c.Style, c))
	}
	all = append(all, x.sum())
	if s := x.run.Scenario(x.Whole.Scenario); s.Factors != nil {
		gs := slices.DeleteFunc(groups(x.run), func(g group) bool { return g.scenario != s.Name })
		for _, f := range factorials(s, gs, x.details) {
			if f.measured() > 1 {
				all = append(all, f.answers()...)
			}
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// stopped says what the ratio would have been if the clock had stopped as early as the published one.
func (x explanation) stopped(c *results.Cell, e results.Estimate) string {
	if x.Done == 0 {
		return ""
	}
	text := fmt.Sprintf("The clock. In this run it stops when all is durable: %s of %s effects are there. The published one stopped after %s of the work; a ratio of %s would then have read %s",
		count(c.Work.Effects), count(c.Work.Expected), percent(100*x.Done), times(e.Median), times(x.Done*e.Median))
	if e.Median > 1 && x.Done*e.Median < 1 {
		return text + ": faster, without being so."
	}
	return text + "."
}

// share compares the whole with the operation that it is a share of, as published and as measured.
func (x explanation) share(e results.Estimate) string {
	if x.Base == nil || x.Taken == 0 {
		return ""
	}
	text := fmt.Sprintf("The share. Published: %s of %s are %s.", nanoseconds(x.Middle), nanoseconds(x.Taken), percent(100*x.Middle/x.Taken))
	if _, base, is := x.of(*x.Base); is {
		text += fmt.Sprintf(" Here: %s of %s are %s. So %s.", nanoseconds(e.Median), nanoseconds(base.Median), percent(100*e.Median/base.Median), causes(x.Middle/e.Median, base.Median/x.Taken))
	}
	return text
}

// causes says which of two factors made a share smaller: less on top of it, or more below it.
func causes(top, below float64) string {
	said := func(by float64, less, more string) string {
		if by >= 1 {
			return fmt.Sprintf("%s by a factor of %s", less, figure(by))
		}
		return fmt.Sprintf("%s by a factor of %s", more, figure(1/by))
	}
	if top <= 0 || math.IsInf(top, 0) {
		return "nothing measurable is added"
	}
	return "what is added is " + said(top, "smaller", "larger") + ", and the operation is " + said(below, "longer", "shorter")
}

// sum compares what was added up with what the same parts take here, and names the part that
// explains most of the gap.
func (x explanation) sum() string {
	var lo, hi, here, gap, most float64
	var largest, missing string
	for _, part := range x.Parts {
		if !part.Adds {
			continue
		}
		_, e, is := x.of(part)
		if !is {
			missing = part.Claim.Text
			break
		}
		own := (part.Claim.Lo+part.Claim.Hi)/2 - e.Median
		lo, hi, here, gap = lo+part.Claim.Lo, hi+part.Claim.Hi, here+e.Median, gap+own
		if math.Abs(own) > math.Abs(most) {
			most = own
			largest = fmt.Sprintf("%s, estimated at %s to %s and here %s", part.Claim.Text, nanoseconds(part.Claim.Lo), nanoseconds(part.Claim.Hi), nanoseconds(e.Median))
		}
	}
	if hi == 0 || missing != "" {
		return ""
	}
	return fmt.Sprintf("The parts. Estimated, they add up to %s to %s; here to at most %s, for some contain others. The largest gap is %s: %s of the whole gap to the middle of the estimates.",
		nanoseconds(lo), nanoseconds(hi), nanoseconds(here), largest, percent(100*most/gap))
}
