package reports

import (
	"errors"
	"fmt"
	"math"
	"time"

	"rubato/inference"
)

// Rules by which a cell's rounds came to their number.
const (
	Fixed   = "fixed"   // as many as the effort or the time allowed, whatever they showed
	Peeking = "peeking" // until its verdicts were certain, looking at fixed numbers of rounds
)

// A Rule says how a run that decides looked at its rounds. It is part of the results,
// because whoever reads them again has to look the same way.
type Rule struct {
	Looks  []int         `json:"looks"`  // numbers of rounds
	Rows   int           `json:"rows"`   // intervals that share one error rate, by Bonferroni
	Margin float64       `json:"margin"` // how far from 1 a ratio may lie and still be no change
	Time   time.Duration `json:"time"`   // of a contest at most
}

// A Judged is one question that a cell's interval answers. Limit 0 asks for a change:
// whether the ratio is not 1.
type Judged struct {
	Budget   string  `json:"budget,omitempty"` // what the limit is from
	Quantity string  `json:"quantity"`         // "ratio" or "overhead_ns"
	Limit    float64 `json:"limit,omitempty"`
	Margin   float64 `json:"margin,omitempty"` // when there is no limit
	Verdict  string  `json:"verdict"`          // of package inference
}

// settle answers the question from the cell's intervals.
func (j *Judged) settle(c *Cell) {
	e := c.Ratio
	if j.Quantity == "overhead_ns" {
		e = c.OverheadNs
	}
	switch {
	case e == nil:
		j.Verdict = string(inference.Inconclusive)
	case j.Limit > 0:
		j.Verdict = string(inference.AgainstLimit(e.interval(), j.Limit))
	default:
		j.Verdict = string(inference.AgainstNone(e.interval(), 1, j.Margin))
	}
}

func (e Estimate) interval() inference.Interval {
	return inference.Interval{Median: e.Median, Lo: e.Lo, Hi: e.Hi}
}

// An estimator is a median with its interval.
type estimator func(values []float64) (Estimate, error)

// A ruling is how the figures of a cell are estimated.
type ruling struct {
	own    estimator       // of its own figures, at 95 %
	paired estimator       // of what compares it with the baseline
	used   func(n int) int // of so many rounds, how many the figures are of

	smallest func(twin []float64, power float64, seed uint64) (float64, error) // shift that it would have found
}

// fixedRuling uses all rounds.
var fixedRuling = ruling{own: estimate, paired: estimate, used: func(int) int { return 0 }, smallest: inference.SmallestEffect}

// maxLook bounds what results may ask for: working a rule out takes the square of it.
const maxLook = 4096

// ruling is that of cells that were decided by peeking. A rule that cannot be
// followed is an error.
func (r *Rule) ruling() (ruling, error) {
	if r == nil {
		return ruling{}, errors.New("it was decided by peeking, but the run has no rule")
	}
	own, err := r.plan(inference.Confidence)
	if err != nil {
		return ruling{}, err
	}
	paired, err := r.plan(1 - (1-inference.Confidence)/float64(max(r.Rows, 1)))
	if err != nil {
		return ruling{}, err
	}
	return ruling{own: peeking(own), paired: peeking(paired), smallest: own.SmallestEffect, used: func(n int) (used int) {
		for _, look := range r.Looks {
			if look <= n {
				used = look
			}
		}
		return used
	}}, nil
}

func (r *Rule) plan(confidence float64) (*inference.Peeking, error) {
	for _, look := range r.Looks {
		if look > maxLook {
			return nil, fmt.Errorf("the rule of the run looks at %d rounds: at most %d can be worked out", look, maxLook)
		}
	}
	plan, err := inference.NewPeeking(r.Looks, confidence)
	if err != nil {
		return nil, fmt.Errorf("the rule of the run: %w", err)
	}
	return plan, nil
}

func peeking(p *inference.Peeking) estimator {
	return func(values []float64) (Estimate, error) { return estimateOf(p.Interval(values)) }
}

// estimateOf is an interval as results hold it: with both ends, or with none.
func estimateOf(i inference.Interval, err error) (Estimate, error) {
	if err != nil {
		return Estimate{}, err
	}
	if !i.Bounded() {
		return Estimate{i.Median, math.Inf(-1), math.Inf(1)}, nil
	}
	return Estimate{i.Median, i.Lo, i.Hi}, nil
}

// twoSided is how surprising so many ratios on one side of 1 would be without a change.
func twoSided(logs []float64) float64 {
	below, above := inference.SignP(logs, 0)
	return min(1, 2*min(below, above))
}

// Decided tells whether no question of the run is open: every verdict is certain, every
// plant is found, and every twin is told from nothing or not. What is void stays so.
func (r *Run) Decided() bool {
	for i := range r.Cells {
		c := &r.Cells[i]
		for _, j := range c.Judged {
			if c.Verdict != Void && j.Verdict == string(inference.Inconclusive) {
				return false
			}
		}
	}
	for i := range r.Proofs {
		plant, twin := &r.Proofs[i].Plant, &r.Proofs[i].Twin
		if plant.Verdict != Void && (plant.Ratio == nil || !plant.Ratio.Bounded() || plant.Ratio.Lo <= 1) {
			return false
		}
		if twin.Verdict != Void && (twin.Ratio == nil || !twin.Ratio.Bounded()) {
			return false
		}
	}
	return true
}
