package inference

import (
	"math/rand/v2"
)

// UnpairedRates are how often comparisons of two runs ended in which way. The runs
// are of one program, unless a shift is planted in the second.
type UnpairedRates struct {
	TypeI    Rate // the interval of the change of a ratio leaves out that there is none
	Over     Rate // a ratio is judged worse by more than the margin
	Absolute Rate // the interval of the change of an arm's own time leaves out that there is none
	Coverage Rate // the interval of a planted change of a ratio holds it
	Found    Rate // a planted change is judged worse by more than the margin
	Decided  Rate // TypeI of runs that each stopped when they knew that their slowed arm was slower
}

// SimulateUnpaired compares pairs of runs, each of so many rounds and under its own
// noise, which it met anew. margin and shift are log-ratios.
func SimulateUnpaired(n [2]Noise, seed uint64, trials int, rounds [2]int, margin, shift float64) (UnpairedRates, error) {
	random, rates := rand.New(rand.NewPCG(seed, uint64(rounds[0]<<16+rounds[1]))), UnpairedRates{}
	peeking, err := NewPeeking(DefaultLooks(), Confidence)
	if err != nil {
		return rates, err
	}
	for range trials {
		before, after := n[0].Trial(random, rounds[0], shift), n[1].Trial(random, rounds[1], shift)
		if err := rates.add(before, after, margin); err != nil {
			return rates, err
		}
		if err := rates.addDecided(n, random, peeking, shift); err != nil {
			return rates, err
		}
	}
	return rates, nil
}

func (r *UnpairedRates) add(before, after Trial, margin float64) error {
	twins, err := Shift(Ratios(before.Twin, before.Arm), Ratios(after.Twin, after.Arm), Confidence)
	if err != nil {
		return err
	}
	alone, err := Shift(before.Arm, after.Arm, Confidence)
	if err != nil {
		return err
	}
	slowed, err := Shift(Ratios(before.Twin, before.Arm), Ratios(after.Slow, after.Arm), Confidence)
	if err != nil {
		return err
	}
	r.TypeI.Count(leavesOut(twins, 0))
	r.Over.Count(AgainstLimit(twins, margin) == Over)
	r.Absolute.Count(leavesOut(alone, 0))
	r.Coverage.Count(!leavesOut(slowed, after.Shift))
	r.Found.Count(AgainstLimit(slowed, margin) == Over)
	return nil
}

// addDecided compares two runs that each looked at their rounds and stopped at will.
func (r *UnpairedRates) addDecided(n [2]Noise, random *rand.Rand, p *Peeking, shift float64) error {
	var sides [2][]float64
	const rounds = 32 // as far as such a run may go here
	for i := range sides {
		slow := n[i].Trial(random, rounds, shift)
		ratios := Ratios(slow.Slow, slow.Arm)
		_, seen, err := p.Decide(ratios, func(i Interval) Verdict { return AgainstNone(i, 0, 0) })
		if err != nil {
			return err
		}
		sides[i] = ratios[:seen]
	}
	i, err := Shift(sides[0], sides[1], Confidence)
	r.Decided.Count(leavesOut(i, 0))
	return err
}

func leavesOut(i Interval, value float64) bool { return i.Lo > value || i.Hi < value }
