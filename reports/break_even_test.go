package reports

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"rubato/results"
)

// TestBreakEven: a style that costs 30 µs and 2 % is under 5 % from 1 ms on. By hand: 30 / (0.05 −
// 0.02) = 1 000.
func TestBreakEven(t *testing.T) {
	t.Parallel()
	run := &results.Run{Baseline: "direct"}
	for _, base := range []float64{100e3, 300e3, 900e3, 2700e3} {
		options := map[string]string{"passages": figure(base)}
		run.Cells = append(run.Cells,
			results.Cell{Scenario: "s", Style: "direct", Options: options, Named: []string{"passages"}, Verdict: results.Measured, NsOp: results.Estimate{Median: base}},
			results.Cell{Scenario: "s", Style: "nats", Options: options, Named: []string{"passages"}, Verdict: results.Measured, OverheadNs: interval95(30e3+0.02*base, 30e3+0.02*base, 30e3+0.02*base)})
	}
	row := func() []string {
		t.Helper()
		got := breakEvenSection(run, nil)
		if len(got) != 1 || len(got[0].Grids[0].Rows) != 1 {
			t.Fatalf("%+v", got)
		}
		return got[0].Grids[0].Rows[0].Cells
	}
	if got, want := row(), []string{"s", "nats", "100 µs to 2.70 ms", "30.0 µs", "2.00 %", "1.00 ms", "4 of 4"}; !equalPlain(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for i := 1; i < len(run.Cells); i += 2 { // 60 µs at most: 60 / (0.05 − 0.02) = 2 000
		run.Cells[i].OverheadNs.Lo, run.Cells[i].OverheadNs.Hi = run.Cells[i].OverheadNs.Lo-40e3, run.Cells[i].OverheadNs.Hi+30e3
	}
	if got := oneLine(row()[5]); got != "any … 2.00 ms" {
		t.Errorf("blurred: %q", got)
	}
	run.Cells[3].OverheadNs.Median = 900e3 // one that no line of the others predicts
	if got := row()[6]; got != "2 of 4" && got != "1 of 4" && got != "0 of 4" {
		t.Errorf("%s were predicted, though one is three times off", got)
	}
	run.Cells = run.Cells[:6]
	if got := breakEvenSection(run, nil); got != nil {
		t.Error("three comparisons were fitted")
	}
}

func equalPlain(got, want []string) bool {
	for i := range want {
		if oneLine(got[i]) != want[i] {
			return false
		}
	}
	return len(got) == len(want)
}

func TestEnough(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fixed, share float64
		want         string
	}{{-5, 0.01, "any"}, {5e3, 0.05, "none: it grows with the operation"}, {5e3, 0, "100 µs"}, {5e3, math.Copysign(0.05, -1), "50.0 µs"}} {
		at := enough(c.fixed, c.share)
		if got := oneLine(enoughText(at, at)); got != c.want {
			t.Errorf("%v: %q, want %q", c, got, c.want)
		}
	}
}

// made is a run of a scenario with the keys of a model, where direct takes 1 µs for an operation,
// 2 µs for each part, 0.5 µs for each KiB to a part and 0.1 µs for each step, and nats, with
// intervals of so many µs on each side, more by 20 + 30·parts + 5·KiB·parts + 100 after
// a pause + 10·parts that have slept, after a pause or beside an operation of over 100 µs, + 1 %.
func made(blur float64, points ...string) *results.Run {
	run := &results.Run{Baseline: "direct", Styles: []results.Arm{{Name: "direct"}, {Name: "nats"}}}
	for _, point := range points {
		var work, payload, fanout, rate string
		_, _ = fmt.Sscan(point, &work, &payload, &fanout, &rate)
		options := map[string]string{"work": work, "payload": payload, "fanout": fanout, "rate": rate}
		named := []string{"fanout", "payload", "rate", "work"}
		number := func(s string) (n float64) { _, _ = fmt.Sscan(s, &n); return n }
		parts := number(fanout)
		kib := number(payload) / 1024 * parts
		base := 1 + 2*parts + 0.5*kib + 0.1*number(work)
		more := 20 + 30*parts + 5*kib + 0.01*base
		if rate != "loop" {
			more += 100
		}
		if rate != "loop" || base > 100 {
			more += 10 * parts
		}
		run.Cells = append(run.Cells,
			results.Cell{Scenario: "s", Style: "direct", Options: options, Named: named, Verdict: results.Measured, NsOp: results.Estimate{Median: 1e3 * base}},
			results.Cell{Scenario: "s", Style: "nats", Options: options, Named: named, Verdict: results.Measured, OverheadNs: interval95(1e3*more, 1e3*(more-blur), 1e3*(more+blur))})
	}
	return run
}

