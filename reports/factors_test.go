package reports

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"rubato/results"
)

var testFactors = results.Factorial{Key: "mode", Factors: [2]string{"many under way", "shared commits"}, Corners: [4]string{"one", "many", "one-shared", "many-shared"},
	Style: "nats", Text: "NATS is 4 % faster", Source: "a test", Claimed: 0.96}

// factorRun is a run whose times are known: what direct takes in each corner, in µs, 0 where it
// was not measured; what nats takes more; by how much trials scatter, as a share; and by how much
// the machine becomes slower within a corner.
func factorRun(takes, cost [4]float64, scatter, slower float64) (*results.Run, results.Details) {
	run, d := fixtureRun(), results.Details{}
	run.Scenarios = []results.Scenario{{Name: "message-log", Op: "message", Factors: &testFactors}}
	run.Cells = nil
	const trials = 24
	for corner, mode := range testFactors.Corners {
		for turn, style := range []string{"direct", "nats"} {
			if takes[corner] == 0 {
				continue
			}
			c := results.Cell{Scenario: "message-log", Style: style, Named: []string{"mode"}, Options: map[string]string{"mode": mode}, Work: results.Work{Digest: "a"}}
			run.Cells = append(run.Cells, c)
			for r := range trials {
				perOp := 1000 * takes[corner] * (1 + slower*float64(r/(trials/2)))
				if style == "nats" {
					perOp *= cost[corner]
				}
				perOp *= 1 + scatter*math.Sin(float64(7*r+3*corner+5*turn)) // of no pattern that trials share
				d.Blocks = append(d.Blocks, results.Block{Cell: c.Key(), Round: r, Turn: turn, Ops: 1000, Wall: time.Duration(1000 * perOp), User: time.Duration(1000 * perOp),
					Stimuli: 1000, Effects: 2000, Expected: 2000, Digest: "d"})
			}
		}
	}
	Summarize(run, d)
	return run, d
}

func factorsOf(t *testing.T, run *results.Run, d results.Details) section {
	t.Helper()
	sections := factorSection(run.Scenarios[0], groups(run), d)
	if len(sections) != 1 {
		t.Fatalf("%d sections", len(sections))
	}
	return sections[0]
}

// The written answer is right where the truth is known.
func TestFactorAnswer(t *testing.T) {
	t.Parallel()
	same := [4]float64{100, 100, 100, 100}
	batching := [4]float64{100, 100, 100, 20}
	threefold := [4]float64{3, 3, 3, 3}
	for name, c := range map[string]struct {
		takes, cost     [4]float64
		scatter, slower float64
		want, never     []string
	}{
		"batching is all": {batching, threefold, 0.005, 0,
			[]string{"of a gain of 4.00 %, many under way: at most a part of it (", "shared commits: enough for all of it (×0.200", "in direct, mode=many → many-shared)",
				"nats itself: no part of it (with everything else equal it is ×2.998 to ×3.002 in all 4 corners measured)",
				"All at once, from direct with mode=one to nats with mode=many-shared, it is ×0.600"}, []string{"inconclusive", "perhaps"}},
		"the pipeline is all": {[4]float64{100, 50, 100, 50}, threefold, 0.005, 0,
			[]string{"many under way: enough for all of it (×0.500", "shared commits: at most a part", "nats itself: no part"}, []string{"inconclusive"}},
		"batching is a part": {[4]float64{100, 100, 98, 98}, threefold, 0.001, 0,
			[]string{"shared commits: a part of it (×0.980", "nats itself: no part"}, []string{"enough", "inconclusive"}},
		"batching costs": {[4]float64{100, 100, 130, 130}, threefold, 0.005, 0,
			[]string{"shared commits: no part of it (×1.300", "nats itself: no part"}, []string{"enough", "inconclusive"}},
		"NATS is faster": {same, [4]float64{0.9, 0.9, 3, 3}, 0.005, 0,
			[]string{"nats itself: perhaps a part of it (with everything else equal it is faster in mode=one, mode=many)"}, []string{"enough", "nats itself: no part"}},
		"NATS is unclear": {batching, [4]float64{3, 1, 3, 3}, 0.02, 0,
			[]string{"enough for all of it", "nats itself: inconclusive (faster or slower in mode=many)"}, []string{"nats itself: no part"}},
		"noise": {same, [4]float64{1, 1, 1, 1}, 0.6, 0,
			[]string{"shared commits: inconclusive", "nats itself: inconclusive (faster or slower in mode=one, mode=many, mode=one-shared, mode=many-shared)"}, []string{"enough", "no part"}},
		"a machine that changes": {[4]float64{100, 100, 100, 80}, threefold, 0.005, 0.5,
			[]string{"shared commits: inconclusive", "nats itself: no part of it"}, []string{"enough"}},
		"three corners": {[4]float64{100, 100, 0, 20}, threefold, 0.005, 0,
			[]string{"enough for all of it", "in all 3 corners measured", "it is ×0.600"}, []string{"not measured", "inconclusive"}},
		"two corners": {[4]float64{100, 100, 0, 0}, threefold, 0.005, 0,
			[]string{"shared commits: not measured", "in all 2 corners measured"}, []string{"All at once", "enough"}},
	} {
		run, d := factorRun(c.takes, c.cost, c.scatter, c.slower)
		text := factorsOf(t, run, d).Text
		got := strings.ReplaceAll(text[1], noBreak, " ")
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the answer does not say %q:\n%s", name, want, got)
			}
		}
		for _, never := range c.never {
			if strings.Contains(got, never) {
				t.Errorf("%s: the answer says %q:\n%s", name, never, got)
			}
		}
	}
}

