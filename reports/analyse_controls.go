package reports

import (
	"fmt"
	"math"
	"slices"

	"rubato/inference"
	"rubato/results"
)

// AAConfidence is the confidence of each A/A control if a run has so many of them.
func AAConfidence(controls int) float64 { return 1 - 0.01/float64(max(controls, 1)) }

// power is the probability with which the minimum detectable effect is found.
const power = 0.9

// conclude computes the minimum detectable effect of the comparison, and whether the
// comparison is insensitive. The log-ratios of the A/A control are all noise.
func conclude(p *results.Controls, aa []float64, rule ruling, margin float64) {
	p.MinimumDetectable = nil
	if least := rule.least(aa); !math.IsInf(least, 0) {
		ratio := math.Exp(least)
		p.MinimumDetectable = &ratio
	}
	p.Insensitive = Insensitivity(p, margin)
}

// Insensitivity says why the controls show that the comparison cannot detect a change.
// It is empty if the comparison can.
func Insensitivity(p *results.Controls, margin float64) string {
	_, why := objection(p, margin)
	return why
}

// What controls object to in their comparison.
type objecting int

const (
	nothing   objecting = iota
	blurred             // the slowdown was not found, or by luck: small changes may be missed
	broken              // what a control shows cannot be, or it shows nothing
	differing           // the A/A control differs: nobody knows what made the figures
)

// An injected slowdown is found at its size if its interval reaches from half of it to three
// times it. The stage that is slowed down takes its share of a time that other programs change.
const (
	leastOfSlowdown = 0.5
	mostOfSlowdown  = 3
)

// objection is what the controls object to, and why. It takes the figures; a reason that is
// recorded beside figures without fault counts, too.
func objection(p *results.Controls, margin float64) (objecting, string) {
	aa, slowdown := p.AA.Ratio, p.Slowdown.Ratio
	switch {
	case p.AA.Verdict == results.Invalid:
		return broken, "the A/A control is invalid: " + p.AA.Why
	case p.Slowdown.Verdict == results.Invalid:
		return broken, "the injected slowdown is invalid: " + p.Slowdown.Why
	case aa == nil || slowdown == nil:
		return broken, "a control has no ratio to the baseline"
	case !aa.Bounded() || !slowdown.Bounded():
		return broken, fmt.Sprintf("too few rounds (%d) to know whether the comparison detects a change", p.AA.Rounds)
	case alarms(*aa, margin), p.Share > 0 && alarms(*aa, p.Share): // however wide a margin was asked for
		return differing, fmt.Sprintf("false alarm: the A/A control, which repeats the baseline, has a ratio of %s", bracketed(aa, ratio))
	case still(aa) || still(slowdown):
		return broken, "no spread: a control has the same ratio in every trial, and times that are measured differ"
	}
	found, why := slowdown.Lo > 1, "not found"
	if found {
		why = "not what was injected"
	}
	why += fmt.Sprintf(": a slowdown of %s injected into stage %s has a ratio of %s", percent(100*p.Share), p.Stage, bracketed(slowdown, ratio))
	switch {
	case slowdown.Hi < 1+leastOfSlowdown*p.Share, slowdown.Lo > 1+mostOfSlowdown*p.Share:
		return broken, why
	case !found:
		return blurred, why
	case lucky(p):
		only := "nothing up to eightfold"
		if p.MinimumDetectable != nil {
			only = "only " + percentMore(*p.MinimumDetectable)
		}
		return blurred, fmt.Sprintf("found by luck: a slowdown of %s injected into stage %s has a ratio of %s, and nine times of ten %s is found",
			percent(100*p.Share), p.Stage, bracketed(slowdown, ratio), only)
	}
	return nothing, ""
}

// lucky reports whether a slowdown that was found is one that a run of trials mostly misses. Without a
// minimum detectable effect not even a factor of 8 is found.
func lucky(p *results.Controls) bool {
	return p.AA.Trials != nil && (p.MinimumDetectable == nil || *p.MinimumDetectable > 1+mostOfSlowdown*p.Share)
}

// still reports whether an interval is narrower than times that are measured allow.
func still(e *results.Estimate) bool {
	const least = 1e-5
	return e != nil && e.Hi-e.Lo <= least*math.Abs(e.Median)
}

