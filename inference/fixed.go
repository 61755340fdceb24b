package inference

import "gonum.org/v1/gonum/stat/distuv"

// Fixed is the interval of a number of values that was fixed before they were seen,
// at this confidence: between two order statistics, each tail at most half of what
// remains (Conover, Practical Nonparametric Statistics, 3.2).
func Fixed(values []float64, confidence float64) (Interval, error) {
	s, err := sorted(values)
	if err != nil {
		return Interval{}, err
	}
	return between(s, rank(len(s), (1-confidence)/2)), nil
}

// rank is the largest r for which fewer than r of n values lie below the median with
// at most this probability.
func rank(n int, tail float64) int {
	binomial := distuv.Binomial{N: float64(n), P: 0.5}
	r := 0
	for r < n/2 && binomial.CDF(float64(r)) <= tail {
		r++
	}
	return r
}

// SignP is the two-sided p-value of the sign test that the median is at most limit,
// or at least: how surprising so many values on one side would be. Values equal to
// the limit count for neither.
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
	binomial := distuv.Binomial{N: float64(low + high), P: 0.5}
	return binomial.CDF(float64(high)), binomial.CDF(float64(low))
}