// The tables have the effects that were put in: of each change in each style, of a style in each
// corner, and how they depend on each other.
func TestFactorTables(t *testing.T) {
	t.Parallel()
	run, d := factorRun([4]float64{100, 100, 80, 20}, [4]float64{6, 3, 6, 1.5}, 0.001, 0)
	s := factorsOf(t, run, d)
	var page bytes.Buffer
	s.markdown(&page)
	golden(t, "factors.md", page.String())
	for i, want := range [][]string{
		{"×1.00", "×0.50"}, // many under way: one → many
		{"×0.25", "×0.0625"},
		{"×0.50", "×0.177"}, // their geometric mean
		{"×0.80", "×0.80"},  // shared commits: one → one-shared
		{"×0.20", "×0.10"},
		{"×0.40", "×0.283"},
		{"×0.25", "×0.125"}, // both, to the product of each
	} {
		sameRatios(t, s.Grids[0].Rows[i].Cells, want)
	}
	for i, want := range [][]string{{"×6"}, {"×3"}, {"×6"}, {"×1.5"}, {"×3.567"}, {"×0.5"}, {"×0.25"}, {"×1"}, {"×0.5"}} {
		sameRatios(t, s.Grids[1].Rows[i].Cells, want)
	}
}

// sameRatios compares the ratios of a row, after its two names, with these, to within a percent.
func sameRatios(t *testing.T, row, want []string) {
	t.Helper()
	for i := range want {
		got, expected := ratioIn(t, row[i+2]), ratioIn(t, want[i])
		if math.Abs(got/expected-1) > 0.01 {
			t.Errorf("%v: %q, want %s", row[:2], row[i+2], want[i])
		}
	}
}

func ratioIn(t *testing.T, text string) float64 {
	t.Helper()
	number, _, _ := strings.Cut(strings.TrimPrefix(text, "×"), " ")
	v, err := time.ParseDuration(number + "s")
	if err != nil {
		t.Fatal(err)
	}
	return v.Seconds()
}

// On a busy machine a long slice is interrupted and a short one is not. What others can have
// taken is no effect of a factor; what a style waits for by itself, such as the disk, is.
func TestFactorsOnBusyMachine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		waited time.Duration // of 200 ms a block, of which 120 are without CPU
		want   string
	}{
		"others had the CPU":  {time.Second, "shared commits: inconclusive (×2.0"},
		"it waited by itself": {0, "shared commits: no part of it (×2.0"},
	} {
		run, d := factorRun([4]float64{100, 100, 200, 200}, [4]float64{3, 3, 3, 3}, 0.005, 0)
		for i := range d.Blocks {
			if b := &d.Blocks[i]; strings.Contains(b.Cell, "shared") {
				b.User, b.Resources = b.User*2/5, &results.Resources{Waited: &c.waited}
			}
		}
		text := factorsOf(t, run, d).Text
		answer := text[1]
		if !strings.Contains(answer, c.want) {
			t.Errorf("%s: %s", name, answer)
		}
	}
}

// An invalid cell has no part in any effect. Options that also vary make a table each.
func TestFactorCells(t *testing.T) {
	t.Parallel()
	run, d := factorRun([4]float64{100, 100, 100, 20}, [4]float64{3, 3, 3, 3}, 0.005, 0)
	run.Cells[3].Invalidate("it sent nothing") // nats, many under way
	s := factorsOf(t, run, d)
	if text := s.Text[1]; !strings.Contains(text, "in all 3 corners measured") {
		t.Error(text)
	}
	more, blocks := factorRun([4]float64{100, 100, 0, 0}, [4]float64{3, 3, 3, 3}, 0.005, 0)
	for i := range more.Cells {
		c := &more.Cells[i]
		was := c.Key()
		c.Options["batch"], c.Named = "10", []string{"batch", "mode"}
		for j := range blocks.Blocks {
			if blocks.Blocks[j].Cell == was {
				blocks.Blocks[j].Cell = c.Key()
			}
		}
	}
	run.Cells, d.Blocks = append(run.Cells, more.Cells...), append(d.Blocks, blocks.Blocks...)
	if s := factorsOf(t, run, d); len(s.Grids) != 4 || !strings.Contains(s.Grids[2].Title, "batch=10") || !strings.Contains(s.Text[2], "(batch=10.)") {
		t.Errorf("%d tables, the second answer: %s", len(s.Grids), s.Text[2])
	}
	run.Scenarios[0].Factors = nil
	if s := factorSection(run.Scenarios[0], groups(run), d); s != nil {
		t.Errorf("factors of a scenario that has none: %v", s)
	}
}
