package scenarios

import (
	"fmt"
	"math"
	"time"

	"rubato/player"
	"rubato/runner"
)

// sustainLimit is how soon 99 of 100 messages must be durable.
const sustainLimit = 5 * time.Millisecond

// search finds the highest rate that is held.
type search struct {
	lowest, highest float64 // messages a second: where it starts, and where it stops
	halvings        int     // of the gap, after doubling
	step            time.Duration
}

func newSearch(effort string) search {
	s := search{lowest: 100, highest: 204_800, halvings: 4, step: 200 * time.Millisecond}
	if effort != "quick" {
		s.halvings, s.step = 5, time.Second
	}
	return s
}

// find answers the highest rate that holds has found true, 0 for none. It doubles until
// two rates in a row are not held: whoever holds the second holds the first, too, and
// was only disturbed there.
func (s search) find(holds func(rate float64) (bool, error)) (held float64, err error) {
	broken := 0.0 // the lowest rate that was not held since; 0: none
	for rate := s.lowest; rate <= s.highest; rate *= 2 {
		ok, err := holds(rate)
		if err == nil && !ok && broken == 0 {
			ok, err = holds(rate)
		}
		switch {
		case err != nil:
			return held, err
		case ok:
			held, broken = rate, 0
			continue
		case broken > 0:
			return s.narrow(held, broken, holds)
		}
		broken = rate
	}
	return s.narrow(held, broken, holds)
}

// narrow halves the gap between a rate that is held and one that is not, as a ratio.
func (s search) narrow(held, broken float64, holds func(float64) (bool, error)) (float64, error) {
	for range s.halvings {
		if held == 0 || broken == 0 {
			break
		}
		middle := math.Sqrt(held * broken)
		ok, err := orAgain(holds, middle)
		if err != nil {
			return held, err
		}
		if ok {
			held = middle
		} else {
			broken = middle
		}
	}
	return held, nil
}

// orAgain asks once more when the first answer is no.
func orAgain(holds func(float64) (bool, error), rate float64) (bool, error) {
	ok, err := holds(rate)
	if ok || err != nil {
		return ok, err
	}
	return holds(rate)
}

// searching is a workload of searches: it makes its stimuli itself.
type searching struct {
	*workload
	search   search
	searches int
	next     int     // in the script
	said     int     // since Prepare
	held     float64 // of the last search
	best     *step   // at that rate; nil: none was held
	stall    string  // of the generator, in the last step that was not held
}

// A step is one stretch of messages at one rate.
type step struct {
	pace            *pacing
	told            []time.Duration // latencies
	length, backlog time.Duration   // until the last was due; from then until all was settled
}

// held tells whether the step's rate was. What the generator itself was late does not
// count against the style.
func (s *step) held() bool {
	return sustained(time.Duration(s.pace.figures()["own-p99"]), s.backlog, s.length)
}

// sustained tells whether a rate is held, by the 99th percentile, and by how long after
// the last was due, at the end of its length, all was settled.
func sustained(p99, backlog, length time.Duration) bool {
	return p99 <= sustainLimit && backlog <= max(length/10, sustainLimit)
}

// Prepare makes nothing: how much will be said is what the search is about.
func (w *searching) Prepare(_, n int) error {
	w.searches, w.said = n, 0
	return w.workload.Prepare(w.next, 0)
}

// Run searches, and tells the latencies at the rate that was held.
func (w *searching) Run(latency func(time.Duration)) (err error) {
	for range w.searches {
		w.best, w.stall = nil, ""
		if w.held, err = w.search.find(w.try); err != nil {
			return err
		}
		if w.best == nil {
			continue
		}
		for _, took := range w.best.told {
			latency(took)
		}
	}
	return nil
}

// mostStalls is how often a step is taken again in which the generator stood still.
const mostStalls = 3

// try tells whether a rate is held.
func (w *searching) try(rate float64) (held bool, err error) {
	for range mostStalls {
		s, err := w.take(rate)
		if err != nil {
			return false, fmt.Errorf("at %.0f a second: %w", rate, err)
		}
		if s.held() {
			w.best = s
			return true, nil
		}
		if w.stall = s.pace.wrong(); w.stall == "" {
			break
		}
	}
	return false, nil
}

// leastOfStep is how many messages a step has at least: a percentile of fewer is one
// message's.
const leastOfStep = 50

// take takes one step at a rate.
func (w *searching) take(rate float64) (*step, error) {
	n := max(int(rate*w.search.step.Seconds()), leastOfStep)
	stimuli := make([]player.Stimulus, n)
	for i := range stimuli {
		stimuli[i] = w.script(w.seed, w.next+i)
	}
	due := arrivals(w.seed, w.next, n, rate)
	w.next, w.said = w.next+n, w.said+n
	s := &step{told: make([]time.Duration, 0, n), length: due[n-1]}
	var err error
	s.pace, err = openLoop(w.player, stimuli, due, func(took time.Duration) { s.told = append(s.told, took) })
	s.backlog = s.pace.wall - s.length
	return s, err
}

// Work counts a search as one thing that was asked; it has its effect if every message
// of it is stored and counted. How many those are differs from style to style.
func (w *searching) Work() (runner.Work, error) {
	seen, err := w.workload.Work()
	if err != nil {
		return seen, err
	}
	if missing := 2*int64(w.said) - seen.Effects; missing != 0 {
		return seen, fmt.Errorf("of %d messages that were said %d effects are missing", w.said, missing)
	}
	n := int64(w.searches)
	work := runner.Work{Stimuli: n, Effects: n, Expected: n, Settings: seen.Settings, Wrong: seen.Wrong, Figures: map[string]float64{}}
	if w.best != nil {
		work.Figures, work.Untold = w.best.pace.figures(), w.best.pace.untold()
	} else if work.Wrong == "" {
		work.Wrong = w.stall
	}
	work.Figures[heldMeasure.Name] = w.held
	return work, nil
}
