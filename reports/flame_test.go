package reports

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"rubato/results"
)

// burned are two books of made-up profiles: direct takes 80 µs of CPU an operation, nats 120 with 20
// in a function with a hostile name. 100 samples each are the harness's, between blocks.
func burned(t *testing.T, lives int) (dir string, run *results.Run, details results.Details) {
	t.Helper()
	const hostile = "rubato/natsbus.</title><script>alert(1)</script>\x00\u202e\"&"
	dir = t.TempDir()
	run = &results.Run{Baseline: "direct", Cells: []results.Cell{
		{Scenario: "s", Style: "direct", Verdict: results.Measured},
		{Scenario: "s", Style: "nats", Verdict: results.Measured, Ratio: &results.Estimate{Median: 1.5, Lo: 1.4, Hi: 1.6}}}}
	for i := range run.Cells {
		c := &run.Cells[i]
		cpu := map[string]int64{"rubato/player.Distance": 80}
		if c.Style == "nats" {
			cpu = map[string]int64{"rubato/player.Distance": 90, "rubato/natsbus.addressed": 10, hostile: 20}
		}
		p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
			PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 1e7, DurationNanos: 1e9}
		add := func(name, phase, life string, n int64) {
			s := &profile.Sample{Value: []int64{n, n * 1e7}, Label: map[string][]string{"phase": {phase}, "life": {life}}}
			for _, f := range []string{name, "main.main"} {
				function := &profile.Function{ID: uint64(len(p.Function) + 1), Name: f}
				location := &profile.Location{ID: function.ID, Line: []profile.Line{{Function: function}}}
				p.Function, p.Location, s.Location = append(p.Function, function), append(p.Location, location), append(s.Location, location)
			}
			p.Sample = append(p.Sample, s)
		}
		add("rubato/runner.count", "count", "1", 100)
		total := int64(0)
		for life := range lives {
			for _, name := range byShare(toFloats(cpu)) {
				add(name, "run", fmt.Sprint(life+1), cpu[name]*100/int64(lives))
				total += cpu[name] * 1000 / int64(lives)
			}
		}
		path := filepath.Join("profiles", c.Style+"-cpu.pb.gz")
		if err := os.MkdirAll(filepath.Join(dir, "profiles"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := writeWith(filepath.Join(dir, path), func(w *bytes.Buffer) error { return p.Write(w) }); err != nil {
			t.Fatal(err)
		}
		details.Profiles = append(details.Profiles, results.Profile{Cell: c.Key(), Kind: "cpu", Path: path, Ops: 1000})
		for round := range 4 {
			user := time.Duration(total * 200)
			details.Blocks = append(details.Blocks, results.Block{Cell: c.Key(), Round: round, Ops: 200, Wall: user + 4*time.Millisecond, User: user})
		}
	}
	return dir, run, details
}

// TestFlames: a graph's frames add up to the CPU time of an operation, without the harness's phases; a
// difference by parts adds up to the rows of the balance; names from a profile stay text.
func TestFlames(t *testing.T) {
	t.Parallel()
	dir, run, details := burned(t, 1)
	books, err := booksOf(dir, run, details)
	if err != nil {
		t.Fatal(err)
	}
	all, _ := balancesOf(run, groups(run)[0], books)
	if len(all) != 1 || math.Abs(all[0].own.cpu-120e3) > 1 || math.Abs(all[0].base.cpu-80e3) > 1 {
		t.Fatalf("%d balances of %+v", len(all), all)
	}
	tree := all[0].byParts()
	for _, part := range parts[:len(parts)-1] { // the last is waiting
		f := tree.below[part]
		if f == nil {
			f = &frame{}
		}
		if d := all[0].difference(part).Median; math.Abs(f.ns[0]-f.ns[1]-d) > 1 {
			t.Errorf("%s: %v in the graph, %.0f ns in the table", part, f.ns, d)
		}
	}
	for _, root := range []*frame{tree, all[0].own.callPaths()} {
		sum := 0.0
		for _, f := range root.below {
			sum += f.ns[0]
		}
		if math.Abs(sum-120e3) > 1 {
			t.Errorf("the frames add up to %.0f ns, want 120 000", sum)
		}
	}
	room := mostFlames
	sections := flameSection("s", groups(run), books, &room)
	if len(sections) != 1 || len(sections[0].Flames) != 3 || !sections[0].Flames[0].Open {
		t.Fatalf("%+v", sections)
	}
	for _, f := range sections[0].Flames {
		svg := string(f.SVG)
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", f.Title, err)
			}
		}
		if strings.Contains(svg, "<script") || strings.Contains(svg, "\u202e") || strings.Contains(svg, "rubato/runner.count") {
			t.Errorf("%s: %s", f.Title, svg)
		}
	}
	if more := string(sections[0].Flames[0].SVG); !strings.Contains(more, `class="more"`) || !strings.Contains(more, "+30.0") {
		t.Errorf("the difference says no more: %s", more)
	}
	room = 1
	if left := flameSection("s", groups(run), books, &room); len(left) != 1 || len(left[0].Flames) != 0 || !strings.Contains(strings.Join(left[0].Text, " "), "Left out, so that the page stays light: 3 graphs") {
		t.Errorf("without room: %+v", left)
	}
}

