package ci

import (
	"math"
	"strings"
	"testing"

	"rubato/results"
)

// controlledRun is goodRun with controls of its first comparison.
func controlledRun() *results.Run {
	run := goodRun()
	aa, slowdown := run.Cells[queueDirect], run.Cells[queueDirect]
	aa.Role, slowdown.Role = results.RoleAA, results.RoleSlowdown
	aa.Ratio, slowdown.Ratio = ptr(around(1)), ptr(around(1.1))
	run.Controls = []results.Controls{{AA: aa, Slowdown: slowdown, Stage: "director", Share: 0.1, Confidence: 0.99}}
	return run
}

// TestControls: what the controls object to changes the verdicts that rest on it, also in a
// report whose words and figures differ.
func TestControls(t *testing.T) {
	t.Parallel()
	required := strings.Replace(goodBudgets, "baseline: direct", "baseline: direct\nrequire_controls: true", 1)
	over := results.Estimate{Median: 1.2, Lo: 1.11, Hi: 1.3}
	for name, c := range map[string]struct {
		budgets string
		change  func(*results.Run)
		want    int
		shows   string
	}{
		"sees":                      {required, func(*results.Run) {}, ExitWithin, "gate: within (exit 0)"},
		"sees what is over":         {required, func(r *results.Run) { r.Cells[queueBus].Ratio = &over }, ExitOver, "gate: over (exit 1)"},
		"A/A differs":               {required, func(r *results.Run) { r.Controls[0].AA.Ratio = &over }, ExitInvalid, "suspect: queue-low passages=1000: false alarm"},
		"slowdown missed":           {required, func(r *results.Run) { r.Controls[0].Slowdown.Ratio = ptr(around(1)) }, ExitInvalid, "insensitive: queue-low passages=1000: not found: a slowdown of 10.0"},
		"it says so itself":         {goodBudgets, func(r *results.Run) { r.Controls[0].Insensitive = "too dark" }, ExitInvalid, "insensitive: queue-low passages=1000: too dark"},
		"over stands":               {required, func(r *results.Run) { r.Cells[queueBus].Ratio, r.Controls[0].Slowdown.Ratio = &over, nil }, ExitOver, "gate: over (exit 1): 6 limits: 4 within, 1 over, 1 insensitive"},
		"over, and A/A differs":     {required, func(r *results.Run) { r.Cells[queueBus].Ratio, r.Controls[0].AA.Ratio = &over, &over }, ExitInvalid, "gate: suspect (exit 4): 6 limits: 4 within, 2 suspect"},
		"too blurred to contradict": {required, func(r *results.Run) { r.Controls[0].Slowdown.Ratio = &results.Estimate{Median: math.Pi, Lo: 0, Hi: 4} }, ExitWithin, "no verdict rests on it: queue-low passages=1000: not found"},
		"invalid A/A":               {required, func(r *results.Run) { r.Controls[0].AA.Verdict = results.Invalid }, ExitInvalid, "the A/A control is invalid"},
		"none, and must":            {required, func(r *results.Run) { r.Controls = nil }, ExitInvalid, "insensitive: queue-low: has no controls"},
		"none, and over":            {required, func(r *results.Run) { r.Controls, r.Cells[queueBus].Ratio = nil, &over }, ExitOver, "1 over, 1 insensitive"},
		"none, and need not":        {goodBudgets, func(r *results.Run) { r.Controls = nil }, ExitWithin, "warning: queue-low: has no controls"},
		"paced":                     {required, func(r *results.Run) { r.Controls, r.Scenarios[0].Paced = nil, true }, ExitWithin, "gate: within"},
		"elsewhere": {required, func(r *results.Run) {
			r.Controls = append(r.Controls, r.Controls[0])
			p := &r.Controls[1]
			p.AA.Scenario, p.Slowdown.Scenario, p.Insensitive = "message-log", "message-log", "too dark"
		}, ExitWithin, "warning: insensitive, but no verdict rests on it: message-log passages=1000: too dark"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := controlledRun()
			c.change(run)
			code, stdout, stderr := gate(t, Gate{}, c.budgets, run)
			if code != c.want || !strings.Contains(stdout, c.shows) {
				t.Errorf("exit %d, want %d, and %q\n%s%s", code, c.want, c.shows, stdout, stderr)
			}
		})
	}
}

func TestRequireControlsIsYesOrNo(t *testing.T) {
	t.Parallel()
	text := strings.Replace(goodBudgets, "baseline: direct", "baseline: direct\nrequire_controls: maybe", 1)
	if _, err := ParseBudgets("f", []byte(text)); err == nil || !strings.Contains(err.Error(), `f:3: require_controls: must be true or false, not "maybe"`) {
		t.Errorf("%v", err)
	}
}

func TestPaired(t *testing.T) {
	t.Parallel()
	budgets, err := ParseBudgets("f", []byte(goodBudgets))
	if err != nil {
		t.Fatal(err)
	}
	got := budgets.Paired("queue-low", "bus", map[string]string{"passages": "1000", "trace": "off"})
	if len(got) != 2 || got[0] != (PairedLimit{"bus stays near direct", "ratio", 1.1, false}) || got[1] != (PairedLimit{"bus stays near direct", "overhead_ns", 10_000, false}) {
		t.Errorf("%+v", got)
	}
	for _, c := range []struct{ scenario, style, passages string }{{"queue-low", "bus", "50"}, {"queue-low", "nats", "1000"}, {"message-log", "bus", "1000"}} {
		if got := budgets.Paired(c.scenario, c.style, map[string]string{"passages": c.passages}); len(got) != 0 {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}
