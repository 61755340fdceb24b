package inference

import (
	"fmt"
	"slices"
)

// A Sequential plan is a group-sequential test. It says after how many values to look, and
// which intervals they then have, so that all looks together err at most as often as one look
// would. The looks share the error in equal parts (Lan and DeMets, "Discrete sequential
// boundaries for clinical trials", 1983), and the intervals are repeated confidence intervals
// (Jennison and Turnbull, 1989). The error rate holds whatever the reason to stop at a look,
// lack of time included. What the looks err is added up, as if no two of them erred in the
// same run. So all of them err less often than they may.
//
// A mixture martingale would allow a look after every round, but its intervals are about
// 1.5 times as wide.
type Sequential struct {
	Looks  []int     // numbers of values at which to look, rising
	shares []float64 // of alpha, that may be spent up to each look
	ranks  []int     // rank that bounds the interval at each look; 0: none does
	alpha  float64
	by     statistic
}

// DefaultLooks grow by a factor of about √2, up to 512.
func DefaultLooks() []int {
	return []int{8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512}
}

// NewSequential plans intervals of medians. All looks together err with a probability of at
// most 1 - confidence.
func NewSequential(looks []int, confidence float64) (*Sequential, error) {
	return newSequential(signs, looks, confidence)
}

// NewSequentialPaired plans intervals of values that compare two arms, as Paired does.
func NewSequentialPaired(looks []int, confidence float64) (*Sequential, error) {
	return newSequential(signedRanks, looks, confidence)
}

func newSequential(by statistic, looks []int, confidence float64) (*Sequential, error) {
	alpha := 1 - confidence
	if len(looks) == 0 || looks[0] < 1 || !slices.IsSorted(looks) || len(slices.Compact(slices.Clone(looks))) != len(looks) {
		return nil, fmt.Errorf("looks %v: want rising numbers of values", looks)
	}
	if !(alpha > 0 && alpha < 1) {
		return nil, fmt.Errorf("confidence %v: want a number between 0 and 1", confidence)
	}
	p := &Sequential{Looks: slices.Clone(looks), alpha: alpha, by: by}
	for j := range looks {
		p.shares = append(p.shares, alpha*float64(j+1)/float64(len(looks)))
	}
	p.bound()
	return p, nil
}

// EndingAt is the same plan if there will be only n values, because the time is up. Looks
// before n stay as they were. The look at n spends all of the error rate that is left, so
// nothing measured is thrown away. n must not depend on the values.
func (p *Sequential) EndingAt(n int) *Sequential {
	end := &Sequential{alpha: p.alpha, by: p.by}
	for j, at := range p.Looks {
		if at < n {
			end.Looks, end.shares = append(end.Looks, at), append(end.shares, p.shares[j])
		}
	}
	end.Looks, end.shares = append(end.Looks, n), append(end.shares, p.alpha)
	end.bound()
	return end
}

// bound computes the rank at each look from the error rate that may be spent by then.
func (p *Sequential) bound() {
	spent := 0.0
	for j, n := range p.Looks {
		r := p.by.rank(n, (p.shares[j]-spent)/2)
		if r > 0 {
			spent += 2 * p.by.cdf(n)(r-1)
		}
		p.ranks = append(p.ranks, r)
	}
}

// Interval is the interval at the newest look. It uses only the first values, as many as
// that look has; Interval.N is their number. Before the first look, and at looks without a
// bound, the ends are infinite.
func (p *Sequential) Interval(values []float64) (Interval, error) {
	look := p.newest(len(values))
	if look < 0 {
		s, err := sorted(values)
		if err != nil {
			return Interval{}, err
		}
		return p.by.between(s, 0), nil
	}
	s, err := sorted(values[:p.Looks[look]])
	if err != nil {
		return Interval{}, err
	}
	return p.by.between(s, p.ranks[look]), nil
}

// newest is the index of the last look at n values or fewer, -1 before the first.
func (p *Sequential) newest(n int) int {
	look := -1
	for j, at := range p.Looks {
		if at <= n {
			look = j
		}
	}
	return look
}

// Due reports whether there is a look at n values.
func (p *Sequential) Due(n int) bool { return slices.Contains(p.Looks, n) }

// Last is the number of values after which there is no further look.
func (p *Sequential) Last() int { return p.Looks[len(p.Looks)-1] }
