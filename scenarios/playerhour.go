package scenarios

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"rubato/audio"
	"rubato/player"
	"rubato/runner"
	"rubato/runner/host"
	"rubato/scenarios/workload"
)

// playerHour is an hour of listening: tracks of three to four minutes from the first sample
// to the last, positions twice a second, and users who write messages, look, change the
// volume, enqueue, skip and pause. These are 2 to 15 events a second in all, which the
// player's documents call natural. Scenario storm has more.
//
// It plays as fast as it can, unless the key pace says otherwise. The time is then the share
// of a core that listening costs. Everything happens in the player's time, so the result is
// the same at any pace. An operation is a minute; the hour is ten blocks of six.
//
// Latency is that of what users do, from the request to its last effect.
func (s styles) playerHour() runner.Scenario {
	return runner.Scenario{
		Name:    "player-hour",
		Answers: "What does an hour of listening cost, all included?",
		Op:      "minute",
		Keys: []runner.Key{
			{Name: "pace", Default: "fast", Values: []string{"fast", "real"},
				Doc: "fast: as fast as it can; real: at the pace of playback, which takes minutes"},
			workload.MusicKey, workload.TraceKey, workload.RulesKey, workload.DispatchKey, workload.TransportKey,
		},
		Script:   1,
		Claims:   playerHourClaims,
		Measures: slices.Concat(playerHourMeasures, listeningMeasures),
		Size:     playerHourSize,
		Prepare:  preparePlayerHour,
		Open:     s.openPlayerHour,
	}
}

// playerHourSize has six blocks when quick, the fewest that give a confidence interval.
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

// preparePlayerHour makes enough music for a quick run, and three times that otherwise. Making
// it takes a hundredth of the time of playing it.
func preparePlayerHour(setup runner.Setup) error {
	tracks := 6
	if setup.Effort == "quick" {
		tracks = 2
	}
	return workload.PrepareMusic(setup, workload.Seconds(setup.Seed, tracks, 180, 240))
}

func (s styles) openPlayerHour(setup runner.Setup) (runner.Workload, error) {
	w := &session{output: &blockOutput{off: setup.Verbatim || setup.Options["pace"] != "real"}}
	var err error
	if w.listening, err = s.listen(setup, w.output, audio.PeriodFrames); err != nil {
		return nil, err
	}
	w.users = newUsers(w.Seed, w.at)
	w.effects = w.played
	return w, nil
}

// session is a player with users.
type session struct {
	*listening
	output *blockOutput
	users  *users

	wall, cpu         time.Duration // of this block so far
	missed, underruns uint64        // the same, of callbacks at real pace
	earlier           int64         // events before this block
}

// Prepare counts the events before the block and resets the sums.
func (w *session) Prepare(first, n int) error {
	w.earlier, w.wall, w.cpu, w.missed, w.underruns = w.events(), 0, 0, 0, 0
	return w.listening.Prepare(first, n)
}

// events counts positions and users' actions so far.
func (w *session) events() int64 {
	passed, _ := w.deck.passes()
	return w.users.acted + passed[player.PositionMark]
}

// played expects two rows of every message, one of every passage that started and has ended,
// and that every period was mixed.
func (w *session) played(before, after counts) (effects, expected int64) {
	d := after.since(before)
	return d.rows + d.plays + d.periods, 2*d.due + d.starts - d.playing + int64(w.ops*periodsAMinute)
}

// periodsAMinute is 60 s of sound and 12 ms.
const periodsAMinute = 60*player.SampleRate/audio.PeriodFrames + 1

// Run plays the next n minutes.
func (w *session) Run(n int, latency func(time.Duration)) error {
	w.output.open(audio.RealTimeOptions{Period: w.frames, OwnP: true})
	used, start := host.OwnCPU(), time.Now()
	for range n * periodsAMinute {
		if err := w.act(latency); err != nil {
			return err
		}
		if err := w.period(); err != nil {
			return err
		}
	}
	late, err := w.output.end()
	w.wall, w.cpu = w.wall+time.Since(start), w.cpu+host.OwnCPU()-used
	if late != nil {
		w.missed, w.underruns = w.missed+late.Missed, w.underruns+late.Underruns
	}
	return err
}

// act lets users do what they do before the next period.
func (w *session) act(latency func(time.Duration)) error {
	for s, ok := w.users.next(w.at); ok; s, ok = w.users.next(w.at) {
		start := time.Now()
		err := w.send(s)
		latency(time.Since(start))
		if err != nil {
			return fmt.Errorf("a user's action: %w", err)
		}
	}
	return nil
}

// Work adds the cost of the session.
func (w *session) Work() (runner.Work, error) {
	work, err := w.listening.Work()
	if err != nil {
		return work, err
	}
	sound := time.Duration(w.ops*periodsAMinute*w.frames) * time.Second / player.SampleRate
	work.Figures["speed"] = float64(sound) / float64(max(w.wall, 1))
	work.Figures["events"] = float64(w.events()-w.earlier) / sound.Seconds()
	if w.cpu > 0 {
		work.Figures["cpu"] = 100 * float64(w.cpu) / float64(sound)
	}
	if !w.output.off {
		work.Figures["missed"], work.Figures["underruns"] = float64(w.missed), float64(w.underruns)
	}
	return work, nil
}

