package reports

import (
	"math"
	"strings"
)

// Answers to a claim. The whole interval has to lie on one side for anything but
// inconclusive.
const (
	claimWithin       = "within"
	claimOver         = "over"
	claimUnder        = "under"
	claimInconclusive = "inconclusive"
	claimNotMeasured  = "not measured"
)

// claimTable sets every claim of the scenario against what was measured.
func claimTable(run *Run, s Scenario, details Details) grid {
	g := grid{
		Head: []string{"claim", "source", "kind", "quantity", "claimed", "cell", "measured", "answer"},
		Text: []int{0, 1, 2, 3, 5, 7},
	}
	for _, claim := range s.Claims {
		found := false
		for i := range run.Cells {
			c := &run.Cells[i]
			if !claim.about(run, s, c) {
				continue
			}
			found = true
			g.Rows = append(g.Rows, claim.row(run, s, c, details))
		}
		if !found {
			r := claim.opening(s)
			g.Rows = append(g.Rows, row{append(r, noFigure, noFigure, claimNotMeasured), claimNotMeasured})
		}
	}
	return g
}

// about tells whether the claim can be answered by the cell. The baseline has
// neither ratio nor overhead.
func (claim Claim) about(run *Run, s Scenario, c *Cell) bool {
	return c.Scenario == s.Name && (claim.Style == "" || claim.Style == c.Style) &&
		within(claim.Options, c.Options) && !(relative[claim.Quantity] && claim.Less == "" && c.Style == run.baseline(s.Name))
}

// quantity is what the claim is about. A difference between pieces is shown in the
// unit that suits it: they lie apart by orders of magnitude.
func (claim Claim) quantity(s Scenario) (quantity, bool) {
	if strings.HasPrefix(claim.Quantity, FigureQuantity) {
		m, ok := s.measured(claim.Quantity)
		return ofFigure(m), ok
	}
	q, ok := quantities[claim.Quantity]
	switch {
	case ok && claim.Less != "" && claim.Quantity == "overhead_ns":
		q.name, q.show = "difference", signedTime
	case ok && claim.Less != "" && claim.Quantity == "ratio":
		q.name = "ratio to " + claim.Less
	}
	return q, ok
}

// joined is how the piece that a claim is relative to stands after the first.
func (claim Claim) joined() string {
	if claim.Quantity == "ratio" {
		return " to " + claim.Less
	}
	return " less " + claim.Less
}

func (claim Claim) opening(s Scenario) []string {
	name := claim.Quantity
	if q, ok := claim.quantity(s); ok {
		name = q.name
	}
	return []string{claim.Text, claim.Source, claim.Kind, name, claim.claimed(s)}
}

func (claim Claim) row(run *Run, s Scenario, c *Cell, details Details) row {
	cells := append(claim.opening(s), c.label())
	if c.Verdict == Void {
		return row{append(cells, "void: "+c.Why, claimNotMeasured), claimNotMeasured}
	}
	if claim.Less != "" {
		cells[len(cells)-1] += claim.joined()
		less, ok := run.without(c, claim.Less, details)
		if !ok {
			return row{append(cells, noFigure, claimNotMeasured), claimNotMeasured}
		}
		c = less
	}
	q, ok := claim.quantity(s)
	if !ok {
		return row{append(cells, noFigure, claimNotMeasured), claimNotMeasured}
	}
	e, ok := q.of(c, roundsOf(c, details.Blocks))
	if !ok {
		return row{append(cells, noFigure, claimNotMeasured), claimNotMeasured}
	}
	if m, is := s.measured(claim.Quantity); is {
		return claim.figureRow(cells, c, m)
	}
	answer := claim.answer(e)
	measured := q.show(e.Median) + secondary + interval(e, 1, "", q.show)
	return row{append(cells, measured, answer), answer}
}

// figureRow says so where every round is judged alone. Where they are too few for an
// interval, the answer has no colour: nothing bounds what another round would show.
func (claim Claim) figureRow(cells []string, c *Cell, m Measure) row {
	e, s := c.Figures[m.Name], c.Spans[m.Name]
	judged, byRound := m.Judged(e, s)
	answer := claim.answer(judged)
	r := row{append(cells, m.estimate(e, s, c.Rounds)), answer}
	switch {
	case byRound && c.Rounds == 1:
		answer += " in its 1 round"
	case byRound && answer != claimInconclusive:
		answer += " in each of " + plural(c.Rounds, "round")
	}
	if r.Cells = append(r.Cells, answer); !e.Bounded() {
		r.Mark = ""
	}
	return r
}

// bounds are the claim's: a budget has only an upper one, a throughput may have
// only a lower one.
func (claim Claim) bounds() (lo, hi float64) {
	lo, hi = claim.Lo, claim.Hi
	if lo == 0 {
		lo = math.Inf(-1)
	}
	if hi == 0 && claim.Lo > 0 {
		hi = math.Inf(1)
	}
	return lo, hi
}

func (claim Claim) answer(e Estimate) string {
	lo, hi := claim.bounds()
	switch {
	case !e.Bounded():
		return claimInconclusive
	case e.Lo >= lo && e.Hi <= hi:
		return claimWithin
	case e.Lo > hi:
		return claimOver
	case e.Hi < lo:
		return claimUnder
	}
	return claimInconclusive
}

func (claim Claim) claimed(s Scenario) string {
	show := figure
	if q, ok := claim.quantity(s); ok {
		show = q.show
	}
	lo, hi := claim.bounds()
	switch {
	case math.IsInf(hi, 1):
		return "at least " + show(lo)
	case math.IsInf(lo, -1):
		return "at most " + show(hi)
	case lo == hi:
		return show(lo)
	}
	return show(lo) + " … " + show(hi)
}

// label is style and named options.
func (c *Cell) label() string {
	return strings.TrimSpace(c.Style + " " + c.optionsLabel())
}

func (c *Cell) optionsLabel() string {
	var parts []string
	for _, k := range c.Named {
		parts = append(parts, k+"="+c.Options[k])
	}
	return strings.Join(parts, " ")
}
