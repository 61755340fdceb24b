package reports

import (
	"fmt"
	"math"
	"slices"

	"rubato/inference"
)

// How a Change is counted.
const (
	asFactor     = "factor"
	asDifference = "difference"
)

// change judges one figure. The runs are unpaired: a round of one has no partner in
// the other.
func (m matched) change(p compared, margin float64) Change {
	c := Change{Cell: m.new.Key(), Scenario: m.new.Scenario, Style: m.new.Style, Named: m.new.optionsLabel(),
		Quantity: p.quantity, Unit: p.unit, As: asFactor, P: 1, worse: 1, Verdict: inference.Inconclusive,
		Old: p.kept[0], New: p.kept[1], Change: unbounded(0), Warnings: m.warnings()}
	if p.plain {
		c.As = asDifference
	}
	if p.why != "" {
		c.Why = p.why
		if p.shown {
			c.Verdict = NotJudged
		}
		c.guess(p)
		return c
	}
	for side, e := range []*Estimate{&c.Old, &c.New} {
		c.Rounds[side] = len(p.values[side])
		if own, err := estimate(p.values[side]); err == nil && !e.Bounded() {
			*e = own
		}
	}
	if c.Rounds[0] == 0 || c.Rounds[1] == 0 {
		c.summaries(p, margin)
		return c
	}
	if fewest := roundsForInterval(); min(c.Rounds[0], c.Rounds[1]) < fewest {
		c.Why = fmt.Sprintf("%s in OLD, %d in NEW: to be judged takes at least %d in each", plural(c.Rounds[0], "round"), c.Rounds[1], fewest)
		if m.runs[1].scenario(m.new.Scenario).Paced {
			c.Verdict = NotJudged // a run of few rounds is no lack there
		}
		c.guess(p)
		return c
	}
	if err := c.judge(p, margin); err != nil {
		c.Why = fmt.Sprintf("%s of %s: %v", c.Quantity, c.Cell, err)
	}
	return c
}

// judge decides from the rounds: the interval is that of all differences between the
// rounds of the two runs, in logarithms if it is a factor.
func (c *Change) judge(p compared, margin float64) error {
	before, after, limit := p.values[0], p.values[1], math.Log1p(margin)
	switch {
	case p.plain:
		limit = margin * math.Abs(c.Old.Median)
	case p.unit == "" && min(slices.Min(before), slices.Min(after)) < 1: // twice as many of next to none says nothing
		c.As, limit = asDifference, margin*max(1, math.Abs(c.Old.Median))
	case min(slices.Min(before), slices.Min(after)) <= 0:
		c.Why = "some rounds count 0, of which there is no ratio"
		return nil
	default:
		before, after = logarithms(before), logarithms(after)
	}
	shift, err := inference.Shift(before, after, inference.Confidence)
	if err != nil {
		return err
	}
	at := limit
	if p.more {
		at = -limit
	}
	below, above, err := inference.ShiftP(before, after, at)
	if c.worse = above; p.more {
		c.worse = below
	}
	c.settle(shift, limit, p.more)
	return err
}

// settle fills the change and what its interval alone allows to say. The limit is the
// margin: all within it on both sides is no change, all above it is worse.
func (c *Change) settle(shift inference.Interval, limit float64, more bool) {
	c.Change, _ = estimateOf(shift, nil)
	if c.As == asFactor {
		c.Change = c.Change.mapped(math.Exp)
	}
	if more {
		shift.Lo, shift.Hi = -shift.Hi, -shift.Lo
	}
	switch c.Verdict = inference.AgainstLimit(shift, limit); {
	case shift.Lo >= -limit && shift.Hi <= limit:
		c.Verdict = inference.Equivalent
	case c.Verdict == inference.Inconclusive && shift.Lo > 0:
		c.Why = "worse, though perhaps by less than the margin"
	}
}

// summaries decides of runs whose rounds were not kept: the change lies between the
// far ends of the two intervals, which is wider than need be. For Holm the ends are
// taken for 1.96 standard errors of a normal distribution.
func (c *Change) summaries(p compared, margin float64) {
	c.guess(p)
	if !c.Old.Bounded() || !c.New.Bounded() || p.plain || c.Old.Lo <= 0 || c.New.Lo <= 0 {
		c.Why = "no rounds to compare: keep results.jsonl beside results.json"
		return
	}
	limit := math.Log1p(margin)
	shift := inference.Interval{Median: math.Log(c.New.Median / c.Old.Median), Lo: math.Log(c.New.Lo / c.Old.Hi), Hi: math.Log(c.New.Hi / c.Old.Lo)}
	error2 := math.Pow(math.Log(c.Old.Hi/c.Old.Lo), 2) + math.Pow(math.Log(c.New.Hi/c.New.Lo), 2)
	z := (shift.Median - limit) / (math.Sqrt(error2) / (2 * 1.96))
	c.worse = math.Erfc(z/math.Sqrt2) / 2
	c.settle(shift, limit, p.more)
	c.Warnings = append(c.Warnings, "from two summaries, as results.jsonl is not there: a wide interval")
}

// guess is the change without an interval.
func (c *Change) guess(p compared) {
	switch {
	case p.plain:
		c.Change = unbounded(c.New.Median - c.Old.Median)
	case c.Old.Median > 0:
		c.Change = unbounded(c.New.Median / c.Old.Median)
	}
}

func logarithms(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.Log(v)
	}
	return out
}

// adjust lets a row be over only if it is among all rows that are judged together
// (Holm). That all are within needs no such care: if one is not, the chance to miss
// it is that of this row alone.
func adjust(groups ...[]Change) {
	var rows []*Change
	for _, g := range groups {
		for i := range g {
			rows = append(rows, &g[i])
		}
	}
	ps := make([]float64, len(rows))
	for i, r := range rows {
		ps[i] = r.worse
	}
	for i, p := range inference.Holm(ps) {
		r := rows[i]
		if r.P = p; r.Verdict == inference.Over && p > (1-inference.Confidence)/2 {
			r.Verdict, r.Why = inference.Inconclusive, fmt.Sprintf("worse by itself, but not among %d rows, of which some look so by chance (Holm)", len(rows))
		}
	}
}
