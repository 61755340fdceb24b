package reports

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/inference"
	"rubato/results"
)

// simulated is a comparison of direct, bus and their controls. Times are lognormal around
// one level per round. bus, aa and slowdown are times relative to direct.
func simulated(rounds int, noise float64, seed uint64, bus, aa, slowdown float64) (*results.Run, results.Details) {
	run, d, b := pairOf()
	p := results.Controls{AA: d, Slowdown: d, Stage: "log", Share: 0.1, Confidence: AAConfidence(1)}
	p.AA.Role, p.Slowdown.Role = results.RoleAA, results.RoleSlowdown
	run.Controls = []results.Controls{p}
	random, details := rand.New(rand.NewPCG(seed, 5)), results.Details{}
	for r := range rounds {
		level := 1e6 * math.Exp(0.2*random.NormFloat64())
		for _, arm := range []struct {
			cell results.Cell
			of   float64
		}{{d, 1}, {b, bus}, {p.AA, aa}, {p.Slowdown, slowdown}} {
			details.Blocks = append(details.Blocks, block(arm.cell, r, int64(level*arm.of*math.Exp(noise*random.NormFloat64()))))
		}
	}
	return run, details
}

func TestControlsSee(t *testing.T) {
	t.Parallel()
	run, details := simulated(20, 0.02, 1, 1, 1, 1.1)
	Summarize(run, details)
	p := run.Controls[0]
	if p.Insensitive != "" || p.MinimumDetectable == nil || *p.MinimumDetectable < 1.005 || *p.MinimumDetectable > 1.06 {
		t.Fatalf("insensitive %q, minimum detectable %v", p.Insensitive, p.MinimumDetectable)
	}
	if len(run.Cells) != 2 || run.Cells[0].Ratio != nil || math.Abs(p.Slowdown.Ratio.Median-1.1) > 0.03 || math.Abs(p.AA.Ratio.Median-1) > 0.03 {
		t.Errorf("%d cells, injected slowdown %v, A/A control %v", len(run.Cells), p.Slowdown.Ratio, p.AA.Ratio)
	}
	if bus := &run.Cells[1]; run.ControlsOf(bus) != &run.Controls[0] || !run.Controllable(bus) {
		t.Error("the controls are not found from their cell")
	}
}

func TestInsensitive(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rounds       int
		noise        float64
		aa, slowdown float64
		why, label   string
	}{
		"A/A differs":      {40, 0.01, 1.05, 1.1, "false alarm", ""},
		"A/A faster":       {40, 0.01, 0.9, 1.1, "false alarm", ""},
		"slowdown missing": {20, 0.02, 1, 1, "not found", ""},
		"slowdown faster":  {20, 0.02, 1, 0.9, "not found", ""},
		"loud":             {20, 0.5, 1, 1.1, "not found", ""},
		"luck":             {20, 0.3, 1, 1.7, "found by luck", ""},
		"few rounds":       {5, 0.01, 1, 1.1, "too few rounds", ""},
		"tiny bias":        {400, 0.01, 1.004, 1.1, "", ""}, // surely not 1, and nobody minds
	} {
		run, details := simulated(c.rounds, c.noise, 2, 1, c.aa, c.slowdown)
		run.Controls[0].AA.Trials = &results.Trials{}
		Summarize(run, details)
		if got := run.Controls[0].Insensitive; !strings.HasPrefix(got, c.why) || c.why == "" && got != "" {
			t.Errorf("%s: %q, want %q", name, got, c.why)
		}
	}
}

