package scenarios

import (
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/runner/host"
	"rubato/scenarios/workload"
)

// idle is a player with nothing to do: one refill and one message after it is opened, then
// ten seconds without work. Being idle has a cost, which matters on a battery, and
// published figures give it as the reason why a network uses more CPU. Nothing is sent, no
// sound is mixed and no client is connected.
//
// One operation is one second. Everything is read over the whole block. It includes the measuring
// process itself, the same in all styles: direct shows how much that is. In nats it includes the
// server and the modules, wherever they are; context switches are those of the measured process alone.
func (s styles) idle() runner.Scenario {
	return runner.Scenario{
		Name:     "idle",
		Answers:  "What does an idle player cost?",
		Op:       "second",
		Keys:     []runner.Key{workload.TraceKey, workload.RulesKey, workload.DispatchKey, workload.TransportKey},
		Script:   1,
		Claims:   idleClaims,
		Measures: idleMeasures,
		Paced:    true,
		Together: true,
		Bare:     true,
		Size:     idleSize,
		Prepare:  func(setup runner.Setup) error { return workload.Prepare(setup, 200) },
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &idling{Workload: &workload.Workload{Count: workload.RefillsAndStored}}
			if _, err := s.Start(setup, w.Workload, func(*player.Config) {}); err != nil {
				return nil, err
			}
			return w, w.warmUp()
		},
	}
}

// idleSize has ten seconds, once when quick.
func idleSize(effort string, _ runner.Options) runner.Size {
	rounds := map[string]int{"quick": 1, "default": 3, "full": 10}[effort]
	return runner.Size{Ops: 10, Rounds: rounds, Warmup: -1}
}

// idling is a workload that waits.
type idling struct {
	*workload.Workload
	seconds int
	figures map[string]float64
}

// warmUp lets every module work once, so that everything made on first use exists.
func (w *idling) warmUp() error {
	if err := w.Player.Do(workload.LowAt(w.Seed, 0)); err != nil {
		return err
	}
	return w.Player.Do(workload.Say(w.Seed, 1))
}

// Prepare makes no stimuli.
func (w *idling) Prepare(_, n int) error {
	w.seconds = n
	return w.Workload.Prepare(0, 0)
}

// Run waits on a Go timer, so that the wait holds no thread.
func (w *idling) Run(_ int, _ func(time.Duration)) error {
	before, start := host.UsageNow(), time.Now()
	<-time.After(time.Duration(w.seconds) * time.Second)
	w.figures = workload.UsageFigures(before, time.Since(start))
	return nil
}

// Work expects no effects.
func (w *idling) Work() (runner.Work, error) {
	work, err := w.Workload.Work()
	w.figures["start"] = float64(w.Took)
	work.Stimuli, work.Figures = int64(w.seconds), w.figures
	return work, err
}

var idleMeasures = []runner.Measure{
	{Name: "cpu", Unit: "ns", Better: "less", Doc: "CPU time a second, user and system, of the process and of those that it has started"},
	{Name: "core", Unit: "%", Better: "less", Doc: "the same as a share of one core"},
	{Name: "wake-ups", Unit: "/s", Better: "less", Doc: "voluntary context switches a second: how often a thread went back to waiting, and so had been woken"},
	{Name: "preempted", Unit: "/s", Better: "less", Doc: "involuntary context switches a second"},
	{Name: "rss", Unit: "bytes", Better: "less", Doc: "memory at the end of the wait, of the process and of those that it has started"},
	{Name: "goroutines", Better: "less", Doc: "at the end of the wait"},
	{Name: "start", Unit: "ns", Better: "less", Doc: "how long it took to open the player: engines, and the network with all its processes; the store was open"},
}

var idleClaims = []runner.Claim{
	{Text: "CPU % is 5.80 % higher with NATS, explained as idle background cost", Source: workload.NatsDocument, Kind: "measured elsewhere",
		Style: "nats", Quantity: "cpu_ratio", Lo: 1.058, Hi: 1.058},
	{Text: "CPU at most 30 % of a core on average", Source: workload.PlayerDocument, Kind: "budget", Quantity: "figure:core", Hi: 30},
	{Text: "RSS at most 150 MB", Source: workload.PlayerDocument, Kind: "budget", Quantity: "figure:rss", Hi: 150e6},
}
