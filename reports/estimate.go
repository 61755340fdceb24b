package reports

import (
	"encoding/json"
	"fmt"
	"math"

	"rubato/inference"
)

// Bounded tells whether there were rounds enough for an interval.
func (e Estimate) Bounded() bool {
	return !math.IsInf(e.Lo, 0) && !math.IsInf(e.Hi, 0)
}

// mapped is e with each figure put through a rising function.
func (e Estimate) mapped(f func(float64) float64) Estimate {
	if !e.Bounded() {
		return unbounded(f(e.Median))
	}
	return Estimate{f(e.Median), f(e.Lo), f(e.Hi)}
}

func unbounded(median float64) Estimate {
	return Estimate{median, math.Inf(-1), math.Inf(1)}
}

// estimate is the median of values, of which the number was fixed beforehand, with
// its 95 % interval. Both tails are at most 2.5 %, as a budget is decided by one end
// alone; so A against B is the mirror image of B against A. No value, and one that
// is no number, is an error.
func estimate(values []float64) (Estimate, error) {
	return estimateOf(inference.Fixed(values, inference.Confidence))
}

// roundsForInterval is the fewest values that give an interval.
func roundsForInterval() int {
	for n := 1; ; n++ {
		if e, err := estimate(make([]float64, n)); err == nil && e.Bounded() {
			return n
		}
	}
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

// UnmarshalJSON reads null or nothing as an end that does not exist.
func (e *Estimate) UnmarshalJSON(data []byte) error {
	var w wireEstimate
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("estimate: %w", err)
	}
	if *e = unbounded(w.Median); w.Lo != nil && w.Hi != nil {
		e.Lo, e.Hi = *w.Lo, *w.Hi
	}
	return nil
}
