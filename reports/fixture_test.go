package reports

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/pprof/profile"

	"rubato/results"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// The figures of this run are made up, to test with; its machine does not exist.
func fixtureRun() *results.Run {
	return &results.Run{
		Schema: results.Schema, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Seconds: 61.4,
		Command: []string{"rubato", "run", "-seed", "7"}, Effort: "default", Seed: 7, Baseline: "direct",
		Machine: results.Machine{CPU: "Synthetic CPU @ 1 GHz", Cores: 2, GOMAXPROCS: 2, GOGC: "100", OS: "linux", Arch: "amd64",
			Kernel: "6.0", Memory: 1 << 30, Go: "go1.26", Commit: "0123abc", Versions: map[string]string{"nats-server": "2.15.2"},
			Warnings: []string{"load was 1.7 before the run: figures may be too high"}},
		Scenarios: []results.Scenario{
			{Name: "queue-low", Answers: "What does a selection cost?", Op: "selection", Claims: []results.Claim{
				{Text: "passage selection 500–2 000 µs", Source: "domain.md §5", Kind: "estimate", Quantity: "ns_op", Lo: 500e3, Hi: 2e6},
				{Text: "whole activation 12.5–44.5 µs", Source: "domain.md §5", Kind: "estimate", Style: "bus", Quantity: "overhead_ns", Lo: 12.5e3, Hi: 44.5e3},
				{Text: "orchestration under 2 × direct", Source: "domain.md §5", Kind: "budget", Quantity: "ratio", Hi: 2},
				{Text: "at least 100 a second", Source: "domain.md §5", Kind: "budget", Style: "nats", Quantity: "ops_per_second", Lo: 100},
				{Text: "selection < 10 ms", Source: "domain.md §5", Kind: "budget", Style: "direct", Quantity: "p99_ns", Hi: 10e6},
				{Text: "on a library of 50 000", Source: "domain.md §5", Kind: "budget", Options: map[string]string{"passages": "50000"}, Quantity: "ns_op", Hi: 5e8},
			}},
			{Name: "message-log", Answers: "Is NATS faster, or does it batch?", Op: "message"},
		},
		Cells: fixtureCells(),
	}
}

func fixtureCells() []results.Cell {
	var cells []results.Cell
	for _, style := range []string{"direct", "bus", "nats"} {
		options := map[string]string{"passages": "1000"}
		if style == "nats" {
			options["transport"] = "tcp"
		}
		cells = append(cells, results.Cell{Scenario: "queue-low", Style: style, Options: options, ActiveCPU: 97, IdleCPU: 0.2, Work: results.Work{Digest: "a1"}})
	}
	for _, mode := range []string{"closed", "batched"} {
		for _, style := range []string{"direct", "bus", "nats"} {
			cells = append(cells, results.Cell{Scenario: "message-log", Style: style, Named: []string{"mode"},
				Options: map[string]string{"mode": mode, "passages": "1000"}, Work: results.Work{Digest: "b2"}})
		}
	}
	return cells
}

// fixture is the run with its raw results: bus adds 1 %, nats 12 %, to a machine
// whose speed drifts by a third over the rounds. In message-log, nats loses two
// messages when batched, and closed has too few rounds.
func fixture(t testing.TB) (*results.Run, results.Details) {
	run, d := fixtureRun(), results.Details{}
	random := rand.New(rand.NewPCG(1, 2))
	cost := map[string]float64{"direct": 1, "bus": 1.01, "nats": 1.12}
	for i, c := range run.Cells {
		rounds, op := 12, 900e3
		if c.Scenario == "message-log" {
			op = 40e3
		}
		if c.Options["mode"] == "closed" {
			rounds = 4
		}
		for r := range rounds {
			drift := 1 + float64(r)/36
			d.Blocks = append(d.Blocks, fixtureBlock(t, c, r, i%3, op*cost[c.Style]*drift, random))
		}
		if c.Style == "nats" && c.Options["mode"] == "batched" {
			d.Blocks[len(d.Blocks)-1].Effects -= 2
		}
		for n := range 40 {
			at := time.Duration(n) * 100 * time.Millisecond
			d.Samples = append(d.Samples,
				results.Sample{Cell: c.Key(), Window: "active", At: at, Percent: 90*cost[c.Style] + 10*math.Round(random.Float64()*2-1)},
				results.Sample{Cell: c.Key(), Window: "idle", At: at, Percent: 0.4 * random.Float64() * cost[c.Style]})
		}
	}
	return run, d
}

