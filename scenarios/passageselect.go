package scenarios

import (
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// passageSelect is the heart of the player alone: which passage would play best at
// some time. Nothing is enqueued or recorded, so the library stays as it was made, and
// its size can be chosen freely: the whole of it is read from the database each time.
//
// Targets are an hour apart and go round the clock of the library's first day, so that
// every timeslot has its turn and cooldowns do not run out as blocks go on.
func (s styleSet) passageSelect() runner.Scenario {
	passages := passagesKey
	passages.Default = "1000,5736,10000,50000"
	return runner.Scenario{
		Name:     "passage-select",
		Answers:  "What does it cost to select a passage, and how does that grow with the library?",
		Op:       "selection",
		Keys:     []runner.Key{passages, traceKey, rulesKey, dispatchKey, transportKey},
		Script:   12,
		Claims:   passageSelectClaims,
		Measures: passageSelectMeasures,
		Size:     passageSelectSize,
		Bare:     true, // it never waits, and queue-low's profile has the same work in it
		Prepare:  func(setup runner.Setup) error { return prepare(setup, number(setup.Options, "passages")) },
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &workload{script: suggestAt, drive: closedLoop, count: refills, each: 3}
			if _, err := s.start(setup, w, func(*player.Config) {}); err != nil {
				return nil, err
			}
			return &selecting{workload: w, passages: number(setup.Options, "passages")}, nil
		},
	}
}

func suggestAt(seed uint64, i int) player.Stimulus {
	return player.Stimulus{Kind: player.Suggestion, Seq: uint64(i) + 1,
		At: sqlite.Epoch + player.Ticks(1+i%24)*player.Hour, Seed: stir(seed, i)}
}

// passageSelectSize takes few rounds of a large library when quick: a selection from
// 50 000 lasts longer than all that a style could add to it.
func passageSelectSize(effort string, options runner.Options) (size runner.Size) {
	if effort == "quick" && number(options, "passages") > 20_000 {
		size = runner.Size{Rounds: 6, Warmup: 1}
	}
	return size
}

// selecting tells time per passage of the library, and memory, beside.
type selecting struct {
	*workload
	passages int
	took     time.Duration
}

// Run selects.
func (w *selecting) Run(latency func(time.Duration)) error {
	start := time.Now()
	err := w.workload.Run(latency)
	w.took = time.Since(start)
	return err
}

// Work adds the measures.
func (w *selecting) Work() (runner.Work, error) {
	peak := peakMemory() // before the counting adds to it
	work, err := w.workload.Work()
	if err != nil {
		return work, err
	}
	work.Figures = map[string]float64{"per-passage": float64(w.took) / float64(len(w.stimuli)*w.passages)}
	if peak > 0 {
		work.Figures["memory"] = float64(peak)
	}
	return work, nil
}

var passageSelectMeasures = []runner.Measure{
	{Name: "per-passage", Unit: "ns", Better: "less", Doc: "time of a selection over the passages of the library: the same at every size if the cost is linear"},
	{Name: "memory", Unit: "bytes", Better: "less", Doc: "most of this process that was in memory since the block began, the runner's own side in it, and in nats the server"},
}

var passageSelectClaims = append([]runner.Claim{
	{Text: "passage selection 500–2 000 µs", Source: overheadDocument, Kind: "estimate",
		Style: "direct", Options: library("1000"), Quantity: "ns_op", Lo: us(500), Hi: us(2000)},
	{Text: "flavor query 100 µs and selection 500 µs", Source: overheadDocument, Kind: "estimate",
		Style: "direct", Options: library("1000"), Quantity: "ns_op", Lo: us(600), Hi: us(600)},
	{Text: "passage selection: overhead at most 10 %", Source: budgetDocument, Kind: "budget",
		Style: "bus", Quantity: "ratio", Hi: 1.10},
	{Text: "orchestration adds 12.5–44.5 µs, typically 25", Source: overheadDocument, Kind: "estimate",
		Style: "bus", Options: library("1000"), Quantity: "overhead_ns", Lo: us(12.5), Hi: us(44.5)},
	{Text: "whole operation under twice direct", Source: budgetDocument, Kind: "budget",
		Style: "bus", Quantity: "ratio", Hi: 2},
	{Text: "whole operation under twice direct", Source: budgetDocument, Kind: "budget",
		Style: "nats", Quantity: "ratio", Hi: 2},
	{Text: "selection under 2 s", Source: playerDocument, Kind: "budget", Quantity: "ns_op", Hi: us(2_000_000)},
	{Text: "under 64 MB with 50 000 passages", Source: own, Kind: "budget",
		Style: "direct", Options: library("50000"), Quantity: "figure:memory", Hi: 64 << 20},
}, selectionLimits()...)

// selectionLimits are what the original asks for and what this project does, by size of
// the library, in ms.
func selectionLimits() (claims []runner.Claim) {
	limit := func(text, source, passages string, ms float64) {
		claims = append(claims, runner.Claim{Text: text, Source: source, Kind: "budget",
			Style: "direct", Options: library(passages), Quantity: "ns_op", Hi: us(1000 * ms)})
	}
	limit("selection under 10 ms with 1 000 passages", playerDocument, "1000", 10)
	limit("selection under 100 ms with 10 000 passages", playerDocument, "10000", 100)
	limit("selection under 500 ms with 50 000 passages", playerDocument, "50000", 500)
	limit("selection under 1 ms with 1 000 passages", own, "1000", 1)
	limit("selection under 8 ms with 5 736 passages", own, "5736", 8)
	limit("selection under 15 ms with 10 000 passages", own, "10000", 15)
	limit("selection under 80 ms with 50 000 passages", own, "50000", 80)
	return claims
}

func library(passages string) map[string]string { return map[string]string{"passages": passages} }
