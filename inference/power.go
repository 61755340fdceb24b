package inference

import (
	"math"
	"math/rand/v2"
)

// SmallestEffect is the shift that rounds as noisy as these would have found with at
// least this power: the smallest of a rising series for which that share of redrawn
// samples, shifted by it, has an interval above 0. twin are the log-ratios of an arm
// against its own twin, so that all there is in them is noise. It is +Inf when no
// shift up to a factor of 8 would have been found: the run is blind.
//
// Samples are redrawn with replacement (Efron's bootstrap), from a seed, so that the
// same rounds give the same answer.
func SmallestEffect(twin []float64, power float64, seed uint64) (float64, error) {
	return smallestEffect(twin, rank(len(twin), (1-Confidence)/2), power, seed)
}

// SmallestEffect is that of the newest look, which takes more than as many rounds that
// were fixed beforehand. What an earlier look would have found counts only as far as it
// is found still.
func (p *Peeking) SmallestEffect(twin []float64, power float64, seed uint64) (float64, error) {
	look := p.newest(len(twin))
	if look < 0 {
		return math.Inf(1), nil
	}
	return smallestEffect(twin[:p.Looks[look]], p.ranks[look], power, seed)
}

// smallestEffect is where the r-th value bounds the interval; 0: none does.
func smallestEffect(twin []float64, r int, power float64, seed uint64) (float64, error) {
	if _, err := sorted(twin); err != nil {
		return 0, err
	}
	const draws = 400
	found := func(shift float64) bool {
		random, hits := rand.New(rand.NewPCG(seed, 1)), 0
		for range draws {
			below := 0 // the interval of Fixed is above 0 when fewer than r values are not
			for range twin {
				if twin[random.IntN(len(twin))]+shift <= 0 {
					below++
				}
			}
			if below < r {
				hits++
			}
		}
		return float64(hits) >= power*draws
	}
	most := math.Log(8)
	if !found(most) {
		return math.Inf(1), nil
	}
	low, high := 0.0, most
	for high-low > 0.0005 {
		middle := (low + high) / 2
		if found(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high, nil
}
