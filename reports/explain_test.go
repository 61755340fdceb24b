package reports

import (
	"strings"
	"testing"

	"rubato/results"
)

func interval95(median, lo, hi float64) *results.Estimate {
	return &results.Estimate{Median: median, Lo: lo, Hi: hi}
}

// TestAgreement: what intervals of time and CPU say of each other.
func TestAgreement(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		time, cpu *results.Estimate
		want      string
	}{
		"side by side": {interval95(1.27, 1.2, 1.3), interval95(1.99, 1.9, 2.1), "CPU grows more than time"},
		"waits":        {interval95(2, 1.9, 2.1), interval95(1.1, 1, 1.2), "Time grows more than CPU"},
		"agree":        {interval95(1.1, 1, 1.2), interval95(1.15, 1.1, 1.3), "no difference between the two"},
		"unknown":      {interval95(1.1, 1, 1.2), nil, ""},
	} {
		got := agreement("nats", &results.Cell{MeanRatio: c.time, CPURatio: c.cpu, NsOp: results.Estimate{Median: 100}, CPUNsOp: results.Estimate{Median: 150}})
		if !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestAdvice: 10 µs at most are 5 % of 200 µs. By hand: 10 / 0.05 = 200.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lo, hi, base float64 // µs
		insensitive  string
		want         string
	}{
		"cheap":       {4, 10, 200, "", "200 µs cheap: it takes 200 µs"},
		"not cheap":   {6, 10, 100, "", "200 µs not cheap: it takes 100 µs"},
		"open":        {4, 10, 100, "", "200 µs open: it takes 100 µs"},
		"faster":      {-3, -1, 100, "", "any cheap: it takes 100 µs"},
		"insensitive": {4, 10, 200, "not found", ""},
	} {
		run := &results.Run{Baseline: "direct", Cells: []results.Cell{
			{Scenario: "s", Style: "direct", Verdict: results.Measured, NsOp: results.Estimate{Median: 1e3 * c.base}},
			{Scenario: "s", Style: "bus", Verdict: results.Measured, OverheadNs: interval95(500*(c.lo+c.hi), 1e3*c.lo, 1e3*c.hi)}}}
		run.Controls = []results.Controls{{AA: run.Cells[0], Slowdown: run.Cells[0], Insensitive: c.insensitive}}
		got := ""
		if row := advice(run, &named{&run.Cells[1], "bus"}); row != nil {
			got = oneLine(strings.Join(row[3:], " "))
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
