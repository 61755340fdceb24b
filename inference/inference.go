// Package inference decides from paired rounds, without assuming a distribution:
// how a median lies, when enough rounds have been seen, what a verdict is, which of
// many rows stand, and how small an effect a run could have found.
//
// It is pure arithmetic on float64. It knows no clock, no benchmark and no player;
// reports, runner and ci stand on it. Every interval is between order statistics:
// the number of values below the true median is binomial with p = ½ whatever the
// distribution is, so the error rates are exact for independent rounds.
package inference

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Confidence is what intervals are at, unless they say otherwise.
const Confidence = 0.95

// An Interval is a median of N values and where the true one lies. An end that the
// values do not bound is infinite.
type Interval struct {
	Median, Lo, Hi float64
	N              int
}

// Bounded tells whether there were values enough for both ends.
func (i Interval) Bounded() bool { return !math.IsInf(i.Lo, 0) && !math.IsInf(i.Hi, 0) }

// ErrNoValues says that there is nothing to estimate from.
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

// between is the interval from the r-th value to the r-th last of a sorted sample; r
// of 0 bounds nothing.
func between(s []float64, r int) Interval {
	i := Interval{Median: middle(s), Lo: math.Inf(-1), Hi: math.Inf(1), N: len(s)}
	if r > 0 {
		i.Lo, i.Hi = s[r-1], s[len(s)-r]
	}
	return i
}

func middle(s []float64) float64 {
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}
