package ci

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"rubato/results"
)

// goodBudgets are kept by goodRun, with room on each side.
const goodBudgets = `schema: 1
baseline: direct
budgets:
  - name: bus stays near direct
    scenario: queue-low
    style: bus
    options: {passages: 1000}
    limits: {ratio: 1.10, overhead_us: 10}
    source: a test
  - name: enough messages
    scenario: message-log
    limits:
      ops_per_second_min: 100
      p99_ns: 5_000_000
    source: a test
`

// goodRun is a run of two scenarios with two styles that did the same work.
func goodRun() *results.Run {
	queue := map[string]string{"passages": "1000"}
	closed := map[string]string{"mode": "closed"}
	return &results.Run{
		Schema: results.Schema, Effort: "quick", Baseline: "direct",
		Scenarios: []results.Scenario{{Name: "queue-low"}, {Name: "message-log"}},
		Cells: []results.Cell{
			cell("queue-low", "direct", queue, 700_000),
			cell("queue-low", "bus", queue, 705_000),
			cell("message-log", "direct", closed, 30_000),
			cell("message-log", "bus", closed, 36_000),
		},
	}
}

func cell(scenario, style string, options map[string]string, ns float64) results.Cell {
	c := results.Cell{
		Scenario: scenario, Style: style, Options: options, Named: []string{}, Rounds: 10, BlockOps: 100,
		NsOp: around(ns), CPUNsOp: around(ns), P50Ns: ns, P99Ns: 2 * ns, P999Ns: 3 * ns, RSSPeak: 30_000_000, IdleCPU: 0.2,
		Intervals: map[string]results.Estimate{"p99_ns": around(2 * ns)},
		Work:      results.Work{Stimuli: 1000, Effects: 4000, Expected: 4000, Digest: "d-" + scenario},
		Verdict:   results.Measured,
	}
	for k := range options {
		c.Named = append(c.Named, k)
	}
	if style != "direct" {
		c.Ratio, c.OverheadNs = ptr(around(1.01)), ptr(around(5_000))
	}
	return c
}

// around is an estimate with an interval of 2 % to each side.
func around(v float64) results.Estimate {
	return results.Estimate{Median: v, Lo: .98 * v, Hi: 1.02 * v}
}

func ptr[T any](v T) *T { return &v }

// gate runs the command over budgets and a run, written to files as users have them.
func gate(t *testing.T, g Gate, budgets string, run *results.Run, flags ...string) (code int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "budgets.yaml")
	data, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{file: []byte(budgets), filepath.Join(dir, "results.json"): data} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out, diagnostics bytes.Buffer
	code = g.Main(append(flags, "-budgets", file, dir), &out, &diagnostics)
	return code, out.String(), string(bytes.ReplaceAll(diagnostics.Bytes(), []byte(file), []byte("b.yaml")))
}