var madeGrid = []string{
	"200 64 1 loop", "200 1024 4 200", "200 4096 2 loop", "200 64 4 loop",
	"4000 64 2 200", "4000 1024 1 loop", "4000 4096 4 loop", "4000 4096 1 200",
	"60000 64 4 loop", "60000 1024 2 200", "60000 4096 1 loop", "60000 1024 4 loop",
}

// TestModel: from made-up figures the fit finds what they were made of. By hand, for 4096 bytes:
// 20 + 30 + 4·5 + 10 = 80 µs for one part, 20 + 2·60 = 140 for two, 260 for four, 500 for eight; and
// 80 / (0.05 − 0.01) = 2 ms, 3.5 ms, 6.5 ms, 12.5 ms; 100 µs more after a pause are 2.5 ms more.
func TestModel(t *testing.T) {
	t.Parallel()
	out := breakEvenSection(made(0, madeGrid...), nil)
	if len(out) != 1 || len(out[0].Grids) != 2 {
		t.Fatalf("%+v", out)
	}
	for i, want := range [][]string{
		{"s", "nats", "20.0 µs", "30.0 µs", "5.00 µs", "100 µs", "10.0 µs", "1.00 %", "12 of 12"},
	} {
		if got := out[0].Grids[0].Rows[i].Cells; !equalPlain(got, want) {
			t.Errorf("costs: %q, want %q", got, want)
		}
	}
	table := out[0].Grids[1]
	if want := []string{"operation", "1 part", "2 parts", "4 parts", "8 parts*"}; !equalPlain(table.Head, want) {
		t.Errorf("head %q, want %q", table.Head, want)
	}
	for i, want := range [][]string{
		{"64 bytes, one after the other", "1.51 ms", "2.52 ms", "4.53 ms", "8.56 ms*"},
		{"4096 bytes, one after the other", "2.00 ms", "3.50 ms", "6.50 ms*", "12.5 ms*"},
		{"64 bytes, after a pause", "4.01 ms", "5.02 ms", "7.03 ms*", "11.1 ms*"}, // the longest took 6.01 ms
		{"4096 bytes, after a pause", "4.50 ms", "6.00 ms", "9.00 ms*", "15.0 ms*"},
	} {
		if got := table.Rows[i].Cells; !equalPlain(got, want) {
			t.Errorf("from: %q, want %q", got, want)
		}
	}
}

// TestModelEnds: intervals of ±20 µs are ±0.5 ms of 2 ms.
func TestModelEnds(t *testing.T) {
	t.Parallel()
	table := breakEvenSection(made(20, madeGrid...), nil)[0].Grids[1]
	if got := oneLine(table.Rows[1].Cells[1]); got != "1.50 ms … 2.50 ms" {
		t.Errorf("%q", got)
	}
}

