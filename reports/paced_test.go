package reports

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/perf/benchfmt"

	"rubato/results"
)

// pacedFixture is a run of two scenarios that a clock paces: "audio" has ten rounds,
// "soak" one, in which all styles worked together and reported a series.
func pacedFixture(t testing.TB) (*results.Run, results.Details) {
	run, d := fixtureRun(), results.Details{}
	run.Machine.Warnings = nil
	run.Scenarios = []results.Scenario{
		{Name: "audio", Answers: "Is every period on time?", Op: "period", Paced: true, Claims: []results.Claim{
			{Text: "no underrun", Source: "a test", Kind: "budget", Quantity: "figure:underruns"},
			{Text: "late by at most 2 ms", Source: "a test", Kind: "budget", Style: "bus", Quantity: "figure:p99 late", Hi: 2e6},
			{Text: "callback < 10 ms", Source: "a test", Kind: "budget", Style: "direct", Quantity: "p95_ns", Hi: 10e6},
			{Text: "at most twice the CPU", Source: "a test", Kind: "budget", Quantity: "cpu_ratio", Hi: 2},
			{Text: "twice the time", Source: "a test", Kind: "budget", Style: "bus", Quantity: "ratio", Hi: 2},
		}, Measures: []results.Measure{
			{Name: "underruns", Doc: "periods that had nothing to play", Better: "less"},
			{Name: "p99 late", Doc: "how late the 99th of a hundred callbacks began", Unit: "ns", Better: "less"},
			{Name: "never reported", Doc: "no workload reports it"},
		}},
		{Name: "soak", Answers: "Does memory grow?", Op: "minute", Paced: true, Together: true, Bare: true, Claims: []results.Claim{
			{Text: "memory growth < 10 %", Source: "a test", Kind: "budget", Quantity: "figure:growth", Hi: 10},
		}, Measures: []results.Measure{
			{Name: "growth", Doc: "of memory, from the first minute to the last", Unit: "%", Better: "less"},
			{Name: "memory", Doc: "live heap after a collection", Unit: "bytes"},
			{Name: "rate", Doc: "messages a second", Unit: "/s", Better: "more"},
			{Name: "share", Doc: "of the first", Unit: "x"},
		}},
	}
	run.Cells = nil
	random := rand.New(rand.NewPCG(3, 4))
	for i, style := range []string{"direct", "bus"} {
		audio := results.Cell{Scenario: "audio", Style: style, Options: map[string]string{"period": "441"}, Named: []string{"period"}, ActiveCPU: 3, IdleCPU: 0.2, Work: results.Work{Digest: "a"}}
		soak := results.Cell{Scenario: "soak", Style: style, Options: map[string]string{}, Work: results.Work{Digest: "s"}}
		run.Cells = append(run.Cells, audio, soak)
		for r := range 10 {
			b := fixtureBlock(t, audio, r, i, 1e6, random)
			b.Wall, b.User = 2*time.Second, time.Duration(float64(20*time.Millisecond)*(1+0.25*float64(i)+0.01*float64(r%3)))
			b.Figures = map[string]float64{"underruns": float64(i * (r % 2)), "p99 late": 1.1e6 + 1e4*float64(r)}
			d.Blocks = append(d.Blocks, b)
		}
		b := fixtureBlock(t, soak, 0, i, 1e6, random)
		b.Wall, b.Latency = time.Minute, ""
		b.Figures = map[string]float64{"growth": 3 + 9*float64(i), "rate": 99.8, "share": 1.02, "memory": 21 << 20}
		for n := range 61 {
			b.Series = map[string][]results.Point{"memory": append(b.Series["memory"], results.Point{At: time.Duration(n) * time.Second, Value: 20e6 * (1 + float64(i)*math.Sqrt(float64(n))/20)})}
		}
		d.Blocks = append(d.Blocks, b)
	}
	return run, d
}