// TestAlone: the conversation alone is another route to all that is not the work.
func TestAlone(t *testing.T) {
	t.Parallel()
	dir, run, details := burned(t, 1)
	run.Scenarios = []results.Scenario{{Name: "s"}, {Name: "talk", Alone: "s"}}
	run.Cells = append(run.Cells, results.Cell{Scenario: "talk", Style: "nats", Verdict: results.Measured, OverheadNs: &results.Estimate{Median: 31e3, Lo: 29e3, Hi: 33e3}})
	books, err := booksOf(dir, run, details)
	if err != nil {
		t.Fatal(err)
	}
	all, _ := balancesOf(run, groups(run)[0], books)
	if got := strings.ReplaceAll(strings.Join(all[0].aloneText(), " "), noBreak, " "); !strings.Contains(got, "takes +31.0 µs") || !strings.Contains(got, "add up to +30.0 µs") || !strings.Contains(got, "agree") {
		t.Error(got)
	}
	run.Cells[2].OverheadNs = &results.Estimate{Median: 61e3, Lo: 59e3, Hi: 63e3}
	if all, _ = balancesOf(run, groups(run)[0], books); !strings.Contains(strings.Join(all[0].aloneText(), " "), "differ") {
		t.Error(all[0].aloneText())
	}
}

// TestFlameIsBounded: of a wide and deep profile a graph keeps its largest frames, and says how many it
// leaves out.
func TestFlameIsBounded(t *testing.T) {
	t.Parallel()
	root := &frame{ns: [2]float64{1e6}}
	for i := range 100 {
		for j := range 10 {
			root.add(0, 1e3, 0, fmt.Sprint("outer", i), fmt.Sprint("inner", j))
		}
	}
	f := flameOf("wide", root, byPart)
	if n := strings.Count(string(f.SVG), "<rect"); n == 0 || n > mostFrames || !strings.Contains(f.Note, "of 1100 frames are narrower") || len(f.SVG) > 1<<16 {
		t.Errorf("%d frames, %d bytes: %s", n, len(f.SVG), f.Note)
	}
}

// TestPerOperation: the profile beside the raw one adds up to the CPU time of an operation, and pprof's
// own difference of two is that of the styles.
func TestPerOperation(t *testing.T) {
	t.Parallel()
	dir, run, details := burned(t, 1)
	if err := writePerOperation(dir, dir, run, details); err != nil {
		t.Fatal(err)
	}
	var all []*profile.Profile
	for i, style := range []string{"direct", "nats"} {
		p, err := readProfile(dir, filepath.Join("profiles", style+"-per-op.pb.gz"))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.CheckValid(); err != nil || len(p.SampleType) != 1 || p.SampleType[0].Unit != "nanoseconds" {
			t.Errorf("%v, %v", p.SampleType, err)
		}
		sum := int64(0)
		for _, s := range p.Sample {
			sum += s.Value[0]
		}
		if want := []int64{80_000, 120_000}[i]; sum != want {
			t.Errorf("%s adds up to %d ns, want %d", style, sum, want)
		}
		all = append(all, p)
	}
	all[0].Scale(-1)
	d, err := profile.Merge(all)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]int64{}
	for _, s := range d.Sample {
		of[s.Location[0].Line[0].Function.Name] += s.Value[0]
	}
	if of["rubato/player.Distance"] != 10_000 || of["rubato/natsbus.addressed"] != 10_000 {
		t.Errorf("the difference is %v", of)
	}
}

// TestScatter: lives with the same shares scatter no more than samples do; lives that differ widen the
// intervals.
func TestScatter(t *testing.T) {
	t.Parallel()
	same := []sampled{{part: partWork, samples: 50, life: "1"}, {part: partRules, samples: 50, life: "1"}, {part: partWork, samples: 50, life: "2"}, {part: partRules, samples: 50, life: "2"}}
	if got := scatter(same); got != 1 {
		t.Errorf("the same in each life: %v", got)
	}
	same[2].samples, same[3].samples = 90, 10 // expected are 70 and 30: 4 × 400/70 … by one degree of freedom
	if got, want := scatter(same), 2*400.0/70+2*400.0/30; math.Abs(got-want) > 1e-9 {
		t.Errorf("lives that differ: %v, want %v", got, want)
	}
}

// TestPlantedText: the report says whether planted time is in its row, and what else moved.
func TestPlantedText(t *testing.T) {
	t.Parallel()
	made := func(codec, work float64) balance {
		b := func(codec, work float64) *book {
			o := &book{cpu: 100e3, wall: 110e3, samples: 1e8, scatter: 1, parts: map[string]float64{partCodec: codec, partWork: work}, rounds: map[int]another{}}
			for i := range 4 {
				o.rounds[i] = another{110e3, 100e3}
			}
			return o
		}
		return balance{cell: &results.Cell{Options: map[string]string{"planted": "codec:3us"}}, against: &results.Cell{}, base: b(1e3, 50e3), own: b(codec, work)}
	}
	for want, b := range map[string]balance{
		"moved by +3.10 µs (+3.10 … +3.10 µs): it is within 20.0 % of it.":                     made(4.1e3, 50e3),
		"it is not within 20.0 % of it.":                                                       made(6e3, 50e3),
		"Other rows of CPU time moved, too: the work itself +5.00 µs (+4.99 … +5.01 µs).":      made(4e3, 55e3),
		"No other row of CPU time moved beyond noise.":                                         made(4e3, 50e3),
		"Planted: 3.00 µs an operation in codec. Its row moved by +3.00 µs (+3.00 … +3.00 µs)": made(4e3, 50e3),
	} {
		if got := strings.ReplaceAll(strings.Join(b.planted(), " "), noBreak, " "); !strings.Contains(got, want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
	}
	plain := made(4e3, 50e3)
	if plain.against = nil; plain.planted() != nil {
		t.Error("a style against the baseline is no place for it")
	}
}
