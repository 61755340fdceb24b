package reports

import (
	"math"
	"strings"
	"testing"
	"time"

	"rubato/results"
)

// disturb marks one arm's blocks of these rounds, and makes them a hundred times as long.
func disturb(d results.Details, c results.Cell, rounds ...int) {
	for i := range d.Blocks {
		for _, r := range rounds {
			if b := &d.Blocks[i]; b.Cell == c.Key() && b.Round == r {
				b.Wall, b.Disturbed = 100*b.Wall, "the process stood still for 2s"
			}
		}
	}
}

func TestDisturbedRoundsAreLeftOut(t *testing.T) {
	t.Parallel()
	clean, details := simulated(12, 0.01, 4, 1.1, 1, 1.1)
	kept := results.Details{}
	for _, b := range details.Blocks {
		if b.Round != 3 && b.Round != 7 {
			kept.Blocks = append(kept.Blocks, b)
		}
	}
	Summarize(clean, kept)
	run, details := simulated(12, 0.01, 4, 1.1, 1, 1.1)
	disturb(details, run.Cells[1], 3)
	disturb(details, run.Controls[0].AA, 7)
	Summarize(run, details)
	for i, c := range run.Cells {
		if c.LeftOut != 2 || c.Rounds != 10 || c.NsOp != clean.Cells[i].NsOp || c.Work.Stimuli != 120 {
			t.Errorf("%s: %d left out of %d, %v, want %v, work %+v", c.Style, c.LeftOut, c.Rounds, c.NsOp, clean.Cells[i].NsOp, c.Work)
		}
		if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "2 of 12 rounds are left out") || !strings.Contains(c.Warnings[0], "round 3, bus: the process stood still") {
			t.Errorf("%s: %q", c.Style, c.Warnings)
		}
	}
	if *run.Cells[1].Ratio != *clean.Cells[1].Ratio || *run.Controls[0].Slowdown.Ratio != *clean.Controls[0].Slowdown.Ratio {
		t.Errorf("ratio %v, want %v", *run.Cells[1].Ratio, *clean.Cells[1].Ratio)
	}
	out := runKept(run, details)
	if len(out.Blocks) != 40 || len(out.EveryBlock()) != 48 {
		t.Errorf("%d blocks kept, %d shown", len(out.Blocks), len(out.EveryBlock()))
	}
}

func TestTooManyDisturbedRounds(t *testing.T) {
	t.Parallel()
	for rounds, invalid := range map[int]bool{4: false, 5: true} {
		run, details := simulated(12, 0.01, 4, 1.1, 1, 1.1)
		for r := range rounds {
			disturb(details, run.Cells[0], r)
		}
		Summarize(run, details)
		for _, c := range run.Cells {
			if (c.Verdict == results.Invalid) != invalid {
				t.Errorf("%d of 12, %s: %s %s", rounds, c.Style, c.Verdict, c.Why)
			}
		}
	}
}

// What is no number, and what is not there, ends in an error that names the cell.
func TestBadSamples(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*results.Block)
		why   string
	}{
		"NaN":      {func(b *results.Block) { b.Figures = map[string]float64{"late": math.NaN()} }, "figure late: value 3 of 12 is NaN"},
		"infinite": {func(b *results.Block) { b.Figures = map[string]float64{"late": math.Inf(1)} }, "figure late: value 3 of 12 is +Inf"},
		"no time":  {func(b *results.Block) { b.Wall = 0 }, "round 2: 10 operations in 0s"},
		"no work":  {func(b *results.Block) { b.Ops = 0 }, "round 2: 0 operations in"},
		"backward": {func(b *results.Block) { b.Wall = -time.Second }, "round 2: 10 operations in -1s"},
	} {
		run, details := simulated(12, 0.01, 4, 1.1, 1, 1.1)
		for i := range details.Blocks {
			b := &details.Blocks[i]
			b.Figures = map[string]float64{"late": 1}
			if b.Cell == run.Cells[1].Key() && b.Round == 2 {
				c.spoil(b)
			}
		}
		Summarize(run, details)
		bus := run.Cells[1]
		if bus.Verdict != results.Invalid || !strings.Contains(bus.Why, c.why) || bus.Ratio != nil || run.Cells[0].Verdict == results.Invalid {
			t.Errorf("%s: %s %q, ratio %v", name, bus.Verdict, bus.Why, bus.Ratio)
		}
		if all := banners(run); len(all) == 0 || !strings.HasPrefix(all[0].Text, "s bus: ") {
			t.Errorf("%s: the cell is not named: %v", name, all)
		}
	}
	run, _ := simulated(12, 0.01, 4, 1.1, 1, 1.1)
	Summarize(run, results.Details{Blocks: []results.Block{block(run.Cells[0], 0, 100)}})
	if c := run.Cells[1]; c.Verdict != results.Invalid || c.Why != "no round was measured" {
		t.Errorf("empty: %s %q", c.Verdict, c.Why)
	}
}

// TestUntoldLatency: what does not stand is counted, says why, and spoils nothing else.
func TestUntoldLatency(t *testing.T) {
	t.Parallel()
	run, details := simulated(12, 0.01, 4, 1.1, 1, 1.1)
	for i := range details.Blocks {
		if b := &details.Blocks[i]; b.Cell == run.Cells[1].Key() && b.Round < 5 {
			b.Latency, b.NoLatency = "", "the generator was late"
		}
	}
	Summarize(run, details)
	c := run.Cells[1]
	if c.Rounds != 12 || c.Ratio == nil || len(c.Warnings) != 1 || c.Warnings[0] != "the latency of 5 of 12 rounds is invalid (the generator was late)" {
		t.Errorf("%d rounds, ratio %v, %q", c.Rounds, c.Ratio, c.Warnings)
	}
}
