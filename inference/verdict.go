package inference

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// A Verdict is what an interval shows.
type Verdict string

// The four verdicts. They depend on the whole interval, not on its median.
const (
	Within       Verdict = "within"       // all of it is at or below the limit
	Over         Verdict = "over"         // all of it is above the limit
	Equivalent   Verdict = "equivalent"   // all of it is within the margin around no change
	Inconclusive Verdict = "inconclusive" // none of these
)

// AgainstLimit judges an interval that must not exceed a limit.
func AgainstLimit(i Interval, limit float64) Verdict {
	switch {
	case i.Lo > limit:
		return Over
	case i.Hi <= limit:
		return Within
	}
	return Inconclusive
}

// AgainstNone judges whether there is a change from the value none: Over if the whole
// interval is above none, Within if it is below, Equivalent if it is within margin of none
// on both sides.
func AgainstNone(i Interval, none, margin float64) Verdict {
	switch {
	case i.Lo >= none-margin && i.Hi <= none+margin:
		return Equivalent
	case i.Lo > none:
		return Over
	case i.Hi < none:
		return Within
	}
	return Inconclusive
}

// Holm adjusts the p-values of many rows to one error rate: a row is significant if its
// adjusted value is at most that rate (Holm, "A simple sequentially rejective multiple test
// procedure", 1979). The order is that of ps.
func Holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	adjusted, highest := make([]float64, len(ps)), 0.0
	for rank, i := range order {
		highest = max(highest, min(1, ps[i]*float64(len(ps)-rank)))
		adjusted[i] = highest
	}
	return adjusted
}

// MinimumDetectable is the smallest shift, as a log-ratio, that rounds as noisy as these
// find with at least this power. aa are the log-ratios of the A/A control to the baseline,
// which are only noise. The result is +Inf if they would not find even a factor of 8.
//
// It draws samples with replacement (Efron's bootstrap) and counts those whose interval,
// after the shift, lies above 0. The seed makes the answer repeatable.
func MinimumDetectable(aa []float64, power float64, seed uint64) (float64, error) {
	return signs.minimumDetectable(aa, signs.rank(len(aa), (1-Confidence)/2), power, seed)
}

// MinimumDetectablePaired is that of Paired.
func MinimumDetectablePaired(aa []float64, power float64, seed uint64) (float64, error) {
	return signedRanks.minimumDetectable(aa, signedRanks.rank(len(aa), (1-Confidence)/2), power, seed)
}

// MinimumDetectable is that of the newest look. A look needs more rounds than an interval
// of a fixed number of rounds. An effect that only an earlier look finds does not count.
func (p *Sequential) MinimumDetectable(aa []float64, power float64, seed uint64) (float64, error) {
	look := p.newest(len(aa))
	if look < 0 {
		return math.Inf(1), nil
	}
	return p.by.minimumDetectable(aa[:p.Looks[look]], p.ranks[look], power, seed)
}

// minimumDetectable takes the rank r that bounds the interval. r = 0 means that none does.
func (t statistic) minimumDetectable(aa []float64, r int, power float64, seed uint64) (float64, error) {
	if _, err := sorted(aa); err != nil {
		return 0, err
	}
	const draws = 400
	found := func(shift float64) bool {
		random, hits, sample := rand.New(rand.NewPCG(seed, 1)), 0, make([]float64, len(aa))
		for range draws {
			for i := range sample {
				sample[i] = aa[random.IntN(len(aa))]
			}
			slices.Sort(sample)
			if t.count(sample, -shift) < r { // then the interval lies above 0
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
