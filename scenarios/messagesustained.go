package scenarios

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"rubato/openloop"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// messageSustained is a steady stream of messages: at a given rate, and at the highest rate
// that a style holds. They come in an open loop with exponential gaps. Latency counts from
// the intended time.
//
// A rate is held when 99 of 100 messages are durable within 5 ms of their intended time and
// the backlog at the end is at most a tenth of the step. The generator's own lateness does
// not count. The search doubles the rate until two rates in a row are not held, then halves
// the gap between held and not held, as a ratio. A failed step is tried once more, because
// one disturbance of the machine is not the style's limit. A step that fails while the
// generator itself stalled is tried more often. If nothing is held for that reason, the
// block is invalid.
//
// One operation of rate=search is one whole search, so its CPU and allocations mean
// nothing. Its latency is that of the step at the held rate.
func (s styles) messageSustained() runner.Scenario {
	return messages(runner.Scenario{
		Name:     "message-sustained",
		Answers:  "How many messages per second are sustained, each durable within 5 ms?",
		Keys:     []runner.Key{{Name: "rate", Default: "100,search", Check: workload.WordOr("search", 1, 100_000), Doc: "messages a second, 1 to 100000; search: the highest rate that is held"}},
		Script:   200,
		Claims:   messageSustainedClaims,
		Measures: append([]runner.Measure{heldMeasure}, openloop.Measures...),
		Paced:    true,
		Bare:     true,
		Size:     sustainedSize,
		Open:     s.openSustained,
	})
}

func (s styles) openSustained(setup runner.Setup) (runner.Workload, error) {
	w := &workload.Workload{Script: workload.Say, Drive: workload.Pipelined, Count: workload.Stored, Each: 2, Crosses: workload.MessageCrosses,
		Loose: setup.Options["rate"] == "search"} // which decides by itself how much it sends
	if _, err := s.Start(setup, w, func(*player.Config) {}); err != nil {
		return nil, err
	}
	switch rate := workload.Rate(setup); {
	case setup.Verbatim:
		return w, nil
	case rate > 0:
		return &workload.PacedWorkload{Workload: w, Rate: rate}, nil
	}
	return &searching{Workload: w, search: newSearch(setup.Effort)}, nil
}

// sustainedSize is two seconds of a given rate, or one search.
func sustainedSize(effort string, options runner.Options) runner.Size {
	size := runner.Size{Ops: 1, Warmup: -1, Limit: 5 * time.Minute}
	perSecond, err := strconv.Atoi(options["rate"])
	switch {
	case err != nil:
		size.Rounds = map[string]int{"quick": 1, "default": 3, "full": 10}[effort]
	case effort == "quick":
		size.Ops, size.Rounds = 2*perSecond, 2
	default:
		size.Ops = 2 * perSecond // two rounds of 200 are enough for a bound on the 99th percentile
	}
	return size
}

var heldMeasure = runner.Measure{Name: "held", Unit: "/s", Better: "more",
	Doc: "the highest rate that was held: 99 of 100 messages durable within 5 ms of their intended time, and no backlog. Above it is a rate that failed twice"}

var messageSustainedClaims = []runner.Claim{
	workload.AtLeast("at least 100 events a second sustained", workload.NatsDocument, 100).With("rate", "search").Of("nats", "figure:held"),
	workload.Measured("direct: 1 867 messages a second", 1867).With("rate", "search").Of("direct", "figure:held"),
	workload.Measured("NATS: 2 061 messages a second", 2061).With("rate", "search").Of("nats", "figure:held"),
	workload.Budget("at 100 a second an event takes under 5 ms", workload.NatsDocument, 5000).With("rate", "100").Of("nats", "p99_ns"),
}

// sustainLimit is the time within which 99 of 100 messages must be durable.
const sustainLimit = 5 * time.Millisecond

// search finds the highest held rate.
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

// find returns the highest rate for which holds is true, 0 for none. It doubles the rate
// until two in a row are not held: a style that holds the second also holds the first, and
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

// narrow halves the gap between a held rate and one that is not held, as a ratio.
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

