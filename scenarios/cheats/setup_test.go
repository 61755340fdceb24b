// Package cheats_test has styles that cheat, and holds that a run finds every one of
// them out, by name, and never an honest one. The styles are measured as real ones
// are: by the runner, each in a process of its own.
package cheats_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rubato/direct"
	"rubato/natsbus"
	"rubato/orchestrated"
	"rubato/player"
	"rubato/reports"
	"rubato/runner"
	"rubato/scenarios"
)

// The test binary is also the program that it tests: the run, and each measured child.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "measured-child" || os.Args[1] == "run") {
		os.Exit(runner.Main(suite(), os.Args[1:]))
	}
	code := m.Run()
	if code == 0 {
		if err := writePage(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// suite is the real one with styles that cheat beside those that do not. Its blocks
// have the size that the cheats need, and nothing but the rounds is measured.
func suite() runner.Suite {
	styles := []player.Style{direct.Style, orchestrated.Style, natsbus.Style}
	for _, c := range cheats {
		styles = append(styles, player.Style{Name: c.name, Doc: c.doc, Open: c.open})
	}
	s := scenarios.Suite(nil, styles...)
	for i := range s.Scenarios {
		s.Scenarios[i].Bare, s.Scenarios[i].Stages = true, nil
		s.Scenarios[i].Size = blocks(s.Scenarios[i].Name)
	}
	return s
}

// blocks are large enough for whatever a cheat does once in so many.
func blocks(scenario string) func(string, runner.Options) runner.Size {
	return func(_ string, options runner.Options) runner.Size {
		size := runner.Size{Ops: 200, Rounds: 2, Warmup: -1}
		switch {
		case scenario == "message-log" && options["mode"] == "batched":
			size.Ops = 12_000
		case scenario == "message-log" || scenario == "storm":
			size.Ops = 2000
		case scenario == "queue-low":
			size.Ops = 60
		}
		return size
	}
}

// results are of a run with these arguments, which must come to its end.
func results(t *testing.T, args ...string) *reports.Run {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	command := exec.CommandContext(t.Context(), self, append([]string{"run", "-quick", "-out", dir}, args...)...)
	said, failure := command.CombinedOutput()
	result, details, err := reports.Load(dir)
	if err != nil {
		t.Fatalf("%v, %v\n%s", failure, err, said)
	}
	if result.Incomplete != "" {
		t.Fatalf("the run failed: %s\n%s", result.Incomplete, said)
	}
	reports.Summarize(result, details)
	return result
}

// run measures a contest, and answers its cells by style.
func run(t *testing.T, args ...string) map[string]reports.Cell {
	t.Helper()
	cells := map[string]reports.Cell{}
	for _, c := range results(t, args...).Cells {
		cells[c.Style] = c
	}
	return cells
}

// settings are arguments of the run.
func settings(set string) (args []string) {
	for _, s := range strings.Fields(set) {
		args = append(args, "-set", s)
	}
	return args
}

// shown is a cell as the table has it.
func shown(c reports.Cell) string {
	return fmt.Sprintf("%s: %s", c.Verdict, c.Why)
}