func TestPacedReport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run, d := pacedFixture(t)
	writeRaw(t, dir, run, d)
	_, d, err := results.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	Summarize(run, d)
	if err := Write(dir, run, d); err != nil {
		t.Fatal(err)
	}
	page := read(t, dir, "report.md")
	_, asked, _ := strings.Cut(page, "## Budgets, targets and claims\n")
	asked, _, _ = strings.Cut(asked, "\n## ")
	_, page, _ = strings.Cut(page, "## audio\n")
	page, _, _ = strings.Cut(page, "## audio: all rounds")
	_, soak, _ := strings.Cut(read(t, dir, "report.md"), "## soak\n")
	soak, _, _ = strings.Cut(soak, "## soak: all rounds")
	golden(t, "paced.md", asked+"\n---\n"+page+"\n---\n"+soak)
	golden(t, "paced.txt", read(t, dir, "bench.txt"))
	svg := read(t, dir, filepath.Join(plotsFolder, "soak-series-memory.svg"))
	svgIsValid(t, "soak-series-memory.svg", svg)
	for _, want := range []string{"memory over time", "memory (MiB)", "direct", "bus", "stroke:" + hexOf(styled[1].light)} {
		if !strings.Contains(svg, want) {
			t.Errorf("the series lacks %q", want)
		}
	}
	if html := read(t, dir, "report.html"); !strings.Contains(html, "memory over time") || !strings.Contains(html, "1 round, no interval") {
		t.Error("report.html lacks the series or the points")
	}
}

// TestPacedCells: there is no ratio of a time that a clock decided, and few rounds
// are no lack.
func TestPacedCells(t *testing.T) {
	t.Parallel()
	run, d := pacedFixture(t)
	Summarize(run, d)
	for _, c := range run.Cells {
		if c.Verdict != results.Measured || c.Ratio != nil || c.OverheadNs != nil || (c.CPURatio == nil) != (c.Style == "direct") || len(c.Warnings) > 0 {
			t.Errorf("%s: %s %s, ratio %v, CPU %v, %q", c.Key(), c.Verdict, c.Why, c.Ratio, c.CPURatio, c.Warnings)
		}
		if c.Scenario == "audio" && (c.P95Ns < c.P50Ns || c.P99Ns < c.P95Ns || c.P95Ns == 0 || !c.Figures["p99 late"].Bounded()) {
			t.Errorf("%s: %v %v %v, %v", c.Key(), c.P50Ns, c.P95Ns, c.P99Ns, c.Figures)
		}
		if c.Scenario == "soak" && (c.Figures["growth"].Bounded() || c.ActiveCPU <= 0 || c.IdleCPU != 0) {
			t.Errorf("%s: %v, CPU %v and %v", c.Key(), c.Figures, c.ActiveCPU, c.IdleCPU)
		}
	}
	bus := run.Cells[2]
	if r := bus.CPURatio; r.Median < 1.1 || r.Median > 1.15 || !r.Bounded() {
		t.Errorf("CPU ratio %v", r)
	}
	if got := (results.Span{Least: 0, Most: 1}); bus.Spans["underruns"] != got {
		t.Errorf("span %v, want %v", bus.Spans["underruns"], got)
	}
}

// TestUncountableCPU: a ratio to nothing is none.
func TestUncountableCPU(t *testing.T) {
	t.Parallel()
	run, d := pacedFixture(t)
	for i := range d.Blocks {
		if d.Blocks[i].Cell == run.Cells[0].Key() && d.Blocks[i].Round == 4 {
			d.Blocks[i].User, d.Blocks[i].System = 0, 0
		}
	}
	Summarize(run, d)
	if c := run.Cells[2]; c.CPURatio != nil || !strings.Contains(strings.Join(c.Warnings, " "), "no CPU ratio") {
		t.Errorf("CPU ratio %v, warnings %q", c.CPURatio, c.Warnings)
	}
}

