package reports

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rubato/inference"
	"rubato/results"
)

// recorded is a run of one scenario whose styles cost so much of direct's times, with
// this noise, on a machine that does not exist.
func recorded(seed uint64, rounds int, noise float64, cost map[string]float64) Recorded {
	r := Recorded{Path: "made-up", Run: &results.Run{Schema: results.Schema, Effort: "quick", Seed: 7, Baseline: "direct",
		Machine:   results.Machine{CPU: "Synthetic", Cores: 2, GOMAXPROCS: 2, OS: "linux", Arch: "amd64", Go: "go1.26", Commit: "0123abc"},
		Scenarios: []results.Scenario{{Name: "queue-low", Op: "selection"}}}}
	random := rand.New(rand.NewPCG(seed, 1))
	for _, style := range []string{"direct", "bus", "nats"} {
		if cost[style] == 0 {
			continue
		}
		c := results.Cell{Scenario: "queue-low", Style: style, Options: map[string]string{"passages": "1000"}, Work: results.Work{Digest: "a1"}}
		r.Run.Cells = append(r.Run.Cells, c)
		for round := range rounds {
			ns := 1e6 * cost[style] * math.Exp(noise*random.NormFloat64())
			r.Details.Blocks = append(r.Details.Blocks, results.Block{Cell: c.Key(), Round: round, Ops: 100, Wall: time.Duration(100 * ns),
				User: time.Duration(80 * ns), Allocs: 1000, Stimuli: 100, Effects: 100, Expected: 100, Digest: "d"})
		}
	}
	Summarize(r.Run, r.Details)
	return r
}

func costs(bus, nats float64) map[string]float64 {
	return map[string]float64{"direct": 1, "bus": bus, "nats": nats}
}

func mustCompare(t testing.TB, before, after Recorded, ask Question) Comparison {
	t.Helper()
	c, err := Compare(before, after, ask)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ofRatio is the change of a style's ratio.
func ofRatio(t testing.TB, c Comparison, style string) Change {
	t.Helper()
	for _, r := range c.Ratios {
		if r.Style == style {
			return r
		}
	}
	t.Fatalf("no ratio of %s", style)
	return Change{}
}

func TestCompareVerdicts(t *testing.T) {
	t.Parallel()
	before := recorded(1, 12, 0.004, costs(1.1, 2))
	for name, c := range map[string]struct {
		after        Recorded
		ask          Question
		bus, verdict inference.Verdict
	}{
		"itself":          {before, Question{Margin: 0.02}, inference.Equivalent, inference.Within},
		"as before":       {recorded(2, 15, 0.004, costs(1.1, 2)), Question{Margin: 0.02}, inference.Equivalent, inference.Within},
		"worse":           {recorded(3, 12, 0.004, costs(1.2, 2)), Question{Margin: 0.02}, inference.Over, inference.Over},
		"worse, minded":   {recorded(3, 12, 0.004, costs(1.2, 2)), Question{Margin: 0.2}, inference.Equivalent, inference.Within},
		"better":          {recorded(4, 12, 0.004, costs(1.0, 2)), Question{Margin: 0.02}, inference.Within, inference.Within},
		"few rounds":      {recorded(5, 2, 0.004, costs(1.5, 2)), Question{Margin: 0.02}, inference.Inconclusive, inference.Inconclusive},
		"noise":           {recorded(6, 12, 0.3, costs(1.1, 2)), Question{Margin: 0.02}, inference.Inconclusive, inference.Inconclusive},
		"no margin":       {recorded(3, 12, 0.004, costs(1.2, 2)), Question{}, inference.Over, inference.Over},
		"machine slower":  {recorded(7, 12, 0.004, map[string]float64{"direct": 2, "bus": 2.2, "nats": 4}), Question{Margin: 0.02}, inference.Equivalent, inference.Within},
		"slower, minded":  {recorded(7, 12, 0.004, map[string]float64{"direct": 2, "bus": 2.2, "nats": 4}), Question{Margin: 0.02, Absolute: true}, inference.Equivalent, inference.Over},
		"only the bus":    {recorded(8, 12, 0.004, map[string]float64{"direct": 1, "bus": 1.1}), Question{Margin: 0.02}, inference.Equivalent, inference.Within},
		"worse and noise": {recorded(9, 12, 0.004, costs(1.2, 2.02)), Question{Margin: 0.02}, inference.Over, inference.Over},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := mustCompare(t, before, c.after, c.ask)
			if bus := ofRatio(t, got, "bus"); bus.Verdict != c.bus || got.Verdict != c.verdict {
				t.Errorf("bus %s (%+v), all %s; want %s and %s", bus.Verdict, bus.Change, got.Verdict, c.bus, c.verdict)
			}
		})
	}
}

