package scenarios

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"rubato/player"
)

// closedLoop keeps one stimulus under way. The end of one is the start of the
// next, so that the clock is read once a stimulus.
func closedLoop(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) error {
	start := time.Now()
	for i := range stimuli {
		if err := p.Do(stimuli[i]); err != nil {
			return err
		}
		end := time.Now()
		latency(end.Sub(start))
		start = end
	}
	return nil
}

// timedAlone is how many operations there are to one that has a latency of its own,
// where reading the clock would take as long as some of them.
const timedAlone = 16

// closedSampled is closedLoop for what takes less than some 10 µs.
func closedSampled(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) error {
	return sampled(len(stimuli), func(i int) error { return p.Do(stimuli[i]) }, latency)
}

// sampled does one operation after the other.
func sampled(n int, do func(i int) error, latency func(time.Duration)) error {
	for i := range n {
		if i%timedAlone != 0 {
			if err := do(i); err != nil {
				return err
			}
			continue
		}
		start := time.Now()
		if err := do(i); err != nil {
			return err
		}
		latency(time.Since(start))
	}
	return nil
}

// pipelined posts as fast as the style accepts, and settles. Latency counts from
// the post to the report that the effect is durable.
func pipelined(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) error {
	if len(stimuli) == 0 {
		return nil
	}
	r := newReports(stimuli)
	for i := range stimuli {
		r.posted[i] = time.Now()
		if err := p.Post(stimuli[i], r.done); err != nil {
			return err
		}
	}
	if err := p.Settle(); err != nil {
		return err
	}
	return r.tell(latency)
}

// reports collects what done tells, on whatever goroutine.
type reports struct {
	first  uint64      // sequence number of the first stimulus
	posted []time.Time // or when they should have been
	now    func() time.Time
	mu     sync.Mutex
	took   []time.Duration
	told   int
	err    error
}

func newReports(stimuli []player.Stimulus) *reports {
	return &reports{first: stimuli[0].Seq, now: time.Now, posted: make([]time.Time, len(stimuli)), took: make([]time.Duration, len(stimuli))}
}

// tell passes on every latency, once all is settled.
func (r *reports) tell(latency func(time.Duration)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil && r.told != len(r.took) {
		r.err = fmt.Errorf("%d of %d stimuli were reported done", r.told, len(r.took))
	}
	for _, took := range r.took {
		latency(took)
	}
	return r.err
}

func (r *reports) done(seq uint64, err error) {
	end := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	i := seq - r.first
	if i >= uint64(len(r.took)) || r.took[i] != 0 {
		r.err = cmp.Or(r.err, fmt.Errorf("stimulus %d was reported done twice, or is none of these", seq))
		return
	}
	r.took[i] = max(end.Sub(r.posted[i]), 1)
	r.told++
	r.err = cmp.Or(r.err, err)
}
