package ci

import (
	"math"
	"strings"
	"testing"

	"rubato/reports"
)

// provenRun is goodRun with a proof of its first contest.
func provenRun() *reports.Run {
	run := goodRun()
	twin, plant := run.Cells[queueDirect], run.Cells[queueDirect]
	twin.Role, plant.Role = reports.Twin, reports.Plant
	twin.Ratio, plant.Ratio = ptr(around(1)), ptr(around(1.1))
	run.Proofs = []reports.Proof{{Twin: twin, Plant: plant, Stage: "director", Share: 0.1, Confidence: 0.99}}
	return run
}

// TestProof: what the proof says beats what the limits say, also that of a report
// whose word and figures differ.
func TestProof(t *testing.T) {
	t.Parallel()
	required := strings.Replace(goodBudgets, "baseline: direct", "baseline: direct\nrequire_proof: true", 1)
	over := reports.Estimate{Median: 1.2, Lo: 1.11, Hi: 1.3}
	for name, c := range map[string]struct {
		budgets string
		change  func(*reports.Run)
		want    int
		told    string
	}{
		"sees":               {required, func(*reports.Run) {}, ExitWithin, "gate: within (exit 0)"},
		"sees what is over":  {required, func(r *reports.Run) { r.Cells[queueBus].Ratio = &over }, ExitOver, "gate: over (exit 1)"},
		"twin differs":       {required, func(r *reports.Run) { r.Proofs[0].Twin.Ratio = &over }, ExitInvalid, "blind: queue-low passages=1000: false alarm"},
		"plant is missed":    {required, func(r *reports.Run) { r.Proofs[0].Plant.Ratio = ptr(around(1)) }, ExitInvalid, "blind: queue-low passages=1000: not found: a slowdown of 10.0"},
		"it says so itself":  {goodBudgets, func(r *reports.Run) { r.Proofs[0].Blind = "too dark" }, ExitInvalid, "blind: queue-low passages=1000: too dark"},
		"blind beats over":   {required, func(r *reports.Run) { r.Cells[queueBus].Ratio, r.Proofs[0].Plant.Ratio = &over, nil }, ExitInvalid, "gate: blind (exit 4)"},
		"no number":          {required, func(r *reports.Run) { r.Proofs[0].Plant.Ratio = &reports.Estimate{Median: math.Pi, Lo: 0, Hi: 4} }, ExitInvalid, "not found"},
		"void twin":          {required, func(r *reports.Run) { r.Proofs[0].Twin.Verdict = reports.Void }, ExitInvalid, "the twin is void"},
		"none, and must":     {required, func(r *reports.Run) { r.Proofs = nil }, ExitInvalid, "blind: queue-low: carries no proof"},
		"none, and need not": {goodBudgets, func(r *reports.Run) { r.Proofs = nil }, ExitWithin, "warning: queue-low: carries no proof"},
		"paced":              {required, func(r *reports.Run) { r.Proofs, r.Scenarios[0].Paced = nil, true }, ExitWithin, "gate: within"},
		"elsewhere": {required, func(r *reports.Run) {
			r.Proofs = append(r.Proofs, r.Proofs[0])
			p := &r.Proofs[1]
			p.Twin.Scenario, p.Plant.Scenario, p.Blind = "message-log", "message-log", "too dark"
		}, ExitWithin, "warning: blind where no budget compares: message-log passages=1000: too dark"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := provenRun()
			c.change(run)
			code, stdout, stderr := gate(t, Gate{}, c.budgets, run)
			if code != c.want || !strings.Contains(stdout, c.told) {
				t.Errorf("exit %d, want %d, and %q\n%s%s", code, c.want, c.told, stdout, stderr)
			}
		})
	}
}

func TestRequireProofIsYesOrNo(t *testing.T) {
	t.Parallel()
	text := strings.Replace(goodBudgets, "baseline: direct", "baseline: direct\nrequire_proof: maybe", 1)
	if _, err := ParseBudgets("f", []byte(text)); err == nil || !strings.Contains(err.Error(), `f:3: require_proof: must be true or false, not "maybe"`) {
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
	if len(got) != 2 || got[0] != (PairedLimit{"bus stays near direct", "ratio", 1.1}) || got[1] != (PairedLimit{"bus stays near direct", "overhead_ns", 10_000}) {
		t.Errorf("%+v", got)
	}
	for _, c := range []struct{ scenario, style, passages string }{{"queue-low", "bus", "50"}, {"queue-low", "nats", "1000"}, {"message-log", "bus", "1000"}} {
		if got := budgets.Paired(c.scenario, c.style, map[string]string{"passages": c.passages}); len(got) != 0 {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}
