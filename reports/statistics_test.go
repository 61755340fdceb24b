package reports

import (
	"math"
	"strings"
	"testing"
	"time"

	"rubato/results"
)

// block is a round of 10 operations that took so many ns each.
func block(c results.Cell, round int, perOp int64) results.Block {
	return results.Block{Cell: c.Key(), Round: round, Ops: 10, Wall: time.Duration(10 * perOp), User: time.Duration(6 * perOp), System: time.Duration(2 * perOp),
		Allocs: 30, Bytes: 500, Voluntary: 4, Involuntary: 1, RSSPeak: int64(1000 + round), Stimuli: 10, Effects: 20, Expected: 20}
}

func pairOf() (*results.Run, results.Cell, results.Cell) {
	d, b := results.Cell{Scenario: "s", Style: "direct"}, results.Cell{Scenario: "s", Style: "bus"}
	return &results.Run{Baseline: "direct", Cells: []results.Cell{d, b}}, d, b
}

// Six rounds: the median is the mean of the third and fourth, the interval the
// whole range (1 - 2/2⁶ = 96.9 %).
func TestByHand(t *testing.T) {
	t.Parallel()
	run, d, b := pairOf()
	var details results.Details
	for i, ns := range []int64{100, 200, 300, 400, 500, 600} {
		details.Blocks = append(details.Blocks, block(d, i, ns), block(b, i, []int64{110, 240, 330, 440, 550, 720}[i]))
	}
	Summarize(run, details)
	direct, bus := run.Cells[0], run.Cells[1]
	near(t, "direct", direct.NsOp, results.Estimate{Median: 350, Lo: 100, Hi: 600})
	near(t, "bus", bus.NsOp, results.Estimate{Median: 385, Lo: 110, Hi: 720})
	// ratios 1.1 1.2 1.1 1.1 1.1 1.2; differences 10 40 30 40 50 120
	near(t, "ratio", *bus.Ratio, results.Estimate{Median: 1.1, Lo: 1.1, Hi: 1.2})
	near(t, "overhead", *bus.OverheadNs, results.Estimate{Median: 40, Lo: 10, Hi: 120})
	near(t, "CPU", direct.CPUNsOp, results.Estimate{Median: 280, Lo: 80, Hi: 480})
	if direct.Ratio != nil || direct.OverheadNs != nil {
		t.Error("the baseline has a ratio to itself")
	}
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"user", direct.UserNsOp, 210}, {"system", direct.SystemNsOp, 70}, {"allocs", direct.AllocsOp, 3}, {"bytes", direct.BytesOp, 50},
		{"switches", direct.SwitchesOp, 0.5}, {"RSS", float64(direct.RSSPeak), 1005}, {"active CPU", direct.ActiveCPU, 80},
		{"stimuli", float64(direct.Work.Stimuli), 60}, {"effects", float64(direct.Work.Effects), 120}, {"expected", float64(direct.Work.Expected), 120},
	} {
		if math.Abs(c.got-c.want) > 1e-9*c.want {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
	if direct.Verdict != results.Measured || bus.Verdict != results.Measured {
		t.Errorf("verdicts %q, %q", direct.Verdict, bus.Verdict)
	}
}

func near(t *testing.T, what string, got, want results.Estimate) {
	t.Helper()
	for _, p := range [][2]float64{{got.Median, want.Median}, {got.Lo, want.Lo}, {got.Hi, want.Hi}} {
		if !(math.Abs(p[0]-p[1]) <= 1e-9*math.Abs(p[1])) {
			t.Errorf("%s: %v, want %v", what, got, want)
			return
		}
	}
}

// Of eight values benchmath would take the first to the seventh. Both tails must be
// small, and turning the sign must turn the interval.
func TestIntervalIsSymmetric(t *testing.T) {
	t.Parallel()
	values := []float64{1, 2, 3, 4, 5, 6, 7, 8}
	near(t, "eight", must(estimate(values)), results.Estimate{Median: 4.5, Lo: 1, Hi: 8})
	for n := 6; n < 60; n++ {
		var rising, falling []float64
		for i := range n {
			rising, falling = append(rising, math.Pow(1.3, float64(i))), append(falling, -math.Pow(1.3, float64(i)))
		}
		a, b := must(estimate(rising)), must(estimate(falling))
		near(t, "mirror", results.Estimate{Median: -b.Median, Lo: -b.Hi, Hi: -b.Lo}, a)
	}
}

func TestTooFewRounds(t *testing.T) {
	t.Parallel()
	run, d, b := pairOf()
	var details results.Details
	for i := range 5 {
		details.Blocks = append(details.Blocks, block(d, i, 100), block(b, i, 120))
	}
	Summarize(run, details)
	for _, c := range run.Cells {
		if c.Verdict != results.Inconclusive || c.Why != "5 rounds: an interval takes at least 6" || c.NsOp.Bounded() {
			t.Errorf("%s: %s, %q, %v", c.Style, c.Verdict, c.Why, c.NsOp)
		}
	}
	if r := run.Cells[1].Ratio; math.Abs(r.Median-1.2) > 1e-12 || r.Bounded() {
		t.Errorf("ratio %v", *r)
	}
}

// Rounds that one of the two lacks say nothing of the ratio.
func TestOnlyRoundsOfBothArePaired(t *testing.T) {
	t.Parallel()
	run, d, b := pairOf()
	var details results.Details
	for i := range 8 {
		details.Blocks = append(details.Blocks, block(d, i, 100), block(b, i+2, 150))
	}
	details.Blocks = append(details.Blocks, block(b, 0, 9000)) // round 1 is still missing
	Summarize(run, details)
	bus := run.Cells[1]
	near(t, "ratio", *bus.Ratio, results.Estimate{Median: 1.5, Lo: 1.5, Hi: 90})
	if want := "7 of 9 rounds have a partner in direct"; len(bus.Warnings) != 1 || !strings.Contains(bus.Warnings[0], want) {
		t.Errorf("warnings %q, want %q", bus.Warnings, want)
	}
}

func TestVoid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*results.Details)
		want  string
	}{
		"lost":      {func(d *results.Details) { d.Blocks[3].Effects -= 2 }, "round 3: 2 of 20 effects are missing"},
		"doubled":   {func(d *results.Details) { d.Blocks[3].Effects += 5 }, "round 3: 5 effects more than the 20 expected"},
		"no time":   {func(d *results.Details) { d.Blocks[0].Wall = 0 }, "round 0: 10 operations in 0s"},
		"no ops":    {func(d *results.Details) { d.Blocks[0].Ops = 0 }, "round 0: 0 operations"},
		"backwards": {func(d *results.Details) { d.Blocks[0].System = -1 }, "CPU time below zero"},
		"twice":     {func(d *results.Details) { d.Blocks[5].Round = 2 }, "round 2 is in the results twice"},
		"histogram": {func(d *results.Details) { d.Blocks[1].Latency = "AAAA" }, "round 1: latency cannot be read"},
		"nothing":   {func(d *results.Details) { d.Blocks = d.Blocks[6:] }, "no round was measured"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run, d, b := pairOf()
			var details results.Details
			for _, c := range []results.Cell{d, b} {
				for i := range 6 {
					details.Blocks = append(details.Blocks, block(c, i, 100))
				}
			}
			c.spoil(&details)
			Summarize(run, details)
			invalid, other := run.Cells[0], run.Cells[1]
			if invalid.Verdict != results.Invalid || !strings.Contains(invalid.Why, c.want) || invalid.NsOp != (results.Estimate{}) || invalid.AllocsOp != 0 {
				t.Errorf("%s, %q, %v, want %q", invalid.Verdict, invalid.Why, invalid.NsOp, c.want)
			}
			if other.Ratio != nil || other.OverheadNs != nil || len(other.Warnings) != 1 || !strings.Contains(other.Warnings[0], "the baseline direct is invalid") {
				t.Errorf("against an invalid baseline: ratio %v, warnings %q", other.Ratio, other.Warnings)
			}
			before := append([]results.Cell(nil), run.Cells...)
			Summarize(run, details)
			if run.Cells[0].Why != before[0].Why || len(run.Cells[1].Warnings) != 1 {
				t.Error("summarized again, it says something else")
			}
		})
	}
}

