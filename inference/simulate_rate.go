package inference

import (
	"fmt"

	"gonum.org/v1/gonum/stat/distuv"
)

// A Rate is how often something happened in a number of trials.
type Rate struct {
	Hits int `json:"hits"`
	N    int `json:"n"`
}

// Count adds a trial.
func (r *Rate) Count(hit bool) {
	r.N++
	if hit {
		r.Hits++
	}
}

// And is both together.
func (r Rate) And(more Rate) Rate { return Rate{Hits: r.Hits + more.Hits, N: r.N + more.N} }

// Share is the rate seen, 0 of no trials.
func (r Rate) Share() float64 {
	if r.N == 0 {
		return 0
	}
	return float64(r.Hits) / float64(r.N)
}

// Between is where the true rate lies, at Confidence: the exact interval, which no
// number of trials makes too narrow (Clopper and Pearson, "The use of confidence or
// fiducial limits illustrated in the case of the binomial", 1934). Of no trials it is
// 0 to 1.
func (r Rate) Between() (lo, hi float64) {
	const tail = (1 - Confidence) / 2
	lo, hi = 0, 1
	if r.Hits > 0 {
		lo = distuv.Beta{Alpha: float64(r.Hits), Beta: float64(r.N - r.Hits + 1)}.Quantile(tail)
	}
	if r.Hits < r.N {
		hi = distuv.Beta{Alpha: float64(r.Hits + 1), Beta: float64(r.N - r.Hits)}.Quantile(1 - tail)
	}
	return lo, hi
}

// String is the rate in percent, with its interval and what it stands on.
func (r Rate) String() string {
	if r.N == 0 {
		return "not seen"
	}
	lo, hi := r.Between()
	return fmt.Sprintf("%.1f %% [%.1f, %.1f] (%d of %d)", 100*r.Share(), 100*lo, 100*hi, r.Hits, r.N)
}
