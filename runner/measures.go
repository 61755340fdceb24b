package runner

import (
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"rubato/reports"
)

// measureTables are the figures beside time, a table a scenario that has any: a line a
// measure under each set of options, a column a style.
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
	t, styles, cells := plainTable(), []string{}, map[string][]reports.Cell{}
	var names []string
	for _, c := range run.Cells {
		if c.Scenario != s.Name || c.Verdict == reports.Void {
			continue
		}
		name := cellName(c)
		if cells[name] == nil {
			names = append(names, name)
		}
		if !slices.Contains(styles, c.Style) {
			styles = append(styles, c.Style)
		}
		cells[name] = append(cells[name], c)
	}
	header := table.Row{"scenario", "measure"}
	for _, style := range styles {
		header = append(header, style)
	}
	t.AppendHeader(header)
	for _, name := range names {
		first := name
		for _, m := range told {
			if row, ok := measureRow(first, m, styles, cells[name]); ok {
				t.AppendRow(row)
				first = ""
			}
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

// measureRow is one measure in every style; not ok if none tells it.
func measureRow(name string, m reports.Measure, styles []string, cells []reports.Cell) (row table.Row, ok bool) {
	row = table.Row{name, m.Name}
	for _, style := range styles {
		shown := "-"
		if i := slices.IndexFunc(cells, func(c reports.Cell) bool { return c.Style == style }); i >= 0 {
			if e, tells := cells[i].Figures[m.Name]; tells {
				shown, ok = m.Brief(e, cells[i].Spans[m.Name], cells[i].Rounds), true
			}
		}
		row = append(row, shown)
	}
	return row, ok
}