// A style that did other work than the baseline has no figure, however fast it was.
func TestOtherTranscriptIsVoid(t *testing.T) {
	t.Parallel()
	run, d, b := pairOf()
	run.Cells[0].Work.Digest, run.Cells[1].Work.Digest = "aa", "bb"
	var details results.Details
	for i := range 6 {
		details.Blocks = append(details.Blocks, block(d, i, 100), block(b, i, 10))
	}
	Summarize(run, details)
	if c := run.Cells[1]; c.Verdict != results.Invalid || c.Why != "its transcript (bb) differs from that of direct (aa)" || c.Ratio != nil {
		t.Errorf("%s, %q, %v", c.Verdict, c.Why, c.Ratio)
	}
}

// A transport is an option of one style only; its cells still have the baseline.
func TestGroupsAcrossOptionsOfOneStyle(t *testing.T) {
	t.Parallel()
	run := &results.Run{Baseline: "direct", Cells: []results.Cell{
		{Scenario: "s", Style: "direct", Named: []string{"n"}, Options: map[string]string{"n": "1"}},
		{Scenario: "s", Style: "direct", Named: []string{"n"}, Options: map[string]string{"n": "2"}},
		{Scenario: "s", Style: "nats", Named: []string{"n", "transport"}, Options: map[string]string{"n": "1", "transport": "tcp"}},
		{Scenario: "s", Style: "nats", Named: []string{"n", "transport"}, Options: map[string]string{"n": "1", "transport": "pipe"}},
		{Scenario: "s", Style: "nats", Named: []string{"n", "transport"}, Options: map[string]string{"n": "2", "transport": "pipe"}},
		{Scenario: "other", Style: "nats"},
	}}
	var got []string
	for _, g := range groups(run) {
		got = append(got, g.title+": "+strings.Join(g.labels, ", "))
	}
	want := []string{
		"s n=1: direct, nats transport=tcp, nats transport=pipe",
		"s n=2: direct, nats transport=pipe",
		"other: nats",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// must is for values that are known to have an estimate.
func must(e results.Estimate, err error) results.Estimate {
	if err != nil {
		panic(err)
	}
	return e
}
