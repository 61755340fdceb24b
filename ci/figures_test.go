package ci

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"rubato/results"
)

const figureBudgets = `schema: 1
budgets:
  - name: nothing is lost
    scenario: restart
    figure: lost
    limits: {max: 0}
    source: a test
  - name: quick to recover
    scenario: restart
    style: bus
    figure: recovered
    limits: {min: 75, max: 100}
    source: a test
`

// figureRun tells of a scenario that a clock paces: two measures, one round of
// direct, ten of the bus.
func figureRun() *results.Run {
	direct, bus := cell("restart", "direct", nil, 1e9), cell("restart", "bus", nil, 1e9)
	few := math.Inf(1)
	direct.Rounds, direct.NsOp = 1, results.Estimate{Median: 1e9, Lo: -few, Hi: few}
	bus.Ratio, bus.OverheadNs = nil, nil
	direct.Figures = map[string]results.Estimate{"lost": {Median: 0, Lo: -few, Hi: few}}
	direct.Spans = map[string]results.Span{"lost": {}}
	bus.Figures = map[string]results.Estimate{"lost": {}, "recovered": {Median: 90, Lo: 80, Hi: 95}}
	bus.Spans = map[string]results.Span{"lost": {}, "recovered": {Least: 60, Most: 100}}
	return &results.Run{Schema: results.Schema, Baseline: "direct", Cells: []results.Cell{direct, bus},
		Scenarios: []results.Scenario{{Name: "restart", Paced: true, Measures: []results.Measure{
			{Name: "lost", Doc: "messages lost"}, {Name: "recovered", Doc: "of what was sent", Unit: "%"}}}}}
}

func TestFigureBudgets(t *testing.T) {
	t.Parallel()
	set := func(run *results.Run, cell int, name string, median, lo, hi float64, rounds int) {
		c := &run.Cells[cell]
		c.Figures[name], c.Rounds = results.Estimate{Median: median, Lo: lo, Hi: hi}, rounds
		if rounds < 6 {
			c.Figures[name] = results.Estimate{Median: median, Lo: math.Inf(-1), Hi: math.Inf(1)}
		}
		c.Spans[name] = results.Span{Least: lo, Most: hi}
	}
	for _, c := range []struct {
		name   string
		change func(*results.Run)
		want   int
		shows  string
	}{
		{"kept", func(*results.Run) {}, ExitWithin, "4 limits: 4 within"},
		{"one round over", func(r *results.Run) { set(r, 0, "lost", 2, 2, 2, 1) }, ExitOver, "2 in 1 round"},
		{"one of three rounds over", func(r *results.Run) { set(r, 0, "lost", 0, 0, 1, 3) }, ExitInconclusive, "some rounds keep the limit, others do not"},
		{"the interval is over", func(r *results.Run) { set(r, 1, "recovered", 110, 105, 120, 10) }, ExitOver, "110 [105, 120] %"},
		{"under the floor", func(r *results.Run) { set(r, 1, "recovered", 60, 50, 70, 10) }, ExitOver, "recovered ≥ 75"},
		{"straddles the floor", func(r *results.Run) { set(r, 1, "recovered", 76, 70, 80, 10) }, ExitInconclusive, "straddles"},
		{"not reported", func(r *results.Run) { delete(r.Cells[1].Figures, "lost") }, ExitInconclusive, "no figure"},
		{"invalid", func(r *results.Run) { r.Cells[1].Verdict = results.Invalid }, ExitInvalid, "invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			run := figureRun()
			c.change(run)
			code, stdout, stderr := gate(t, Gate{}, figureBudgets, run)
			if code != c.want || !strings.Contains(stdout, c.shows) || stderr != "" {
				t.Errorf("exit %d, want %d with %q\n%s%s", code, c.want, c.shows, stdout, stderr)
			}
			code, stdout, _ = gate(t, Gate{}, figureBudgets, run, "-json")
			if answer := new(Answer); code != c.want || json.Unmarshal([]byte(stdout), answer) != nil || answer.Rows[0].Quantity != "figure:lost" {
				t.Errorf("as JSON: exit %d: %s", code, stdout)
			}
		})
	}
}

// TestFigureFaults changes one thing in a good file and reads the complaint.
func TestFigureFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, from, to, want string }{
		{"misspelt figure", "figure: lost", "figure: last", `b.yaml:5: budgets[0].figure: no measure "last" in these scenarios; nearest is "lost"; there are lost, recovered`},
		{"figure without bounds", "{max: 0}", "{ns_op: 5}", "b.yaml:6: budgets[0].limits.ns_op: a budget with a `figure` has the limits max and min"},
		{"bounds without figure", "    figure: lost\n", "", "b.yaml:5: budgets[0].limits.max: of what? name one"},
		{"below zero", "{max: 0}", "{max: -1}", `b.yaml:6: budgets[0].limits.max: must be a number from 0: "-1" is negative`},
		{"no number", "{max: 0}", "{max: .nan}", "must be a number from 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := gate(t, Gate{}, strings.Replace(figureBudgets, c.from, c.to, 1), figureRun())
			if code != ExitUsage || stdout != "" || !strings.Contains(stderr, c.want) {
				t.Errorf("exit %d, got %q%s; want 2 with %q", code, stderr, stdout, c.want)
			}
		})
	}
}

// TestFewRoundsHaveNoInterval: of what is no figure of its own, too few rounds decide
// nothing, and can still be written as JSON.
func TestFewRoundsHaveNoInterval(t *testing.T) {
	t.Parallel()
	budgets := strings.Replace(figureBudgets, "    figure: lost\n    limits: {max: 0}", "    limits: {cpu_ns_op: 10}", 1)
	run := figureRun()
	run.Cells[0].CPUNsOp = results.Estimate{Median: 5, Lo: math.Inf(-1), Hi: math.Inf(1)}
	code, stdout, stderr := gate(t, Gate{}, budgets, run, "-json")
	if code != ExitOver || !strings.Contains(stdout, "no interval of so few rounds (1)") || stderr != "" {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}
