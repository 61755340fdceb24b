package scenarios

import (
	"fmt"
	"slices"
	"time"

	"rubato/audio"
	"rubato/player"
	"rubato/runner"
)

// playerHour is an hour of listening: tracks of three to four minutes from the first
// sample to the last, positions twice a second, and people who talk, look, turn the
// volume, wish, skip and pause: 2 to 15 events a second in all, which is what the
// player's documents call natural. Anything heavier is a stress, and another scenario.
//
// It is played as fast as it can, unless pace says otherwise: what it takes is then the
// share of a core that listening costs. All is in the player's time, so that the same
// comes out at any pace. An operation is a minute; the hour is ten blocks of six.
//
// Latency is that of what people do, from asking to the last effect.
func (s styleSet) playerHour() runner.Scenario {
	return runner.Scenario{
		Name:    "player-hour",
		Answers: "What does an hour of listening cost, all included?",
		Op:      "minute",
		Keys: []runner.Key{
			{Name: "pace", Default: "fast", Values: []string{"fast", "real"},
				Doc: "fast: as fast as it can; real: as it is heard, which takes minutes"},
			musicKey, traceKey, rulesKey, dispatchKey, transportKey,
		},
		Script:   1,
		Claims:   playerHourClaims,
		Measures: slices.Concat(playerHourMeasures, listeningMeasures),
		Size:     playerHourSize,
		Prepare:  preparePlayerHour,
		Open:     s.openPlayerHour,
	}
}

// playerHourSize: six blocks have an interval, so six minutes are six blocks when quick.
func playerHourSize(effort string, options runner.Options) runner.Size {
	if options["pace"] == "real" {
		minutes := map[string]int{"quick": 1, "default": 2, "full": 5}[effort]
		return runner.Size{Ops: minutes, Rounds: 1, Warmup: -1, Limit: 10 * time.Minute}
	}
	if effort == "quick" {
		return runner.Size{Ops: 1, Rounds: 6, Warmup: -1}
	}
	return runner.Size{Ops: 6, Rounds: 10, Warmup: -1}
}

// preparePlayerHour makes as much music as is to be heard when quick, and three times
// that else; making it takes a hundredth of the time that it plays.
func preparePlayerHour(setup runner.Setup) error {
	tracks := 6
	if setup.Effort == "quick" {
		tracks = 2
	}
	return prepareMusic(setup, seconds(setup.Seed, tracks, 180, 240))
}

func (s styleSet) openPlayerHour(setup runner.Setup) (runner.Workload, error) {
	w := &evening{output: &blockOutput{off: setup.Verbatim || setup.Options["pace"] != "real"}}
	var err error
	if w.listening, err = s.listen(setup, w.output, audio.PeriodFrames); err != nil {
		return nil, err
	}
	w.people = newPeople(w.seed, w.at)
	w.effects = w.lived
	return w, nil
}

// evening is a player with people round it.
type evening struct {
	*listening
	output *blockOutput
	people *people

	wall, cpu time.Duration // of this block
	late      *audio.CallbackStats
	acted     int64 // before this block, by people
	passed    int64 // likewise: positions
}

// Prepare notes how far people are.
func (w *evening) Prepare(first, n int) error {
	w.acted, w.passed = w.people.acted, w.positions()
	return w.listening.Prepare(first, n)
}

// positions are those passed so far.
func (w *evening) positions() int64 {
	passed, _ := w.deck.passes()
	return passed[player.PositionMark]
}

// lived: of every message two rows, of every passage that was started and does not play
// any more one; and every period that was asked for was mixed.
func (w *evening) lived(before, after tally) (effects, expected int64) {
	d := after.since(before)
	return d.rows + d.plays + d.periods, 2*d.due + d.starts - d.playing + int64(w.ops*periodsAMinute)
}

// periodsAMinute are 60 s, and 12 ms, of sound.
const periodsAMinute = 60*player.SampleRate/audio.PeriodFrames + 1

// Run plays so many minutes.
func (w *evening) Run(latency func(time.Duration)) error {
	w.output.open(audio.RealTimeOptions{Period: w.frames, OwnP: true})
	used, start := cpuTime(), time.Now()
	for range w.ops * periodsAMinute {
		if err := w.socialise(latency); err != nil {
			return err
		}
		if err := w.period(); err != nil {
			return err
		}
	}
	late, err := w.output.end()
	w.wall, w.cpu, w.late = time.Since(start), cpuTime()-used, late
	return err
}

// socialise has people do what they do before the next period.
func (w *evening) socialise(latency func(time.Duration)) error {
	for s, ok := w.people.next(w.at); ok; s, ok = w.people.next(w.at) {
		start := time.Now()
		err := w.pose(s)
		latency(time.Since(start))
		if err != nil {
			return fmt.Errorf("people: %w", err)
		}
	}
	return nil
}

// Work adds what an evening costs.
func (w *evening) Work() (runner.Work, error) {
	work, err := w.listening.Work()
	if err != nil {
		return work, err
	}
	sound := time.Duration(w.ops*periodsAMinute*w.frames) * time.Second / player.SampleRate
	work.Figures["speed"] = float64(sound) / float64(max(w.wall, 1))
	work.Figures["events"] = float64(w.people.acted-w.acted+w.positions()-w.passed) / sound.Seconds()
	if w.cpu > 0 {
		work.Figures["cpu"] = 100 * float64(w.cpu) / float64(sound)
	}
	if w.late != nil {
		work.Figures["missed"], work.Figures["underruns"] = float64(w.late.Missed), float64(w.late.Underruns)
	}
	return work, nil
}

var playerHourMeasures = []runner.Measure{
	{Name: "speed", Unit: "x", Better: "more", Doc: "how much faster than it is heard the music was played"},
	{Name: "cpu", Unit: "%", Better: "less", Doc: "of one core, if it were played at real pace: CPU time of this process over the time of the sound; with pace=real, what waking up costs is in it"},
	{Name: "events", Unit: "/s", Doc: "positions passed, and what people did, per second of sound"},
	{Name: "missed", Better: "less", Doc: "with pace=real: periods of 50 ms that passed without a callback"},
	{Name: "underruns", Better: "less", Doc: "with pace=real: callbacks that found too few frames, and gave silence"},
}

var playerHourClaims = []runner.Claim{
	{Text: "CPU at most 30 % of a core on average", Source: playerDocument, Kind: "budget", Quantity: "figure:cpu", Hi: 30},
	{Text: "memory at most 150 MB", Source: playerDocument, Kind: "budget", Quantity: "figure:memory", Hi: 150 << 20},
	{Text: "an hour in under 60 s, and so a minute in 1 s", Source: own, Kind: "budget",
		Style: "direct", Options: map[string]string{"pace": "fast"}, Quantity: "ns_op", Hi: us(1e6)},
	{Text: "whole operation under twice direct", Source: budgetDocument, Kind: "budget", Style: "bus", Quantity: "ratio", Hi: 2},
	{Text: "whole operation under twice direct", Source: budgetDocument, Kind: "budget", Style: "nats", Quantity: "ratio", Hi: 2},
	{Text: "controls and questions: median under 20 ms (here all that people do)", Source: playerDocument, Kind: "budget", Quantity: "p50_ns", Hi: us(20_000)},
	{Text: "controls: 95 in 100 under 100 ms (here all that people do)", Source: playerDocument, Kind: "budget", Quantity: "p95_ns", Hi: us(100_000)},
}
