package openloop

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Completions collects from any goroutine when operations are done.
type Completions struct {
	first    uint64      // number of the first operation
	Posted   []time.Time // or intended
	now      func() time.Time
	mu       sync.Mutex
	Took     []time.Duration
	reported int
	err      error
}

// NewCompletions is for n operations with numbers from first on.
func NewCompletions(first uint64, n int) *Completions {
	return &Completions{first: first, now: time.Now, Posted: make([]time.Time, n), Took: make([]time.Duration, n)}
}

// Tell reports all latencies. Call it once everything is settled.
func (r *Completions) Tell(latency func(time.Duration)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil && r.reported != len(r.Took) {
		r.err = fmt.Errorf("%d of %d operations were reported done", r.reported, len(r.Took))
	}
	for _, took := range r.Took {
		latency(took)
	}
	return r.err
}

// Done records that the operation with this number is done, or has failed.
func (r *Completions) Done(number uint64, err error) {
	end := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	i := number - r.first
	if i >= uint64(len(r.Took)) || r.Took[i] != 0 {
		r.err = cmp.Or(r.err, fmt.Errorf("operation %d was reported done twice, or was not posted here", number))
		return
	}
	r.Took[i] = max(end.Sub(r.Posted[i]), 1)
	r.reported++
	r.err = cmp.Or(r.err, err)
}

// Percentile uses the nearest rank. It needs at least one value.
func Percentile(of []time.Duration, q int) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return float64(sorted[max(0, (len(sorted)*q+99)/100-1)])
}
