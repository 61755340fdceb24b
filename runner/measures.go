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
	var names, styles []string
	cells := map[string][]reports.Cell{}
	for _, c := range run.Cells {
		if c.Scenario != s.Name || c.Verdict == reports.Void {
			continue
		}
		name := cellName(c)
		cells[name] = append(cells[name], c)
		names, styles = appendNew(names, name), appendNew(styles, c.Style)
	}
	t, header := plainTable(), table.Row{"scenario", "measure"}
	for _, style := range styles {
		header = append(header, style)
	}
	t.AppendHeader(header)
	for _, name := range names {
		first := name
		for _, m := range s.Measures {
			if row, ok := measureRow(first, m, styles, cells[name]); ok {
				t.AppendRow(row)
				first = ""
			}
		}
	}
	if t.Length() == 0 {
		return ""
	}
	return t.Render()
}

func appendNew(list []string, name string) []string {
	if slices.Contains(list, name) {
		return list
	}
	return append(list, name)
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
