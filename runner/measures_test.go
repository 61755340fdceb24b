package runner

import (
	"strings"
	"testing"

	"rubato/reports"
)

// A column is a style with the options that only it has; a row is a measure.
func TestMeasureTables(t *testing.T) {
	t.Parallel()
	cell := func(style string, late float64, options map[string]string, named ...string) reports.Cell {
		return reports.Cell{Scenario: "s", Style: style, Options: options, Named: named, Rounds: 1, Verdict: reports.Measured,
			Figures: map[string]reports.Estimate{"late": {Median: late, Lo: late, Hi: late}}}
	}
	run := &reports.Run{
		Scenarios: []reports.Scenario{{Name: "s", Measures: []reports.Measure{{Name: "early", Unit: "%"}, {Name: "late", Unit: "%"}}}, {Name: "none"}},
		Cells: []reports.Cell{cell("direct", 1, map[string]string{"n": "1"}, "n"),
			cell("bus", 2, map[string]string{"n": "1", "trace": "off"}, "n", "trace"), cell("bus", 3, map[string]string{"n": "1", "trace": "on"}, "n", "trace"),
			cell("direct", 4, map[string]string{"n": "2"}, "n")},
	}
	var got [][]string
	for line := range strings.Lines(measureTables(run)) {
		if cells := strings.Fields(strings.ReplaceAll(line, "\u00a0", "_")); len(cells) > 1 {
			got = append(got, cells)
		}
	}
	want := []string{"scenario measure direct bus trace=off bus trace=on",
		"s n=1 late 1.00_% [1.00_%, 1.00_%] 2.00_% [2.00_%, 2.00_%] 3.00_% [3.00_%, 3.00_%]", "s n=2 late 4.00_% [4.00_%, 4.00_%] - -"}
	for i, line := range want {
		if i >= len(got) || strings.Join(got[i], " ") != line {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}
