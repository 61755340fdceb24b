package inference

import (
	"math"
	"math/rand/v2"
)

// A Noise is a kind of disturbance, for trials that would take too long on a machine.
// It is not a model of one: each kind is what breaks a method that relies on its
// absence.
type Noise struct {
	Name string
	Doc  string
	// blocks gives the logarithm of each next block's time, whichever arm it is of.
	blocks func(*rand.Rand) func() float64
}

// Noises are the kinds that trials are simulated under.
func Noises() []Noise {
	return []Noise{
		{"normal", "independent, normal, 2 %", func(r *rand.Rand) func() float64 {
			return func() float64 { return 0.02 * r.NormFloat64() }
		}},
		{"heavy tails", "independent, Student's t with 2 degrees, which has no variance", heavy},
		{"autocorrelated", "each block remembers 95 % of the one before", autocorrelated},
		{"on/off hog", "a neighbour that takes half of the CPU for 10 blocks in the mean, and then none", onOff},
		{"drift", "each block 0.1 % slower than the one before, and 2 % of normal noise", drift},
		{"stalls", "2 % of blocks take up to 50 times as long", stalls},
	}
}

func heavy(r *rand.Rand) func() float64 {
	return func() float64 { return 0.02 * r.NormFloat64() / math.Sqrt(r.ExpFloat64()) }
}

func autocorrelated(r *rand.Rand) func() float64 {
	const memory, deviation = 0.95, 0.05
	now := deviation * r.NormFloat64()
	return func() float64 {
		now = memory*now + math.Sqrt(1-memory*memory)*deviation*r.NormFloat64()
		return now
	}
}

func onOff(r *rand.Rand) func() float64 {
	on := r.IntN(2) == 0
	return func() float64 {
		if r.IntN(10) == 0 {
			on = !on
		}
		if on {
			return math.Log(2) + 0.1*r.NormFloat64()
		}
		return 0.02 * r.NormFloat64()
	}
}

func drift(r *rand.Rand) func() float64 {
	now := 0.0
	return func() float64 {
		now += 0.001
		return now + 0.02*r.NormFloat64()
	}
}

func stalls(r *rand.Rand) func() float64 {
	return func() float64 {
		noise := 0.02 * r.NormFloat64()
		if r.IntN(50) == 0 {
			noise += r.Float64() * math.Log(50)
		}
		return noise
	}
}

// Trial draws one of so many rounds: three arms in random order in each, the third
// slowed down by shift.
func (n Noise) Trial(r *rand.Rand, rounds int, shift float64) Trial {
	t := Trial{Arm: make([]float64, rounds), Twin: make([]float64, rounds), Slow: make([]float64, rounds), Shift: shift}
	arms, next := [][]float64{t.Arm, t.Twin, t.Slow}, n.blocks(r)
	for round := range rounds {
		for _, arm := range r.Perm(len(arms)) {
			arms[arm][round] = next()
		}
		t.Slow[round] += shift
	}
	return t
}

// Simulate judges trials drawn from a seed.
func Simulate(n Noise, seed uint64, trials, rounds int, shift, limit float64) (Rates, error) {
	r, rates := rand.New(rand.NewPCG(seed, uint64(rounds))), Rates{}
	for range trials {
		if err := rates.Add(n.Trial(r, rounds, shift), limit); err != nil {
			return rates, err
		}
	}
	return rates, nil
}

// SimulateDecided judges runs that stop when they know: how often a twin is called
// slower or faster at any look, and how often a slowed arm is found, with the rounds
// that it took.
func SimulateDecided(n Noise, seed uint64, trials int, p *Peeking, shift float64) (wrong, found Rate, rounds []int, err error) {
	r := rand.New(rand.NewPCG(seed, 2))
	changed := func(i Interval) Verdict { return AgainstNone(i, 0, 0) }
	for range trials {
		t := n.Trial(r, p.Last(), shift)
		verdict, _, err := p.Decide(Ratios(t.Twin, t.Arm), changed)
		if err != nil {
			return wrong, found, rounds, err
		}
		wrong.Count(verdict != Inconclusive)
		verdict, seen, err := p.Decide(Ratios(t.Slow, t.Arm), changed)
		if err != nil {
			return wrong, found, rounds, err
		}
		found.Count(verdict == Over)
		rounds = append(rounds, seen)
	}
	return wrong, found, rounds, nil
}
