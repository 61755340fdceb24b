package reports

import (
	"strings"
	"testing"

	"rubato/results"
)

// TestHeld: an answer is one of three, and what follows it stays.
func TestHeld(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		"within": "holds", "over": "does not hold: over", "under in each of 4 rounds": "does not hold: under in each of 4 rounds",
		"inconclusive": "cannot be told here: the interval includes the limit", "not measured": "cannot be told here: not measured",
		"over, by the machine alone":    "cannot be told here: over by the machine alone",
		"more than direct, which has 0": "more than direct, which has 0",
	} {
		if got := held(answer); got != want {
			t.Errorf("%q: %q, want %q", answer, got, want)
		}
	}
}

// TestQuestions: budgets, targets and claims have a row each; one within in an insensitive comparison, and
// one of an invalid cell, cannot be told. One that is over stands.
func TestQuestions(t *testing.T) {
	t.Parallel()
	judged := []results.Judged{{Budget: "b", Quantity: "ratio", Limit: 1.1, Verdict: "over"}, {Quantity: "ratio", Margin: 0.02, Verdict: "over"}}
	cell := func(scenario, style, verdict string) results.Cell {
		return results.Cell{Scenario: scenario, Style: style, Verdict: verdict, Ratio: interval95(1.2, 1.15, 1.3), OverheadNs: interval95(2e3, 1e3, 3e3), Judged: judged,
			Targets: []results.Judged{{Budget: "t", Quantity: "overhead_ns", Limit: 5e3, Verdict: "within"}}}
	}
	run := &results.Run{Baseline: "direct", Scenarios: []results.Scenario{{Name: "s", Claims: []results.Claim{{Text: "c", Source: "there", Kind: "estimate", Style: "none", Quantity: "ratio", Hi: 2}}}},
		Cells: []results.Cell{{Scenario: "s", Style: "direct", Verdict: results.Measured}, cell("s", "bus", results.Measured), {Scenario: "blurred", Style: "direct", Verdict: results.Measured},
			cell("blurred", "bus", results.Measured), {Scenario: "wrong", Style: "direct", Verdict: results.Measured}, cell("wrong", "bus", results.Invalid)}}
	run.Controls = []results.Controls{{AA: run.Cells[2], Slowdown: run.Cells[2], Insensitive: "not found"}}
	var got []string
	for _, r := range questionSection(run, results.Details{})[0].Grids[0].Rows {
		got = append(got, strings.Join([]string{r.Cells[0], r.Cells[4], oneLine(r.Cells[5]), r.Cells[6]}, " | "))
	}
	want := []string{"b | s bus | ×1.200 [×1.150, ×1.300] | does not hold: over", "t | s bus | 2.00 µs [1.00 µs, 3.00 µs] | holds",
		"b | blurred bus | ×1.200 [×1.150, ×1.300] | does not hold: over", "t | blurred bus | 2.00 µs [1.00 µs, 3.00 µs] | cannot be told here: the comparison is insensitive",
		"b | wrong bus | – | cannot be told here: not measured", "t | wrong bus | – | cannot be told here: not measured", "c | s – | – | cannot be told here: not measured"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A claim's section has a row for each of its parts, the reasons that the run has figures for, and the
// command for what it lacks.
func TestPublishedFromARun(t *testing.T) {
	t.Parallel()
	run, d := factorRun([4]float64{100, 100, 100, 20}, [4]float64{3, 3, 3, 3}, 0.001, 0)
	claim := func(quantity, style, mode string, lo, hi float64) results.Part {
		return results.Part{Scenario: "message-log", Claim: results.Claim{Text: style + " in " + mode, Kind: "measured elsewhere", Style: style, Options: map[string]string{"mode": mode}, Quantity: quantity, Lo: lo, Hi: hi}}
	}
	elsewhere := claim("ratio", "nats", "one", 1, 2)
	elsewhere.Scenario, elsewhere.Claim.Text = "storm", "what a storm costs"
	base := claim("ns_op", "direct", "one", 5e4, 1.5e5)
	first, second := claim("overhead_ns", "nats", "one", 1e5, 3e5), claim("overhead_ns", "nats", "many-shared", 1e6, 2e6)
	first.Adds, second.Adds = true, true
	run.Published = []results.Published{
		{ID: "claim-known", Title: "NATS is faster", Text: []string{"It was published."}, Command: "rubato run everything", Whole: claim("ratio", "nats", "one", 0.96, 0.96), Done: 0.3, Parts: []results.Part{elsewhere}},
		{ID: "claim-unknown", Title: "storms cost", Text: []string{"It was published, too."}, Command: "rubato run storm", Whole: elsewhere},
		{ID: "claim-parts", Title: "parts add up", Text: []string{"So it was said."}, Command: "rubato run parts", Whole: claim("overhead_ns", "nats", "one", 1e6, 2e6), Base: &base,
			Taken: 50_000, Middle: 1e6, Parts: []results.Part{first, second}},
	}
	sections := publishedSections(run, d)
	if len(sections) != 3 {
		t.Fatalf("%d sections", len(sections))
	}
	for i, want := range [][]string{
		{"It was published.", "nats mode=one ×3.00", "does not hold: over", "published one stopped after 30.0 % of the work; a ratio of ×3.00", "would then have read ×0.900: faster, without being so.",
			"of a gain of 4.00 %", "48000 of 48000 effects", "Not measured in this run: what a storm costs. To answer all of it: rubato run everything"},
		{"This run measured nothing that it needs. To answer it: rubato run storm"},
		// nats takes 200 µs more than 100 µs, and 40 more than 20: the middles of the estimates are 200 and 1 500.
		{"1.00 ms of 50.0 µs are 2000 %", "200 µs of 100 µs are 200 %", "smaller by a factor of 5.00, and the operation is longer by a factor of 2.00",
			"add up to 1.10 ms to 2.30 ms; here to at most 240 µs", "The largest gap is nats in many-shared, estimated at 1.00 ms to 2.00 ms and here 40.0 µs", "100 % of the whole gap"},
	} {
		got := strings.ReplaceAll(strings.Join(sections[i].Text, "\n"), noBreak, " ")
		for _, part := range want {
			if !strings.Contains(strings.ReplaceAll(got, "48 000", "48000"), part) {
				t.Errorf("%s does not say %q:\n%s", sections[i].ID, part, got)
			}
		}
	}
	if rows := sections[0].Grids[0].Rows; len(rows) != 1 || !strings.Contains(rows[0].Cells[3], "3.00") {
		t.Errorf("rows %v", rows)
	}
	if len(sections[1].Grids) != 0 {
		t.Error("a table without a figure")
	}
}
