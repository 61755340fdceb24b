package reports

import (
	"fmt"
	"math"
	"strings"

	"rubato/inference"
)

// Roles of the arms that a run carries to prove what it can see.
const (
	Twin  = "twin"  // the baseline once more: there is nothing to find
	Plant = "plant" // the baseline with a slowdown of known size: it must be found
)

// A Proof is what a contest could have seen. Twin and Plant are cells of the
// baseline's style and options; their ratios are to the baseline.
type Proof struct {
	Twin  Cell    `json:"twin"`
	Plant Cell    `json:"plant"`
	Stage string  `json:"stage"` // where the slowdown stands
	Share float64 `json:"share"` // of the baseline's time per operation, as asked: 0.1
	// Confidence is that of the twin's interval: all twins of a run together raise a
	// false alarm in one clean run of a hundred.
	Confidence float64  `json:"confidence"`
	Smallest   *float64 `json:"smallest,omitempty"` // ratio that would have been found with 90 % power; nil: none
	Blind      string   `json:"blind,omitempty"`    // why nothing that this contest found can be trusted; empty: it sees
}

// TwinConfidence is that of each of so many twins.
func TwinConfidence(twins int) float64 { return 1 - 0.01/float64(max(twins, 1)) }

// power is how surely the smallest effect is found.
const power = 0.9

// Contest names what the proof is of: scenario and named options.
func (p *Proof) Contest() string {
	return strings.TrimSpace(p.Twin.Scenario + " " + p.Twin.optionsLabel())
}

// ProofOf is the proof of the contest that a cell was measured in, nil when it
// carried none.
func (r *Run) ProofOf(c *Cell) *Proof {
	base := baselineOf(r, *c)
	if base == nil {
		return nil
	}
	for i := range r.Proofs {
		if r.Proofs[i].Twin.GroupKey() == base.GroupKey() {
			return &r.Proofs[i]
		}
	}
	return nil
}

// Provable tells whether the cell's contest can carry a proof: its arms do the same
// work as fast as they can.
func (r *Run) Provable(c *Cell) bool {
	s := r.scenario(c.Scenario)
	return !s.Paced && !s.pieces()
}

// conclude says what the contest could have seen by this rule. The twin's log-ratios
// are all noise.
func (p *Proof) conclude(twin []float64, rule ruling, margin float64) {
	p.Smallest, p.Blind = nil, p.Blindness(margin)
	if least := rule.least(twin); !math.IsInf(least, 0) {
		ratio := math.Exp(least)
		p.Smallest = &ratio
	}
}

// Blindness is why the figures of twin and plant show that the contest does not see;
// empty: it does.
func (p *Proof) Blindness(margin float64) string {
	switch {
	case p.Twin.Verdict == Void:
		return "the twin is void: " + p.Twin.Why
	case p.Plant.Verdict == Void:
		return "the plant is void: " + p.Plant.Why
	case p.Twin.Ratio == nil || p.Plant.Ratio == nil:
		return "twin or plant has no ratio to the baseline"
	case !p.Twin.Ratio.Bounded() || !p.Plant.Ratio.Bounded():
		return fmt.Sprintf("too few rounds (%d) to tell whether it sees anything", p.Twin.Rounds)
	case alarms(*p.Twin.Ratio, margin):
		return fmt.Sprintf("false alarm: the baseline against its own twin has a ratio of %s", ratioText(*p.Twin.Ratio))
	case !(p.Plant.Ratio.Lo > 1):
		return fmt.Sprintf("not found: a slowdown of %s planted in stage %s has a ratio of %s",
			percent(100*p.Share), p.Stage, ratioText(*p.Plant.Ratio))
	}
	return ""
}

// Margin is the change of a ratio that nobody minds in this run.
func (r *Run) Margin() float64 {
	if r.Rule != nil {
		return r.Rule.Margin
	}
	return DefaultMargin
}

// alarms tells whether an interval claims a difference that is more than nobody
// minds. Between two processes of one program there are some tenths of a percent,
// for how their memory came to lie.
func alarms(e Estimate, margin float64) bool {
	switch inference.AgainstNone(e.interval(), 1, margin) {
	case inference.Over, inference.Within:
		return true
	}
	return false
}

// least is the shift that would have been found on either side: a twin that
// happens to lie above 1 helps to find a slowdown and hides a gain.
func (r ruling) least(twin []float64) float64 {
	if r.smallest == nil { // a rule that cannot be followed
		return math.Inf(1)
	}
	mirror := make([]float64, len(twin))
	for i, v := range twin {
		mirror[i] = -v
	}
	up, err := r.smallest(twin, power, 1)
	down, other := r.smallest(mirror, power, 1)
	if err != nil || other != nil {
		return math.Inf(1)
	}
	return max(up, down)
}

// twinRuling estimates a twin's ratio. Where so few rounds do not allow its
// confidence, the interval is the whole range, and errs more often.
func (p *Proof) twinRuling(r *Run) (ruling, error) {
	confidence := p.Confidence
	if !(confidence > 0 && confidence < 1) {
		confidence = TwinConfidence(len(r.Proofs))
	}
	if p.Twin.Rule != Peeking {
		return ruling{own: estimate, used: fixedRuling.used, smallest: fixedRuling.smallest, paired: func(values []float64) (Estimate, error) {
			e, err := estimateOf(inference.Fixed(values, confidence))
			if usual, other := estimate(values); err == nil && other == nil && !e.Bounded() && usual.Bounded() {
				e, err = estimateOf(inference.Fixed(values, wholeRange(len(values))))
			}
			return e, err
		}}, nil
	}
	rule, err := r.Rule.ruling()
	if err != nil {
		return ruling{}, err
	}
	plan, err := r.Rule.plan(confidence)
	if err != nil {
		return ruling{}, err
	}
	rule.paired = peeking(plan)
	return rule, nil
}

// wholeRange is the confidence of the interval from the least to the most of n values.
func wholeRange(n int) float64 { return 1 - 2.001*math.Pow(0.5, float64(n)) }

func ratioText(e Estimate) string {
	return fmt.Sprintf("%.3f [%.3f, %.3f]", e.Median, e.Lo, e.Hi)
}
