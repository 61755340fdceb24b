package scenarios

import (
	"slices"
	"time"

	"rubato/openloop"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// messageBurst is many messages at the same moment. All are due at once, so every latency
// counts from the start of the burst, and the clock stops when the last is durable.
//
// The window has room for the whole burst, so a style may accept all of it at once. How
// soon the sender is free again is the one thing that a bus can do better, so it is a
// separate figure.
func (s styles) messageBurst() runner.Scenario {
	return messages(runner.Scenario{
		Name:     "message-burst",
		Answers:  "What happens to 1 000 messages sent at once, and when is the last of them durable?",
		Keys:     []runner.Key{{Name: "batch", Default: "1", Check: workload.Between(1, burst), Doc: "messages a commit at most; 1: each its own"}},
		Script:   burst,
		Stages:   []string{workload.StageLog},
		Claims:   messageBurstClaims,
		Measures: messageBurstMeasures,
		Size:     func(string, runner.Options) runner.Size { return runner.Size{Ops: burst} },
		// Every latency counts from the start of the burst, so a part of one would be another test.
		Unit: func(runner.Options) int { return burst },
		Open: func(setup runner.Setup) (runner.Workload, error) {
			b := new(bursting)
			w := &workload.Workload{Script: workload.Say, Drive: b.drive, Count: workload.Stored, Each: 2, Crosses: workload.MessageCrosses}
			b.Workload = w
			_, err := s.Start(setup, w, func(c *player.Config) {
				c.Batch, c.Window = workload.Number(setup.Options, "batch"), burst
			})
			return b, err
		},
	})
}

// burst is the number of messages at once, as in the published test.
const burst = 1000

// bursting is a workload whose stimuli are all due at its start.
type bursting struct {
	*workload.Workload
	bursts     int           // since Prepare
	free, wall time.Duration // sums over these: until all were accepted; until all were durable
	first      time.Duration // the same until the first was durable
	before     int64         // rows before the last Prepare
}

// Prepare counts the rows and resets the sums.
func (b *bursting) Prepare(first, n int) error {
	seen, err := b.Player.Observe()
	if err != nil {
		return err
	}
	b.before = seen.Stored.Messages
	b.bursts, b.free, b.wall, b.first = 0, 0, 0, 0
	return b.Workload.Prepare(first, n)
}

// drive posts all stimuli, then settles.
func (b *bursting) drive(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) error {
	r := openloop.NewCompletions(stimuli[0].Seq, len(stimuli))
	start := time.Now()
	for i := range r.Posted {
		r.Posted[i] = start
	}
	for i := range stimuli {
		if err := p.Post(stimuli[i], r.Done); err != nil {
			return err
		}
	}
	b.free += time.Since(start)
	err := p.Settle()
	b.wall += time.Since(start)
	if err != nil {
		return err
	}
	err = r.Tell(latency)
	b.first += slices.Min(r.Took)
	b.bursts++
	return err
}

// Work adds the figures, on average over the bursts. Missing rows also make the block invalid.
func (b *bursting) Work() (runner.Work, error) {
	work, err := b.Workload.Work()
	if err != nil {
		return work, err
	}
	seen, err := b.Player.Observe()
	said, bursts := float64(work.Stimuli), float64(max(b.bursts, 1))
	work.Figures = map[string]float64{
		"stored": 100 * float64(seen.Stored.Messages-b.before) / said,
		"first":  float64(b.first) / bursts,
		"free":   float64(b.free) / bursts,
		"rate":   said / max(b.wall, 1).Seconds(),
	}
	return work, err
}

var messageBurstMeasures = []runner.Measure{
	{Name: "stored", Unit: "%", Better: "more", Doc: "rows in the database when all was settled, as a share of the messages sent; under 100 the block is invalid, too"},
	{Name: "first", Unit: "ns", Better: "less", Doc: "from the start of the burst until its first message was reported durable"},
	{Name: "free", Unit: "ns", Better: "less", Doc: "from the start of the burst until the sender had handed over all of it"},
	{Name: "rate", Unit: "/s", Better: "more", Doc: "messages made durable per second, from the start of the burst to the last of them"},
}

var messageBurstClaims = []runner.Claim{
	workload.AtLeast("of a burst of 1 000 at least 95 % are stored", workload.NatsDocument, 95).Of("nats", "figure:stored"),
	{Text: "all of a burst of 1 000 is stored, in every style", Source: workload.Own, Kind: "budget",
		Quantity: "figure:stored", Lo: 100, Hi: 100},
	workload.Measured("direct: 1 000 writes take 0.546 s, 1 867 a second", 1867).Of("direct", "figure:rate"),
	workload.Measured("NATS: 1 000 writes take 0.524 s, 2 061 a second", 2061).Of("nats", "figure:rate"),
	workload.Measured("NATS is 4.03 % faster", 0.9597).Of("nats", "ratio"),
}
