package workload

import (
	"cmp"
	"fmt"
	"time"

	"rubato/openloop"
	"rubato/player"
	"rubato/runner"
	"rubato/runner/host"
)

// PacedWorkload is a workload whose stimuli come in an open loop, or as fast as they are
// accepted.
type PacedWorkload struct {
	*Workload
	Rate float64 // stimuli a second, on average; 0: as fast as they are accepted
	due  []time.Duration
	last *openloop.Pacing // of the last Run
}

// Prepare makes the stimuli and their times.
func (w *PacedWorkload) Prepare(first, n int) error {
	if w.Rate > 0 {
		w.due = openloop.Arrivals(w.Seed, first, n, w.Rate)
	}
	return w.Workload.Prepare(first, n)
}

// Run posts all stimuli at their times. Without a rate it posts each as soon as the one
// before has been accepted; latency then counts from the post.
func (w *PacedWorkload) Run(_ int, latency func(time.Duration)) (err error) {
	if w.Rate == 0 {
		used, start := host.OwnCPU(), time.Now()
		err = Pipelined(w.Player, w.Stimuli, latency)
		w.last = openloop.Unpaced(len(w.Stimuli), time.Since(start), host.OwnCPU()-used)
		return err
	}
	if w.last, err = OpenLoop(w.Player, w.Stimuli, w.due, latency); err != nil {
		return fmt.Errorf("at %g a second: %w", w.Rate, err)
	}
	return nil
}

// Work adds what the open loop measured of itself.
func (w *PacedWorkload) Work() (runner.Work, error) {
	work, err := w.Workload.Work()
	if err == nil {
		work.Figures = w.last.Figures()
		work.NoLatency = w.last.NoLatency()
		work.Wrong = cmp.Or(work.Wrong, w.last.Wrong())
	}
	return work, err
}

// OpenLoop posts each stimulus when it is due, and settles: openloop.Run.
func OpenLoop(p player.Sender, stimuli []player.Stimulus, due []time.Duration, latency func(time.Duration)) (*openloop.Pacing, error) {
	if len(stimuli) != len(due) || len(due) == 0 {
		return nil, fmt.Errorf("%d stimuli for %d times: want one each", len(stimuli), len(due))
	}
	return openloop.Run(sender{p, stimuli}, stimuli[0].Seq, due, latency)
}

// A sender is what the open loop knows of a player.
type sender struct {
	player.Sender
	stimuli []player.Stimulus
}

// Post posts a stimulus.
func (s sender) Post(i int, done func(uint64, error)) error { return s.Sender.Post(s.stimuli[i], done) }
