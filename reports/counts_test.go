package reports

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/results"
)

// countedRun is a made-up run of rubato count: 100 operations, three repeats. Of another program one
// function less was called, and twice as often another.
func countedRun() (*results.Run, results.Details) {
	run := &results.Run{Schema: results.Schema, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Command: []string{"rubato", "count"}, Effort: "default",
		Seed: 1, Baseline: "direct", Counted: true, Against: &results.Revision{Asked: "bin/old"},
		Scenarios: []results.Scenario{{Name: "log", Op: "message", Claims: []results.Claim{
			{Text: "fewer calls", Source: "hearsay", Kind: "measured elsewhere", Style: "bus", Quantity: "calls_ratio", Lo: .5, Hi: .5},
			{Text: "fast", Source: "hearsay", Kind: "estimate", Quantity: "ns_op", Hi: 1}}}},
		Cells: []results.Cell{{Scenario: "log", Style: "direct"}, {Scenario: "log", Style: "bus"}}}
	run.Changes = []results.Change{{Of: "log/bus", Before: results.Cell{Scenario: "log", Style: "bus", Role: results.RoleBefore}}}
	var d results.Details
	for repeat, more := range []int64{0, 40, 10} {
		add := func(cell string, x results.Executed) {
			d.Blocks = append(d.Blocks, results.Block{Cell: cell, Round: repeat + 1, Ops: 100, Executed: &x, Stimuli: 200, Effects: 200, Expected: 200, Digest: "d"})
		}
		add("log/direct", results.Executed{Instructions: 50_000 + more, Calls: 400, HouseCalls: 100})
		add("log/bus", results.Executed{Instructions: 60_000 + more, Calls: 500, HouseCalls: 200, Functions: map[string]int64{"f": 100, "g": 100}})
		add("log/bus/@role=before", results.Executed{Instructions: 59_000, Calls: 450, HouseCalls: 150, Functions: map[string]int64{"f": 50, "g": 100}})
	}
	return run, d
}

func TestCounts(t *testing.T) {
	t.Parallel()
	run, d := countedRun()
	Summarize(run, d)
	bus, change := run.Cells[1].Executed, run.Changes[0].Executed
	for name, c := range map[string]struct{ got, want results.Estimate }{
		"instructions":      {bus.Instructions, results.Estimate{Median: 600.1, Lo: 600, Hi: 600.4}},
		"ratio":             {*bus.InstructionsRatio, results.Estimate{Median: 60_010. / 50_010, Lo: 600 / 500.4, Hi: 600.4 / 500}},
		"calls ratio":       {*bus.CallsRatio, results.Estimate{Median: 1.25, Lo: 1.25, Hi: 1.25}},
		"changed":           {change.InstructionsRatio, results.Estimate{Median: 600.1 / 590, Lo: 600. / 590, Hi: 600.4 / 590}},
		"house calls, more": {change.HouseCalls, results.Estimate{Median: .5, Lo: .5, Hi: .5}},
	} {
		near(t, name, c.got, c.want)
	}
	if run.Cells[0].Executed.InstructionsRatio != nil || len(change.Moved) != 1 || change.Moved[0] != (results.MovedCalls{Function: "f", Before: .5, Now: 1}) {
		t.Errorf("%+v, %+v", run.Cells[0].Executed, change.Moved)
	}
	shown := Terminal(run, false)
	for _, want := range []string{"600.10", "×1.2000", "+0.50", "bus: f: 1.00 calls/op, before 0.500", "against bin/old", "fewer calls", "none of this is time"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not in\n%s", want, shown)
		}
	}
	if strings.Contains(shown, "fast") {
		t.Errorf("a claim about time in\n%s", shown)
	}
}

