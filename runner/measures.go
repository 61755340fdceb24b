package runner

import (
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"rubato/reports"
)

// measureTables are the figures beside time, a table a scenario that has any: a line a
// measure under each set of options, a column a style with what options it has of its own.
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
	var names, arms []string
	cells := map[string]map[string]reports.Cell{} // by name and arm
	shared := sharedNamed(run, s)
	for _, c := range run.Cells {
		if c.Scenario != s.Name || c.Verdict == reports.Void {
			continue
		}
		name, arm := named(c.Scenario, c, shared, true), named(c.Style, c, shared, false)
		if cells[name] == nil {
			cells[name] = map[string]reports.Cell{}
		}
		cells[name][arm] = c
		names, arms = appendNew(names, name), appendNew(arms, arm)
	}
	t, header := plainTable(), table.Row{"scenario", "measure"}
	for _, arm := range arms {
		header = append(header, arm)
	}
	t.AppendHeader(header)
	for _, name := range names {
		first := name
		for _, m := range s.Measures {
			if row, ok := measureRow(first, m, arms, cells[name]); ok {
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

// sharedNamed are the keys that are in the name of every cell of the scenario; others
// belong to a style.
func sharedNamed(run *reports.Run, s reports.Scenario) (shared []string) {
	first := true
	for _, c := range run.Cells {
		switch {
		case c.Scenario != s.Name:
		case first:
			shared, first = slices.Clone(c.Named), false
		default:
			shared = slices.DeleteFunc(shared, func(key string) bool { return !slices.Contains(c.Named, key) })
		}
	}
	return shared
}

// named adds the options of the cell's name that are shared, or that are not.
func named(what string, c reports.Cell, shared []string, are bool) string {
	for _, key := range c.Named {
		if slices.Contains(shared, key) == are {
			what += " " + key + "=" + c.Options[key]
		}
	}
	return what
}

// measureRow is one measure in every arm; not ok if none tells it.
func measureRow(name string, m reports.Measure, arms []string, cells map[string]reports.Cell) (row table.Row, ok bool) {
	row = table.Row{name, m.Name}
	for _, arm := range arms {
		shown, c := "-", cells[arm]
		if e, tells := c.Figures[m.Name]; tells {
			shown, ok = m.Brief(e, c.Spans[m.Name], c.Rounds), true
		}
		row = append(row, shown)
	}
	return row, ok
}
