package inference

import "math"

// differences are all of one sample less another, in order, without being written
// down: of five hundred values a side there are a quarter of a million.
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

// count is how many differences are at most v. The larger the value of before, the
// more values of after are that near or nearer, so one walk along both will do.
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

// at is the k-th difference, from 1: the smallest number of which count is k or more,
// found by halving the floats there are, not the distance, so that it is exact.
func (d differences) at(k int) float64 {
	low := place(d.after[0] - d.before[len(d.before)-1])
	high := place(d.after[len(d.after)-1] - d.before[0])
	for low < high {
		middle := low + (high-low)/2
		if d.count(number(middle)) >= k {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return number(low)
}

// place is where a float stands in the order of all of them, and number the reverse.
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
