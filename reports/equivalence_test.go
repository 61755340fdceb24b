package reports

import (
	"bytes"
	"strings"
	"testing"

	"rubato/results"
)

// certify gives every cell of the fixture an equivalence check, except those of the style.
func certify(run *results.Run, but string) {
	for i := range run.Cells {
		c := &run.Cells[i]
		if c.Style == but {
			continue
		}
		c.Equivalence = &results.Equivalence{Transcript: c.Work.Digest, Settings: []results.Setting{
			{Name: "batch", Value: "1", Asked: "1"}, {Name: "transport", Value: c.Style + "-wire", Own: true}}}
	}
}

// Without an equivalence check there is no ratio and a warning says why.
func TestNoRatioWithoutCertificate(t *testing.T) {
	t.Parallel()
	run, details := fixture(t)
	certify(run, "bus")
	Summarize(run, details)
	for _, c := range run.Cells {
		if c.Scenario != "queue-low" || c.Style == "direct" {
			continue
		}
		missing := strings.Contains(strings.Join(c.Warnings, " "), "no equivalence check")
		if without := c.Style == "bus"; (c.Ratio == nil) != without || (c.CPURatio == nil) != without || missing != without {
			t.Errorf("%s: ratio %v, warnings %q", c.Style, c.Ratio, c.Warnings)
		}
	}
}

// Results from before equivalence checks existed keep their ratios.
func TestOlderResultsKeepTheirRatios(t *testing.T) {
	t.Parallel()
	run, details := fixture(t)
	Summarize(run, details)
	if c := run.Cells[1]; c.Ratio == nil || c.Equivalence != nil {
		t.Errorf("ratio %v, equivalence check %v", c.Ratio, c.Equivalence)
	}
}

// The totals of the blocks are in the equivalence check and in the report.
func TestCertificateInReport(t *testing.T) {
	t.Parallel()
	run, details := fixture(t)
	certify(run, "")
	for i := range details.Blocks {
		b := &details.Blocks[i]
		b.Payload, b.Counts, b.Keys = 100, results.Counts{"rows read": 7}, "k"
		if b.Round == 0 && strings.HasPrefix(b.Cell, "queue-low/") {
			b.Keys = ""
		}
	}
	Summarize(run, details)
	Summarize(run, details) // as for a report that is made again
	first, second := run.Cells[0].Equivalence, run.Cells[4].Equivalence
	if first.Blocks != 12 || first.Payload != 1200 || first.Counts["rows read"] != 84 || first.Keys || !second.Keys {
		t.Errorf("%+v, %+v", first, second)
	}
	var out bytes.Buffer
	for _, s := range equivalenceSection(run) {
		s.markdown(&out)
	}
	for _, want := range []string{"## Same work", "batch 1", "nats-wire", "compared", "not reported"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, out.String())
		}
	}
	if said := equivalenceCost(run); !strings.Contains(said, "-instruments does") {
		t.Error(said)
	}
	run.Instruments = []results.Instrument{{Name: results.EquivalenceInstrument, Arm: results.Cell{Scenario: "queue-low"}, Cost: &results.Estimate{Median: 1.01, Lo: 0.99, Hi: 1.03}}}
	if said := equivalenceCost(run); !strings.Contains(said, "queue-low +1.00 % (−1.00 % … +3.00 %)") {
		t.Error(said)
	}
	if strings.Contains(sharedText(map[string][]string{"a": {"2", "1"}, "b": {"x y"}}), "a 2 or") {
		t.Error("values are out of order")
	}
}