// TestModelRefuses: what cannot be told is said, and nothing is made up.
func TestModelRefuses(t *testing.T) {
	t.Parallel()
	together := []string{"200 64 1 loop", "200 64 1 loop", "900 128 2 loop", "4000 128 2 loop", "9000 64 1 loop", "60000 64 1 loop", "60000 128 2 200"}
	short := []string{"200 64 1 loop", "201 1024 4 200", "202 4096 2 loop", "203 64 4 loop", "204 64 2 200", "205 1024 1 loop", "206 4096 4 loop"}
	for name, c := range map[string]struct {
		points []string
		want   string // a note; empty: no section
	}{
		"nothing":                {nil, ""},
		"one cell":               {madeGrid[:1], "1 comparison has a figure of it; 3 are needed"},
		"two equal cells":        {[]string{madeGrid[0], madeGrid[0]}, "2 comparisons have a figure of it; 3 are needed"},
		"too few":                {madeGrid[:5], "5 comparisons have a figure of it; 7 are needed"},
		"sizes that go together": {together, "cannot be told from the rest in 7 comparisons"},
		"all as long":            {short, "so a share of their time cannot be told"},
		"no number":              {[]string{"many 64 1 loop", "NaN 64 1 loop", "Inf 1024 4 200", "200 4096 few loop", "200 64 4 loop", "4000 64 2 200"}, ""},
	} {
		out := breakEvenSection(made(1, c.points...), nil)
		var notes []string
		for _, s := range out {
			for _, g := range s.Grids {
				notes = append(notes, g.Notes...)
				if len(g.Rows) > 0 && g.Title != "" {
					t.Errorf("%s: it was fitted: %q", name, g.Rows)
				}
			}
		}
		if said := oneLine(strings.Join(notes, " ")); (c.want == "") != (said == "") || !strings.Contains(said, c.want) {
			t.Errorf("%s: %q, want %q", name, said, c.want)
		}
	}
}

// TestModelMisses: a style without figures, some or any, and a baseline that is missing.
func TestModelMisses(t *testing.T) {
	t.Parallel()
	run := made(1, madeGrid...)
	run.Cells[1].Verdict = results.Invalid
	if got := breakEvenSection(run, nil)[0].Grids[0].Notes; len(got) != 1 || got[0] != "nats: 1 comparison has no figure of it, of 12." {
		t.Errorf("one is invalid: %q", got)
	}
	for i := range run.Cells {
		if run.Cells[i].Style == "nats" {
			run.Cells[i].OverheadNs = nil
		}
	}
	if got := breakEvenSection(run, nil)[0].Grids[0].Notes; len(got) != 2 || got[0] != "nats has no fit: 0 comparisons have a figure of it; 3 are needed to tell 2 costs apart and leave one out." {
		t.Errorf("no figure: %q", got)
	}
	run = made(1, madeGrid...)
	run.Cells[0].NsOp.Median = 0
	if got := breakEvenSection(run, nil)[0].Grids[0].Notes; len(got) != 1 {
		t.Errorf("a baseline took no time: %q", got)
	}
}

// TestModelPredicts: a comparison that is twice what the others say is not predicted by them.
func TestModelPredicts(t *testing.T) {
	t.Parallel()
	run := made(1, madeGrid...)
	run.Cells[3].OverheadNs.Median *= 2
	cells := breakEvenSection(run, nil)[0].Grids[0].Rows[0].Cells
	var good, of int
	if _, err := fmt.Sscanf(cells[len(cells)-1], "%d of %d", &good, &of); err != nil || of != 12 || good > 11 {
		t.Errorf("%q predicted", cells)
	}
}

// TestMap: the map is written with the report, in both formats, and says of each cell what the
// table says. For 1024 bytes: (20 + 30 + 5)/0.04 = 1.375 ms and 2.25, 4, 7.5 ms. Rows end at
// 10^(n/2) µs, so their middles are 17.8 µs, 56, 178, 562, 1.78 ms and 5.62 ms: of one and of two parts
// the last two and one are cheap, of four the last one; and of eight, which are a guess, none. The
// first is a guess everywhere: the shortest operation took 23 µs.
func TestMap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := made(0, madeGrid...)
	if err := Write(dir, run, results.Details{}); err != nil {
		t.Fatal(err)
	}
	svg := read(t, dir, filepath.Join(plotsFolder, "s-nats-map.svg"))
	svgIsValid(t, "s-nats-map.svg", svg)
	for text, want := range map[string]int{">cheap<": 4, ">cheap*<": 0, ">not<": 11, ">not*<": 9, ">open<": 0} {
		if got := strings.Count(svg, text); got != want {
			t.Errorf("%d times %s, want %d", got, text, want)
		}
	}
	if !strings.Contains(read(t, dir, "report.html"), "nats: under 5.00") || !strings.Contains(read(t, dir, "report.md"), "plots/s-nats-map.svg") {
		t.Error("the map is not in the report")
	}
}