func fixtureBlock(t testing.TB, c results.Cell, round, turn int, perOp float64, random *rand.Rand) results.Block {
	const ops = 200
	h := hdr.New(1, int64(time.Minute), 3)
	var wall float64
	for range ops {
		ns := perOp * (0.9 + 0.1*random.ExpFloat64())
		wall += ns
		if err := h.RecordValue(int64(ns)); err != nil {
			t.Fatal(err)
		}
	}
	encoded, err := h.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	return results.Block{Cell: c.Key(), Round: round, Turn: turn, Ops: ops, Wall: time.Duration(wall), User: time.Duration(wall * 0.8),
		System: time.Duration(wall * 0.1), Allocs: 10 * ops, Bytes: 1600 * ops, GCs: 1, GCPause: 50 * time.Microsecond,
		Voluntary: 2 * ops, Involuntary: 3, RSSPeak: 30 << 20, Goroutines: 9,
		Stimuli: ops, Effects: 2 * ops, Expected: 2 * ops, Digest: "d", Latency: string(encoded)}
}

// fixtureProfiles leaves a CPU profile a style of queue-low in dir. All spend 70 %
// in Distance and the rest in publish, which direct does not have.
func fixtureProfiles(t testing.TB, dir string, run *results.Run) []results.Profile {
	var all []results.Profile
	for _, c := range run.Cells[:3] {
		names := map[string]int64{"player.Distance": 700, "runtime.mallocgc": 300}
		if c.Style != "direct" {
			names = map[string]int64{"player.Distance": 700, "runtime.mallocgc": 200, "bus.(*Bus).publish": 100}
		}
		path := filepath.Join("profiles", c.Style+".pb.gz")
		writeProfile(t, filepath.Join(dir, path), names)
		all = append(all, results.Profile{Cell: c.Key(), Kind: "cpu", Path: path})
	}
	return all
}

func writeProfile(t testing.TB, path string, leaves map[string]int64) {
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 1e7}
	located := func(name string) *profile.Location {
		f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name}
		l := &profile.Location{ID: f.ID, Line: []profile.Line{{Function: f}}}
		p.Function, p.Location = append(p.Function, f), append(p.Location, l)
		return l
	}
	root, choose := located("other.main"), located("player.Choose")
	for _, name := range byShare(toFloats(leaves)) {
		n := leaves[name]
		s := &profile.Sample{Location: []*profile.Location{located(name), root}, Value: []int64{n, n * 1e7}}
		if name == "player.Distance" {
			s.Location = []*profile.Location{s.Location[0], choose, choose, root}
		}
		p.Sample = append(p.Sample, s)
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func toFloats(m map[string]int64) map[string]float64 {
	f := map[string]float64{}
	for k, v := range m {
		f[k] = float64(v)
	}
	return f
}

// writtenFixture is the fixture's folder after Write, with results.jsonl as the
// runner leaves it. All tests read the same one, for drawing takes its time.
func writtenFixture(t testing.TB) (string, *results.Run, results.Details) {
	t.Helper()
	shared.Do(func() {
		shared.run, shared.details = fixture(t)
		shared.details.Profiles = fixtureProfiles(t, shared.dir, shared.run)
		writeRaw(t, shared.dir, shared.run, shared.details)
		Summarize(shared.run, shared.details)
		shared.err = Write(shared.dir, shared.run, shared.details)
	})
	if shared.err != nil || shared.run == nil {
		t.Fatalf("the fixture was not written: %v", shared.err)
	}
	return shared.dir, shared.run, shared.details
}

var shared struct {
	sync.Once
	dir     string
	run     *results.Run
	details results.Details
	err     error
}

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		*simulations = min(*simulations, 20)
	}
	var err error
	if shared.dir, err = os.MkdirTemp("", "rubato-reports-"); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := os.RemoveAll(shared.dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at the difference, then run: go test ./reports -update\n%s", path, firstDifference(got, string(want)))
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}
