package inference

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// exactPairs is up to how many differences the probabilities are counted exactly;
// beyond, the normal approximation with continuity correction is as good.
const exactPairs = 400

// Shift is by how much values of after lie above those of before, where no value of
// one has a partner in the other, such as the rounds of two runs. The median is that
// of all differences (Hodges and Lehmann, "Estimates of location based on rank
// tests", 1963); the ends are two of those differences in order, found from the
// Mann-Whitney distribution (Moses; Conover, Practical Nonparametric Statistics, 5.4).
// It takes both to be of one shape, shifted. Interval.N counts the smaller side.
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

// ShiftP is the one-sided p-values of a shift of at least limit, which is small when
// it lies below, and of one of at most limit, which is small when it lies above. They
// agree with Shift: above is at most half of what its confidence leaves exactly when
// its lower end lies above limit. Differences equal to the limit count against both.
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
		normal := distuv.Normal{Mu: pairs / 2, Sigma: math.Sqrt(pairs * float64(m+n+1) / 12)}
		return func(u int) float64 { return normal.CDF(float64(u) + 0.5) }
	}
	p := countPairs(m, n)
	for u := 1; u < len(p); u++ {
		p[u] += p[u-1]
	}
	return func(u int) float64 { return min(1, p[min(u, len(p)-1)]) }
}

// countPairs is the probability of each number of differences above 0: the largest of
// all m+n values is of the first sample, with n differences, or of the second (Mann and
// Whitney, "On a test of whether one of two random variables is stochastically larger
// than the other", 1947).
func countPairs(m, n int) []float64 {
	row := make([][]float64, n+1) // of i values of the first, by number of the second
	for j := range row {
		row[j] = []float64{1}
	}
	for i := 1; i <= m; i++ {
		row[0] = []float64{1}
		for j := 1; j <= n; j++ {
			next := make([]float64, i*j+1)
			for u, q := range row[j] { // the largest is of the first
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