// What cannot be a count makes a cell invalid, and so does other work.
// Callgrind loses its place now and then: with five repeats the one that is off gives no calls, and
// every repeat its instructions. Where two and two disagree nobody knows which are off.
func TestCallsDisagree(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		own     []int64
		lo, hi  float64
		left    int
		another bool
	}{
		"two alike":         {[]int64{14706, 14707}, 147.06, 147.07, 0, false},
		"one of two is off": {[]int64{14706, 15333}, 147.06, 153.33, 0, true},
		"one of five":       {[]int64{14706, 15333, 14707, 14705, 14706}, 147.05, 147.07, 1, false},
		"two of five":       {[]int64{14706, 15333, 11193, 14705, 14706}, 147.05, 147.06, 2, false},
		"no majority":       {[]int64{14706, 15333, 11193, 14705, 13000, 12000}, 111.93, 153.33, 0, false},
	} {
		var blocks []results.Block
		for i, calls := range c.own {
			blocks = append(blocks, results.Block{Round: i + 1, Ops: 100, Executed: &results.Executed{Instructions: 100, Calls: 2 * calls, HouseCalls: calls}})
		}
		cell := &results.Cell{}
		executed(cell, blocks)
		if x := cell.Executed; x == nil || x.HouseCalls.Lo != c.lo || x.HouseCalls.Hi != c.hi || x.LeftOut != c.left || AnotherRepeat(c.own) != c.another {
			t.Errorf("%s: %+v, %s", name, x, cell.Why)
		}
	}
}

func TestCountsInvalid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*results.Details)
		want  string
	}{
		"nothing counted":  {func(d *results.Details) { d.Blocks[1].Executed = nil }, "nothing was counted"},
		"no instructions":  {func(d *results.Details) { d.Blocks[1].Executed.Instructions = 0 }, "nothing was counted"},
		"no operations":    {func(d *results.Details) { d.Blocks[1].Ops = 0 }, "nothing was counted"},
		"a repeat twice":   {func(d *results.Details) { d.Blocks[1].Round = 2 }, "twice"},
		"other operations": {func(d *results.Details) { d.Blocks[4].Ops = 50 }, "50 operations, and not 100"},
		"effects missing":  {func(d *results.Details) { d.Blocks[1].Effects-- }, "1 of 600 effects are missing"},
		"other work":       {func(d *results.Details) { d.Blocks[1].Digest = "e" }, "it did other work"},
	} {
		run, d := countedRun()
		c.spoil(&d)
		Summarize(run, d)
		if bus := run.Cells[1]; bus.Verdict != results.Invalid || !strings.Contains(bus.Why, c.want) || bus.Executed != nil || run.Changes[0].Executed != nil {
			t.Errorf("%s: %s, %s", name, bus.Verdict, bus.Why)
		}
	}
}

// The folder of a count is rendered, read, and found as it was written. A changed figure is found.
func TestCountsFolder(t *testing.T) {
	t.Parallel()
	run, d := countedRun()
	Summarize(run, d)
	dir := t.TempDir()
	if err := Write(dir, run, d); err != nil {
		t.Fatal(err)
	}
	if wrong, err := Verify(dir, run, d); err != nil || len(wrong) > 0 {
		t.Errorf("%q, %v", wrong, err)
	}
	path := filepath.Join(dir, results.SummaryFile)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	alone, _, err := results.ParseSummary(data)
	if err != nil {
		t.Fatal(err)
	}
	Summarize(alone, results.Details{}) // without raw results
	if alone.Cells[1].Executed == nil || *alone.Cells[1].Executed.InstructionsRatio != *run.Cells[1].Executed.InstructionsRatio {
		t.Errorf("%+v", alone.Cells[1])
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), "600.1,", "500.1,", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if wrong, err := Verify(dir, run, d); err != nil || len(wrong) != 1 || wrong[0] != "changed: "+results.SummaryFile {
		t.Errorf("%q, %v", wrong, err)
	}
	page, err := Page(dir, results.Past{Run: run, Details: d})
	if err != nil || !strings.Contains(string(page), "What the coupling executes") {
		t.Errorf("%v", err)
	}
	if err := Embed(path, run); err == nil || !strings.Contains(err.Error(), "no times") {
		t.Errorf("%v", err)
	}
}
