package runner

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"rubato/reports"
)

// plainTable has lines below its header only, and no colour.
func plainTable() table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleDefault)
	t.Style().Options = table.Options{SeparateHeader: true}
	t.Style().Format.Header = text.FormatDefault
	return t
}

// cellTable is a line a cell: the short form of the report.
func cellTable(run *reports.Run) string {
	t := plainTable()
	t.AppendHeader(table.Row{"scenario", "style", "per op", "to " + baseline(run), "more per op", "p99", "CPU per op", "allocs", "verdict"})
	var columns []table.ColumnConfig
	for number := 3; number <= 8; number++ {
		columns = append(columns, table.ColumnConfig{Number: number, Align: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
	for _, c := range run.Cells {
		if scenarioOf(run, c).Paced && c.Verdict != reports.Void {
			t.AppendRow(pacedRow(c))
			continue
		}
		t.AppendRow(row(c))
	}
	return t.Render()
}

func scenarioOf(run *reports.Run, c reports.Cell) reports.Scenario {
	i := slices.IndexFunc(run.Scenarios, func(s reports.Scenario) bool { return s.Name == c.Scenario })
	if i < 0 {
		return reports.Scenario{}
	}
	return run.Scenarios[i]
}

// baseline names what ratios are to, where that is the same in all scenarios.
func baseline(run *reports.Run) string {
	name := ""
	for _, s := range run.Scenarios {
		own := cmp.Or(s.Baseline, run.Baseline)
		if name != "" && name != own {
			return "the first"
		}
		name = own
	}
	return cmp.Or(name, run.Baseline)
}

// cellName is scenario and named options.
func cellName(c reports.Cell) string {
	name := c.Scenario
	for _, key := range c.Named {
		name += " " + key + "=" + c.Options[key]
	}
	return name
}

// pacedRow compares CPU: a clock decides the time.
func pacedRow(c reports.Cell) table.Row {
	ratio := "1"
	if r := c.CPURatio; r != nil {
		ratio = fmt.Sprintf("CPU %.3g", r.Median)
		if r.Bounded() {
			ratio += fmt.Sprintf(" [%.3g, %.3g]", r.Lo, r.Hi)
		} else {
			ratio += " [no interval]"
		}
	}
	return table.Row{cellName(c), c.Style, "paced", ratio, "", measured(c.P99Ns),
		nanoseconds(c.CPUNsOp.Median), fmt.Sprintf("%.0f", c.AllocsOp), c.Verdict}
}

func row(c reports.Cell) table.Row {
	name := cellName(c)
	if c.Verdict == reports.Void {
		return table.Row{name, c.Style, "", "", "", "", "", "", "void: " + short(c.Why)}
	}
	ratio, overhead := "1", ""
	if c.Ratio != nil && c.OverheadNs != nil {
		ratio, overhead = fmt.Sprintf("%.3g", c.Ratio.Median), nanoseconds(c.OverheadNs.Median)
		if c.Ratio.Bounded() && c.OverheadNs.Bounded() {
			ratio += fmt.Sprintf(" [%.3g, %.3g]", c.Ratio.Lo, c.Ratio.Hi)
			overhead += fmt.Sprintf(" [%s, %s]", nanoseconds(c.OverheadNs.Lo), nanoseconds(c.OverheadNs.Hi))
		} else {
			ratio, overhead = ratio+" [no interval]", overhead+" [no interval]"
		}
	}
	return table.Row{name, c.Style, nanoseconds(c.NsOp.Median), ratio, overhead, measured(c.P99Ns),
		nanoseconds(c.CPUNsOp.Median), fmt.Sprintf("%.0f", c.AllocsOp), c.Verdict}
}

// measured is a time, or that there is none: no operation told its latency, or too
// few did.
func measured(ns float64) string {
	if ns == 0 {
		return "-"
	}
	return nanoseconds(ns)
}

// nanoseconds is a time with three digits: 1.23ms.
func nanoseconds(ns float64) string {
	switch {
	case math.IsInf(ns, 0) || math.IsNaN(ns):
		return "?"
	case math.Abs(ns) < 100:
		return fmt.Sprintf("%.3gns", ns)
	}
	scale := math.Pow(10, math.Floor(math.Log10(math.Abs(ns)))-2)
	return time.Duration(math.Round(ns/scale) * scale).String()
}

// short is the beginning of a reason, for a table; the report has all of it.
func short(why string) string {
	const most = 60
	why, _, _ = strings.Cut(why, "\n")
	if runes := []rune(why); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return why
}
