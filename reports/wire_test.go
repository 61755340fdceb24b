package reports

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"rubato/results"
)

// wireFixture is a run in which a network was counted: of 250 stimuli a block, 200 timed.
// Each takes this many messages: half are of 100 bytes from ap, half of 50 from pd.
func wireFixture(t testing.TB, perOp int64) (*results.Run, results.Details) {
	run, d := fixtureRun(), results.Details{}
	run.Machine.Warnings, run.Cells, run.Scenarios = nil, run.Cells[:3], run.Scenarios[:1]
	run.Scenarios[0].Claims = nil
	random := rand.New(rand.NewPCG(5, 6))
	for i := range run.Cells {
		c := &run.Cells[i]
		c.Equivalence = &results.Equivalence{Transcript: "a1"}
		for r := range 8 {
			b := fixtureBlock(t, *c, r, i, 1e6, random)
			connections := 0
			b.Stimuli, b.Connections = 250, &connections
			if c.Style == "nats" {
				half := perOp / 2 * b.Stimuli
				connections = 3
				b.Own = results.Counts{"trace records": 77,
					results.SentMessages + "ap": half, results.SentBytes + "ap": 100 * half, results.ReceivedMessages + "ap": half, results.ReceivedBytes + "ap": 50 * half,
					results.SentMessages + "pd": half, results.SentBytes + "pd": 50 * half, results.ReceivedMessages + "pd": half, results.ReceivedBytes + "pd": 100 * half,
					results.SentMessages + "log": 0, results.SentBytes + "log": 0, results.ReceivedMessages + "log": 0, results.ReceivedBytes + "log": 0}
			}
			d.Blocks = append(d.Blocks, b)
		}
	}
	return run, d
}

// What crossed is shown per operation of all stimuli, in the table, in the summary and in the
// benchmark lines. A module that says nothing has no column.
func TestWire(t *testing.T) {
	t.Parallel()
	run, d := wireFixture(t, 8)
	Summarize(run, d)
	sections := wireSection(run)
	if len(sections) != 1 {
		t.Fatalf("%d sections", len(sections))
	}
	var page bytes.Buffer
	sections[0].markdown(&page)
	golden(t, "wire.md", page.String())
	if got := *run.Cells[2].Connections; got != 3 || run.Cells[2].Spent["messages_op"] != 8 || run.Cells[2].Spent["wire_bytes_op"] != 600 || run.Cells[0].Spent["messages_op"] != 0 {
		t.Errorf("%d connections, %v, %v", got, run.Cells[2].Spent, run.Cells[0].Spent)
	}
	var bench bytes.Buffer
	if err := writeBench(&bench, run, d); err != nil || strings.Count(bench.String(), " 8 msgs/op 600 wire-B/op 3 connections") != 8 || strings.Count(bench.String(), " 0 msgs/op") != 16 {
		t.Errorf("%v\n%s", err, bench.String())
	}
	work := equivalenceSection(run)[0].Grids[0].Rows[2].Cells
	if own := work[len(work)-1]; !strings.Contains(own, "trace records") || strings.Contains(own, "messages") {
		t.Errorf("same work, of its own: %q", own)
	}
}

// A run that counted only what was sent, for the equivalence check, shows that.
func TestWireOfSentAlone(t *testing.T) {
	t.Parallel()
	run, d := wireFixture(t, 8)
	for i := range d.Blocks {
		d.Blocks[i].Connections = nil
		maps.DeleteFunc(d.Blocks[i].Own, func(name string, _ int64) bool { return results.Received(name) })
	}
	Summarize(run, d)
	var got []string
	for _, r := range wireSection(run)[0].Grids[0].Rows {
		got = append(got, strings.Join(r.Cells, " | "))
	}
	want := strings.ReplaceAll("queue-low nats | 8.00 | 600 | – | sent 4.00, 400_B\nreceived – | sent 4.00, 200_B\nreceived –", "_", noBreak)
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A count that grew is worse. Styles that have no network have no row, and neither has a run
// that did not count.
func TestWireIsCompared(t *testing.T) {
	t.Parallel()
	recorded := func(perOp int64) Recorded {
		run, d := wireFixture(t, perOp)
		Summarize(run, d)
		return Recorded{Run: run, Details: d}
	}
	rows := func(old, new Recorded) map[string]string {
		c, err := Compare(old, new, Question{Margin: 0.02})
		if err != nil {
			t.Fatal(err)
		}
		verdicts := map[string]string{}
		for _, r := range c.Absolute {
			if m, _ := results.MetricNamed(r.Quantity); m.Network {
				verdicts[r.Style+" "+r.Quantity] = string(r.Verdict)
			}
		}
		return verdicts
	}
	got := rows(recorded(8), recorded(10))
	if len(got) != 3 || got["nats messages_op"] != "over" || got["nats wire_bytes_op"] != "over" || got["nats connections"] != "equivalent" {
		t.Errorf("8 and 10 messages: %v", got)
	}
	older := recorded(8)
	for i := range older.Details.Blocks {
		older.Details.Blocks[i].Connections, older.Details.Blocks[i].Own = nil, nil
	}
	Summarize(older.Run, older.Details)
	if got := rows(older, recorded(8)); len(got) != 0 {
		t.Errorf("with a run that did not count: %v", got)
	}
	if s := wireSection(older.Run); len(s) != 0 {
		t.Errorf("a table without counts: %v", s)
	}
}

// A study that counted and gave no figure is answered by the baseline beside it.
func TestCountedElsewhere(t *testing.T) {
	t.Parallel()
	run, d := wireFixture(t, 8)
	run.Scenarios[0].Claims = []results.Claim{{Text: "packets", Source: "a study", Kind: results.CountedElsewhere, Quantity: "messages_op"}}
	for i := range d.Blocks {
		if d.Blocks[i].Cell == run.Cells[1].Key() {
			d.Blocks[i].Connections = nil // bus was not counted
		}
	}
	Summarize(run, d)
	var got []string
	for _, r := range claimTable(run, run.Scenarios[0], d).Rows {
		got = append(got, strings.Join(r.Cells[4:], " | "))
	}
	want := []string{"no figure | direct | 0 | not measured", "no figure | bus | – | not measured", "no figure | nats | 8.00 | more than direct, which has 0"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q", got)
	}
}
