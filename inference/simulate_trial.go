package inference

import (
	"fmt"

	"golang.org/x/perf/benchmath"
)

// A Trial is a short run of which the answer is known: an arm, its twin, which is the
// same code, and the arm slowed down by a known amount. All values are logarithms of
// the time per operation, one a round.
type Trial struct {
	Arm, Twin, Slow []float64
	Shift           float64 // log-ratio of Slow to Arm as it was planted
}

// Ratios are the log-ratios of one series to another, round by round.
func Ratios(of, to []float64) []float64 {
	out := make([]float64, min(len(of), len(to)))
	for i := range out {
		out[i] = of[i] - to[i]
	}
	return out
}

// Rates are how often trials ended in which way. With Fixed at Confidence the first
// should be at most 5 %, Coverage at least 95 %.
type Rates struct {
	TypeI    Rate // the twin's interval leaves out that there is no difference
	Over     Rate // the twin is judged over the limit
	Coverage Rate // the slowed arm's interval holds the shift
	Found    Rate // the slowed arm's interval lies above no difference
	InTurn   Rate // the same rounds as if one arm had been measured after the other: a difference is found
}

// Add judges a trial; limit is what the twin must not be over, as a log-ratio.
func (r *Rates) Add(t Trial, limit float64) error {
	if len(t.Arm) != len(t.Twin) || len(t.Arm) != len(t.Slow) {
		return fmt.Errorf("rounds of arm, twin and slowed arm are %d, %d and %d: want equal numbers", len(t.Arm), len(t.Twin), len(t.Slow))
	}
	twin, err := Fixed(Ratios(t.Twin, t.Arm), Confidence)
	if err != nil {
		return err
	}
	slow, err := Fixed(Ratios(t.Slow, t.Arm), Confidence)
	if err != nil {
		return err
	}
	r.TypeI.Count(twin.Lo > 0 || twin.Hi < 0)
	r.Over.Count(AgainstLimit(twin, limit) == Over)
	r.Coverage.Count(slow.Lo <= t.Shift && t.Shift <= slow.Hi)
	r.Found.Count(slow.Lo > 0)
	r.InTurn.Count(t.differInTurn())
	return nil
}

// And is the rates of both lots of trials together.
func (r Rates) And(more Rates) Rates {
	return Rates{TypeI: r.TypeI.And(more.TypeI), Over: r.Over.And(more.Over), Coverage: r.Coverage.And(more.Coverage),
		Found: r.Found.And(more.Found), InTurn: r.InTurn.And(more.InTurn)}
}

// differInTurn compares as many a benchmark does: one arm first, from the first half
// of the rounds, then its twin, from the second, unpaired (Mann and Whitney). Nothing
// but the order differs from how the trial was measured.
func (t Trial) differInTurn() bool {
	half := len(t.Arm) / 2
	first := benchmath.NewSample(append([]float64{}, t.Arm[:half]...), &benchmath.DefaultThresholds)
	second := benchmath.NewSample(append([]float64{}, t.Twin[len(t.Twin)-half:]...), &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Compare(first, second).P < 1-Confidence
}

// Decide goes through growing values as a run does that stops when it knows: to the
// first look at which judge is certain. It gives the verdict and the number of values
// seen by then; Inconclusive and all of them when none is.
func (p *Peeking) Decide(values []float64, judge func(Interval) Verdict) (Verdict, int, error) {
	for _, look := range p.Looks {
		if look > len(values) {
			break
		}
		i, err := p.Interval(values[:look])
		if err != nil {
			return Inconclusive, look, err
		}
		if v := judge(i); v != Inconclusive {
			return v, look, nil
		}
	}
	return Inconclusive, len(values), nil
}
