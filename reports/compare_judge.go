package reports

import (
	"fmt"
	"math"
	"slices"

	"rubato/inference"
	"rubato/results"
)

// How a Change is expressed.
const (
	asFactor     = "factor"
	asDifference = "difference"
)

// change judges one figure. The runs are unpaired: a round of one run has no partner in
// the other run.
func (m matched) change(p compared, margin float64) Change {
	c := Change{Cell: m.new.Key(), Scenario: m.new.Scenario, Style: m.new.Style, Named: m.new.OptionsLabel(),
		Quantity: p.Name, Unit: p.Unit, As: asFactor, P: 1, worse: 1, Verdict: inference.Inconclusive,
		Old: p.kept[0], New: p.kept[1], Change: results.Unbounded(0), Warnings: m.warnings()}
	if p.IsMeasure() {
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
	for side, e := range []*results.Estimate{&c.Old, &c.New} {
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
		c.Why = fmt.Sprintf("%s in OLD, %d in NEW: a judgement takes at least %d in each", plural(c.Rounds[0], "round"), c.Rounds[1], fewest)
		if m.runs[1].Scenario(m.new.Scenario).Paced {
			c.Verdict = NotJudged // paced runs have few rounds by design
		}
		c.guess(p)
		return c
	}
	if err := c.judge(p, margin); err != nil {
		c.Why = fmt.Sprintf("%s of %s: %v", c.Quantity, c.Cell, err)
	}
	return c
}

// judge decides from the rounds. The interval is of all differences between the rounds of
// the two runs, in logarithms if the change is a factor.
func (c *Change) judge(p compared, margin float64) error {
	before, after, limit := p.values[0], p.values[1], math.Log1p(margin)
	switch {
	case p.IsMeasure():
		limit = margin * math.Abs(c.Old.Median)
	case p.Unit == results.UnitPerOp && min(slices.Min(before), slices.Min(after)) < 1: // a ratio to almost nothing says nothing
		c.As, limit = asDifference, margin*max(1, math.Abs(c.Old.Median))
	case min(slices.Min(before), slices.Min(after)) <= 0:
		c.Why = "some rounds count 0, so there is no ratio"
		return nil
	default:
		before, after = logarithms(before), logarithms(after)
	}
	shift, err := inference.Shift(before, after, inference.Confidence)
	if err != nil {
		return err
	}
	at := limit
	if p.More {
		at = -limit
	}
	below, above, err := inference.ShiftP(before, after, at)
	if c.worse = above; p.More {
		c.worse = below
	}
	c.decide(shift, limit, p.More)
	return err
}

// decide sets the change and the verdict of its interval alone. An interval within the
// limit on both sides is no change. An interval above the limit is worse.
func (c *Change) decide(shift inference.Interval, limit float64, more bool) {
	c.Change, _ = estimateOf(shift, nil)
	if c.As == asFactor {
		c.Change = c.Change.Mapped(math.Exp)
	}
	if more {
		shift.Lo, shift.Hi = -shift.Hi, -shift.Lo
	}
	switch c.Verdict = inference.AgainstLimit(shift, limit); {
	case shift.Lo >= -limit && shift.Hi <= limit:
		c.Verdict = inference.Equivalent
	case c.Verdict == inference.Inconclusive && shift.Lo > 0:
		c.Why = "worse, but perhaps by less than the margin"
	}
}

// summaries decides for runs whose rounds were not kept. The change lies between the far
// ends of the two intervals, which is wider than necessary. For Holm, each end counts as
// 1.96 standard errors of a normal distribution.
func (c *Change) summaries(p compared, margin float64) {
	c.guess(p)
	if !c.Old.Bounded() || !c.New.Bounded() || p.IsMeasure() || c.Old.Lo <= 0 || c.New.Lo <= 0 {
		c.Why = "no rounds to compare: keep results.jsonl beside results.json"
		return
	}
	limit := math.Log1p(margin)
	shift := inference.Interval{Median: math.Log(c.New.Median / c.Old.Median), Lo: math.Log(c.New.Lo / c.Old.Hi), Hi: math.Log(c.New.Hi / c.Old.Lo)}
	error2 := math.Pow(math.Log(c.Old.Hi/c.Old.Lo), 2) + math.Pow(math.Log(c.New.Hi/c.New.Lo), 2)
	z := (shift.Median - limit) / (math.Sqrt(error2) / (2 * 1.96))
	c.worse = math.Erfc(z/math.Sqrt2) / 2
	c.decide(shift, limit, p.More)
	c.Warnings = append(c.Warnings, "computed from two summaries because results.jsonl is missing: the interval is wide")
}

// guess sets the change without an interval.
func (c *Change) guess(p compared) {
	switch {
	case p.IsMeasure():
		c.Change = results.Unbounded(c.New.Median - c.Old.Median)
	case c.Old.Median > 0:
		c.Change = results.Unbounded(c.New.Median / c.Old.Median)
	}
}

func logarithms(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.Log(v)
	}
	return out
}

// adjust keeps the verdict over only for rows that are over after Holm's adjustment for
// all rows judged together. The verdict within needs no adjustment: the chance to miss a
// row that is over is the chance of this row alone.
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
			r.Verdict, r.Why = inference.Inconclusive, fmt.Sprintf("worse by itself, but not after adjustment for %d rows (Holm)", len(rows))
		}
	}
}
