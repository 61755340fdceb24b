package scenarios

import (
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// storm is far more news than anybody can use: the depth of the queue changes every 10 ms
// of the player's time, and each change sets off rules. What may be told is held to ten
// a second, or is not: that is the switch.
//
// The player's time is the script's: a storm lasts nine and a half of its seconds, and
// the next begins an hour later, so that a storm refills the queue once, at its start,
// and the library never runs out. Every half second a position is passed, without sound,
// at which what was held is told. On the clock the stimuli come at rate, in an open loop
// with exponential gaps; with rate=max each is posted as soon as the one before has been
// accepted, which shows where saturation begins.
func (s styleSet) storm() runner.Scenario {
	return runner.Scenario{
		Name:    "storm",
		Answers: "What do events cost that come too fast, and what do a rate limit and coalescing save?",
		Op:      "event",
		Keys: []runner.Key{
			{Name: "rate", Default: "100,1000,max", Check: rate, Doc: "events a second, 1 to 100000; max: as fast as they are taken"},
			{Name: "pace", Default: "coalesced,unlimited", Values: []string{string(player.Coalesced), string(player.Limited), string(player.Unlimited)},
				Doc: "coalesced: of what comes within 100 ms of the player's time the last is told, later; limited: it is not told; unlimited: all is told at once"},
			traceKey, rulesKey, dispatchKey, transportKey,
		},
		Script:   200,
		Claims:   stormClaims,
		Measures: append(slices.Clone(stormMeasures), openLoopMeasures...),
		Paced:    true,
		Bare:     true,
		Size:     stormSize,
		Prepare:  func(setup runner.Setup) error { return prepare(setup, 200) },
		Open:     s.openStorm,
	}
}

// rate accepts what the key of that name may be.
func rate(value string) error {
	if value == "max" {
		return nil
	}
	return between(1, 100_000)(value)
}

func (s styleSet) openStorm(setup runner.Setup) (runner.Workload, error) {
	pace, crowd := player.PaceMode(setup.Options["pace"]), &crowd{}
	wake, err := pacingAlone(setup)
	if err != nil {
		return nil, err
	}
	w := &workload{script: stormy10ms, drive: pipelined, expect: stormEffects(pace),
		count: func(seen player.Observation) int64 { return refills(seen) + crowd.heard.Load() }}
	_, err = s.start(setup, w, func(c *player.Config) { c.Pace, c.Audience, c.Deck = pace, crowd, &metronome{} })
	if err != nil {
		return nil, err
	}
	paced := &pacedWorkload{workload: w}
	if setup.Options["rate"] != "max" && !setup.Verbatim { // a transcript is of what is done, not of when
		paced.rate = float64(number(setup.Options, "rate"))
	}
	return &storming{pacedWorkload: paced, crowd: crowd, wake: wake}, nil
}

// pacingAlone is the CPU time that the open loop itself takes for a stimulus, to sleep
// and wake up, at the storm's rate and with nobody to post to. It is measured before
// there is a player, whose own idleness would be in it otherwise; 0 when nothing paces.
func pacingAlone(setup runner.Setup) (time.Duration, error) {
	if setup.Options["rate"] == "max" || setup.Verbatim {
		return 0, nil
	}
	perSecond := number(setup.Options, "rate")
	due := arrivals(setup.Seed, 0, max(30, perSecond/4), float64(perSecond))
	stimuli := make([]player.Stimulus, len(due))
	for i := range stimuli {
		stimuli[i].Seq = uint64(i) + 1
	}
	g, err := openLoop(nobody{}, stimuli, due, func(time.Duration) {})
	if err != nil {
		return 0, err
	}
	return max(g.cpu-g.spun, 0) / time.Duration(g.ops), nil
}

// nobody is done with all that is posted.
type nobody struct{ player.Player }

// Post is done.
func (nobody) Post(s player.Stimulus, done player.Done) error {
	done(s.Seq, nil)
	return nil
}

// Settle has nothing to wait for.
func (nobody) Settle() error { return nil }

// stormSize has blocks of 100 stimuli at least, so that their 99th percentile is not
// their longest latency. They last 1 s at most when quick, and 2 s else; where nothing
// paces, as long as the style is slow.
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
	stormStep    = 10                    // ms of the player's time between two events
	halfSecond   = 500 / stormStep       // events between two positions
	stormLength  = 19 * halfSecond       // stimuli: just under player.RefillInterval
	stormPeriod  = player.SampleRate / 2 // frames from one position to the next
	toldInterval = 100 / stormStep       // events between two that are told
	stormTick    = stormStep * player.Second / 1000
)

