package results

import (
	"encoding/json"
	"fmt"
	"math"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Bounded reports whether there were enough rounds for an interval.
func (e Estimate) Bounded() bool {
	return !math.IsInf(e.Lo, 0) && !math.IsInf(e.Hi, 0)
}

// Mapped applies a rising function to each figure of e.
func (e Estimate) Mapped(f func(float64) float64) Estimate {
	if !e.Bounded() {
		return Unbounded(f(e.Median))
	}
	return Estimate{f(e.Median), f(e.Lo), f(e.Hi)}
}

// Unbounded is a median without an interval.
func Unbounded(median float64) Estimate {
	return Estimate{median, math.Inf(-1), math.Inf(1)}
}

type wireEstimate struct {
	Median float64  `json:"median"`
	Lo     *float64 `json:"lo"`
	Hi     *float64 `json:"hi"`
}

// MarshalJSON writes an end that does not exist as null: JSON has no infinity.
func (e Estimate) MarshalJSON() ([]byte, error) {
	w := wireEstimate{Median: e.Median}
	if e.Bounded() {
		w.Lo, w.Hi = &e.Lo, &e.Hi
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads null, or a missing field, as an end that does not exist.
func (e *Estimate) UnmarshalJSON(data []byte) error {
	var w wireEstimate
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("estimate: %w", err)
	}
	if *e = Unbounded(w.Median); w.Lo != nil && w.Hi != nil {
		e.Lo, e.Hi = *w.Lo, *w.Hi
	}
	return nil
}

// DecodeLatency is the block's histogram, nil if its operations have no latency of their own.
func DecodeLatency(b Block) (*hdr.Histogram, error) {
	if b.Latency == "" {
		return nil, nil
	}
	h, err := hdr.Decode([]byte(b.Latency))
	if err != nil {
		return nil, fmt.Errorf("round %d: latency cannot be read: %w", b.Round, err)
	}
	return h, nil
}

// MergeLatency is one histogram of all latencies of the blocks, nil if there are none.
func MergeLatency(blocks []Block) (*hdr.Histogram, error) {
	var all *hdr.Histogram
	for _, b := range blocks {
		h, err := DecodeLatency(b)
		if err != nil {
			return nil, err
		}
		switch {
		case h == nil || h.TotalCount() == 0:
		case all == nil:
			all = h
		default:
			if lost := all.Merge(h); lost > 0 {
				return nil, fmt.Errorf("round %d: %d latencies are too large for the histograms of earlier rounds (%d ns); record all with the same limits", b.Round, lost, all.HighestTrackableValue())
			}
		}
	}
	return all, nil
}

// TurnLogs are the log-ratios of the time per operation to the baseline's, by turn of a
// trial.
func (b *Block) TurnLogs(base *Block) []float64 {
	logs := make([]float64, min(len(b.Slices), len(base.Slices)))
	for k := range logs {
		logs[k] = math.Log(max(b.TurnTime(k), math.SmallestNonzeroFloat64) / max(base.TurnTime(k), math.SmallestNonzeroFloat64))
	}
	return logs
}

// TurnTime is the time per operation in a turn, in ns.
func (b *Block) TurnTime(turn int) float64 { return float64(b.Slices[turn]) / float64(b.SliceOps) }
