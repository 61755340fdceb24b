package runner

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// text is the answer as people read it.
func (f *findings) text() string {
	var out strings.Builder
	switch f.Verdict {
	case "fit":
		fmt.Fprintln(&out, "This machine is fit for gates.")
	case "not fit":
		fmt.Fprintln(&out, "This machine is not fit for gates:")
	default:
		fmt.Fprintln(&out, "Whether this machine is fit for gates is open:")
	}
	for _, why := range f.Why {
		fmt.Fprintf(&out, "  %s\n", why)
	}
	if f.Incomplete != "" {
		fmt.Fprintf(&out, "The check ended early: %s\n", f.Incomplete)
	}
	fmt.Fprintf(&out, "\n%s\n\n", f.table())
	fmt.Fprintf(&out, "Rates in %%, with 95 %% intervals, of trials of %d rounds. Smallest effect: of a run of %d. Seed %d, %.0f s.\n",
		f.Rounds, f.EffectRounds, f.Seed, f.Seconds)
	fmt.Fprintf(&out, "Measured one after the other instead (the same blocks): twins differ in %s of trials.\n", f.All.InTurn)
	for _, d := range f.Duty {
		fmt.Fprintln(&out, d)
	}
	if len(f.Advice) > 0 {
		fmt.Fprintln(&out, "\nAdvice:")
	}
	for _, advice := range f.Advice {
		fmt.Fprintf(&out, "  %s\n", advice)
	}
	return out.String()
}

// table is a line for each weather.
func (f *findings) table() string {
	t := plainTable()
	t.AppendHeader(table.Row{"weather", "trials", "type I", "coverage", "+10 % found", "over +5 %", "in turn", "smallest effect"})
	var columns []table.ColumnConfig
	for number := 2; number <= 8; number++ {
		columns = append(columns, table.ColumnConfig{Number: number, Align: text.AlignRight})
	}
	t.SetColumnConfigs(columns)
	for _, c := range append(append([]condition{}, f.Conditions...), f.All) {
		t.AppendRow(table.Row{c.Name, c.Trials, c.TypeI.cell(), c.Coverage.cell(), c.Found.cell(), c.Over.cell(), c.InTurn.cell(), c.effect()})
	}
	return t.Render()
}

// effect is the smallest effect, for a table.
func (c condition) effect() string {
	if c.Lives == 0 {
		return "-"
	}
	return percentage(c.SmallestEffect)
}

// cell is a share for a table: 4.2 [1.1, 9.7].
func (s share) cell() string {
	if s.N == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f [%.1f, %.1f]", 100*s.Share, 100*s.Lo, 100*s.Hi)
}
