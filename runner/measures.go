package runner

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"rubato/reports"
)

// measureTables are the figures beside time, a table a scenario that has any: a line
// a cell, a column a measure.
func measureTables(run *reports.Run) string {
	var b strings.Builder
	for _, s := range run.Scenarios {
		if t := measureTable(run, s); t != "" {
			b.WriteString("\n" + t + "\n")
		}
	}
	return b.String()
}

func measureTable(run *reports.Run, s reports.Scenario) string {
	var told []reports.Measure
	for _, m := range s.Measures {
		if tells(run, s, m) {
			told = append(told, m)
		}
	}
	if len(told) == 0 {
		return ""
	}
	t, header := plainTable(), table.Row{"scenario", "style"}
	for _, m := range told {
		header = append(header, m.Name)
	}
	t.AppendHeader(header)
	for _, c := range run.Cells {
		if c.Scenario == s.Name && c.Verdict != reports.Void {
			t.AppendRow(measureRow(c, told))
		}
	}
	return t.Render()
}

func tells(run *reports.Run, s reports.Scenario, m reports.Measure) bool {
	for _, c := range run.Cells {
		if _, ok := c.Figures[m.Name]; ok && c.Scenario == s.Name {
			return true
		}
	}
	return false
}

func measureRow(c reports.Cell, told []reports.Measure) table.Row {
	row := table.Row{cellName(c), c.Style}
	for _, m := range told {
		shown := "-"
		if e, ok := c.Figures[m.Name]; ok {
			shown = m.ShowEstimate(e, c.Spans[m.Name], c.Rounds)
		}
		row = append(row, shown)
	}
	return row
}
