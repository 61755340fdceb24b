package reports

import (
	"bytes"
	"strings"
	"testing"
)

// certify gives the fixture's cells certificates, but for the style.
func certify(run *Run, but string) {
	for i := range run.Cells {
		c := &run.Cells[i]
		if c.Style == but {
			continue
		}
		c.Certificate = &Certificate{Transcript: c.Work.Digest, Settings: []Setting{
			{Name: "batch", Value: "1", Asked: "1"}, {Name: "transport", Value: c.Style + "-wire", Own: true}}}
	}
}

// Without a certificate there is no ratio, and it is said why; with one there is.
func TestNoRatioWithoutCertificate(t *testing.T) {
	t.Parallel()
	run, details := fixture(t)
	certify(run, "bus")
	Summarize(run, details)
	for _, c := range run.Cells {
		if c.Scenario != "queue-low" || c.Style == "direct" {
			continue
		}
		missing := strings.Contains(strings.Join(c.Warnings, " "), "no certificate")
		if without := c.Style == "bus"; (c.Ratio == nil) != without || (c.CPURatio == nil) != without || missing != without {
			t.Errorf("%s: ratio %v, warnings %q", c.Style, c.Ratio, c.Warnings)
		}
	}
}

// Results from before there were certificates are as good as they were.
func TestOlderResultsKeepTheirRatios(t *testing.T) {
	t.Parallel()
	run, details := fixture(t)
	Summarize(run, details)
	if c := run.Cells[1]; c.Ratio == nil || c.Certificate != nil {
		t.Errorf("ratio %v, certificate %v", c.Ratio, c.Certificate)
	}
}

// What the blocks add up to stands in the certificate, and in the report.
func TestCertificateInReport(t *testing.T) {
	t.Parallel()
	run, details := fixture(t)
	certify(run, "")
	for i := range details.Blocks {
		b := &details.Blocks[i]
		b.Payload, b.Visited, b.Keys = 100, 7, "k"
	}
	details.Blocks[0].Keys = ""
	Summarize(run, details)
	Summarize(run, details) // as for a report that is made again
	first, second := run.Cells[0].Certificate, run.Cells[1].Certificate
	if first.Blocks != 12 || first.Payload != 1200 || first.Visited != 84 || first.Keys || !second.Keys {
		t.Errorf("%+v, %+v", first, second)
	}
	var out bytes.Buffer
	for _, s := range certificateSection(run) {
		s.markdown(&out)
	}
	for _, want := range []string{"## Same work", "batch 1", "nats-wire", "compared", "not told"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, out.String())
		}
	}
	if said := certificateCost(run); !strings.Contains(said, "-ledger does") {
		t.Error(said)
	}
	run.Ledger = []Observed{{Instrument: CertificateInstrument, Arm: Cell{Scenario: "queue-low"}, Cost: &Estimate{1.01, 0.99, 1.03}}}
	if said := certificateCost(run); !strings.Contains(said, "queue-low +1.00 % (−1.00 % … +3.00 %)") {
		t.Error(said)
	}
	if strings.Contains(sharedText(map[string]string{"a 2": "a", "a 1": "a", "b x y": "b"}), "a 2 or") {
		t.Error("values are out of order")
	}
}
