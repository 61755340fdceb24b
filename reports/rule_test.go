package reports

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/inference"
)

// simulated is a contest of direct, bus and their proof, whose times are lognormal
// round one level a round. bus, twin and plant take so much longer than direct.
func simulated(rounds int, noise float64, seed uint64, bus, twin, plant float64) (*Run, Details) {
	run, d, b := pairOf()
	p := Proof{Twin: d, Plant: d, Stage: "log", Share: 0.1, Confidence: TwinConfidence(1)}
	p.Twin.Role, p.Plant.Role = Twin, Plant
	run.Proofs = []Proof{p}
	random, details := rand.New(rand.NewPCG(seed, 5)), Details{}
	for r := range rounds {
		level := 1e6 * math.Exp(0.2*random.NormFloat64())
		for _, arm := range []struct {
			cell Cell
			of   float64
		}{{d, 1}, {b, bus}, {p.Twin, twin}, {p.Plant, plant}} {
			details.Blocks = append(details.Blocks, block(arm.cell, r, int64(level*arm.of*math.Exp(noise*random.NormFloat64()))))
		}
	}
	return run, details
}

func TestProofSees(t *testing.T) {
	t.Parallel()
	run, details := simulated(20, 0.02, 1, 1, 1, 1.1)
	Summarize(run, details)
	p := run.Proofs[0]
	if p.Blind != "" || p.Smallest == nil || *p.Smallest < 1.005 || *p.Smallest > 1.06 {
		t.Fatalf("blind %q, smallest %v", p.Blind, p.Smallest)
	}
	if len(run.Cells) != 2 || run.Cells[0].Ratio != nil || math.Abs(p.Plant.Ratio.Median-1.1) > 0.03 || math.Abs(p.Twin.Ratio.Median-1) > 0.03 {
		t.Errorf("%d cells, plant %v, twin %v", len(run.Cells), p.Plant.Ratio, p.Twin.Ratio)
	}
	if bus := &run.Cells[1]; run.ProofOf(bus) != &run.Proofs[0] || !run.Provable(bus) {
		t.Error("the proof is not found from the cell that it is for")
	}
}

func TestProofIsBlind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rounds       int
		noise        float64
		twin, plant  float64
		blind, label string
	}{
		"twin differs":  {40, 0.01, 1.05, 1.1, "false alarm", ""},
		"twin faster":   {40, 0.01, 0.9, 1.1, "false alarm", ""},
		"plant missing": {20, 0.02, 1, 1, "not found", ""},
		"plant faster":  {20, 0.02, 1, 0.9, "not found", ""},
		"loud":          {20, 0.5, 1, 1.1, "not found", ""},
		"few rounds":    {5, 0.01, 1, 1.1, "too few rounds", ""},
		"tiny bias":     {400, 0.01, 1.004, 1.1, "", ""}, // surely not 1, and nobody minds
	} {
		run, details := simulated(c.rounds, c.noise, 2, 1, c.twin, c.plant)
		Summarize(run, details)
		if got := run.Proofs[0].Blind; !strings.HasPrefix(got, c.blind) || c.blind == "" && got != "" {
			t.Errorf("%s: %q, want %q", name, got, c.blind)
		}
	}
}

// A twin that is void proves nothing, and is no cell of the run.
func TestProofOfVoidTwin(t *testing.T) {
	t.Parallel()
	run, details := simulated(20, 0.02, 1, 1, 1, 1.1)
	for i := range details.Blocks {
		if b := &details.Blocks[i]; b.Cell == run.Proofs[0].Twin.Key() && b.Round == 3 {
			b.Effects--
		}
	}
	Summarize(run, details)
	if p := run.Proofs[0]; !strings.Contains(p.Blind, "the twin is void: round 3: 1 of 20 effects are missing") {
		t.Errorf("%q", p.Blind)
	}
	for _, c := range run.Cells {
		if c.Verdict != Measured {
			t.Errorf("%s: %s %s", c.Style, c.Verdict, c.Why)
		}
	}
}

// decided is a run by peeking.
func decidedRun(run *Run, rows int) {
	run.Rule = &Rule{Looks: inference.DefaultLooks(), Rows: rows, Margin: DefaultMargin, Time: time.Minute}
	for _, c := range run.arms() {
		c.Rule = Peeking
	}
	run.Cells[1].Judged = []Judged{{Quantity: "ratio", Limit: 1.1, Budget: "b"}, {Quantity: "ratio", Margin: 0.02}, {Quantity: "overhead_ns", Limit: 1}}
}