// stormy10ms is the i-th stimulus: an event or, at the end of each half second, what
// passes a position.
func stormy10ms(seed uint64, i int) player.Stimulus {
	k := i % stormLength
	s := player.Stimulus{Kind: player.QueueLow, Seq: uint64(i) + 1, Seed: stir(seed, i),
		At: sqlite.Epoch + player.Ticks(1+i/stormLength)*player.Hour + player.Ticks(k)*stormTick}
	if k%halfSecond == halfSecond-1 {
		s.Kind, s.Frames, s.At = player.Period, stormPeriod, s.At+stormTick
	}
	return s
}

// stormEffects are those that a stimulus must have: lines of lanes, and what is heard.
// They are worked out from its place in the storm alone.
func stormEffects(pace player.PaceMode) func(player.Stimulus) int64 {
	const told = 3 // sent, heard, marked
	return func(s player.Stimulus) (effects int64) {
		k := int(s.Seq-1) % stormLength
		if s.Kind == player.Period {
			effects = 3 // passed, sent, heard
			if pace == player.Coalesced {
				effects += told // what was held
			}
			return effects
		}
		effects = 1 // played down
		if k == 0 {
			effects += 5 // flavor, selection, queued, asked for, cooldown
		}
		inTime := k%toldInterval == 0
		if pace == player.Coalesced && k > 0 && k%halfSecond == 0 {
			inTime = false // the position of this moment has told what was held
		}
		if inTime || pace == player.Unlimited {
			return effects + told
		}
		return effects + 1 // held
	}
}

// storming is a paced workload that tells how much was heard.
type storming struct {
	*pacedWorkload
	crowd  *crowd
	wake   time.Duration // CPU time of the open loop itself, a stimulus
	before int64         // heard before the last Prepare
}

// Prepare notes what has been heard so far.
func (w *storming) Prepare(first, n int) error {
	w.before = w.crowd.heard.Load()
	return w.pacedWorkload.Prepare(first, n)
}

// Work adds what was heard of an event.
func (w *storming) Work() (runner.Work, error) {
	work, err := w.pacedWorkload.Work()
	if err == nil {
		work.Figures["heard"] = float64(w.crowd.heard.Load()-w.before) / float64(work.Stimuli)
	}
	if each, ok := work.Figures["cpu-op"]; ok && w.wake > 0 {
		work.Figures["cpu-added"] = (each - float64(w.wake)) * work.Figures["achieved"] / float64(time.Second) * 100
	}
	return work, err
}

var stormMeasures = []runner.Measure{
	{Name: "heard", Better: "less", Doc: "announcements that an audience had to take, per event: what the limit spares it"},
	{Name: "cpu-added", Unit: "%", Better: "less", Doc: "of one core: cpu less what the open loop takes to sleep and wake up with nobody to post to, measured before the player was opened; what the events themselves cost. Below 0 it is lost in the noise"},
}

// crowd is an audience that counts.
type crowd struct{ heard atomic.Int64 }

// Hear counts.
func (c *crowd) Hear(player.Announcement) { c.heard.Add(1) }

var stormClaims = []runner.Claim{
	{Text: "a storm of 100 events/s costs 0.25 % CPU (here with what the events do)", Source: overheadDocument, Kind: "estimate",
		Style: "bus", Options: stormAt("100"), Quantity: "figure:cpu-added", Lo: 0.25, Hi: 0.25},
	{Text: "at least 100 events a second sustained", Source: natsDocument, Kind: "budget",
		Style: "nats", Options: map[string]string{"rate": "max"}, Quantity: "figure:achieved", Lo: 100},
	{Text: "an event takes under 5 ms", Source: natsDocument, Kind: "budget",
		Style: "nats", Options: map[string]string{"rate": "100"}, Quantity: "p99_ns", Hi: us(5000)},
	{Text: "SSE: median under 5 ms (here up to the audience)", Source: playerDocument, Kind: "budget",
		Options: stormAt("100"), Quantity: "p50_ns", Hi: us(5000)},
	{Text: "SSE: 95 in 100 under 20 ms (here up to the audience)", Source: playerDocument, Kind: "budget",
		Options: stormAt("100"), Quantity: "p95_ns", Hi: us(20_000)},
	{Text: "CPU at most 30 % of a core on average", Source: playerDocument, Kind: "budget",
		Options: stormAt("100"), Quantity: "figure:cpu", Hi: 30},
}

// stormAt are the options of a storm as the player takes it unless told otherwise.
func stormAt(rate string) map[string]string {
	return map[string]string{"rate": rate, "pace": string(player.Coalesced)}
}
