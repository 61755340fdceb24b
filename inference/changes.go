package inference

import (
	"math"
	"math/rand/v2"
	"slices"
)

// A ChangePoint is where a history changes its level: At is the index of the first value after
// it, P the p-value of the permutation test.
type ChangePoint struct {
	At int
	P  float64
}

// FewestAround is how many values a segment between two change points has at least.
const FewestAround = 3

// ChangePoints finds where values, in the order of time, change their distribution. It is
// E-divisive with means (Matteson and James, "A nonparametric approach for multiple change point
// analysis of multivariate data", Journal of the American Statistical Association, 2014), as
// MongoDB uses it for its own histories (Daly and others, ICPE 2020): the split with the largest
// energy distance between its sides counts if few permutations within the segments have a larger
// one; then the search goes on in the segments, and ends at the first split that does not count.
//
// A history without a change has one with a probability of at most risk, if its values are
// independent. Values that follow each other, such as those of a machine that is slow for days,
// are taken for changes. The seed makes the answer repeatable.
func ChangePoints(values []float64, risk float64, seed uint64) ([]ChangePoint, error) {
	if _, err := sorted(values); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(seed, uint64(len(values))))
	permutations := max(999, int(math.Ceil(20/risk))-1)
	s := segments{values: values, ends: []int{0, len(values)}}
	var found []ChangePoint
	for {
		at, distance := s.widest(s.values)
		if at < 0 || distance <= 0 {
			break
		}
		p := s.significance(distance, risk, permutations, random)
		if p > risk {
			break
		}
		found = append(found, ChangePoint{at, p})
		s.ends = append(s.ends, at)
		slices.Sort(s.ends)
	}
	slices.SortFunc(found, func(a, b ChangePoint) int { return a.At - b.At })
	return found, nil
}

// segments are the parts of a history between its change points.
type segments struct {
	values []float64
	ends   []int // of the segments, sorted, with 0 and the number of values
}

// widest is the split of any segment with the largest energy distance; -1 if all are too short.
func (s segments) widest(values []float64) (at int, distance float64) {
	at = -1
	for i, begin := range s.ends[:len(s.ends)-1] {
		split, d := energySplit(values[begin:s.ends[i+1]])
		if split >= 0 && (at < 0 || d > distance) {
			at, distance = begin+split, d
		}
	}
	return at, distance
}

// energySplit is the split of a segment with the largest energy distance between its sides,
// scaled by their sizes. Moving one value from right to left changes the three sums of distances
// by its distances to both sides.
func energySplit(values []float64) (at int, distance float64) {
	n := len(values)
	if n < 2*FewestAround {
		return -1, 0
	}
	var left, right, total float64
	for i, v := range values {
		for _, w := range values[:i] {
			total += math.Abs(v - w)
		}
	}
	right, at, distance = total, -1, math.Inf(-1)
	for i, v := range values {
		for _, w := range values[:i] {
			left += math.Abs(v - w)
		}
		for _, w := range values[i+1:] {
			right -= math.Abs(v - w)
		}
		l, r := float64(i+1), float64(n-i-1)
		if i+1 < FewestAround || n-i-1 < FewestAround {
			continue
		}
		d := l * r / (l + r) * (2*(total-left-right)/(l*r) - 2*left/(l*(l-1)) - 2*right/(r*(r-1)))
		if d > distance {
			at, distance = i+1, d
		}
	}
	return at, distance
}

// significance is the share of permutations within the segments whose widest split is as wide, the
// values as they are counted in. It stops when it must exceed risk.
func (s segments) significance(distance, risk float64, permutations int, random *rand.Rand) float64 {
	shuffled, hits := slices.Clone(s.values), 1
	for range permutations {
		for i, begin := range s.ends[:len(s.ends)-1] {
			segment := shuffled[begin:s.ends[i+1]]
			random.Shuffle(len(segment), func(a, b int) { segment[a], segment[b] = segment[b], segment[a] })
		}
		if _, d := s.widest(shuffled); d >= distance*(1-1e-9) {
			if hits++; float64(hits) > risk*float64(permutations+1) {
				break
			}
		}
	}
	return float64(hits) / float64(permutations+1)
}
