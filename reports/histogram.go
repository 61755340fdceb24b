package reports

import (
	"cmp"
	"fmt"
	"math"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Fewest latencies that a percentile is read from: with fewer it would be the
// largest one under another name.
const (
	latenciesForP95  = 20
	latenciesForP99  = 100
	latenciesForP999 = 1000
)

// decodeLatency is the block's histogram, nil when its operations have no latency
// of their own.
func decodeLatency(b Block) (*hdr.Histogram, error) {
	if b.Latency == "" {
		return nil, nil
	}
	h, err := hdr.Decode([]byte(b.Latency))
	if err != nil {
		return nil, fmt.Errorf("round %d: latency cannot be read: %w", b.Round, err)
	}
	return h, nil
}

// mergeLatency is all latencies of the blocks in one histogram, nil if none has any.
func mergeLatency(blocks []Block) (*hdr.Histogram, error) {
	var all *hdr.Histogram
	for _, b := range blocks {
		h, err := decodeLatency(b)
		if err != nil {
			return nil, err
		}
		switch {
		case h == nil || h.TotalCount() == 0:
		case all == nil:
			all = h
		default:
			if lost := all.Merge(h); lost > 0 {
				return nil, fmt.Errorf("round %d: %d latencies lie beyond what the rounds before can hold (%d ns); record all with the same limits", b.Round, lost, all.HighestTrackableValue())
			}
		}
	}
	return all, nil
}

// percentile is the q-th percentile of h in ns, 0 when h has too few values for it.
func percentile(h *hdr.Histogram, q float64) float64 {
	need := int64(1)
	switch {
	case q > 99:
		need = latenciesForP999
	case q > 95:
		need = latenciesForP99
	case q > 90:
		need = latenciesForP95
	}
	if h == nil || h.TotalCount() < need {
		return 0
	}
	return float64(h.ValueAtPercentile(q))
}

// percentileEstimate is the q-th percentile with the 95 % interval that the order
// statistics give (normal approximation of the binomial). It takes latencies as
// independent, which neighbours in time are not: the true interval is wider.
func percentileEstimate(h *hdr.Histogram, q float64) Estimate {
	p := percentile(h, q)
	if p == 0 {
		return Estimate{}
	}
	n := float64(h.TotalCount())
	spread := 1.96 * math.Sqrt(n*q/100*(1-q/100))
	lo, hi := n*q/100-spread, n*q/100+spread
	if lo < 1 || hi+1 > n {
		return unbounded(p)
	}
	at := func(rank float64) float64 { return float64(h.ValueAtPercentile(100 * rank / n)) }
	return Estimate{p, at(lo), at(math.Ceil(hi))}
}

// untold warns of blocks whose latencies did not stand, and says why the first did not.
func (c *Cell) untold(blocks []Block) {
	n, first := 0, ""
	for _, b := range blocks {
		if b.Untold != "" {
			n, first = n+1, cmp.Or(first, b.Untold)
		}
	}
	if n > 0 {
		c.warn(fmt.Sprintf("the latency of %d of %d rounds is void (%s)", n, len(blocks), first))
	}
}
