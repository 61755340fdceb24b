package scenarios

import (
	"runtime"
	"time"

	"rubato/player"
	"rubato/runner"
)

// idle is a player that has nothing to do: one refill and one message after it was
// opened, and then ten seconds of nothing. What it costs to be there is a cost too, on a
// battery the first of all, and published figures name it as the reason why a network
// uses more CPU. Nothing is sent, no sound is mixed and nobody looks.
//
// One operation is one second. Everything is read with getrusage over the whole block;
// it has the measuring process's own side in it, which is the same in all styles: direct
// is what that comes to. In nats the embedded server is in it.
func (s styleSet) idle() runner.Scenario {
	return runner.Scenario{
		Name:     "idle",
		Answers:  "What does a player cost that has nothing to do?",
		Op:       "second",
		Keys:     []runner.Key{traceKey, rulesKey, dispatchKey, transportKey},
		Script:   1,
		Claims:   idleClaims,
		Measures: idleMeasures,
		Paced:    true,
		Together: true,
		Bare:     true,
		Size:     idleSize,
		Prepare:  func(setup runner.Setup) error { return prepare(setup, 200) },
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &idling{workload: &workload{count: refillsAndStored}}
			if _, err := s.start(setup, w.workload, func(*player.Config) {}); err != nil {
				return nil, err
			}
			return w, w.stir()
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
	*workload
	seconds int
	figures map[string]float64
}

// stir has every module work once, so that what is made on first use is there.
func (w *idling) stir() error {
	if err := w.player.Do(lowAt(w.seed, 0)); err != nil {
		return err
	}
	return w.player.Do(say(w.seed, 1))
}

// Prepare makes no stimuli.
func (w *idling) Prepare(_, n int) error {
	w.seconds = n
	return w.workload.Prepare(0, 0)
}

// Run waits: a timer of Go's own, so that no thread is held by the wait.
func (w *idling) Run(func(time.Duration)) error {
	before, start := usedSoFar(), time.Now()
	timer := time.NewTimer(time.Duration(w.seconds) * time.Second)
	defer timer.Stop()
	<-timer.C
	w.figures = usedSoFar().since(before, time.Since(start))
	return nil
}

// Work has no effects to count: one that came of nothing would be one too many.
func (w *idling) Work() (runner.Work, error) {
	work, err := w.workload.Work()
	work.Stimuli, work.Figures = int64(w.seconds), w.figures
	return work, err
}

// usage is what this process has used since it began.
type usage struct {
	cpu                    time.Duration // 0 where it is not told
	voluntary, involuntary int64         // context switches
}

// since is what was used in a stretch of time.
func (u usage) since(before usage, wall time.Duration) map[string]float64 {
	figures := map[string]float64{"goroutines": float64(runtime.NumGoroutine())}
	if cpu := u.cpu - before.cpu; u.cpu > 0 {
		figures["cpu"] = float64(cpu) / wall.Seconds()
		figures["core"] = 100 * float64(cpu) / float64(wall)
		figures["wake-ups"] = float64(u.voluntary-before.voluntary) / wall.Seconds()
		figures["preempted"] = float64(u.involuntary-before.involuntary) / wall.Seconds()
	}
	if rss := memoryNow(); rss > 0 {
		figures["rss"] = float64(rss)
	}
	return figures
}

var idleMeasures = []runner.Measure{
	{Name: "cpu", Unit: "ns", Better: "less", Doc: "CPU time a second, user and system, of the whole process"},
	{Name: "core", Unit: "%", Better: "less", Doc: "the same as a share of one core"},
	{Name: "wake-ups", Unit: "/s", Better: "less", Doc: "voluntary context switches a second: how often a thread went back to wait, and so had been woken"},
	{Name: "preempted", Unit: "/s", Better: "less", Doc: "involuntary context switches a second"},
	{Name: "rss", Unit: "bytes", Better: "less", Doc: "memory of the process at the end of the wait"},
	{Name: "goroutines", Better: "less", Doc: "at the end of the wait"},
}

var idleClaims = []runner.Claim{
	{Text: "CPU % is 5.80 % higher with NATS, explained as idle background cost", Source: natsDocument, Kind: "measured elsewhere",
		Style: "nats", Quantity: "cpu_ratio", Lo: 1.058, Hi: 1.058},
	{Text: "CPU at most 30 % of a core on average", Source: playerDocument, Kind: "budget", Quantity: "figure:core", Hi: 30},
	{Text: "RSS at most 150 MB", Source: playerDocument, Kind: "budget", Quantity: "figure:rss", Hi: 150e6},
}
