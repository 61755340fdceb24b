package reports

import (
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
	p := run.ControlsOf(c)
	add := func(who string, of []results.Judged) {
		for _, j := range of {
			m, _ := results.MetricNamed(j.Quantity)
			e, known := m.Of(c)
			if j.Limit == 0 {
				continue
			}
			measured, verdict := noFigure, claimNotMeasured
			if known && c.Verdict != results.Invalid {
				measured, verdict = limitText(j, e), j.Verdict
			}
			if p != nil && p.Insensitive != "" {
				verdict = claimInsensitive
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
		{claimInconclusive, "cannot be told here: the interval includes the limit"}, {claimInsensitive, "cannot be told here: the comparison is insensitive"}, {claimNotMeasured, "cannot be told here: not measured"}} {
		if rest, is := strings.CutPrefix(answer, a[0]); is {
			return a[1] + rest
		}
	}
	return answer
}