// A run that finds nothing up to a factor of 8 has no minimum detectable effect.
func TestLuckWithoutEffect(t *testing.T) {
	t.Parallel()
	p := &results.Controls{Share: 0.1, Stage: "log"}
	p.AA.Ratio, p.Slowdown.Ratio = &results.Estimate{Median: 1, Lo: 0.9, Hi: 1.1}, &results.Estimate{Median: 1.1, Lo: 1.01, Hi: 1.3}
	if why := Insensitivity(p, 0.02); why != "" {
		t.Errorf("a run of blocks: %q", why)
	}
	p.AA.Trials = &results.Trials{}
	if why := Insensitivity(p, 0.02); !strings.HasPrefix(why, "found by luck") || !strings.Contains(why, "nothing up to eightfold") {
		t.Errorf("got %q", why)
	}
}

// An invalid A/A control shows nothing and is not a cell of the run.
func TestControlsOfInvalidAA(t *testing.T) {
	t.Parallel()
	run, details := simulated(20, 0.02, 1, 1, 1, 1.1)
	for i := range details.Blocks {
		if b := &details.Blocks[i]; b.Cell == run.Controls[0].AA.Key() && b.Round == 3 {
			b.Effects--
		}
	}
	Summarize(run, details)
	if p := run.Controls[0]; !strings.Contains(p.Insensitive, "the A/A control is invalid: round 3: 1 of 20 effects are missing") {
		t.Errorf("%q", p.Insensitive)
	}
	for _, c := range run.Cells {
		if c.Verdict != results.Measured {
			t.Errorf("%s: %s %s", c.Style, c.Verdict, c.Why)
		}
	}
}

// decidedRun makes the run one that looks.
func decidedRun(run *results.Run, rows int) {
	run.Rule = &results.Rule{Looks: inference.DefaultLooks(), Rows: rows, Margin: results.DefaultMargin, Time: time.Minute}
	for _, c := range run.Arms() {
		c.Rule = results.Sequential
	}
	run.Cells[1].Judged = []results.Judged{{Quantity: "ratio", Limit: 1.1, Budget: "b"}, {Quantity: "ratio", Margin: 0.02}, {Quantity: "overhead_ns", Limit: 1}}
}

func TestSequentialRun(t *testing.T) {
	t.Parallel()
	run, details := simulated(50, 0.005, 3, 1.04, 1, 1.1)
	decidedRun(run, 2)
	Summarize(run, details)
	bus := run.Cells[1]
	if bus.Looked != 48 || bus.Rounds != 50 || roundsText(bus) != "decided after 48 rounds" || bus.PAdjusted != nil {
		t.Errorf("used %d of %d, %q, p %v", bus.Looked, bus.Rounds, roundsText(bus), bus.PAdjusted)
	}
	bus.Trials = &results.Trials{}
	if got := roundsText(bus); got != "decided after 48 trials" {
		t.Errorf("in trials: %q", got)
	}
	for i, want := range []string{"within", "over", "over"} {
		if got := bus.Judged[i].Verdict; got != want {
			t.Errorf("%s: %s, want %s (ratio %v)", Against(bus.Judged[i]), got, want, *bus.Ratio)
		}
	}
	if !Decided(run) {
		t.Error("it is not decided")
	}
	logs, _ := pair(blocksOf(details, bus), blocksOf(details, run.Cells[0]))
	plan, err := inference.NewSequential(inference.DefaultLooks(), 0.975)
	if err != nil {
		t.Fatal(err)
	}
	want, err := estimateOf(plan.Interval(logs))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "ratio", *bus.Ratio, want.Mapped(math.Exp))
}

