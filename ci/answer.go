package ci

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"rubato/reports"
)

func write(w io.Writer, a Answer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(a)
	}
	_, err := io.WriteString(w, tableOf(a)+"\n"+notes(a)+proofNotes(a)+summary(a)+"\n")
	return err
}

// tableOf shows one line a limit: that of the cell nearest to it where all keep it,
// and every cell that does not. It is plain text whatever the terminal.
func tableOf(a Answer) string {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.SetColumnConfigs([]table.ColumnConfig{
		{Number: 1, WidthMax: 40, WidthMaxEnforcer: text.WrapSoft},
		{Number: 2, WidthMax: 34, WidthMaxEnforcer: text.WrapSoft},
	})
	t.AppendHeader(table.Row{"budget", "cell", "limit", "measured [95 %]", "verdict"})
	budget := ""
	for _, r := range tellingRows(a.Rows) {
		name := r.Budget
		if name == budget {
			name = "" // told once
		}
		budget = r.Budget
		t.AppendRow(table.Row{name, r.Cell, r.limit(), r.measured(), r.Verdict})
	}
	return t.Render()
}

// notes says why, once for each reason.
func notes(a Answer) string {
	var b strings.Builder
	seen := make(map[string]bool)
	for _, r := range a.Rows {
		note := fmt.Sprintf("%s: %s: %s", r.Verdict, r.Cell, r.Why)
		if r.Why != "" && !seen[note] {
			seen[note] = true
			b.WriteString(note + "\n")
		}
	}
	return b.String()
}

func summary(a Answer) string {
	count := make(map[string]int)
	for _, r := range a.Rows {
		count[r.Verdict]++
	}
	var parts []string
	for _, v := range []string{Within, Over, Inconclusive, Invalid} {
		if count[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[v], v))
		}
	}
	line := fmt.Sprintf("gate: %s (exit %d): %d limits: %s", a.Verdict, a.Exit, len(a.Rows), strings.Join(parts, ", "))
	if a.Incomplete != "" {
		line += "; the run ended early: " + a.Incomplete
	}
	return line
}

func (r Row) limit() string {
	sign := "≤"
	if r.AtLeast {
		sign = "≥"
	}
	return fmt.Sprintf("%s %s %s", r.shown(), sign, figure(r.Limit))
}

func (r Row) measured() string {
	switch m := r.Measured; {
	case m == nil:
		return "–"
	case m.Point:
		return unit(figure(m.Median), r.Unit)
	case m.Rounds == 1:
		return unit(figure(m.Median), r.Unit) + " in 1 round"
	case m.Rounds > 1:
		return fmt.Sprintf("%s, %s in %d rounds", figure(m.Median), unit(figure(m.Lo)+" to "+figure(m.Hi), r.Unit), m.Rounds)
	default:
		return unit(fmt.Sprintf("%s [%s, %s]", figure(m.Median), figure(m.Lo), figure(m.Hi)), r.Unit)
	}
}

// unit puts a unit after a figure; a count has none.
func unit(figure, of string) string { return strings.TrimSpace(figure + " " + of) }

// figure writes a number with four significant digits and, from 10 000 on, with
// its thousands apart.
func figure(v float64) string {
	if v < 1e4 && v > -1e4 {
		return fmt.Sprintf("%.4g", v)
	}
	digits := fmt.Sprintf("%.0f", v)
	start := len(digits) % 3
	if start == 0 || digits[:start] == "-" {
		start += 3
	}
	parts := []string{digits[:start]}
	for i := start; i < len(digits); i += 3 {
		parts = append(parts, digits[i:i+3])
	}
	return strings.Join(parts, " ")
}

// cellTitle names a cell as its benchmark line does.
func cellTitle(c *reports.Cell) string {
	named := make(map[string]string, len(c.Named))
	for _, k := range c.Named {
		named[k] = c.Options[k]
	}
	return title(c.Scenario, c.Style, named)
}

func title(scenario, style string, options map[string]string) string {
	if style == "" {
		style = "any style"
	}
	parts := []string{scenario, style}
	for _, k := range slices.Sorted(maps.Keys(options)) {
		parts = append(parts, k+"="+options[k])
	}
	return strings.Join(parts, " ")
}
