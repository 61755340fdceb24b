// Package inference computes intervals, when a run has enough trials, verdicts, the
// adjustment for many rows, and the smallest effect that a run can find. It assumes no
// distribution.
//
// It is pure arithmetic on float64 and knows no clock, benchmark or player. reports, runner
// and ci use it. An interval of a median is between order statistics: whatever the distribution
// is, the number of values below the true median is binomial with p = ½. An interval of what
// compares two arms is between Walsh averages, whose number below the true middle has the
// distribution of Wilcoxon's signed ranks if the values lie symmetrically around it. The
// error rates of both are exact for independent trials.
package inference

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Confidence is the confidence of intervals that do not name another.
const Confidence = 0.95

// An Interval is the middle of N values, which is their median or that of their Walsh
// averages, and the interval of the true middle. An end that the values do not bound is
// infinite.
type Interval struct {
	Median, Lo, Hi float64
	N              int
}

// Bounded reports whether there were enough values for both ends.
func (i Interval) Bounded() bool { return !math.IsInf(i.Lo, 0) && !math.IsInf(i.Hi, 0) }

// ErrNoValues means that there is nothing to estimate from.
var ErrNoValues = errors.New("no values")

// sorted checks and sorts a copy.
func sorted(values []float64) ([]float64, error) {
	if len(values) == 0 {
		return nil, ErrNoValues
	}
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("value %d of %d is %v", i+1, len(values), v)
		}
	}
	s := slices.Clone(values)
	slices.Sort(s)
	return s, nil
}

func middle(s []float64) float64 {
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// SignP are the two one-sided p-values of the sign test: below is small if the median lies
// below limit, above is small if it lies above. Values equal to limit do not count.
func SignP(values []float64, limit float64) (below, above float64) {
	low, high := 0, 0
	for _, v := range values {
		switch {
		case v < limit:
			low++
		case v > limit:
			high++
		}
	}
	if low+high == 0 {
		return 1, 1
	}
	return coins(low+high, high), coins(low+high, low)
}

// differences are all after - before, in order. They are not stored: two samples of 500
// values have a quarter of a million.
type differences struct {
	before, after []float64 // sorted
	pairs         int
}

func newDifferences(before, after []float64) (differences, error) {
	b, err := sorted(before)
	if err != nil {
		return differences{}, err
	}
	a, err := sorted(after)
	return differences{b, a, len(b) * len(a)}, err
}

// count is how many differences are at most v. A larger value of before admits more values
// of after, so one pass over both is enough.
func (d differences) count(v float64) int {
	n, j := 0, 0
	for _, b := range d.before {
		for j < len(d.after) && d.after[j]-b <= v {
			j++
		}
		n += j
	}
	return n
}

// at is the k-th smallest difference, from 1: the smallest float for which count is at
// least k.
func (d differences) at(k int) float64 {
	return bisect(d.after[0]-d.before[len(d.before)-1], d.after[len(d.after)-1]-d.before[0],
		func(v float64) bool { return d.count(v) >= k })
}

// bisect is the smallest float from low to high of which enough is true, as it is of all above
// that one. It bisects the ordered floats, not the distance, so the result is exact.
func bisect(low, high float64, enough func(float64) bool) float64 {
	from, to := place(low), place(high)
	for from < to {
		middle := from + (to-from)/2
		if enough(number(middle)) {
			to = middle
		} else {
			from = middle + 1
		}
	}
	return number(from)
}

// place is the position of a float in the order of all floats. number is the reverse.
func place(v float64) uint64 {
	bits := math.Float64bits(v + 0) // -0 and 0 are one number
	if bits>>63 == 1 {
		return ^bits
	}
	return bits | 1<<63
}

func number(place uint64) float64 {
	if place>>63 == 1 {
		return math.Float64frombits(place &^ (1 << 63))
	}
	return math.Float64frombits(^place)
}

// exactPairs is the largest number of differences whose probabilities are counted exactly.
// Beyond it, the normal approximation with continuity correction is as good.
const exactPairs = 400

// Shift is how far after lies above before, for samples that are not paired, such as the
// rounds of two runs. The median is that of all differences (Hodges and Lehmann, "Estimates
// of location based on rank tests", 1963). The ends are two of those differences, found
// with the Mann-Whitney distribution (Moses; Conover, Practical Nonparametric Statistics,
// 5.4). It assumes that both have one distribution, shifted. Interval.N is the size of the
// smaller sample.
func Shift(before, after []float64, confidence float64) (Interval, error) {
	d, err := newDifferences(before, after)
	if err != nil {
		return Interval{}, err
	}
	cdf, tail := mannWhitney(len(before), len(after)), (1-confidence)/2
	r, high := 0, d.pairs/2
	for r < high { // the largest r with P(U < r) at most tail
		if middle := (r + high + 1) / 2; cdf(middle-1) <= tail {
			r = middle
		} else {
			high = middle - 1
		}
	}
	median := (d.at((d.pairs+1)/2) + d.at(d.pairs/2+1)) / 2
	i := Interval{Median: median, Lo: math.Inf(-1), Hi: math.Inf(1), N: min(len(before), len(after))}
	if r > 0 {
		i.Lo, i.Hi = d.at(r), d.at(d.pairs+1-r)
	}
	return i, nil
}

// ShiftP are the one-sided p-values of the shift: below is small if it lies below limit,
// above is small if it lies above. They agree with Shift: above is at most
// (1 - confidence)/2 exactly when the lower end of Shift lies above limit. Differences equal
// to limit count against both.
func ShiftP(before, after []float64, limit float64) (below, above float64, err error) {
	d, err := newDifferences(before, after)
	if err != nil {
		return 1, 1, err
	}
	cdf := mannWhitney(len(before), len(after))
	return cdf(d.pairs - d.count(math.Nextafter(limit, math.Inf(-1)))), cdf(d.count(limit)), nil
}

// mannWhitney is the probability that at most u of the m·n differences between two
// samples of one distribution lie on one side of 0.
func mannWhitney(m, n int) func(u int) float64 {
	if m*n > exactPairs {
		pairs := float64(m) * float64(n)
		return func(u int) float64 { return normal(float64(u)+0.5, pairs/2, math.Sqrt(pairs*float64(m+n+1)/12)) }
	}
	p := countPairs(m, n)
	for u := 1; u < len(p); u++ {
		p[u] += p[u-1]
	}
	return func(u int) float64 { return min(1, p[min(u, len(p)-1)]) }
}

// countPairs is the probability of each number of differences above 0. It distinguishes
// whether the largest of all m+n values is in the first sample, which adds n differences, or
// in the second (Mann and Whitney, "On a test of whether one of two random variables is
// stochastically larger than the other", 1947).
func countPairs(m, n int) []float64 {
	row := make([][]float64, n+1) // for i values of the first sample, by number of values of the second
	for j := range row {
		row[j] = []float64{1}
	}
	for i := 1; i <= m; i++ {
		row[0] = []float64{1}
		for j := 1; j <= n; j++ {
			next := make([]float64, i*j+1)
			for u, q := range row[j] { // the largest is in the first
				next[u+j] += q * float64(i) / float64(i+j)
			}
			for u, q := range row[j-1] {
				next[u] += q * float64(j) / float64(i+j)
			}
			row[j] = next
		}
	}
	return row[n]
}
