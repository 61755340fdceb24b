package components

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"

	"rubato/reports"
	"rubato/results"
	"rubato/runner"
)

// The test binary is also the measured child that it starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "measured-child" {
		os.Exit(runner.Main(alone(), os.Args[1:]))
	}
	os.Exit(m.Run())
}

// alone is a suite of components only. Its style is never opened.
func alone() runner.Suite {
	return runner.Suite{Name: "rubato", Styles: []runner.Style{{Name: "direct"}}, Scenarios: []runner.Scenario{Pieces()}}
}

// TestComponentsRun: a real run measures the chosen pieces, each in blocks of its own
// size, and benchstat can read the results.
func TestComponentsRun(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for several seconds: go test runs it without -short")
	}
	dir := filepath.Join(t.TempDir(), "out")
	code := runner.Main(alone(), []string{"run", "-quick", "-seed", "1", "-out", dir, "-set", "piece=call,sqlite-write", "components"})
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	run, details, err := results.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	reports.Summarize(run, details)
	ops := map[string]int{}
	for _, c := range run.Cells {
		ops[c.Style] = c.BlockOps
		if c.Verdict != results.Measured || c.P99Ns != 0 {
			t.Errorf("%s: %s, p99 %v", c.Style, c.Verdict, c.P99Ns)
		}
	}
	if len(ops) != 3 || ops["sqlite-write"] < 1 || ops["call"] < 100*ops["sqlite-write"] {
		t.Errorf("operations in a block: %v", ops)
	}
	text, err := os.ReadFile(filepath.Join(dir, "bench.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for in := benchfmt.NewReader(strings.NewReader(string(text)), "bench.txt"); in.Scan(); {
		r, ok := in.Result().(*benchfmt.Result)
		if !ok || !strings.HasPrefix(string(r.Name), "Components/piece=") {
			t.Fatalf("not a piece: %v", in.Result())
		}
	}
}
