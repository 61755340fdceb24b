package scenarios

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// newTimes is a histogram of times of up to a minute, to three digits.
func newTimes() *hdrhistogram.Histogram { return hdrhistogram.New(1, int64(time.Minute), 3) }

// note takes a time down; what is longer than a minute counts as a minute.
func note(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(int64(min(max(d, 1), time.Minute))) // in range: cannot fail
}

// tellAll tells every value of a histogram, to its three digits.
func tellAll(h *hdrhistogram.Histogram, latency func(time.Duration)) {
	for _, bar := range h.Distribution() {
		for range bar.Count {
			latency(max(time.Duration(bar.To), 1))
		}
	}
}
