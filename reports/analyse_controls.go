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
	p.MinimumDetectable, p.Insensitive = nil, Insensitivity(p, margin)
	if least := rule.least(aa); !math.IsInf(least, 0) {
		ratio := math.Exp(least)
		p.MinimumDetectable = &ratio
	}
}

// Insensitivity says why the controls show that the comparison cannot detect a change.
// It is empty if the comparison can.
func Insensitivity(p *results.Controls, margin float64) string {
	switch {
	case p.AA.Verdict == results.Invalid:
		return "the A/A control is invalid: " + p.AA.Why
	case p.Slowdown.Verdict == results.Invalid:
		return "the injected slowdown is invalid: " + p.Slowdown.Why
	case p.AA.Ratio == nil || p.Slowdown.Ratio == nil:
		return "a control has no ratio to the baseline"
	case !p.AA.Ratio.Bounded() || !p.Slowdown.Ratio.Bounded():
		return fmt.Sprintf("too few rounds (%d) to know whether the comparison detects a change", p.AA.Rounds)
	case alarms(*p.AA.Ratio, margin):
		return fmt.Sprintf("false alarm: the A/A control, which repeats the baseline, has a ratio of %s", bracketed(p.AA.Ratio, ratio))
	case !(p.Slowdown.Ratio.Lo > 1):
		return fmt.Sprintf("not found: a slowdown of %s injected into stage %s has a ratio of %s",
			percent(100*p.Share), p.Stage, bracketed(p.Slowdown.Ratio, ratio))
	}
	return ""
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
