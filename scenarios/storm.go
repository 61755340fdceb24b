package scenarios

import (
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"rubato/openloop"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// storm is far more events than a client can use: the depth of the queue changes every
// 10 ms of the player's time, and each change triggers rules. The switch is whether
// broadcasts are limited to ten a second.
//
// A storm lasts nine and a half seconds of the player's time, and the next begins an hour
// later. So a storm refills the queue once, at its start, and the library never runs out.
// Every half second a position is passed, without sound, and then the held broadcast is
// sent. In real time the stimuli come at rate, in an open loop with exponential gaps. With
// rate=max each is posted as soon as the one before has been accepted, which shows where
// saturation begins.
func (s styles) storm() runner.Scenario {
	return runner.Scenario{
		Name:    "storm",
		Answers: "What do events cost that come too fast, and what do a rate limit and coalescing save?",
		Op:      "event",
		Keys: []runner.Key{
			{Name: "rate", Default: "100,1000,max", Check: workload.WordOr("max", 1, 100_000), Doc: "events a second, 1 to 100000; max: as fast as they are accepted"},
			{Name: "pace", Default: "coalesced,unlimited", Values: []string{string(player.Coalesced), string(player.Limited), string(player.Unlimited)},
				Doc: "coalesced: of the changes within 100 ms of the player's time the last is broadcast, later; limited: it is not; unlimited: all are broadcast at once"},
			workload.TraceKey, workload.RulesKey, workload.DispatchKey, workload.TransportKey,
		},
		Script:   200,
		Claims:   stormClaims,
		Measures: append(slices.Clone(stormMeasures), openloop.Measures...),
		Paced:    true,
		Bare:     true,
		Size:     stormSize,
		Prepare:  func(setup runner.Setup) error { return workload.Prepare(setup, 200) },
		Open:     s.openStorm,
	}
}

func (s styles) openStorm(setup runner.Setup) (runner.Workload, error) {
	pace, counter := player.PaceMode(setup.Options["pace"]), &counter{}
	wake, err := pacingAlone(setup)
	if err != nil {
		return nil, err
	}
	w := &workload.Workload{Script: stormy10ms, Drive: workload.Pipelined, Expect: stormEffects(pace), Heard: counter.heard.Load, Once: map[string]int64{"ap": 1},
		Count: func(seen player.Observation) int64 { return workload.Refills(seen) + counter.heard.Load() }}
	_, err = s.Start(setup, w, func(c *player.Config) { c.Pace, c.Audience, c.Deck = pace, counter, &metronome{} })
	if err != nil {
		return nil, err
	}
	paced := &workload.PacedWorkload{Workload: w, Rate: workload.Rate(setup)}
	return &storming{PacedWorkload: paced, counter: counter, wake: wake}, nil
}

// pacingAlone is the CPU time per stimulus that the open loop itself takes to sleep and
// wake up, at the storm's rate and without a style. It is measured before there is a
// player, so that the player's idle cost is not in it. It is 0 without an open loop.
func pacingAlone(setup runner.Setup) (time.Duration, error) {
	rate := workload.Rate(setup)
	if rate == 0 {
		return 0, nil
	}
	due := openloop.Arrivals(setup.Seed, 0, max(30, int(rate)/4), rate)
	g, err := openloop.Run(nobody{}, 0, due, func(time.Duration) {})
	if err != nil {
		return 0, err
	}
	return g.Awake(), nil
}

// nobody completes every operation at once.
type nobody struct{}

// Post reports completion.
func (nobody) Post(i int, done func(uint64, error)) error {
	done(uint64(i), nil)
	return nil
}

// Settle has nothing to wait for.
func (nobody) Settle() error { return nil }

// stormSize has blocks of at least 100 stimuli, so that the 99th percentile is not the
// longest latency. A paced block lasts 1 s at most when quick, otherwise 2 s.
func stormSize(effort string, options runner.Options) runner.Size {
	perSecond, err := strconv.Atoi(options["rate"])
	switch {
	case effort == "quick" && err != nil:
		return runner.Size{Ops: 3 * stormLength, Rounds: 2}
	case effort == "quick":
		return runner.Size{Ops: max(100, perSecond*3/10), Rounds: 2, Warmup: -1}
	case err != nil:
		return runner.Size{Ops: 20 * stormLength}
	}
	return runner.Size{Ops: max(100, 2*perSecond)}
}

const (
	stormStep      = 10                    // ms of the player's time between two events
	halfSecond     = 500 / stormStep       // events between two positions
	stormLength    = 19 * halfSecond       // stimuli: just under player.RefillInterval
	stormPeriod    = player.SampleRate / 2 // frames from one position to the next
	broadcastEvery = 100 / stormStep       // events between two broadcasts
	stormTick      = stormStep * player.Second / 1000
)

// stormy10ms is the i-th stimulus: an event or, at the end of each half second, a period
// that passes a position.
func stormy10ms(seed uint64, i int) player.Stimulus {
	k := i % stormLength
	s := player.Stimulus{Kind: player.QueueLow, Seq: uint64(i) + 1, Seed: runner.SeedAt(seed, i),
		At: sqlite.Epoch + player.Ticks(1+i/stormLength)*player.Hour + player.Ticks(k)*stormTick}
	if k%halfSecond == halfSecond-1 {
		s.Kind, s.Frames, s.At = player.Period, stormPeriod, s.At+stormTick
	}
	return s
}

// stormEffects returns the number of effects that a stimulus must have: lines of lanes, and
// broadcasts received. It depends only on the position in the storm.
func stormEffects(pace player.PaceMode) func(player.Stimulus) int64 {
	const broadcast = 3 // sent, heard, marked
	return func(s player.Stimulus) (effects int64) {
		k := int(s.Seq-1) % stormLength
		if s.Kind == player.Period {
			effects = 3 // passed, sent, heard
			if pace == player.Coalesced {
				effects += broadcast // the held broadcast
			}
			return effects
		}
		effects = 1 // played down
		if k == 0 {
			effects += 6 // flavor, selection, queued, its depth held, asked for, cooldown
			if pace == player.Unlimited {
				effects += broadcast - 1 // not held
			}
		}
		inTime := k%broadcastEvery == 0
		if pace == player.Coalesced && k > 0 && k%halfSecond == 0 {
			inTime = false // the position at this moment has sent the held broadcast
		}
		if inTime || pace == player.Unlimited {
			return effects + broadcast
		}
		return effects + 1 // held
	}
}

// storming is a paced workload that counts broadcasts.
type storming struct {
	*workload.PacedWorkload
	counter *counter
	wake    time.Duration // CPU time of the open loop itself, per stimulus
	before  int64         // broadcasts before the last Prepare
}

// Prepare counts the broadcasts so far.
func (w *storming) Prepare(first, n int) error {
	w.before = w.counter.heard.Load()
	return w.PacedWorkload.Prepare(first, n)
}

// Work adds broadcasts per event, and the CPU time that the events cost.
func (w *storming) Work() (runner.Work, error) {
	work, err := w.PacedWorkload.Work()
	if err == nil {
		work.Figures["heard"] = float64(w.counter.heard.Load()-w.before) / float64(work.Stimuli)
	}
	if each, ok := work.Figures["cpu-op"]; ok && w.wake > 0 {
		work.Figures["cpu-added"] = (each - float64(w.wake)) * work.Figures["achieved"] / float64(time.Second) * 100
	}
	return work, err
}

var stormMeasures = []runner.Measure{
	{Name: "heard", Better: "less", Doc: "broadcasts per event: what the limit saves"},
	{Name: "cpu-added", Unit: "%", Better: "less", Doc: "of one core: cpu less the open loop's own cost of sleeping and waking up, measured before the player was opened; what the events themselves cost. Below 0 it is within the noise"},
}

// counter is an audience that counts broadcasts.
type counter struct{ heard atomic.Int64 }

// Hear counts.
func (c *counter) Hear(player.Announcement) { c.heard.Add(1) }

var stormClaims = []runner.Claim{
	{Text: "a storm of 100 events/s costs 0.25 % CPU (here with what the events do)", Source: workload.OverheadDocument, Kind: "estimate",
		Style: "bus", Options: map[string]string{"rate": "100", "pace": string(player.Coalesced)}, Quantity: "figure:cpu-added", Lo: 0.25, Hi: 0.25},
	workload.AtLeast("at least 100 events a second sustained", workload.NatsDocument, 100).With("rate", "max").Of("nats", "figure:achieved"),
	workload.Budget("an event takes under 5 ms", workload.NatsDocument, 5000).With("rate", "100").Of("nats", "p99_ns"),
	coalescedAt100(workload.Budget("SSE: median under 5 ms (here up to the audience)", workload.PlayerDocument, 5000), "p50_ns"),
	coalescedAt100(workload.Budget("SSE: 95 in 100 under 20 ms (here up to the audience)", workload.PlayerDocument, 20_000), "p95_ns"),
	coalescedAt100(workload.AtMost("CPU at most 30 % of a core on average", workload.PlayerDocument, 30), "figure:cpu"),
}

// coalescedAt100 compares all styles at 100 events a second, with the default pace.
func coalescedAt100(p workload.Published, quantity string) runner.Claim {
	return p.With("rate", "100").With("pace", string(player.Coalesced)).Of("", quantity)
}

// metronome is a deck without sound: each mixed period passes one position of the passage
// that was loaded last.
type metronome struct {
	passage   int64
	position  player.Ticks
	delivered player.Delivered
	marker    [1]player.Marker
}

// Load makes this the passage that plays.
func (m *metronome) Load(cut player.Cut) error {
	m.passage, m.position = cut.Passage, 0
	return nil
}

// Mix passes a position.
func (m *metronome) Mix(frames int) ([]player.Marker, error) {
	m.position += player.Ticks(frames) * player.TicksPerFrame
	m.delivered.Frames += uint64(frames)
	m.marker[0] = player.Marker{Kind: player.PositionMark, Passage: m.passage, Position: m.position}
	return m.marker[:], nil
}

// Position is the position in the passage.
func (m *metronome) Position() player.Ticks { return m.position }

// Delivered counts the frames of silence.
func (m *metronome) Delivered() player.Delivered { return m.delivered }

// The other calls have no effect.

func (m *metronome) Drop(int64)       {}
func (m *metronome) Play(int64) error { return nil }
func (m *metronome) Cue(int64) error  { return nil }
func (m *metronome) Halt()            {}
func (m *metronome) Pause(bool)       {}
func (m *metronome) SetVolume(int)    {}
