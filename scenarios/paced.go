package scenarios

import (
	"cmp"
	"fmt"
	"time"

	"rubato/runner"
)

// pacedWorkload is a workload whose stimuli come in an open loop, or as fast as they
// are taken.
type pacedWorkload struct {
	*workload
	rate float64 // stimuli a second, on average; 0: as fast as they are taken
	due  []time.Duration
	last *pacing // of the last Run
}

// Prepare makes the stimuli, and when they are due.
func (w *pacedWorkload) Prepare(first, n int) error {
	if w.rate > 0 {
		w.due = arrivals(w.seed, first, n, w.rate)
	}
	return w.workload.Prepare(first, n)
}

// Run posts them at their times.
func (w *pacedWorkload) Run(latency func(time.Duration)) (err error) {
	if w.rate == 0 {
		w.last, err = saturated(w.player, w.stimuli, latency)
		return err
	}
	if w.last, err = openLoop(w.player, w.stimuli, w.due, latency); err != nil {
		return fmt.Errorf("at %g a second: %w", w.rate, err)
	}
	return nil
}

// Work adds what the open loop tells of itself.
func (w *pacedWorkload) Work() (runner.Work, error) {
	work, err := w.workload.Work()
	if err == nil {
		work.Figures = w.last.figures()
		work.Untold = w.last.untold()
		work.Wrong = cmp.Or(work.Wrong, w.last.wrong())
	}
	return work, err
}