// In trials the ratio is that of signed ranks over the medians of their turns. If the time was
// up, the last look is at the last trial. All-in is the mean.
func TestTrialsByHand(t *testing.T) {
	t.Parallel()
	for _, timeUp := range []bool{false, true} {
		run, details := simulated(14, 0.01, 7, 1.02, 1, 1.1)
		decidedRun(run, 3)
		for _, c := range run.Arms() {
			c.Trials = &results.Trials{TimeUp: timeUp}
		}
		for i := range details.Blocks {
			b := &details.Blocks[i] // of ten operations, one of which is a tail
			usual := b.Wall / 20
			b.Slices, b.SliceOps = slices.Repeat([]time.Duration{usual}, 9), 1
			b.Slices = append(b.Slices, b.Wall-9*usual)
		}
		Summarize(run, details)
		logs := make([]float64, 14)
		base, bus := blocksOf(details, run.Cells[0]), blocksOf(details, run.Cells[1])
		for i := range logs {
			logs[i] = math.Log(float64(bus[i].Slices[0]) / float64(base[i].Slices[0]))
		}
		// Three rows and looks at 8 and 12 (a thirteenth of the error rate each) leave these
		// critical values of Wilcoxon's W, found in his exact distribution.
		used, rank := 12, 4
		if timeUp {
			used, rank = 14, 15
		}
		var averages []float64
		for i, a := range logs[:used] {
			for _, b := range logs[i:used] {
				averages = append(averages, a/2+b/2)
			}
		}
		slices.Sort(averages)
		c, n := run.Cells[1], len(averages)
		near(t, "ratio", *c.Ratio, results.Estimate{Median: math.Exp((averages[(n-1)/2] + averages[n/2]) / 2),
			Lo: math.Exp(averages[rank-1]), Hi: math.Exp(averages[n-rank])})
		if c.Rounds != 14 || c.Trials.Turns != 10 || !c.MeanRatio.Bounded() || c.CPURatio == nil || math.Abs(c.MeanRatio.Median-1.02) > 0.02 {
			t.Errorf("%d trials of %d turns, all-in %v", c.Rounds, c.Trials.Turns, c.MeanRatio)
		}
	}
}

func blocksOf(d results.Details, c results.Cell) []results.Block { return roundsOf(&c, d.Blocks) }

// What was too short to decide is inconclusive, never within.
func TestSequentialTooShort(t *testing.T) {
	t.Parallel()
	for rounds, why := range map[int]string{7: "no look", 30: ""} {
		run, details := simulated(rounds, 0.1, 3, 1.1, 1, 1.1)
		decidedRun(run, 1)
		Summarize(run, details)
		bus := run.Cells[1]
		if Decided(run) || bus.Judged[0].Verdict != "inconclusive" || !strings.Contains(bus.Why, why) {
			t.Errorf("%d rounds: %v, why %q", rounds, bus.Judged, bus.Why)
		}
	}
}

// A run is not decided before its A/A control has an interval. It would be insensitive.
func TestSequentialWaitsForAA(t *testing.T) {
	t.Parallel()
	for rounds, decided := range map[int]bool{12: false, 48: true} {
		run, details := simulated(rounds, 0.005, 3, 3, 1, 1.3)
		decidedRun(run, 1)
		run.Controls[0].Confidence = 0.9995
		Summarize(run, details)
		if p := run.Controls[0]; Decided(run) != decided || (p.Insensitive == "") != decided || p.Slowdown.Ratio.Lo <= 1 || run.Cells[1].Judged[0].Verdict != "over" {
			t.Errorf("%d rounds: decided %v, insensitive %q, %v", rounds, Decided(run), p.Insensitive, run.Cells[1].Judged)
		}
	}
}

// A rule that a file gives is worked out within bounds, or not at all.
func TestRuleRefused(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]*results.Rule{"none": nil, "huge": {Looks: []int{8, 1 << 30}}, "falling": {Looks: []int{8, 4}}} {
		run, details := simulated(12, 0.01, 3, 1.1, 1, 1.1)
		decidedRun(run, 1)
		run.Rule = rule
		Summarize(run, details)
		if c := run.Cells[1]; c.Verdict != results.Invalid || !strings.Contains(c.Why, "rule") {
			t.Errorf("%s: %s %q", name, c.Verdict, c.Why)
		}
	}
}

