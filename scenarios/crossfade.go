package scenarios

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"rubato/audio"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// crossfade plays short tracks from the first sample to the last, as fast as it can, in
// periods of 10 ms. The time is that of everything between one passage and the next,
// decoding and mixing included.
//
// The latency is that of the transition alone, without mixing: from when the mixer passes
// the crossfade mark until everybody has heard of it, plus from the end of the passage until
// its row of history is written, the next passage has started and the one after is cued.
//
// At the end of each passage the player's clock advances by an hour: with one passage every
// few seconds, cooldowns would leave nothing to select within minutes.
func (s styles) crossfade() runner.Scenario {
	return runner.Scenario{
		Name:    "crossfade",
		Answers: "What does it cost to get from one passage to the next, and how long does the transition itself take?",
		Op:      "transition",
		Keys: []runner.Key{
			workload.MusicKey,
			{Name: "wav", Default: "off", Values: []string{"off", "on"},
				Doc: "on: writes the first minute to kept/…/crossfade.wav, to listen to; the time includes the writing"},
			workload.TraceKey, workload.RulesKey, workload.DispatchKey, workload.TransportKey,
		},
		Script:   4,
		Claims:   crossfadeClaims,
		Measures: listeningMeasures,
		Cold:     "a transition comes once per track, every three minutes or so, so it finds the caches cold",
		Size:     sizes(runner.Size{Ops: 11, Warmup: 1}, runner.Size{}), // quick: 110 in ten rounds, enough for a 99th percentile
		Prepare: func(setup runner.Setup) error {
			return workload.PrepareMusic(setup, workload.Seconds(setup.Seed, 12, 6, 8))
		},
		Open: s.openCrossfade,
	}
}

func (s styles) openCrossfade(setup runner.Setup) (runner.Workload, error) {
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
	if setup.Options["music"] != workload.MadeMusic {
		l.effects = endings
	}
	if err := w.begin(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// transitions expects that each is announced, starts a passage and adds a row of history.
func transitions(before, after counts) (effects, expected int64) {
	d := after.since(before)
	return d.crossfades + d.starts + d.plays, 3 * d.due
}

// endings expects a row of history of each passage. The user's passages may be too short for
// a crossfade, or for the next passage to be ready in time.
func endings(before, after counts) (effects, expected int64) {
	d := after.since(before)
	return d.plays, d.due
}

// crossfading plays until a number of passages have ended.
type crossfading struct {
	*listening
	spent time.Duration // on the transition under way
	until int64         // passages that have ended after the next Run
}

// begin queues three passages and plays until the first marker.
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

// Prepare counts from the passages that have ended.
func (w *crossfading) Prepare(first, n int) error {
	w.until = w.due
	return w.listening.Prepare(first, n)
}

// Run plays until n more passages have ended.
func (w *crossfading) Run(n int, latency func(time.Duration)) error {
	for w.until += int64(n); w.due < w.until; {
		if err := w.step(latency); err != nil {
			return err
		}
	}
	return nil
}

// step plays a period, and measures the time of a transition in it.
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
	workload.Budget("crossfade transition under 50 ms", workload.PlayerDocument, 50_000).Of("", "p99_ns"),
	workload.UnderTwice("bus"),
	workload.UnderTwice("nats"),
	workload.Budget("mixing 10 ms takes under 50 µs", workload.Own, 50).Of("", "figure:mix-two"),
	{Text: "decoding FLAC at least 100 times as fast as it plays", Source: workload.Own, Kind: "budget", Quantity: "figure:decode", Lo: 100},
	{Text: "memory at most 150 MB", Source: workload.PlayerDocument, Kind: "budget", Quantity: "figure:memory", Hi: 150 << 20},
}

// crossfadeOutput discards the sound, or writes it to a file that stays with the results.
func crossfadeOutput(setup runner.Setup) (audio.Output, error) {
	if setup.Options["wav"] != "on" || setup.Keep == "" {
		return audio.Discard{}, nil
	}
	if err := os.MkdirAll(setup.Keep, 0o755); err != nil {
		return nil, err
	}
	file, err := audio.CreateWAV(filepath.Join(setup.Keep, "crossfade.wav"), audio.Int16)
	if err != nil {
		return nil, err
	}
	return &opening{Output: file, left: player.SampleRate * 60}, nil
}

// opening passes on only the first frames: a run plays for hours.
type opening struct {
	audio.Output
	left int
}

// Write passes on the frames that are left.
func (o *opening) Write(frames []player.Frame) error {
	n := min(len(frames), o.left)
	o.left -= n
	if n == 0 {
		return nil
	}
	return o.Output.Write(frames[:n])
}