// Verdicts on a row that its comparison's controls change.
const (
	Suspect     = "suspect"
	Insensitive = "insensitive"
)

// Believed is the verdict on a figure with a limit, and what the controls of its comparison
// object to if they change it. Only figures that compare styles need controls. Something over
// its limit was seen, so it stands, unless the A/A control differs: then nobody knows what made
// it. Something within stands if the run saw as much as lies between figure and limit.
func Believed(run *results.Run, c *results.Cell, m results.Metric, limit float64, verdict string) (string, string) {
	e, known := m.Of(c)
	p := run.ControlsOf(c)
	kept := verdict == string(inference.Within) || verdict == string(inference.Equivalent)
	if !m.Relative || !run.Controllable(c) || !known || !kept && verdict != string(inference.Over) {
		return verdict, ""
	}
	object, why := nothing, ""
	if p != nil {
		object, why = objection(p, run.Margin())
		switch base := results.BaselineOf(run, *c); {
		case object != nothing:
		case c.Rounds != base.Rounds || c.Rounds != p.AA.Rounds || c.Rounds != p.Slowdown.Rounds:
			object, why = broken, fmt.Sprintf("it has %s, its baseline %d, the controls %d and %d: some are lost", plural(c.Rounds, "round"), base.Rounds, p.AA.Rounds, p.Slowdown.Rounds)
		case p.Insensitive != "":
			object, why = broken, p.Insensitive
		}
	}
	switch {
	case object == differing:
		return Suspect, p.Comparison() + ": " + why
	case !kept:
		return verdict, ""
	case still(c.Ratio) || still(&e) && m.Unit == "x":
		return Insensitive, c.ComparisonLabel() + ": no spread: " + c.Style + " has the same figure in every trial, and times that are measured differ"
	case object == broken, object == blurred && !clears(m, e, limit):
		return Insensitive, p.Comparison() + ": " + why
	}
	return verdict, ""
}

// Answer is a cell's answer to a question of the run, as Believed gives it.
func Answer(run *results.Run, c *results.Cell, j results.Judged) (string, string) {
	m, _ := results.MetricNamed(j.Quantity)
	limit := j.Limit
	if limit == 0 { // the question is whether it changed
		limit = 1 + j.Margin
	}
	return Believed(run, c, m, limit, j.Verdict)
}

// clears reports whether the limit is at least twice as far from the figure as an end of the
// interval is. Had the figure been at the limit, an interval as wide as this would have lain
// above what was measured in 97 of 100 runs.
func clears(m results.Metric, e results.Estimate, limit float64) bool {
	if m.Unit != "x" {
		return limit-e.Median >= 2*max(e.Hi-e.Median, e.Median-e.Lo)
	}
	reach := max(e.Hi/e.Median, e.Median/e.Lo)
	return e.Lo > 0 && limit/e.Median >= reach*reach
}

// alarms reports whether an interval claims a difference larger than the margin. Two
// processes of one program differ by some tenths of a percent, because their memory
// layouts differ.
func alarms(e results.Estimate, margin float64) bool {
	switch inference.AgainstNone(estimateInterval(e), 1, margin) {
	case inference.Over, inference.Within:
		return true
	}
	return false
}

// Restated computes the figures from the raw results, and says where the summary had others: it
// was changed by hand, or is of a rubato that computes them otherwise. It is empty if they agree,
// or if there are no raw results.
func Restated(run *results.Run, details results.Details) (why string) {
	if len(details.Blocks) == 0 {
		return ""
	}
	if run.Incomplete != "" { // nothing was said of the rounds since the last summary
		Summarize(run, details)
		return ""
	}
	said := map[*results.Cell]results.Cell{}
	for _, c := range run.Arms() {
		said[c] = *c // Summarize makes new estimates
	}
	Summarize(run, details)
	for _, c := range run.Arms() {
		was := said[c]
		for _, m := range results.Metrics {
			old, had := m.Of(&was)
			now, has := m.Of(c)
			if lost := had != has && (had || m.Name == "ratio"); lost || (m.Relative || m.Name == "ns_op") && had && !alike(old, now) {
				return fmt.Sprintf("%s says that the %s of %s is %v; of the rounds in %s it is %v", results.SummaryFile, m.Title, c.Key(), old.Median, results.RawFile, now.Median)
			}
		}
	}
	return ""
}

