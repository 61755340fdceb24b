package scenarios

import (
	"fmt"
	"time"

	"rubato/player"
	"rubato/runner"
)

// soak is a player that works for long, and the memory that it takes meanwhile. Stimuli
// of every kind come at 100 a second, an order more than people make, most of them
// messages; the player's time goes on by an hour with every hundred, so that the library
// is never used up. Among them are some that must be refused.
//
// Every few seconds the garbage is collected, so that what is read after it is what the
// style holds on to and not what it is about to drop; that disturbs all styles alike.
// Growth is the last fifth of the block against the second, medians both: the first is
// when pools fill and the kernel's caches with them. A minute tells of a leak that is
// plain; only the hour of a full run tells of a slow one.
func (s styleSet) soak() runner.Scenario {
	passages := passagesKey
	passages.Default = "2000"
	return runner.Scenario{
		Name:    "soak",
		Answers: "Does memory grow while a player works for long?",
		Op:      "stimulus",
		Keys: []runner.Key{
			{Name: "rate", Default: "100", Check: between(10, 1000), Doc: "stimuli a second, in an open loop"},
			passages, syncKey, traceKey, rulesKey, dispatchKey, transportKey,
		},
		Script:   2 * soakCycle,
		Claims:   soakClaims,
		Measures: soakMeasures,
		Paced:    true,
		Together: true,
		Bare:     true,
		Size:     soakSize,
		Prepare:  func(setup runner.Setup) error { return prepare(setup, number(setup.Options, "passages")) },
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &soaking{workload: &workload{count: stored}, rate: float64(number(setup.Options, "rate")),
				passages: number(setup.Options, "passages")}
			if setup.Verbatim {
				w.rate = 0
			}
			_, err := s.start(setup, w.workload, func(c *player.Config) { c.Token, c.Deck = liveToken, &metronome{} })
			return w, err
		},
	}
}

// soakSize has one block, as long as one is willing to wait.
func soakSize(effort string, options runner.Options) runner.Size {
	length := map[string]time.Duration{"quick": time.Minute, "default": 5 * time.Minute, "full": time.Hour}[effort]
	return runner.Size{Ops: int(length.Seconds()) * number(options, "rate"), Rounds: 1, Warmup: -1, Limit: length + 5*time.Minute}
}

// soaking is a workload that makes its stimuli as they come, so that memory is the
// style's and not the script's.
type soaking struct {
	*workload
	rate     float64 // 0: as fast as they are taken, and no memory is read
	passages int
	first, n int
	stream   *stream // of the last Run
	memory   *memoryWatch
	figures  map[string]float64
}

// Prepare notes what is to come.
func (w *soaking) Prepare(first, n int) error {
	w.first, w.n = first, n
	return w.workload.Prepare(first, 0)
}

// Run lets it all happen, and watches.
func (w *soaking) Run(latency func(time.Duration)) error {
	w.stream, w.figures, w.memory = newStream(w.n, latency), nil, nil
	if w.rate == 0 {
		return w.pour()
	}
	w.memory = watchMemory(watchEvery(time.Duration(float64(w.n) / w.rate * float64(time.Second))))
	before, start := usedSoFar(), time.Now()
	err := w.pour()
	w.figures = usedSoFar().since(before, time.Since(start))
	w.memory.end()
	return err
}

// Work counts what was said. What else happened is in the digest, with how much was
// refused.
func (w *soaking) Work() (runner.Work, error) {
	work, err := w.workload.Work()
	if err != nil {
		return work, err
	}
	work.Stimuli, work.Expected = int64(w.n), 2*said(w.first, w.n)
	work.Digest += fmt.Sprintf("-%d", w.stream.refused)
	if w.memory == nil {
		return work, nil
	}
	work.Series, work.Figures = w.memory.series(), w.memory.figures()
	work.Figures["refused"] = float64(w.stream.refused)
	work.Figures["gen-late"] = 100 * float64(w.stream.late) / float64(w.n)
	if core, ok := w.figures["core"]; ok {
		work.Figures["core"] = core
	}
	return work, nil
}

var soakMeasures = []runner.Measure{
	{Name: "rss", Unit: "bytes", Better: "less", Doc: "memory of the process, the most that was seen; in nats with the embedded server"},
	{Name: "growth", Unit: "%", Better: "less", Doc: "of rss: the last fifth of the block against the second, medians of both"},
	{Name: "heap", Unit: "bytes", Better: "less", Doc: "what Go objects take after a collection, in the median of the last fifth"},
	{Name: "heap-growth", Unit: "%", Better: "less", Doc: "of heap, as growth is of rss"},
	{Name: "goroutines", Better: "less", Doc: "the most that were seen"},
	{Name: "core", Unit: "%", Better: "less", Doc: "of one core: CPU of the process over the block, the collections and the generator in it"},
	{Name: "gen-late", Unit: "%", Better: "less", Doc: "share of stimuli that the generator itself posted more than 10 ms late; over 1 %, the percentiles of latency are the machine's"},
	{Name: "refused", Doc: "stimuli that were refused with a reason, as they must be; the same in all styles"},
}

var soakClaims = []runner.Claim{
	{Text: "memory grows by less than 10 %", Source: natsDocument, Kind: "budget", Quantity: "figure:growth", Hi: 10},
	{Text: "RSS at most 150 MB", Source: playerDocument, Kind: "budget", Quantity: "figure:rss", Hi: 150e6},
	{Text: "an event takes under 5 ms", Source: natsDocument, Kind: "budget", Style: "nats", Quantity: "p99_ns", Hi: us(5000)},
}
