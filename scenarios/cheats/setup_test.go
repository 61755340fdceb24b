// Package cheats_test has styles that cheat. It checks that a run catches each of them by
// name, and never an honest style. They are measured like real styles: by the runner, each
// in its own process.
package cheats_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rubato/direct"
	"rubato/natsbus"
	"rubato/orchestrated"
	"rubato/player"
	"rubato/reports"
	"rubato/results"
	"rubato/runner"
	"rubato/scenarios"
)

// TestMain makes the test binary also the program that is tested: the run, and each measured
// child.
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

// Cheats that stand in for the style nats, which has a network, or for styles with a trace.
var (
	onNetwork = []string{"bunches", "remembers", "calls-inside", "decoy", "trusts"}
	traced    = []string{"blinkered", "rootless", "rewires", "pretends"}
)

// suite is the real suite with the cheats as additional styles. Its blocks have the size
// that the cheats need, and only rounds are measured.
func suite() runner.Suite {
	honest := []player.Style{direct.Style, orchestrated.Style, natsbus.Style}
	var styles []player.Style // the first that is measured is the baseline
	for i, c := range slices.Concat(strawMen, cheats) {
		if i == len(strawMen) {
			styles = append(styles, honest...)
		}
		style := player.Style{Name: c.name, Doc: c.doc, Open: c.open, Plain: i < len(strawMen)}
		if slices.Contains(onNetwork, c.name) {
			style.Network = natsbus.Network
		}
		styles = append(styles, style)
	}
	s := scenarios.Suite(nil, styles...)
	for i := range s.Scenarios {
		for k := range s.Scenarios[i].Keys {
			if of := s.Scenarios[i].Keys[k].Styles; slices.Contains(of, "nats") {
				s.Scenarios[i].Keys[k].Styles = slices.Concat(of, onNetwork, traced)
			}
		}
		s.Scenarios[i].Bare, s.Scenarios[i].Stages = true, nil
		size := blocks(s.Scenarios[i].Name)
		s.Scenarios[i].Size = size
		s.Scenarios[i].Unit = func(options runner.Options) int { return size("quick", options).Ops }
	}
	return s
}

// blocks are large enough for the rarest act of a cheat. In trials this is the size of a
// slice, of which a trial has 25 or more; a paced block is whole.
func blocks(scenario string) func(string, runner.Options) runner.Size {
	return func(_ string, options runner.Options) runner.Size {
		size := runner.Size{Ops: 10, Rounds: 2, Warmup: -1}
		switch {
		case scenario == "message-log" && options["mode"] == "batched":
			size.Ops = 600
		case scenario == "message-log":
			size.Ops = 100
		case scenario == "storm":
			size.Ops = 2000
		case scenario == "queue-low":
			size.Ops = 3
		}
		return size
	}
}

// got returns the results of a run with these arguments, which must complete.
func got(t *testing.T, args ...string) *results.Run {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	command := exec.CommandContext(t.Context(), self, append([]string{"run", "-quick", "-time", "1s", "-out", dir}, args...)...)
	said, failure := command.CombinedOutput()
	result, details, err := results.Load(dir)
	if err != nil {
		t.Fatalf("%v, %v\n%s", failure, err, said)
	}
	if result.Incomplete != "" {
		t.Fatalf("the run failed: %s\n%s", result.Incomplete, said)
	}
	reports.Summarize(result, details)
	return result
}

// run measures a comparison and returns its cells by style.
func run(t *testing.T, args ...string) map[string]results.Cell {
	t.Helper()
	cells := map[string]results.Cell{}
	for _, c := range got(t, args...).Cells {
		cells[c.Style] = c
	}
	return cells
}

// settings returns the arguments of the run.
func settings(set string) (args []string) {
	for _, s := range strings.Fields(set) {
		args = append(args, "-set", s)
	}
	return args
}

// shown is a cell as in the table.
func shown(c results.Cell) string {
	return fmt.Sprintf("%s: %s", c.Verdict, c.Why)
}
