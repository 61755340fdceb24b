package scenarios

import (
	"slices"
	"time"

	"rubato/player"
	"rubato/runner"
)

// messageBurst is many messages said at the same moment: what a chat does when the
// chorus comes. All of them are due at once, so latency counts from the start of the
// burst for each, and the clock stops when the last is durable.
//
// The window has room for the whole burst, so that whoever can take it in at once may:
// how soon the sender is free again is the one thing that a bus can do better, and it
// stands as a figure of its own beside how long the work took.
func (s styleSet) messageBurst() runner.Scenario {
	return runner.Scenario{
		Name:    "message-burst",
		Answers: "What becomes of 1 000 messages that are said at once, and when is the last of them durable?",
		Op:      "message",
		Keys: []runner.Key{
			{Name: "batch", Default: "1", Check: between(1, burst), Doc: "messages a commit at most; 1: each its own"},
			syncKey, traceKey, rulesKey, dispatchKey, transportKey,
		},
		Script:   burst,
		Stages:   []string{stageLog},
		Claims:   messageBurstClaims,
		Measures: messageBurstMeasures,
		Size:     func(string, runner.Options) runner.Size { return runner.Size{Ops: burst} },
		Prepare:  func(setup runner.Setup) error { return prepare(setup, 200) }, // nobody selects here
		Open: func(setup runner.Setup) (runner.Workload, error) {
			b := new(bursting)
			w := &workload{script: say, drive: b.drive, count: stored, each: 2}
			b.workload = w
			_, err := s.start(setup, w, func(c *player.Config) {
				c.Batch, c.Window = number(setup.Options, "batch"), burst
			})
			return b, err
		},
	}
}

// burst is how many are said at once, as in the published test.
const burst = 1000

// bursting is a workload whose stimuli are all due when it starts.
type bursting struct {
	*workload
	free, wall time.Duration // when all had been taken in; when all were durable
	first      time.Duration // when the first was durable
	before     int64         // rows before the last Prepare
}

// Prepare notes how many rows there are.
func (b *bursting) Prepare(first, n int) error {
	seen, err := b.player.Observe()
	if err != nil {
		return err
	}
	b.before = seen.Stored.Messages
	return b.workload.Prepare(first, n)
}

// drive posts them all, and settles.
func (b *bursting) drive(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) error {
	r := newReports(stimuli)
	start := time.Now()
	for i := range r.posted {
		r.posted[i] = start
	}
	for i := range stimuli {
		if err := p.Post(stimuli[i], r.done); err != nil {
			return err
		}
	}
	b.free = time.Since(start)
	err := p.Settle()
	b.wall = time.Since(start)
	if err != nil {
		return err
	}
	err = r.tell(latency)
	b.first = slices.Min(r.took)
	return err
}

// Work adds what is particular to a burst. Rows that are missing void the block, too.
func (b *bursting) Work() (runner.Work, error) {
	work, err := b.workload.Work()
	if err != nil {
		return work, err
	}
	seen, err := b.player.Observe()
	said := float64(work.Stimuli)
	work.Figures = map[string]float64{
		"stored": 100 * float64(seen.Stored.Messages-b.before) / said,
		"first":  float64(b.first),
		"free":   float64(b.free),
		"rate":   said / max(b.wall, 1).Seconds(),
	}
	return work, err
}

var messageBurstMeasures = []runner.Measure{
	{Name: "stored", Unit: "%", Better: "more", Doc: "rows in the database when all was settled, as a share of what was said; under 100 the block is void, too"},
	{Name: "first", Unit: "ns", Better: "less", Doc: "from the start of the burst until its first message was reported durable"},
	{Name: "free", Unit: "ns", Better: "less", Doc: "from the start of the burst until the sender had handed all of it over"},
	{Name: "rate", Unit: "/s", Better: "more", Doc: "messages made durable a second, from the start of the burst to the last of them"},
}

var messageBurstClaims = []runner.Claim{
	{Text: "of a burst of 1 000 at least 95 % are stored", Source: natsDocument, Kind: "budget",
		Style: "nats", Quantity: "figure:stored", Lo: 95},
	{Text: "all of a burst of 1 000 is stored, in every style", Source: own, Kind: "budget",
		Quantity: "figure:stored", Lo: 100, Hi: 100},
	{Text: "direct: 1 000 writes take 0.546 s, 1 867 a second", Source: natsDocument, Kind: "measured elsewhere",
		Style: "direct", Quantity: "figure:rate", Lo: 1867, Hi: 1867},
	{Text: "NATS: 1 000 writes take 0.524 s, 2 061 a second", Source: natsDocument, Kind: "measured elsewhere",
		Style: "nats", Quantity: "figure:rate", Lo: 2061, Hi: 2061},
	{Text: "NATS is 4.03 % faster", Source: natsDocument, Kind: "measured elsewhere",
		Style: "nats", Quantity: "ratio", Lo: 0.9597, Hi: 0.9597},
}
