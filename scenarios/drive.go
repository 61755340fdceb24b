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

// pipelined posts as fast as the style accepts, and settles. Latency counts from
// the post to the report that the effect is durable.
func pipelined(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) error {
	if len(stimuli) == 0 {
		return nil
	}
	r := reports{first: stimuli[0].Seq, posted: make([]time.Time, len(stimuli)), took: make([]time.Duration, len(stimuli))}
	for i := range stimuli {
		r.posted[i] = time.Now()
		if err := p.Post(stimuli[i], r.done); err != nil {
			return err
		}
	}
	if err := p.Settle(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil && r.told != len(stimuli) {
		r.err = fmt.Errorf("%d of %d stimuli were reported done", r.told, len(stimuli))
	}
	for _, took := range r.took {
		latency(took)
	}
	return r.err
}

// reports collects what done tells, on whatever goroutine.
type reports struct {
	first  uint64 // sequence number of the first stimulus
	posted []time.Time
	mu     sync.Mutex
	took   []time.Duration
	told   int
	err    error
}

func (r *reports) done(seq uint64, err error) {
	end := time.Now()
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
