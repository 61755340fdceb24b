package scenarios

import (
	"errors"
	"time"

	"rubato/audio"
	"rubato/player"
	"rubato/runner"
)

// crossfade plays short tracks from the first sample to the last, as fast as it can, in
// periods of 10 ms: what is timed is all that it takes to get from one passage to the
// next, decoding and mixing included.
//
// The latency is that of the transition alone, without the sound that is in it: the
// conversation about the crossfade mark, from when the mixer passed it until everybody
// has heard, and that about the end, until the row of history is written, the next
// passage has started and the one after is cued.
//
// At the end of each passage the player's clock goes on by an hour: at one passage
// every few seconds cooldowns would leave nothing to select within minutes.
func (s styleSet) crossfade() runner.Scenario {
	return runner.Scenario{
		Name:    "crossfade",
		Answers: "What does it take to get from one passage to the next, and how long does the transition itself last?",
		Op:      "transition",
		Keys: []runner.Key{
			musicKey,
			{Name: "wav", Default: "off", Values: []string{"off", "on"},
				Doc: "on: the first minute goes to kept/…/crossfade.wav, to be listened to; writing it is timed, too"},
			traceKey, rulesKey, dispatchKey, transportKey,
		},
		Script:   4,
		Claims:   crossfadeClaims,
		Measures: listeningMeasures,
		Size:     crossfadeSize,
		Prepare:  func(setup runner.Setup) error { return prepareMusic(setup, seconds(setup.Seed, 12, 6, 8)) },
		Open:     s.openCrossfade,
	}
}

func crossfadeSize(effort string, _ runner.Options) runner.Size {
	if effort == "quick" {
		return runner.Size{Ops: 11, Warmup: 1} // 110 in ten rounds, so that they have a 99th percentile
	}
	return runner.Size{}
}

func (s styleSet) openCrossfade(setup runner.Setup) (runner.Workload, error) {
	output, err := crossfadeOutput(setup)
	if err != nil {
		return nil, err
	}
	l, err := s.listen(setup, output, audio.StrictFrames)
	if err != nil {
		return nil, err
	}
	w := &crossfading{listening: l}
	l.effects = transitions
	if setup.Options["music"] != madeMusic {
		l.effects = endings
	}
	if err := w.begin(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// transitions: each is heard of, starts a passage and leaves a row of history.
func transitions(before, after tally) (effects, expected int64) {
	d := after.since(before)
	return d.crossfades + d.starts + d.plays, 3 * d.due
}

// endings: the user's passages may be too short for a crossfade, or for the next to be
// there in time. A row of history is left by each.
func endings(before, after tally) (effects, expected int64) {
	d := after.since(before)
	return d.plays, d.due
}

// crossfading counts its passages by their ends.
type crossfading struct {
	*listening
	spent time.Duration // on the transition under way
}

// begin queues three passages and plays until the first of them is heard.
func (w *crossfading) begin() error {
	for range player.LowDepth {
		if err := w.do(player.Stimulus{Kind: player.QueueLow, At: w.at}); err != nil {
			return err
		}
		w.at += player.Hour
	}
	w.alive = w.at
	for {
		if err := w.period(); err != nil {
			return err
		}
		if passed, _ := w.deck.passes(); passed != [len(passed)]int64{} {
			w.due = passed[player.PassageEndMark]
			return nil
		}
	}
}

// Run plays until so many passages have ended.
func (w *crossfading) Run(latency func(time.Duration)) error {
	for last := w.due + int64(w.ops); w.due < last; {
		if err := w.step(latency); err != nil {
			return err
		}
	}
	return nil
}

// step plays a period, and takes the time of what it has set off.
func (w *crossfading) step(latency func(time.Duration)) error {
	before, _ := w.deck.passes()
	if err := w.period(); err != nil {
		return err
	}
	after, mixed := w.deck.passes()
	met := after[player.CrossfadeMark] > before[player.CrossfadeMark]
	ended := after[player.PassageEndMark] - before[player.PassageEndMark]
	if met || ended > 0 {
		w.spent += w.settled.Sub(mixed)
	}
	if ended > 0 {
		latency(w.spent)
		w.spent = 0
		w.due += ended
		w.at += player.Hour
		w.alive = w.at
	}
	return nil
}

var crossfadeClaims = []runner.Claim{
	{Text: "crossfade transition under 50 ms", Source: playerDocument, Kind: "budget", Quantity: "p99_ns", Hi: us(50_000)},
	{Text: "whole operation under twice direct", Source: budgetDocument, Kind: "budget", Style: "bus", Quantity: "ratio", Hi: 2},
	{Text: "whole operation under twice direct", Source: budgetDocument, Kind: "budget", Style: "nats", Quantity: "ratio", Hi: 2},
	{Text: "mixing 10 ms takes under 50 µs", Source: own, Kind: "budget", Quantity: "figure:mix-two", Hi: us(50)},
	{Text: "decoding FLAC at least 100 times as fast as it plays", Source: own, Kind: "budget", Quantity: "figure:decode", Lo: 100},
	{Text: "memory at most 150 MB", Source: playerDocument, Kind: "budget", Quantity: "figure:memory", Hi: 150 << 20},
}
