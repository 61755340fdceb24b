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

// A quantity is what a claim can be about.
type quantity struct {
	name string // for people
	show func(float64) string
	of   func(*Cell, Estimate) (Estimate, bool) // given the cell's p99
}

var quantities = map[string]quantity{
	"ns_op":          {"time per operation", nanoseconds, func(c *Cell, _ Estimate) (Estimate, bool) { return c.NsOp, true }},
	"cpu_ns_op":      {"CPU per operation", nanoseconds, func(c *Cell, _ Estimate) (Estimate, bool) { return c.CPUNsOp, true }},
	"ratio":          {"ratio to the baseline", func(x float64) string { return "×" + ratio(x) }, func(c *Cell, _ Estimate) (Estimate, bool) { return orNothing(c.Ratio) }},
	"overhead_ns":    {"overhead per operation", func(x float64) string { return signed(x/1e3) + noBreak + "µs" }, func(c *Cell, _ Estimate) (Estimate, bool) { return orNothing(c.OverheadNs) }},
	"p99_ns":         {"99th percentile", nanoseconds, func(_ *Cell, p99 Estimate) (Estimate, bool) { return p99, p99.Median > 0 }},
	"ops_per_second": {"operations per second", func(x float64) string { return figure(x) + "/s" }, func(c *Cell, _ Estimate) (Estimate, bool) { return perSecond(c.NsOp), true }},
}

func orNothing(e *Estimate) (Estimate, bool) {
	if e == nil {
		return Estimate{}, false
	}
	return *e, true
}

func perSecond(e Estimate) Estimate {
	if !e.Bounded() {
		return unbounded(1e9 / e.Median)
	}
	return Estimate{1e9 / e.Median, 1e9 / e.Hi, 1e9 / e.Lo}
}

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
			g.Rows = append(g.Rows, claim.row(run, c, details))
		}
		if !found {
			r := claim.opening()
			g.Rows = append(g.Rows, row{append(r, noFigure, noFigure, claimNotMeasured), claimNotMeasured})
		}
	}
	return g
}

// about tells whether the claim can be answered by the cell. The baseline has
// neither ratio nor overhead.
func (claim Claim) about(run *Run, s Scenario, c *Cell) bool {
	relative := claim.Quantity == "ratio" || claim.Quantity == "overhead_ns"
	return c.Scenario == s.Name && (claim.Style == "" || claim.Style == c.Style) &&
		within(claim.Options, c.Options) && !(relative && claim.Less == "" && c.Style == run.baseline(s.Name))
}

// quantity is what the claim is about. A difference between pieces is shown in the
// unit that suits it: they lie apart by orders of magnitude.
func (claim Claim) quantity() (quantity, bool) {
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

func (claim Claim) opening() []string {
	name := claim.Quantity
	if q, ok := claim.quantity(); ok {
		name = q.name
	}
	return []string{claim.Text, claim.Source, claim.Kind, name, claim.claimed()}
}

func (claim Claim) row(run *Run, c *Cell, details Details) row {
	cells := append(claim.opening(), c.label())
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
	var p99 Estimate
	if claim.Quantity == "p99_ns" {
		// Summarize has read the same histograms: an error has voided the cell.
		if h, err := mergeLatency(roundsOf(c, details.Blocks)); err == nil {
			p99 = percentileEstimate(h, 99)
		}
	}
	q, ok := claim.quantity()
	if !ok {
		return row{append(cells, noFigure, claimNotMeasured), claimNotMeasured}
	}
	e, ok := q.of(c, p99)
	if !ok {
		return row{append(cells, noFigure, claimNotMeasured), claimNotMeasured}
	}
	answer := claim.answer(e)
	measured := q.show(e.Median) + secondary + interval(e, 1, "", q.show)
	return row{append(cells, measured, answer), answer}
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

func (claim Claim) claimed() string {
	show := figure
	if q, ok := claim.quantity(); ok {
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