// orAgain tries once more when the first try fails.
func orAgain(holds func(float64) (bool, error), rate float64) (bool, error) {
	ok, err := holds(rate)
	if ok || err != nil {
		return ok, err
	}
	return holds(rate)
}

// searching is a workload whose operations are searches. It makes its own stimuli.
type searching struct {
	*workload.Workload
	search   search
	searches int
	next     int     // in the script
	said     int     // since Prepare
	held     float64 // of the last search
	best     *step   // at that rate; nil: none was held
	stall    string  // of the generator, in the last step that was not held
}

// A step is a run of messages at one rate.
type step struct {
	pace            *openloop.Pacing
	took            []time.Duration
	length, backlog time.Duration // until the last was due; from then until all was settled
}

// sustained reports whether a rate is held: by the 99th percentile without the generator's
// own lateness, and by the time from the end of the step until everything was settled.
func sustained(p99, backlog, length time.Duration) bool {
	return p99 <= sustainLimit && backlog <= max(length/10, sustainLimit)
}

// Prepare makes no stimuli: their number depends on the search.
func (w *searching) Prepare(_, n int) error {
	w.searches, w.said = n, 0
	return w.Workload.Prepare(w.next, 0)
}

// Run searches, and reports the latencies at the held rate.
func (w *searching) Run(_ int, latency func(time.Duration)) (err error) {
	for range w.searches {
		w.best, w.stall = nil, ""
		if w.held, err = w.search.find(w.try); err != nil {
			return err
		}
		if w.best == nil {
			continue
		}
		for _, took := range w.best.took {
			latency(took)
		}
	}
	return nil
}

// mostStalls is how often a step is tried in which the generator stalled.
const mostStalls = 3

// try reports whether a rate is held.
func (w *searching) try(rate float64) (held bool, err error) {
	for range mostStalls {
		s, err := w.take(rate)
		if err != nil {
			return false, fmt.Errorf("at %.0f a second: %w", rate, err)
		}
		if own := time.Duration(s.pace.Figures()["own-p99"]); sustained(own, s.backlog, s.length) {
			w.best = s
			return true, nil
		}
		if w.stall = s.pace.Wrong(); w.stall == "" {
			break
		}
	}
	return false, nil
}

// leastOfStep is the fewest messages of a step: with fewer, a percentile is the latency of
// one message.
const leastOfStep = 50

// take runs one step.
func (w *searching) take(rate float64) (*step, error) {
	n := max(int(rate*w.search.step.Seconds()), leastOfStep)
	stimuli := make([]player.Stimulus, n)
	for i := range stimuli {
		stimuli[i] = w.Script(w.Seed, w.next+i)
	}
	due := openloop.Arrivals(w.Seed, w.next, n, rate)
	w.next, w.said = w.next+n, w.said+n
	s := &step{took: make([]time.Duration, 0, n), length: due[n-1]}
	var err error
	s.pace, err = workload.OpenLoop(w.Player, stimuli, due, func(took time.Duration) { s.took = append(s.took, took) })
	s.backlog = s.pace.Wall - s.length
	return s, err
}

// Work counts a search as one operation. It has its effect if every message of it is
// stored and counted. Their number differs between styles.
func (w *searching) Work() (runner.Work, error) {
	seen, err := w.Workload.Work()
	if err != nil {
		return seen, err
	}
	if missing := 2*int64(w.said) - seen.Effects; missing != 0 {
		return seen, fmt.Errorf("%d messages were sent and %d effects are missing", w.said, missing)
	}
	n := int64(w.searches)
	work := runner.Work{Stimuli: n, Effects: n, Expected: n, Settings: seen.Settings, Wrong: seen.Wrong, Figures: map[string]float64{}}
	if w.best != nil {
		work.Figures, work.NoLatency = w.best.pace.Figures(), w.best.pace.NoLatency()
	} else if work.Wrong == "" {
		work.Wrong = w.stall
	}
	work.Figures[heldMeasure.Name] = w.held
	return work, nil
}
