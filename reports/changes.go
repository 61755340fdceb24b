package reports

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"rubato/results"
)

// What another revision shows as changed: each style against its own past, in the same turns.

// revisionName is the other revision, in a few words.
func revisionName(r *results.Revision) string {
	name := r.Asked
	if r.Commit != "" && !strings.HasPrefix(r.Commit, name) {
		name += " (" + r.Commit[:min(len(r.Commit), 12)] + ")"
	}
	if r.Dirty {
		name += ", with changes"
	}
	return name
}

// now is the cell of a change.
func now(run *results.Run, of results.Change) *results.Cell {
	i := slices.IndexFunc(run.Cells, func(c results.Cell) bool { return c.Key() == of.Of })
	if i < 0 {
		return nil
	}
	return &run.Cells[i]
}

// changeAnswers say what changed, a sentence for each answer, with the cells that it is of.
func changeAnswers(run *results.Run) (said []string) {
	if run.Against == nil {
		return nil
	}
	all := Notes{Whole: true}
	for _, of := range run.Changes {
		c := now(run, of)
		if c == nil {
			continue
		}
		name := c.ComparisonLabel() + " " + c.Style
		switch answer := changeAnswer(of, c); {
		case of.Before.Verdict == results.Invalid:
			all.Add("no answer: "+answer, name)
		case answer == "no change" || answer == "not certain":
			all.Add(answer, name)
		default:
			all.Add(answer+", "+timesRange(cmp.Or(of.Ratio, of.CPURatio)), name)
		}
	}
	for _, line := range all.Lines() {
		said = append(said, "Against "+revisionName(run.Against)+": "+line+".")
	}
	return said
}

// changeAnswer is what the interval of a change supports.
func changeAnswer(of results.Change, c *results.Cell) string {
	switch {
	case of.Before.Verdict == results.Invalid:
		return "the work changed, or could not be done: " + of.Before.Why
	case c.Verdict == results.Invalid:
		return "invalid now"
	case of.Ratio == nil && of.CPURatio == nil:
		return "not measured"
	}
	for _, j := range of.Judged {
		switch {
		case j.Limit > 0 && j.Verdict == "over":
			return "over " + Against(j)
		case j.Limit == 0 && j.Verdict == "over":
			return "slower"
		case j.Limit == 0 && j.Verdict == "within":
			return "faster"
		case j.Verdict == results.Inconclusive:
			return "not certain"
		}
	}
	e, more := of.Ratio, "slower"
	if e == nil {
		e, more = of.CPURatio, "more CPU"
	}
	switch {
	case len(of.Judged) > 0 || !e.Bounded() || e.Lo <= 1 && e.Hi >= 1:
		return "no change"
	case e.Lo > 1:
		return more
	}
	return map[string]string{"slower": "faster", "more CPU": "less CPU"}[more]
}

// changeTable has one line per cell: what it is to what it was.
func changeTable(run *results.Run) Grid {
	g := Grid{Title: "Against another revision", Text: []int{0, 1, 9}, Head: []string{"scenario", "style", "time", "more per op", "all-in", "CPU", "allocs/op", "memory", "idle CPU", "answer"}}
	for _, of := range run.Changes {
		c := now(run, of)
		if c == nil {
			continue
		}
		cells := []string{c.ComparisonLabel(), c.Style, optionalText(of.Ratio), "", optionalText(of.MeanRatio), optionalText(of.CPURatio), "", "", "", changeAnswer(of, c)}
		if of.OverheadNs != nil {
			cells[3] = bracketed(of.OverheadNs, nanoseconds)
		}
		if of.Before.Verdict != results.Invalid && c.Verdict != results.Invalid {
			cells[6] = figure(of.Before.AllocsOp) + " → " + figure(c.AllocsOp)
			cells[7] = memoryAnswer(c.RSSPeak - of.Before.RSSPeak)
			if c.IdleCPU > 0 && of.Before.IdleCPU > 0 {
				cells[8] = percent(of.Before.IdleCPU) + " → " + percent(c.IdleCPU)
			}
		}
		g.Add(changeMark(of), cells...)
	}
	return g
}

// changeMark is the colour of a change: that of its worst budget.
func changeMark(of results.Change) string {
	mark := ""
	for _, j := range of.Judged {
		if m := judgedMark(j); m == "over" || mark == "" {
			mark = m
		}
	}
	return cmp.Or(map[bool]string{true: results.Invalid}[of.Before.Verdict == results.Invalid], mark)
}

// changeSection shows what changed and which parts moved. There is none without another revision.
func changeSection(run *results.Run, books map[string]*book) []section {
	g := changeTable(run)
	if run.Against == nil || len(g.Rows) == 0 {
		return nil
	}
	g.Title = ""
	out := section{ID: "against", Title: "Against " + revisionName(run.Against), Grids: []Grid{g}, Text: []string{
		"Each style was measured beside the same style of the other revision, in the same turns of the same trials, so the baseline, too, is held against its own past. Time is typical, all-in is the mean of all operations; each is to what it was before. The library was made by this revision; each revision makes its own stimuli from the seed, and a difference in the work is no change of a cost: such a cell has no figure."}}
	var moved []balance
	for _, b := range changeBalances(run, books) {
		if len(b.moved()) > 0 {
			moved = append(moved, b)
		}
	}
	if len(moved) == 0 {
		return []section{out}
	}
	return []section{out, {ID: "against-parts", Title: "Which parts moved", Aside: asideDetail, Grids: balanceTables(moved), Text: []string{
		"The time of an operation before and now, split into the same parts. Only styles of which a part moved beyond noise are shown."}}}
}

// changeBalances are the books of each cell against those of the other revision.
func changeBalances(run *results.Run, books map[string]*book) (all []balance) {
	for i := range run.Changes {
		of := &run.Changes[i]
		own, before := books[of.Of], books[of.Before.Key()]
		if c := now(run, *of); c != nil && own != nil && before != nil {
			all = append(all, balance{cell: c, label: c.Style, baseLabel: "before", against: &of.Before, base: before, own: own})
		}
	}
	return all
}

// moved are the parts that differ beyond noise, the largest first.
func (b balance) moved() (said []string) {
	size := func(part string) float64 { return math.Abs(b.difference(part).Median) }
	for _, part := range slices.SortedStableFunc(slices.Values(parts), func(x, y string) int { return cmp.Compare(size(y), size(x)) }) {
		if d := b.difference(part); noise(d) == "" && d.Median != 0 {
			said = append(said, part+" "+inline(microseconds(d)))
		}
	}
	return said
}