// Cells that are invalid or did different work are never compared.
func TestCompareNotCompared(t *testing.T) {
	t.Parallel()
	before := recorded(1, 12, 0.004, costs(1.1, 2))
	for name, c := range map[string]struct {
		change func(*results.Run)
		want   string
	}{
		"transcript": {func(r *results.Run) {
			for i := range r.Cells {
				r.Cells[i].Work.Digest = "b2"
			}
		}, "the work differs: with one seed, its transcript is a1 in OLD, b2 in NEW"},
		"invalid":   {func(r *results.Run) { r.Cells[1].Invalidate("2 effects are missing") }, "invalid in NEW: 2 effects are missing"},
		"operation": {func(r *results.Run) { r.Scenarios[0].Op = "refill" }, "one operation is a selection in OLD and a refill in NEW"},
		"insensitive": {func(r *results.Run) {
			r.Controls = []results.Controls{{AA: results.Cell{Scenario: "queue-low", Style: "direct", Options: map[string]string{"passages": "1000"}, Role: results.RoleAA}, Insensitive: "the injected slowdown was not found"}}
		}, "insensitive in NEW: the injected slowdown was not found"},
		"pace": {func(r *results.Run) { r.Scenarios[0].Paced = true }, "a clock paces it in only one of the runs"},
	} {
		after := recorded(1, 12, 0.004, costs(1.1, 2))
		c.change(after.Run)
		got := mustCompare(t, before, after, Question{Margin: 0.02})
		if got.Verdict != Invalid || len(got.NotCompared) == 0 || got.NotCompared[0].Why != c.want {
			t.Errorf("%s: %s, %+v; want %q", name, got.Verdict, got.NotCompared, c.want)
		}
	}
	after := recorded(1, 12, 0.004, costs(1.1, 2))
	after.Run.Seed, after.Run.Cells[1].Work.Digest = 8, "b2"
	if got := mustCompare(t, before, after, Question{Margin: 0.02}); len(got.NotCompared) > 0 || !strings.Contains(strings.Join(got.Warnings, "\n"), "the seed differs") {
		t.Errorf("another seed makes another transcript: %+v, %q", got.NotCompared, got.Warnings)
	}
}

func TestCompareRefuses(t *testing.T) {
	t.Parallel()
	before, after := recorded(1, 12, 0.004, costs(1.1, 2)), recorded(2, 12, 0.004, costs(1.1, 2))
	for _, margin := range []float64{-0.1, 1, math.NaN(), math.Inf(1)} {
		if _, err := Compare(before, after, Question{Margin: margin}); err == nil {
			t.Errorf("margin %v: no error", margin)
		}
	}
	after.Run.Machine.CPU = "Another"
	got := mustCompare(t, before, after, Question{Margin: 0.02})
	if len(got.Absolute) > 0 || len(got.Ratios) != 2 || len(got.Otherwise) != 1 {
		t.Errorf("another machine: %d absolute figures, %d ratios, %q", len(got.Absolute), len(got.Ratios), got.Otherwise)
	}
	if _, err := Compare(before, after, Question{Margin: 0.02, Absolute: true}); err == nil || !strings.Contains(err.Error(), "Another") {
		t.Errorf("absolute figures of another machine: %v", err)
	}
	after.Run.Baseline = "nats"
	if got := ofRatio(t, mustCompare(t, before, after, Question{}), "bus"); got.Verdict != inference.Inconclusive || !strings.Contains(got.Why, "to direct in OLD, to nats in NEW") {
		t.Errorf("another baseline: %s, %q", got.Verdict, got.Why)
	}
}

