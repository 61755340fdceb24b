package reports

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/results"
)

// A change of 12 µs in the work itself is named, with the revision, although time to the baseline
// does not show it.
func TestMoves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	over := &results.Estimate{Median: 1.12, Lo: 1.1, Hi: 1.14}
	run := &results.Run{Baseline: "direct", Against: &results.Revision{Asked: "HEAD~1", Commit: "abc"}, Cells: []results.Cell{
		{Scenario: "s", Style: "direct", Verdict: results.Measured},
		{Scenario: "s", Style: "bus", Verdict: results.Measured, Ratio: &results.Estimate{Median: 1, Lo: 0.99, Hi: 1.01}}}}
	bus := &run.Cells[1]
	before := *bus
	before.Role = results.RoleBefore
	run.Changes = []results.Change{{Of: bus.Key(), Before: before, Ratio: over, CPURatio: &results.Estimate{Median: 1.01, Lo: 0.9, Hi: 1.1}}}
	var details results.Details
	for c, us := range map[*results.Cell]int64{&run.Cells[0]: 92, bus: 92, &before: 80} {
		path := filepath.Join("profiles", strings.ReplaceAll(c.Key(), "/", "-")+".pb.gz")
		writeProfile(t, filepath.Join(dir, path), map[string]int64{"rubato/player.Distance": 100 * us, "rubato/player.(*Queue).Add": 100})
		details.Profiles = append(details.Profiles, results.Profile{Cell: c.Key(), Kind: "cpu", Path: path})
		for round := range 4 {
			user := time.Duration(us+1) * time.Microsecond * 200
			details.Blocks = append(details.Blocks, results.Block{Cell: c.Key(), Round: round, Ops: 200, Wall: user, User: user})
		}
	}
	all, err := Moves(dir, run, details)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d moves, %v", len(all), err)
	}
	m := all[0]
	if !m.Changed || m.Against != "HEAD~1 (abc)" || m.Arm != "s bus" || len(m.Stages) != 1 || m.Stages[0].Name != partWork || m.Stages[0].Ns.Lo > 12_000 || m.Stages[0].Ns.Hi < 12_000 {
		t.Errorf("%+v", m)
	}
	if text := m.Text(); !strings.HasPrefix(text, "s bus against HEAD~1 (abc): time ×1.120 [1.100, 1.140], CPU ×1.010 [0.900, 1.100]; of +12.0 µs") || !strings.Contains(text, "the work itself +12") {
		t.Error(text)
	}
	if m := all[1]; m.Changed || m.Against != "the baseline" || !strings.HasSuffix(m.Text(), "; no stage differs beyond noise.") {
		t.Errorf("%+v: %s", m, m.Text())
	}
	details.Profiles = nil // as when they are lost
	if all, err = Moves(dir, run, details); err != nil || len(all) != 1 || !strings.HasSuffix(all[0].Text(), "; no profiles say in which stage.") {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestBeginningOfAReport(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a line of words\n", 200)
	for name, c := range map[string]struct{ text, want string }{
		"up to the first section": {"# Title\n\nanswer\n\n## Section\nmore\n", "# Title\n\nanswer\n\n"},
		"whole lines":             {long, long[:2000/16*16]},
		"short":                   {"# Title\n", "# Title\n"},
		"nothing":                 {"", ""},
	} {
		if got := string(Beginning([]byte(c.text))); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestHistoryPlot(t *testing.T) {
	t.Parallel()
	h := HistoryPlot{Title: "s bus: ratio", Levels: []float64{1, 1.1}, Changes: []int{3}}
	for i := range 6 {
		v := 1 + 0.1*float64(i/3)
		h.Points = append(h.Points, HistoryPoint{At: time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC), Value: results.Estimate{Median: v, Lo: v - .01, Hi: v + .01}})
	}
	svg, err := h.SVG()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"runs, from 2026-01-01 to 2026-01-06", "change of level", "prefers-color-scheme: dark"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("no %q", want)
		}
	}
	if n := strings.Count(string(svg), hexOf(limited.light)); n < 2 { // the line and its key, beside the style sheet
		t.Errorf("the change is drawn %d times", n)
	}
	h.Points, h.Levels, h.Changes = h.Points[:1], h.Levels[:1], nil
	if svg, err = h.SVG(); err != nil || strings.Contains(string(svg), "change of level") {
		t.Errorf("of one run: %v", err)
	}
}
