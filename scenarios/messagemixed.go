package scenarios

import (
	"time"

	"rubato/openloop"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// messageMixed has three kinds of stimuli in turn: a message, a volume, a play or pause
// command. Each ends as something durable in module log, by a different way: an event, an
// action and its rule, an event that needs a permission first. The median of each kind is a
// figure, because a mean over kinds would hide their differences.
func (s styles) messageMixed() runner.Scenario {
	return messages(runner.Scenario{
		Name:     "message-mixed",
		Answers:  "What do three kinds of messages cost that come in turn, each kind on its own?",
		Script:   300,
		Claims:   messageMixedClaims,
		Measures: messageMixedMeasures,
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &workload.Workload{Script: mix, Count: workload.RefillsAndStored, Expect: mixedEffects, Commit: true}
			m := &mixed{Workload: w}
			w.Drive = m.drive
			_, err := s.Start(setup, w, func(c *player.Config) { c.Token = liveToken })
			return m, err
		},
	})
}

// mix makes the i-th stimulus. Kinds come in turn, so that any stretch has as many of each.
// Play and pause come in turn, so that each changes something.
func mix(seed uint64, i int) player.Stimulus {
	h := runner.SeedAt(seed, i)
	s := player.Stimulus{Seq: uint64(i) + 1, Seed: h, At: sqlite.Epoch + player.Ticks(i)*player.Second}
	switch i % len(mixedKinds) {
	case 0:
		s = workload.Say(seed, i)
	case 1:
		const half = player.MaxVolume / 2 // low and high come in turn: a volume that stays commits nothing
		s.Kind, s.Volume = player.VolumeSet, int(h%half)+i/len(mixedKinds)%2*half
	case 2:
		s.Kind, s.Token = player.Control, liveToken
		s.Command = [...]string{player.Play, player.Pause}[i/len(mixedKinds)%2]
	}
	return s
}

// mixedKinds are the names of the figures, in the order of kinds.
var mixedKinds = [...]string{"said", "volume", "control"}

// mixedEffects counts lines of lanes and, for a message, its row and count.
func mixedEffects(s player.Stimulus) int64 {
	switch s.Kind {
	case player.MessageSaid:
		return 4 // appended, counted, and both in the database
	case player.VolumeSet:
		return 2 // set, stored
	}
	return 3 // commanded, broadcast, stored
}

// mixed is a workload with the latency of each kind.
type mixed struct {
	*workload.Workload
	took [len(mixedKinds)][]time.Duration // since Prepare
}

// Prepare forgets the latencies.
func (m *mixed) Prepare(first, n int) error {
	for k := range m.took {
		m.took[k] = m.took[k][:0]
	}
	return m.Workload.Prepare(first, n)
}

// drive is a closed loop.
func (m *mixed) drive(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) error {
	i := 0
	return workload.ClosedLoop(p, stimuli, func(took time.Duration) {
		k := int(stimuli[i].Seq-1) % len(mixedKinds)
		m.took[k] = append(m.took[k], took)
		i++
		latency(took)
	})
}

// Work adds the medians.
func (m *mixed) Work() (runner.Work, error) {
	work, err := m.Workload.Work()
	work.Figures = map[string]float64{}
	for k, took := range m.took {
		if len(took) > 0 {
			work.Figures[mixedKinds[k]] = openloop.Percentile(took, 50)
		}
	}
	return work, err
}

var messageMixedMeasures = []runner.Measure{
	{Name: "said", Unit: "ns", Better: "less", Doc: "median latency of a message: a row, a user's count, one commit"},
	{Name: "volume", Unit: "ns", Better: "less", Doc: "median latency of a volume that is set and stored, one commit"},
	{Name: "control", Unit: "ns", Better: "less", Doc: "median latency of a command: permitted, done, broadcast and stored, one commit"},
}

var messageMixedClaims = []runner.Claim{
	workload.Budget("mixed event types: an event takes under 5 ms", workload.NatsDocument, 5000).Of("nats", "p99_ns"),
	workload.Budget("controls: median under 20 ms (here without HTTP)", workload.PlayerDocument, 20_000).Of("", "figure:control"),
	workload.Times("orchestration under 10 times direct", workload.BudgetDocument, 10).On("bus"),
	workload.UnderTwice("bus"),
}