var playerHourMeasures = []runner.Measure{
	{Name: "speed", Unit: "x", Better: "more", Doc: "speed relative to playback"},
	{Name: "cpu", Unit: "%", Better: "less", Doc: "of one core, at the pace of playback: CPU time of this process over the length of the sound; with pace=real it includes the cost of waking up"},
	{Name: "events", Unit: "/s", Doc: "positions and users' actions per second of sound"},
	{Name: "missed", Better: "less", Doc: "with pace=real: periods of 50 ms that passed without a callback"},
	{Name: "underruns", Better: "less", Doc: "with pace=real: callbacks that found too few frames and played silence"},
}

var playerHourClaims = []runner.Claim{
	{Text: "CPU at most 30 % of a core on average", Source: workload.PlayerDocument, Kind: "budget", Quantity: "figure:cpu", Hi: 30},
	{Text: "memory at most 150 MB", Source: workload.PlayerDocument, Kind: "budget", Quantity: "figure:memory", Hi: 150 << 20},
	workload.Budget("an hour in under 60 s, and so a minute in 1 s", workload.Own, 1e6).With("pace", "fast").On("direct"),
	workload.UnderTwice("bus"),
	workload.UnderTwice("nats"),
	workload.Budget("controls and questions: median under 20 ms (here all that users do)", workload.PlayerDocument, 20_000).Of("", "p50_ns"),
	workload.Budget("controls: 95 in 100 under 100 ms (here all that users do)", workload.PlayerDocument, 100_000).Of("", "p95_ns"),
}

// users depend only on the seed and the player's time, so they do the same in every style at
// any pace. A pause ends some seconds later, and nobody skips or pauses meanwhile.
type users struct {
	seed   uint64
	start  player.Ticks
	second int               // since start, whose actions are not drawn yet
	coming []player.Stimulus // the next actions, in order of time; kind 0 is a question
	resume player.Ticks      // end of the pause; 0: none
	said   int               // messages
	acted  int64             // actions so far
}

func newUsers(seed uint64, start player.Ticks) *users { return &users{seed: seed, start: start} }

// Average intervals between actions, in seconds.
const (
	looking       = 2
	turning       = 45
	enqueuing     = 240
	pausing       = 300
	skipping      = 400
	wantingFlavor = 600 // asking for the flavor of a passage

	mostMessages = 20 // a second, in the busiest minutes
)

// next returns the next action up to at, if there is one.
func (p *users) next(at player.Ticks) (player.Stimulus, bool) {
	for len(p.coming) == 0 && p.start+player.Ticks(p.second)*player.Second <= at {
		p.decide()
	}
	if len(p.coming) == 0 || p.coming[0].At > at {
		return player.Stimulus{}, false
	}
	s := p.coming[0]
	p.coming = p.coming[1:]
	p.acted++
	return s, true
}

// decide draws the actions of the next second.
func (p *users) decide() {
	second := p.start + player.Ticks(p.second)*player.Second
	r := rand.New(rand.NewPCG(p.seed, uint64(p.second)))
	busy := int(runner.SeedAt(p.seed, p.second/60) % (mostMessages + 1))
	p.second++
	p.coming = p.coming[:0]
	add := func(s player.Stimulus) {
		s.At = second + player.Ticks(r.IntN(1000))*player.Second/1000
		p.coming = append(p.coming, s)
	}
	for range r.IntN(busy + 1) {
		s := workload.Say(p.seed, p.said)
		p.said++
		add(s)
	}
	if r.IntN(looking) == 0 {
		add(player.Stimulus{})
	}
	if r.IntN(turning) == 0 {
		add(player.Stimulus{Kind: player.VolumeSet, Volume: 20 + r.IntN(player.MaxVolume-19)})
	}
	if r.IntN(enqueuing) == 0 {
		add(player.Stimulus{Kind: player.Wanted, Passage: 1 + r.Int64N(workload.MusicPassages)})
	}
	if r.IntN(wantingFlavor) == 0 {
		add(player.Stimulus{Kind: player.FlavorWanted, Passage: 1 + r.Int64N(workload.MusicPassages), Until: second + 10*player.Minute})
	}
	p.command(second, r, add)
	slices.SortStableFunc(p.coming, func(a, b player.Stimulus) int { return cmp.Compare(a.At, b.At) })
}

// command adds at most one command a second.
func (p *users) command(second player.Ticks, r *rand.Rand, add func(player.Stimulus)) {
	pause, skip := r.IntN(pausing) == 0, r.IntN(skipping) == 0
	switch {
	case p.resume > second:
	case p.resume > 0:
		p.resume = 0
		add(player.Stimulus{Kind: player.Control, Command: player.Play})
	case pause && p.second > 10:
		p.resume = second + player.Ticks(2+r.IntN(10))*player.Second
		add(player.Stimulus{Kind: player.Control, Command: player.Pause})
	case skip:
		add(player.Stimulus{Kind: player.Control, Command: player.Skip})
	}
}

// send sends an action to the player.
func (w *session) send(s player.Stimulus) error {
	switch s.Kind {
	case 0:
		_, err := w.front.Status(context.Background())
		return err
	case player.MessageSaid:
		s.Message.At = s.At
		w.due++
	}
	return w.do(s)
}