// Old and new changed places, factors are their reciprocals; a machine that is faster
// by any factor changes no ratio.
func TestCompareMirrors(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		noise := rapid.Float64Range(0, 0.5).Draw(t, "noise")
		side := func(name string, faster float64) Recorded {
			rounds, seed := rapid.IntRange(1, 25).Draw(t, name+" rounds"), rapid.Uint64().Draw(t, name+" seed")
			return recorded(seed, rounds, noise, map[string]float64{"direct": faster, "bus": 1.2 * faster, "nats": 3 * faster})
		}
		before, after := side("before", 1), side("after", rapid.Float64Range(0.5, 2).Draw(t, "faster"))
		forth, err := Compare(before, after, Question{Margin: 0.02})
		if err != nil {
			t.Fatal(err)
		}
		back, err := Compare(after, before, Question{Margin: 0.02})
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range forth.Ratios {
			b := back.Ratios[i]
			if f.Change.Bounded() != b.Change.Bounded() || !nearly(f.Change.Median, 1/b.Change.Median) {
				t.Fatalf("%+v, and back %+v", f.Change, b.Change)
			}
			if f.Change.Bounded() && (!nearly(f.Change.Lo, 1/b.Change.Hi) || !nearly(f.Change.Hi, 1/b.Change.Lo)) {
				t.Fatalf("%+v, and back %+v", f.Change, b.Change)
			}
			if f.Verdict == inference.Over && b.Verdict == inference.Over {
				t.Fatalf("over both ways: %+v", f)
			}
			if f.Rounds != [2]int{len(before.Details.Blocks) / 3, len(after.Details.Blocks) / 3} {
				t.Fatalf("rounds %v", f.Rounds)
			}
		}
	})
}

func nearly(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Abs(a) }

// Whatever two files hold, comparing them ends in an answer that can be written.
func FuzzCompare(f *testing.F) {
	one := `{"run":{"schema":1,"baseline":"d","scenarios":[{"name":"s"}]}}` + "\n"
	for round := range 8 {
		one += strings.ReplaceAll(`{"block":{"cell":"s/d","round":N,"ops":1,"wall":5}}`+"\n"+`{"block":{"cell":"s/e","round":N,"ops":1,"wall":7}}`+"\n", "N", string(rune('0'+round)))
	}
	f.Add([]byte(one), []byte(one), 0.02)
	f.Add([]byte(one), []byte(strings.ReplaceAll(one, `"wall":7`, `"wall":9,"figures":{"x":-1}`)), 0.0)
	f.Fuzz(func(t *testing.T, before, after []byte, margin float64) {
		var sides [2]Recorded
		for i, data := range [][]byte{before, after} {
			r, err := results.ParseRaw(bytes.NewReader(data))
			if err != nil {
				return
			}
			run, err := r.Run()
			if err != nil {
				return
			}
			Summarize(run, r.Details)
			sides[i] = Recorded{Run: run, Details: r.Details}
		}
		c, err := Compare(sides[0], sides[1], Question{Margin: margin})
		if err != nil {
			return
		}
		if _, err := json.Marshal(c); err != nil {
			t.Errorf("cannot be written: %v", err)
		}
		for _, write := range []func(*bytes.Buffer) error{func(b *bytes.Buffer) error { return c.Text(b) }, func(b *bytes.Buffer) error { return c.Markdown(b) }} {
			if err := write(new(bytes.Buffer)); err != nil {
				t.Error(err)
			}
		}
	})
}
