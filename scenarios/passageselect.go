package scenarios

import (
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/runner/host"
	"rubato/scenarios/workload"
)

// passageSelect is only the selection: the best passage at some time. It enqueues and records
// nothing, so the library does not change and can have any size. Each selection reads the
// whole library from the database.
//
// Target times are an hour apart and repeat the library's first day, so that every
// timeslot is used and cooldowns stay the same from block to block.
func (s styles) passageSelect() runner.Scenario {
	passages := workload.PassagesKey
	passages.Default = "1000,5736,10000,50000"
	return runner.Scenario{
		Name:     "passage-select",
		Anywhere: true,
		Answers:  "What does it cost to select a passage, and how does that grow with the library?",
		Op:       "selection",
		Keys:     []runner.Key{passages, workload.TraceKey, workload.RulesKey, workload.DispatchKey, workload.TransportKey, workload.CodecKey, workload.EnvelopeKey, workload.FlavorKey},
		Script:   12,
		Claims:   passageSelectClaims,
		Measures: passageSelectMeasures,
		Size:     passageSelectSize,
		Cold:     "a passage is selected once per track, every three minutes or so, so a selection finds the caches cold",
		Bare:     true, // it never waits, and the profile of queue-low contains the same work
		Prepare: func(setup runner.Setup) error {
			return workload.Prepare(setup, workload.Number(setup.Options, "passages"))
		},
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &workload.Workload{Script: workload.SuggestAt, Drive: workload.ClosedLoop, Count: workload.Refills, Each: 3, Crosses: map[string]int64{"ui": 1, "pd": 1}}
			if _, err := s.Start(setup, w, func(*player.Config) {}); err != nil {
				return nil, err
			}
			return &selecting{Workload: w, passages: workload.Number(setup.Options, "passages")}, nil
		},
	}
}

// passageSelectSize has few rounds of a large library when quick: a selection from 50 000
// passages takes far longer than anything that a style adds.
func passageSelectSize(effort string, options runner.Options) (size runner.Size) {
	if effort == "quick" && workload.Number(options, "passages") > 20_000 {
		size = runner.Size{Rounds: 6, Warmup: 1}
	}
	return size
}

// selecting also measures time per passage of the library, and memory.
type selecting struct {
	*workload.Workload
	passages int
	took     time.Duration // by the selections since Prepare
}

// Prepare resets the time.
func (w *selecting) Prepare(first, n int) error {
	w.took = 0
	return w.Workload.Prepare(first, n)
}

// Run times the selections.
func (w *selecting) Run(n int, latency func(time.Duration)) error {
	start := time.Now()
	err := w.Workload.Run(n, latency)
	w.took += time.Since(start)
	return err
}

// Work adds the measures.
func (w *selecting) Work() (runner.Work, error) {
	peak := host.PeakRSS() // before counting adds to it
	work, err := w.Workload.Work()
	if err != nil {
		return work, err
	}
	work.Figures = map[string]float64{"per-passage": float64(w.took) / float64(len(w.Stimuli)*w.passages)}
	if peak > 0 {
		work.Figures["memory"] = float64(peak)
	}
	return work, nil
}

var passageSelectMeasures = []runner.Measure{
	{Name: "per-passage", Unit: "ns", Better: "less", Doc: "time of a selection over the passages of the library: the same at every size if the cost is linear"},
	{Name: "memory", Unit: "bytes", Better: "less", Doc: "peak memory of this process since the block began, with the runner's own side and, in nats, the server"},
}

var passageSelectClaims = []runner.Claim{
	selection(workload.Estimate("passage selection 500–2 000 µs", 500, 2000), "1000"),
	selection(workload.Estimate("flavor query 100 µs and selection 500 µs", 600, 600), "1000"),
	workload.Times("passage selection: overhead at most 10 %", workload.BudgetDocument, 1.10).On("bus"),
	workload.Estimate("orchestration adds 12.5–44.5 µs, typically 25", 12.5, 44.5).With("passages", "1000").Added("bus"),
	workload.UnderTwice("bus"),
	workload.UnderTwice("nats"),
	workload.Budget("selection under 2 s", workload.PlayerDocument, 2e6).On(""),
	{Text: "under 64 MB with 50 000 passages", Source: workload.Own, Kind: "budget",
		Style: "direct", Options: map[string]string{"passages": "50000"}, Quantity: "figure:memory", Hi: 64 << 20},
	selection(workload.Budget("selection under 10 ms with 1 000 passages", workload.PlayerDocument, 10_000), "1000"),
	selection(workload.Budget("selection under 100 ms with 10 000 passages", workload.PlayerDocument, 100_000), "10000"),
	selection(workload.Budget("selection under 500 ms with 50 000 passages", workload.PlayerDocument, 500_000), "50000"),
	selection(workload.Budget("selection under 1 ms with 1 000 passages", workload.Own, 1000), "1000"),
	selection(workload.Budget("selection under 8 ms with 5 736 passages", workload.Own, 8000), "5736"),
	selection(workload.Budget("selection under 15 ms with 10 000 passages", workload.Own, 15_000), "10000"),
	selection(workload.Budget("selection under 80 ms with 50 000 passages", workload.Own, 80_000), "50000"),
}

// selection compares a figure with direct, from a library of that size.
func selection(figure workload.Published, passages string) runner.Claim {
	return figure.With("passages", passages).On("direct")
}
