package reports

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/perf/benchfmt"

	"rubato/results"
)

// piecesRun is a made-up run of pieces: "fast" takes 200 ns, "slow" 500, "same" as
// long as fast, on a machine that drifts; "lame" lost an effect.
func piecesRun() (*results.Run, results.Details) {
	s := results.Scenario{Name: "components", Answers: "What does each piece cost?", Op: "operation of the piece", ArmKey: "piece", Baseline: "floor",
		Arms: []results.Arm{{Name: "floor", Doc: "nothing"}, {Name: "fast", Doc: "the work"}, {Name: "slow", Doc: "the work, slowly"}, {Name: "same", Doc: "the work again"}, {Name: "lame", Doc: "half of it"}},
		Pairs: []results.Pair{
			{Switch: "speed", Without: "slow", With: "fast", Note: "one work"},
			{Switch: "slowness", Without: "fast", With: "slow"},
			{Switch: "no change", Without: "fast", With: "same"},
			{Switch: "invalid", Without: "fast", With: "lame"},
			{Switch: "not asked for", Without: "fast", With: "nobody"},
		},
		Claims: []results.Claim{
			{Text: "speed costs 250 to 400 ns", Source: "here", Kind: "estimate", Style: "slow", Less: "fast", Quantity: "overhead_ns", Lo: 250, Hi: 400},
			{Text: "slow is at most twice fast", Source: "here", Kind: "budget", Style: "slow", Less: "fast", Quantity: "ratio", Hi: 2},
			{Text: "lame is fine", Source: "here", Kind: "budget", Style: "fast", Less: "lame", Quantity: "overhead_ns", Hi: 1},
		}}
	run, d := fixtureRun(), results.Details{}
	run.Scenarios, run.Cells = []results.Scenario{s}, nil
	random := rand.New(rand.NewPCG(3, 4))
	took := map[string]float64{"floor": 10, "fast": 200, "slow": 500, "same": 200, "lame": 100}
	for turn, arm := range s.Arms {
		c := results.Cell{Scenario: s.Name, Style: arm.Name, Options: map[string]string{}, Work: results.Work{Digest: arm.Name}}
		run.Cells = append(run.Cells, c)
		for round := range 12 {
			ops := 1000 * (turn + 1) // blocks of pieces differ in size
			wall := time.Duration(took[arm.Name] * float64(ops) * (1 + float64(round)/36 + random.Float64()/50))
			b := results.Block{Cell: c.Key(), Round: round, Turn: turn, Ops: ops, Wall: wall, User: wall, Stimuli: int64(ops), Effects: int64(ops), Expected: int64(ops)}
			if arm.Name == "lame" {
				b.Effects--
			}
			d.Blocks = append(d.Blocks, b)
		}
	}
	Summarize(run, d)
	return run, d
}

// TestPieces: the tables of a scenario of pieces, as report.md shows them.
func TestPieces(t *testing.T) {
	t.Parallel()
	run, d := piecesRun()
	dir := t.TempDir()
	p, err := newPage(dir, run, d, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, s := range p.Sections {
		if s.Folded == "" && (s.ID == "questions" || strings.HasPrefix(s.ID, "components")) {
			s.markdown(&b)
		}
	}
	golden(t, filepath.Join("pieces.md"), b.String())
}

// TestPiecesAnswer: the interval says whether a switch saves, costs or shows no difference.
func TestPiecesAnswer(t *testing.T) {
	t.Parallel()
	run, d := piecesRun()
	want := []string{switchSaves, switchCosts, switchTied, claimNotMeasured, claimNotMeasured}
	for i, r := range ablationTable(run, run.Scenarios[0], d).Rows {
		if r.Mark != want[i] {
			t.Errorf("%s: %s, want %s: %q", r.Cells[0], r.Mark, want[i], r.Cells)
		}
	}
	for i, want := range []string{claimWithin, claimOver, claimNotMeasured} {
		if got := claimTable(run, run.Scenarios[0], d).Rows[i].Mark; got != want {
			t.Errorf("claim %d: %s, want %s", i, got, want)
		}
	}
}

// TestPiecesBench: the arms' key stands where styles have "style", no latency stands
// where none was reported, and the lines can be read back.
func TestPiecesBench(t *testing.T) {
	t.Parallel()
	run, d := piecesRun()
	var b bytes.Buffer
	if err := writeBench(&b, run, d); err != nil {
		t.Fatal(err)
	}
	text, read := b.String(), 0
	for in := benchfmt.NewReader(strings.NewReader(text), "bench.txt"); in.Scan(); {
		r, ok := in.Result().(*benchfmt.Result)
		if !ok {
			t.Fatalf("not a result: %v", in.Result())
		}
		read++
		_, parts := r.Name.Parts()
		if string(r.Name.Base()) != "Components" || !strings.HasPrefix(string(parts[0]), "/piece=") {
			t.Fatalf("name %q", r.Name)
		}
	}
	if read != 4*12 || strings.Contains(text, "style=") || strings.Contains(text, "p99-ns/op") {
		t.Errorf("%d lines:\n%s", read, text)
	}
}