// alike reports whether two estimates are one: another processor may round their last digits in
// another way.
func alike(a, b results.Estimate) bool {
	const rounding = 1e-6
	near := func(x, y float64) bool { return x == y || math.Abs(x-y) <= rounding*min(math.Abs(x), math.Abs(y)) }
	return near(a.Median, b.Median) && near(a.Lo, b.Lo) && near(a.Hi, b.Hi)
}

// least is the smallest shift that is detectable in both directions. An A/A control that
// happens to lie above 1 makes a slowdown easier to find and a gain harder.
func (r ruling) least(aa []float64) float64 {
	if r.smallest == nil { // the rule cannot be followed
		return math.Inf(1)
	}
	mirror := make([]float64, len(aa))
	for i, v := range aa {
		mirror[i] = -v
	}
	up, err := r.smallest(aa, power, 1)
	down, other := r.smallest(mirror, power, 1)
	if err != nil || other != nil {
		return math.Inf(1)
	}
	return max(up, down)
}

// aaRuling estimates the ratio of an A/A control: in trials with the confidence of the rows
// beside it. In a run of blocks, the controls had a confidence of their own; if there are
// too few rounds for it, the interval is the whole range and has a higher error rate.
func (s summary) aaRuling(p *results.Controls) (ruling, error) {
	if p.AA.Rule == results.Sequential && p.AA.Trials != nil {
		return s.ruling(&p.AA), s.broken
	}
	confidence := p.Confidence
	if !(confidence > 0 && confidence < 1) {
		confidence = AAConfidence(len(s.run.Controls))
	}
	if p.AA.Rule != results.Sequential {
		return ruling{own: estimate, used: fixedRuling.used, smallest: fixedRuling.smallest, paired: func(values []float64) (results.Estimate, error) {
			e, err := estimateOf(inference.Fixed(values, confidence))
			if usual, other := estimate(values); err == nil && other == nil && !e.Bounded() && usual.Bounded() {
				e, err = estimateOf(inference.Fixed(values, wholeRange(len(values))))
			}
			return e, err
		}}, nil
	}
	rule, err := ruleRuling(s.run.Rule, false, false)
	if err != nil {
		return ruling{}, err
	}
	plan, err := inference.NewSequential(s.run.Rule.Looks, confidence)
	if err != nil {
		return ruling{}, err
	}
	rule.paired = sequential(plan, false)
	return rule, nil
}

// wholeRange is the confidence of the interval from the smallest to the largest of n values.
func wholeRange(n int) float64 { return 1 - 2.001*math.Pow(0.5, float64(n)) }

// InstrumentsLimit is the largest ratio that the usual instruments together may cost.
const InstrumentsLimit = 1.02

// instrument computes what an instrument costs.
func (s summary) instrument(o *results.Instrument) {
	o.Cost, o.CPU, o.Verdict = nil, nil, ""
	i := s.cellOf(o.Base)
	if i < 0 || o.Arm.Verdict == results.Invalid || s.run.Cells[i].Verdict == results.Invalid {
		return
	}
	arm, base := s.kept[o.Arm.Key()], s.kept[o.Base]
	if !o.Added {
		arm, base = base, arm
	}
	cost, _, rounds := against(arm, base, s.ruling(&o.Arm).paired, pair)
	if rounds == 0 {
		return
	}
	o.Cost, o.CPU = &cost, cpuRatio(arm, base, estimate)
	if o.Arm.Role == results.RoleBare {
		o.Verdict = string(inference.AgainstLimit(estimateInterval(cost), InstrumentsLimit))
	}
}

func (s summary) cellOf(key string) int {
	return slices.IndexFunc(s.run.Cells, func(c results.Cell) bool { return c.Key() == key })
}

// productOfUsual multiplies the costs of the usual instruments. Their cost together
// should be close to this product.
func productOfUsual(of []*results.Instrument) (product float64, known bool) {
	product = 1
	for _, o := range of {
		if !o.Usual || o.Arm.Role == results.RoleBare {
			continue
		}
		if o.Cost == nil {
			return 0, false
		}
		product, known = product*o.Cost.Median, true
	}
	return product, known
}
