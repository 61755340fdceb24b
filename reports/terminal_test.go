package reports

import (
	"strings"
	"testing"

	"rubato/results"
)

// TestTerminal compares what a terminal shows of an ordinary run with a golden file. A part
// of its work is invalid, and one comparison is insensitive.
func TestTerminal(t *testing.T) {
	t.Parallel()
	run, details := fixture(t)
	Summarize(run, details)
	baseline := *run.Arm("queue-low", "direct", nil)
	aa, slowdown := baseline, baseline
	aa.Ratio, slowdown.Ratio = &results.Estimate{Median: 1, Lo: 0.99, Hi: 1.01}, &results.Estimate{Median: 1.05, Lo: 0.97, Hi: 1.12}
	run.Controls = []results.Controls{{AA: aa, Slowdown: slowdown, Stage: "log", Share: 0.1, Insensitive: "not found"}}
	run.Instruments = []results.Instrument{{Name: "histogram", Arm: baseline, Cost: &results.Estimate{Median: 1.03, Lo: 1.01, Hi: 1.05}}}
	golden(t, "terminal.txt", Terminal(run, false))
}

// A column is a style with the options that only it has; a row is a measure.
func TestTerminalMeasures(t *testing.T) {
	t.Parallel()
	cell := func(style string, late float64, options map[string]string, named ...string) results.Cell {
		return results.Cell{Scenario: "s", Style: style, Options: options, Named: named, Rounds: 1, Verdict: results.Measured,
			Figures: map[string]results.Estimate{"late": {Median: late, Lo: late, Hi: late}}}
	}
	run := &results.Run{Baseline: "direct",
		Scenarios: []results.Scenario{{Name: "s", Measures: []results.Measure{{Name: "early", Unit: "%"}, {Name: "late", Unit: "%"}}}, {Name: "none"}},
		Cells: []results.Cell{cell("direct", 1, map[string]string{"n": "1"}, "n"),
			cell("bus", 2, map[string]string{"n": "1", "trace": "off"}, "n", "trace"), cell("bus", 3, map[string]string{"n": "1", "trace": "on"}, "n", "trace"),
			cell("direct", 4, map[string]string{"n": "2"}, "n")},
	}
	var got [][]string
	_, measures, _ := strings.Cut(Terminal(run, false), "\n\n")
	for line := range strings.Lines(measures) {
		if cells := strings.Fields(line); len(cells) > 1 {
			got = append(got, cells)
		}
	}
	want := []string{"scenario measure direct bus trace=off bus trace=on",
		"s n=1 late 1.00 % [1.00 %, 1.00 %] 2.00 % [2.00 %, 2.00 %] 3.00 % [3.00 %, 3.00 %]", "s n=2 late 4.00 % [4.00 %, 4.00 %] – –"}
	for i, line := range want {
		if i >= len(got) || strings.Join(got[i], " ") != line {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

func TestCompact(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{
		0: "0", 1.1: "1.1", 0.123456: "0.1235", 9999: "9999", -3.5: "−3.5", 12_345: "12 345", 123_456: "123 456",
		5_000_000: "5 000 000", -12_345: "−12 345", -123_456: "−123 456",
	} {
		if got := oneLine(Compact(v)); got != want {
			t.Errorf("Compact(%v) = %q, want %q", v, got, want)
		}
	}
}
