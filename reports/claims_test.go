package reports

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"rubato/results"
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		claim results.Claim
		found results.Estimate
		want  string
	}{
		"inside":           {results.Claim{Lo: 10, Hi: 20}, results.Estimate{Median: 15, Lo: 10, Hi: 20}, claimWithin},
		"above":            {results.Claim{Lo: 10, Hi: 20}, results.Estimate{Median: 22, Lo: 20.1, Hi: 25}, claimOver},
		"below":            {results.Claim{Lo: 10, Hi: 20}, results.Estimate{Median: 5, Lo: 4, Hi: 9.9}, claimUnder},
		"straddles":        {results.Claim{Lo: 10, Hi: 20}, results.Estimate{Median: 15, Lo: 9, Hi: 16}, claimInconclusive},
		"wider than both":  {results.Claim{Lo: 10, Hi: 20}, results.Estimate{Median: 15, Lo: 9, Hi: 21}, claimInconclusive},
		"budget kept":      {results.Claim{Hi: 20}, results.Estimate{Median: -3, Lo: -5, Hi: 2}, claimWithin},
		"budget exceeded":  {results.Claim{Hi: 20}, results.Estimate{Median: 30, Lo: 21, Hi: 40}, claimOver},
		"floor kept":       {results.Claim{Lo: 100}, results.Estimate{Median: 900, Lo: 800, Hi: 1000}, claimWithin},
		"floor missed":     {results.Claim{Lo: 100}, results.Estimate{Median: 90, Lo: 80, Hi: 99}, claimUnder},
		"without interval": {results.Claim{Hi: 20}, results.Unbounded(1), claimInconclusive},
	} {
		if got := answer(c.claim, c.found); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestMachinesOwnShare: an arm that is over is so by the machine alone if nothing is left
// without the machine's share. A late callback beside a late metronome used to be "over",
// as a late callback beside one on time is.
func TestMachinesOwnShare(t *testing.T) {
	t.Parallel()
	claim := results.Claim{Text: "no period is missed", Quantity: "figure:missed", Beyond: "figure:missed-extra", Slack: 1}
	s := results.Scenario{Name: "audio", Measures: []results.Measure{{Name: "missed"}, {Name: "missed-extra"}}}
	for name, c := range map[string]struct {
		missed, extra []float64 // of each round
		want          string
	}{
		"on time":                 {[]float64{0, 0, 0}, []float64{0, 0, 0}, claimWithin},
		"late as the metronome":   {[]float64{7, 9, 40}, []float64{0, 1, 0}, claimMachine},
		"late alone":              {[]float64{7, 9, 40}, []float64{7, 9, 40}, claimOver},
		"late by more than it":    {[]float64{7, 9, 40}, []float64{2, 5, 2}, claimOver},
		"late alone in one round": {[]float64{7, 9, 40}, []float64{0, 0, 30}, claimInconclusive},
		"late in one round":       {[]float64{0, 0, 40}, []float64{0, 0, 0}, claimInconclusive},
		"without a metronome":     {[]float64{7, 9, 40}, nil, claimOver},
	} {
		cell := results.Cell{Scenario: "audio", Rounds: len(c.missed), Figures: map[string]results.Estimate{}, Spans: map[string]results.Span{}}
		for figure, rounds := range map[string][]float64{"missed": c.missed, "missed-extra": c.extra} {
			if rounds != nil {
				cell.Figures[figure] = results.Unbounded(rounds[1])
				cell.Spans[figure] = results.Span{Least: slices.Min(rounds), Most: slices.Max(rounds)}
			}
		}
		row := claimRow(claim, &results.Run{}, s, &cell, results.Details{})
		if got := row.Cells[len(row.Cells)-1]; !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestClaimTable(t *testing.T) {
	t.Parallel()
	run, d := fixture(t)
	run.Scenarios[0].Claims = append(run.Scenarios[0].Claims,
		results.Claim{Text: "unknown", Quantity: "charm", Style: "bus", Hi: 1})
	Summarize(run, d)
	var got []string
	for _, r := range claimTable(run, run.Scenarios[0], d).Rows {
		if len(r.Cells) != 8 {
			t.Fatalf("%d cells: %q", len(r.Cells), r.Cells)
		}
		got = append(got, strings.Join([]string{r.Cells[0], r.Cells[4], r.Cells[5], r.Cells[7]}, "|"))
	}
	want := []string{
		"passage selection 500–2 000 µs|500\u00a0µs … 2.00\u00a0ms|direct|within",
		"passage selection 500–2 000 µs|500\u00a0µs … 2.00\u00a0ms|bus|within",
		"passage selection 500–2 000 µs|500\u00a0µs … 2.00\u00a0ms|nats|within",
		"whole activation 12.5–44.5 µs|+12.5\u00a0µs … +44.5\u00a0µs|bus|inconclusive",
		"orchestration under 2 × direct|at most ×2.000|bus|within",
		"orchestration under 2 × direct|at most ×2.000|nats|within",
		"at least 100 a second|at least 100/s|nats|within",
		"selection < 10 ms|at most 10.0\u00a0ms|direct|within",
		"on a library of 50 000|at most 500\u00a0ms|–|not measured",
		"unknown|at most 1.00|bus|not measured",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// 1 to 1000: p99 is 990, its interval reaches from rank 983 to 997.
func TestPercentiles(t *testing.T) {
	t.Parallel()
	h := hdr.New(1, 1e9, 4)
	for v := range int64(1000) {
		if err := h.RecordValue(v + 1); err != nil {
			t.Fatal(err)
		}
	}
	if p50, p999 := percentile(h, 50), percentile(h, 99.9); p50 != 500 || p999 != 999 {
		t.Errorf("p50 %v, p99.9 %v", p50, p999)
	}
	e := percentileEstimate(h, 99)
	if e.Median != 990 || math.Abs(e.Lo-984) > 1 || math.Abs(e.Hi-997) > 1 {
		t.Errorf("p99 %v", e)
	}
	few := hdr.New(1, 1e9, 3)
	for range 99 {
		_ = few.RecordValue(7)
	}
	if percentile(few, 99) != 0 || percentile(few, 50) != 7 || percentile(nil, 50) != 0 {
		t.Error("a percentile of too few values is shown")
	}
	_ = few.RecordValue(7)
	if e := percentileEstimate(few, 99); e.Median != 7 || e.Bounded() {
		t.Errorf("of 100 values p99 has no interval: %v", e)
	}
}

// main.main and Choose only hand on; Distance is recursive under Choose and counts once.
func TestHotspots(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run, d := fixture(t)
	d.Profiles = fixtureProfiles(t, dir, run)
	for i := range d.Blocks { // 100 µs of CPU an operation; nats: 200
		b := &d.Blocks[i]
		if b.User, b.System = 100*time.Microsecond*time.Duration(b.Ops), 0; b.Cell == run.Cells[2].Key() {
			b.User *= 2
		}
	}
	Summarize(run, d)
	books, err := booksOf(dir, run, d)
	if err != nil {
		t.Fatal(err)
	}
	tables := hotspots(groups(run)[0], books)
	if len(tables) != 2 {
		t.Fatalf("%d tables", len(tables))
	}
	var got []string
	for _, r := range tables[0].Rows {
		got = append(got, strings.ReplaceAll(r.Cells[0]+"|"+inline(r.Cells[1])+"|"+inline(r.Cells[3])+"|"+r.Mark, noBreak, " "))
	}
	want := []string{
		"player.Distance|70.0 % (70.0 µs/op)|70.0 % (140 µs/op; +70.0 µs (+63.6 … +76.4 µs))|",
		"runtime.mallocgc|30.0 % (30.0 µs/op)|20.0 % (40.0 µs/op; +10.0 µs (+4.29 … +15.7 µs))|",
		"bus.(*Bus).publish|0 % (0 µs/op)|10.0 % (20.0 µs/op; +20.0 µs (+16.3 … +23.7 µs))|",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, r := range tables[1].Rows {
		if r.Cells[0] == "player.Choose" {
			t.Errorf("cumulative: %q", r.Cells)
		}
	}
	if none := hotspots(groups(run)[1], books); none != nil {
		t.Errorf("not profiled: %v", none)
	}
}

func TestBadProfile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "bad.pb.gz", "not a profile")
	for path, want := range map[string]string{"bad.pb.gz": "bad.pb.gz", "gone.pb.gz": "no such file", "../x": "outside the folder", "/etc/passwd": "outside the folder"} {
		if _, err := readProfile(dir, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	for in, want := range map[float64]string{0: "0", 1: "1.00", 0.99999: "1.00", 9.999: "10.0", 99.99: "100", 1234.4: "1234", 12345: "12\u00a0345",
		1234567: "1\u00a0234\u00a0567", -0.0123: "−0.0123", 1e-9: "1.0e-09", -50: "−50.0"} {
		if got := figure(in); got != want {
			t.Errorf("%v: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[float64]string{12: "12.0\u00a0ns", 999.7: "1.00\u00a0µs", 1500: "1.50\u00a0µs", 2.5e6: "2.50\u00a0ms", 3e9: "3.00\u00a0s"} {
		if got := nanoseconds(in); got != want {
			t.Errorf("%v: %q, want %q", in, got, want)
		}
	}
}