// What benchstat reads: the measures as further units, and no time that a clock decided.
func TestPacedBenchIsRead(t *testing.T) {
	t.Parallel()
	run, d := pacedFixture(t)
	Summarize(run, d)
	var b strings.Builder
	if err := writeBench(&b, run, d); err != nil {
		t.Fatal(err)
	}
	units := map[string]int{}
	in := benchfmt.NewReader(strings.NewReader(b.String()), "bench.txt")
	for in.Scan() {
		result, ok := in.Result().(*benchfmt.Result)
		if !ok {
			t.Fatalf("not a result: %v", in.Result())
		}
		for _, v := range result.Values {
			units[v.Unit]++
		}
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	for unit, want := range map[string]int{"underruns": 20, "p99-late-sec": 20, "growth-pct": 2, "memory-B": 2, "rate/s": 2, "share-x": 2, "cpu-sec/op": 22, "sec/op": 0, "p95-sec/op": 20} {
		if units[unit] != want {
			t.Errorf("%s: %d values, want %d of %v", unit, units[unit], want, units)
		}
	}
}

func TestMeasureShows(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		unit string
		v    float64
		want string
	}{
		{"", 0, "0"}, {"", 12345, "12 345"}, {"ns", 1.5e6, "1.50 ms"}, {"ns", -2e3, "−2.00 µs"}, {"bytes", 512, "512 B"}, {"bytes", 3 << 20, "3.00 MiB"},
		{"bytes", -2048, "−2.00 KiB"}, {"bytes", 5 << 40, "5120 GiB"}, {"%", 3.5, "3.50 %"}, {"/s", 100, "100/s"}, {"x", 1.25, "×1.250"},
	} {
		if got := oneLine(showUnit(test.unit)(test.v)); got != test.want {
			t.Errorf("%g %q: %q, want %q", test.v, test.unit, got, test.want)
		}
	}
	inf := math.Inf(1)
	for _, test := range []struct {
		unit   string
		e      results.Estimate
		s      results.Span
		rounds int
		want   string
		brief  string
	}{
		{"", results.Estimate{Median: 3, Lo: 2, Hi: 4}, results.Span{Least: 1, Most: 9}, 10, "3 (1 to 9 in 10 rounds)", "3, 1 to 9"},
		{"", results.Estimate{Median: 3, Lo: 2, Hi: 4}, results.Span{Least: 3, Most: 3}, 10, "3 (3 to 3 in 10 rounds)", "3"},
		{"", results.Estimate{Median: 3, Lo: -inf, Hi: inf}, results.Span{Least: 3, Most: 3}, 1, "3 (1 round, no interval)", "3"},
		{"", results.Estimate{Median: 3, Lo: -inf, Hi: inf}, results.Span{Least: 1, Most: 9}, 3, "3 (1 to 9 in 3 rounds, no interval)", "3, 1 to 9"},
		{"%", results.Estimate{Median: 3, Lo: 2, Hi: 4}, results.Span{Least: 1, Most: 9}, 10, "3.00 % (2.00 % … 4.00 %)", "3.00 % [2.00 %, 4.00 %]"},
		{"%", results.Estimate{Median: 3, Lo: -inf, Hi: inf}, results.Span{Least: 1, Most: 9}, 3, "3.00 % (1.00 % to 9.00 % in 3 rounds, no interval)", "3.00 %, 1.00 % to 9.00 %"},
	} {
		m := results.Measure{Name: "lost", Unit: test.unit}
		if got := oneLine(inline(measureEstimate(m, test.e, test.s, test.rounds))); got != test.want {
			t.Errorf("%v: %q, want %q", test.e, got, test.want)
		}
		if got := oneLine(brief(m, test.e, test.s, test.rounds)); got != test.brief {
			t.Errorf("%v: %q, want %q", test.e, got, test.brief)
		}
	}
}

func TestMeasureSound(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		m    results.Measure
		want string
	}{
		{results.Measure{Name: "lost", Better: "less"}, ""},
		{results.Measure{Name: "p99 late", Unit: "ns"}, ""},
		{results.Measure{}, "want a name"},
		{results.Measure{Name: " lost"}, "no space around"},
		{results.Measure{Name: "lost", Unit: "seconds"}, `unit "seconds" is none of`},
		{results.Measure{Name: "lost", Better: "fewer"}, "want less, more"},
	} {
		if err := test.m.Sound(); (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q", test.m, err, test.want)
		}
	}
}
