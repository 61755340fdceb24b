package runner

import (
	"slices"
	"strings"
	"testing"

	"rubato/reports"
)

// A run that is asked what measuring costs carries arms that differ by one instrument,
// apart from its cells, and the instruments are at work as their names say.
func TestLedgerRun(t *testing.T) {
	t.Parallel()
	r := runTiny(t, t.Context(), nil, "journal", "-set", "ink=black", "-styles", "plain,other", "-ledger")
	var instruments []string
	for _, o := range r.run.Ledger {
		instruments = append(instruments, o.Instrument)
		if o.Arm.Verdict == reports.Void || o.Cost == nil || o.Base != r.run.Cells[0].Key() {
			t.Errorf("%s: base %s, %s %s, cost %v", o.Instrument, o.Base, o.Arm.Verdict, o.Arm.Why, o.Cost)
		}
		for _, b := range r.details.Blocks {
			heard := o.Arm.Role != reports.Bare && o.Arm.Role != reports.WithoutRole(histogramObserver)
			witnessed := o.Arm.Role != reports.Bare && o.Arm.Role != reports.WithoutRole(certificateObserver)
			if b.Cell == o.Arm.Key() && (b.Digest != "unwitnessed") != witnessed {
				t.Errorf("%s: digest %s, want one: %v", o.Arm.Key(), b.Digest, witnessed)
			}
			if b.Cell == o.Arm.Key() && (b.Latency != "") != heard {
				t.Errorf("%s: latencies told %v, want %v", o.Arm.Key(), b.Latency != "", heard)
			}
		}
	}
	want := []string{"all usual instruments", histogramObserver, watchObserver, certificateObserver, samplerObserver, profileObserver}
	if !slices.Equal(instruments, want) {
		t.Errorf("instruments %v, want %v", instruments, want)
	}
	if len(r.run.Cells) != 2 || !strings.Contains(r.stdout, "what measuring costs") {
		t.Errorf("%d cells, stdout:\n%s", len(r.run.Cells), r.stdout)
	}
	for _, s := range r.details.Samples {
		if strings.Contains(s.Cell, "@role") {
			t.Errorf("a sample of %s", s.Cell)
		}
	}
	for _, b := range r.details.Blocks {
		if b.Resources == nil || b.Resources.MinorFaults < 0 {
			t.Errorf("%s round %d: resources %+v", b.Cell, b.Round, b.Resources)
		}
	}
}

// An instrument of a style's own is switched off by its options, if it is on.
func TestObservers(t *testing.T) {
	t.Parallel()
	trace := Observer{Name: "trace", Style: "other", Without: Options{"trace": "off"}}
	plan := contestPlan{scenario: Scenario{Name: "s", Observers: []Observer{trace}}}
	for _, c := range []struct {
		value string
		want  bool
	}{{"on", true}, {"off", false}} {
		plan.arms = []arm{{style: "plain", options: Options{}}, {style: "other", options: Options{"trace": c.value}}}
		ledger := plan.ledger()
		last := ledger[len(ledger)-1]
		if (last.Instrument == "trace") != c.want {
			t.Errorf("trace %s: %+v", c.value, last)
		}
		if c.want && (last.Arm.Options["trace"] != "off" || last.Arm.Role != "without trace" || last.Added || last.Usual ||
			last.Base != plan.arms[1].cell("s").Key()) {
			t.Errorf("%+v", last)
		}
		if plan.arms[1].options["trace"] != c.value {
			t.Error("the arm itself was changed")
		}
	}
}

func TestLedgerRefusals(t *testing.T) {
	t.Parallel()
	if _, err := parseRun([]string{"-ledger", "-decide"}); err == nil || !strings.Contains(err.Error(), "-ledger and -decide") {
		t.Errorf("got %v", err)
	}
}