func TestPeekingRun(t *testing.T) {
	t.Parallel()
	run, details := simulated(50, 0.005, 3, 1.04, 1, 1.1)
	decidedRun(run, 2)
	Summarize(run, details)
	bus := run.Cells[1]
	if bus.Looked != 48 || bus.Rounds != 50 || bus.RoundsText() != "decided after 48 rounds" || bus.PAdjusted != nil {
		t.Errorf("used %d of %d, %q, p %v", bus.Looked, bus.Rounds, bus.RoundsText(), bus.PAdjusted)
	}
	for i, want := range []string{"within", "over", "over"} {
		if got := bus.Judged[i].Verdict; got != want {
			t.Errorf("%s: %s, want %s (ratio %v)", bus.Judged[i].Against(), got, want, *bus.Ratio)
		}
	}
	if !run.Decided() {
		t.Error("it is not decided")
	}
	logs, _ := pair(blocksOf(details, bus), blocksOf(details, run.Cells[0]))
	plan, err := inference.NewPeeking(inference.DefaultLooks(), 0.975)
	if err != nil {
		t.Fatal(err)
	}
	want, err := estimateOf(plan.Interval(logs))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "ratio", *bus.Ratio, want.mapped(math.Exp))
}

func blocksOf(d Details, c Cell) []Block { return roundsOf(&c, d.Blocks) }

// What was too short to decide is inconclusive, never within.
func TestPeekingTooShort(t *testing.T) {
	t.Parallel()
	for rounds, why := range map[int]string{7: "no look", 30: ""} {
		run, details := simulated(rounds, 0.1, 3, 1.1, 1, 1.1)
		decidedRun(run, 1)
		Summarize(run, details)
		bus := run.Cells[1]
		if run.Decided() || bus.Judged[0].Verdict != "inconclusive" || !strings.Contains(bus.Why, why) {
			t.Errorf("%d rounds: %v, why %q", rounds, bus.Judged, bus.Why)
		}
	}
}

// A run is not decided before its twin can be told from nothing: it would be blind.
func TestPeekingWaitsForTwin(t *testing.T) {
	t.Parallel()
	for rounds, decided := range map[int]bool{12: false, 48: true} {
		run, details := simulated(rounds, 0.005, 3, 3, 1, 1.3)
		decidedRun(run, 1)
		run.Proofs[0].Confidence = 0.9995
		Summarize(run, details)
		if p := run.Proofs[0]; run.Decided() != decided || (p.Blind == "") != decided || p.Plant.Ratio.Lo <= 1 || run.Cells[1].Judged[0].Verdict != "over" {
			t.Errorf("%d rounds: decided %v, blind %q, %v", rounds, run.Decided(), p.Blind, run.Cells[1].Judged)
		}
	}
}

// A rule that a file gives is worked out within bounds, or not at all.
func TestRuleRefused(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]*Rule{"none": nil, "huge": {Looks: []int{8, 1 << 30}}, "falling": {Looks: []int{8, 4}}} {
		run, details := simulated(12, 0.01, 3, 1.1, 1, 1.1)
		decidedRun(run, 1)
		run.Rule = rule
		Summarize(run, details)
		if c := run.Cells[1]; c.Verdict != Void || !strings.Contains(c.Why, "rule") {
			t.Errorf("%s: %s %q", name, c.Verdict, c.Why)
		}
	}
}

// Of many rows without a change few look like one, and Holm leaves none of those.
func TestHolmOverRows(t *testing.T) {
	t.Parallel()
	random, run, details := rand.New(rand.NewPCG(8, 8)), &Run{Baseline: "direct"}, Details{}
	for n := range 30 {
		options := map[string]string{"n": string(rune('a' + n))}
		for _, style := range []string{"direct", "bus"} {
			c := Cell{Scenario: "s", Style: style, Options: options}
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
func TestProofSurvivesJSON(t *testing.T) {
	t.Parallel()
	run, details := simulated(20, 0.02, 1, 1, 1, 1.1)
	decidedRun(run, 2)
	Summarize(run, details)
	data, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	var back Run
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
	for _, c := range []Cell{
		{Scenario: "s", Style: "direct"}, {Scenario: "s", Style: "direct", Role: Twin}, {Scenario: "s", Style: "direct", Role: Plant},
		{Scenario: "s", Style: "direct", Options: map[string]string{"@role": Twin}}, {Scenario: "s", Style: "direct", Options: map[string]string{"role": Twin, "z": "a@b"}, Role: Twin},
	} {
		key := c.Key()
		back, err := parseKey(key)
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
func TestReportOfProofAndRule(t *testing.T) {
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
	for _, want := range []string{"> **blind**: s: not found: a slowdown of 10.0 % planted in stage log", "## What this run could have seen", "planted 10.0 %",
		"## Verdicts, all rows together", "ratio ≤ 1.10", "decided after 48 rounds, 1 left out", "all 2 of them together", "left out: the process stood still for 2s"} {
		if !strings.Contains(text, want) {
			t.Errorf("report.md does not say %q", want)
		}
	}
	bench, err := os.ReadFile(filepath.Join(dir, "bench.txt"))
	if n := strings.Count(string(bench), "\nBenchmark"); err != nil || n != 2*49 {
		t.Errorf("%d benchmark lines, want those of 49 rounds and two styles: %v", n, err)
	}
}
