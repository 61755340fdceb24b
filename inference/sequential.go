package inference

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// A Peeking plan says when one may look at growing values, and how many of them have
// to lie on one side then, so that all looks together err at most as often as one
// would: a group-sequential sign test with exact boundaries. The error is spent in
// equal parts over the looks (Lan and DeMets, "Discrete sequential boundaries for
// clinical trials", 1983), and the intervals are repeated confidence intervals
// (Jennison and Turnbull, 1989). Stopping at any look, for whatever reason, keeps
// the rate; so does running out of time.
//
// A mixture martingale would allow a look at every round for ever, and pays for it
// with intervals some half as wide again.
type Peeking struct {
	Looks []int // numbers of values at which to look, rising
	ranks []int // order statistic that bounds the interval at each, 0: none does
	alpha float64
}

// DefaultLooks grow by about √2, to 512.
func DefaultLooks() []int {
	return []int{8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512}
}

// NewPeeking works the boundaries out: all looks together err with probability 1 -
// confidence at most.
func NewPeeking(looks []int, confidence float64) (*Peeking, error) {
	alpha := 1 - confidence
	if len(looks) == 0 || looks[0] < 1 || !slices.IsSorted(looks) || len(slices.Compact(slices.Clone(looks))) != len(looks) {
		return nil, fmt.Errorf("looks %v: want rising numbers of values", looks)
	}
	if !(alpha > 0 && alpha < 1) {
		return nil, fmt.Errorf("confidence %v: want a number between 0 and 1", confidence)
	}
	p := &Peeking{Looks: slices.Clone(looks), alpha: alpha}
	alive, spent := []float64{1}, 0.0 // probability of k values below the median, not decided yet
	for j, n := range looks {
		alive = spread(alive, n-(len(alive)-1))
		may := alpha*float64(j+1)/float64(len(looks)) - spent
		r := 0
		for tail := 0.0; r < n/2; r++ {
			if tail += 2 * alive[r]; tail > may {
				break
			}
		}
		for k := range r {
			spent += alive[k] + alive[n-k]
			alive[k], alive[n-k] = 0, 0
		}
		p.ranks = append(p.ranks, r)
	}
	return p, nil
}

// spread adds values, each of which lies below the median with probability ½.
func spread(alive []float64, more int) []float64 {
	binomial := distuv.Binomial{N: float64(more), P: 0.5}
	next := make([]float64, len(alive)+more)
	for add := range more + 1 {
		p := math.Exp(binomial.LogProb(float64(add)))
		for k, q := range alive {
			next[k+add] += p * q
		}
	}
	return next
}

// Interval is what the newest look saw: it uses as many of the values as that, first
// ones first, and says how many. Before the first look, and at looks that bound
// nothing, its ends are infinite.
func (p *Peeking) Interval(values []float64) (Interval, error) {
	look := p.newest(len(values))
	if look < 0 {
		s, err := sorted(values)
		if err != nil {
			return Interval{}, err
		}
		return between(s, 0), nil
	}
	s, err := sorted(values[:p.Looks[look]])
	if err != nil {
		return Interval{}, err
	}
	return between(s, p.ranks[look]), nil
}

// newest is the last look at no more than n values, -1 before the first.
func (p *Peeking) newest(n int) int {
	look := -1
	for j, at := range p.Looks {
		if at <= n {
			look = j
		}
	}
	return look
}

// Due tells whether n values are a look.
func (p *Peeking) Due(n int) bool { return slices.Contains(p.Looks, n) }

// Last is the number of values after which there is no further look.
func (p *Peeking) Last() int { return p.Looks[len(p.Looks)-1] }