// Of many rows without a change few look like one, and Holm leaves none of those.
func TestHolmOverRows(t *testing.T) {
	t.Parallel()
	random, run, details := rand.New(rand.NewPCG(8, 8)), &results.Run{Baseline: "direct"}, results.Details{}
	for n := range 30 {
		options := map[string]string{"n": string(rune('a' + n))}
		for _, style := range []string{"direct", "bus"} {
			c := results.Cell{Scenario: "s", Style: style, Options: options}
			run.Cells = append(run.Cells, c)
			for r := range 20 {
				ns := 1000 * math.Exp(0.05*random.NormFloat64())
				if n == 0 && style == "bus" {
					ns *= 1.3
				}
				details.Blocks = append(details.Blocks, block(c, r, int64(ns)))
			}
		}
	}
	Summarize(run, details)
	stand := 0
	for _, c := range run.Cells {
		if c.PAdjusted != nil && *c.PAdjusted <= 0.05 {
			stand++
		}
	}
	if stand != 1 || *run.Cells[1].PAdjusted > 0.001 {
		t.Errorf("%d rows stand; that of 1.3 has p %v", stand, *run.Cells[1].PAdjusted)
	}
}

// Old readers meet the new fields, and new ones the old files.
func TestControlsSurviveJSON(t *testing.T) {
	t.Parallel()
	run, details := simulated(20, 0.02, 1, 1, 1, 1.1)
	decidedRun(run, 2)
	Summarize(run, details)
	data, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	var back results.Run
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	Summarize(&back, details)
	again, err := json.Marshal(back)
	if err != nil || string(again) != string(data) {
		t.Errorf("summarized again it differs: %v\n%s\n%s", err, data, again)
	}
}

// A role is no option, whatever options are called.
func TestRoleInKey(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range []results.Cell{
		{Scenario: "s", Style: "direct"}, {Scenario: "s", Style: "direct", Role: results.RoleAA}, {Scenario: "s", Style: "direct", Role: results.RoleSlowdown},
		{Scenario: "s", Style: "direct", Options: map[string]string{"@role": results.RoleAA}}, {Scenario: "s", Style: "direct", Options: map[string]string{"role": results.RoleAA, "z": "a@b"}, Role: results.RoleAA},
	} {
		key := c.Key()
		back, err := results.ParseKey(key)
		if err != nil || back.Role != c.Role || back.Key() != key || len(back.Options) != len(c.Options) || seen[key] {
			t.Errorf("%s: %+v, %v", key, back, err)
		}
		for k, v := range c.Options {
			if back.Options[k] != v {
				t.Errorf("%s: option %s is %q", key, k, back.Options[k])
			}
		}
		seen[key] = true
	}
}

// What is read says what the run could have seen, what was decided, and what was left out.
func TestReportOfControlsAndRule(t *testing.T) {
	t.Parallel()
	run, details := simulated(50, 0.005, 3, 1.04, 1, 1)
	disturb(details, run.Cells[1], 9)
	decidedRun(run, 2)
	Summarize(run, details)
	dir := t.TempDir()
	if err := Write(dir, run, details); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), noBreak, " ")
	for _, want := range []string{"> **insensitive**: s: not found: a slowdown of 10.0 % injected into stage log", "## Controls: what this run can detect", "injected 10.0 %",
		"## Verdicts, all rows together", "ratio ≤ 1.10", "decided after 48 rounds, 1 left out", "all 2 of them together"} {
		if !strings.Contains(text, want) {
			t.Errorf("report.md does not say %q", want)
		}
	}
	if page, err := os.ReadFile(filepath.Join(dir, "report.html")); !strings.Contains(string(page), "left out: the process stood still for 2s") {
		t.Errorf("report.html does not say what was left out: %v", err)
	}
	bench, err := os.ReadFile(filepath.Join(dir, "bench.txt"))
	if n := strings.Count(string(bench), "\nBenchmark"); err != nil || n != 2*49 {
		t.Errorf("%d benchmark lines, want those of 49 rounds and two styles: %v", n, err)
	}
}
