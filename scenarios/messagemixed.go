package scenarios

import (
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// messageMixed is what people do to a player, three kinds by turns: somebody says
// something, somebody sets the volume, somebody lets it play or pause. All of them end
// as something durable in module log, by different ways there: an event, an action and
// its rule, an event that asks for a permission first. The median of each kind stands
// beside the whole, as a mean over kinds would hide which of them pays.
func (s styleSet) messageMixed() runner.Scenario {
	return runner.Scenario{
		Name:     "message-mixed",
		Answers:  "What do three kinds of messages cost that come by turns, each kind for itself?",
		Op:       "message",
		Keys:     []runner.Key{syncKey, traceKey, rulesKey, dispatchKey, transportKey},
		Script:   300,
		Claims:   messageMixedClaims,
		Measures: messageMixedMeasures,
		Prepare:  func(setup runner.Setup) error { return prepare(setup, 200) }, // nobody selects here
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &workload{script: mix, count: refillsAndStored, expect: mixedEffects, commit: true}
			m := &mixed{workload: w}
			w.drive = m.drive
			_, err := s.start(setup, w, func(c *player.Config) { c.Token = liveToken })
			return m, err
		},
	}
}

// mix makes the i-th of a mixed script. Kinds come by turns, so that any stretch of it
// has as many of each; play and pause by turns, so that each changes something.
func mix(seed uint64, i int) player.Stimulus {
	h := stir(seed, i)
	s := player.Stimulus{Seq: uint64(i) + 1, Seed: h, At: sqlite.Epoch + player.Ticks(i)*player.Second}
	switch i % len(mixedKinds) {
	case 0:
		s = say(seed, i)
	case 1:
		s.Kind, s.Volume = player.VolumeSet, int(h%(player.MaxVolume+1))
	case 2:
		s.Kind, s.Token = player.Control, liveToken
		s.Command = [...]string{player.Play, player.Pause}[i/len(mixedKinds)%2]
	}
	return s
}

// mixedKinds are the names of their figures, by turn.
var mixedKinds = [...]string{"said", "volume", "control"}

// mixedEffects are lines of lanes and, for what was said, a row and a count.
func mixedEffects(s player.Stimulus) int64 {
	switch s.Kind {
	case player.MessageSaid:
		return 4 // appended, counted, and both in the database
	case player.VolumeSet:
		return 2 // set, kept
	}
	return 3 // commanded, told, kept
}

// refillsAndStored counts what every part did, and what is in the database of it.
func refillsAndStored(seen player.Observation) int64 { return refills(seen) + stored(seen) }

// mixed is a workload that knows the latency of each kind.
type mixed struct {
	*workload
	took [len(mixedKinds)][]time.Duration
}

// drive is a closed loop.
func (m *mixed) drive(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) error {
	for k := range m.took {
		m.took[k] = m.took[k][:0]
	}
	i := 0
	return closedLoop(p, stimuli, func(took time.Duration) {
		k := int(stimuli[i].Seq-1) % len(mixedKinds)
		m.took[k] = append(m.took[k], took)
		i++
		latency(took)
	})
}

// Work adds the medians.
func (m *mixed) Work() (runner.Work, error) {
	work, err := m.workload.Work()
	work.Figures = map[string]float64{}
	for k, took := range m.took {
		if len(took) > 0 {
			work.Figures[mixedKinds[k]] = percentile(took, 50)
		}
	}
	return work, err
}

var messageMixedMeasures = []runner.Measure{
	{Name: "said", Unit: "ns", Better: "less", Doc: "median latency of what somebody said: a row, a user's count, one commit"},
	{Name: "volume", Unit: "ns", Better: "less", Doc: "median latency of a volume that is set and kept, one commit"},
	{Name: "control", Unit: "ns", Better: "less", Doc: "median latency of a command: permitted, obeyed, told to everybody and kept, one commit"},
}

var messageMixedClaims = []runner.Claim{
	{Text: "mixed event types: an event takes under 5 ms", Source: natsDocument, Kind: "budget",
		Style: "nats", Quantity: "p99_ns", Hi: us(5000)},
	{Text: "controls: median under 20 ms (here without HTTP)", Source: playerDocument, Kind: "budget", Quantity: "figure:control", Hi: us(20_000)},
	{Text: "orchestration under 10 times direct", Source: budgetDocument, Kind: "budget", Style: "bus", Quantity: "ratio", Hi: 10},
	{Text: "whole operation under twice direct", Source: budgetDocument, Kind: "budget", Style: "bus", Quantity: "ratio", Hi: 2},
}
