package ci

import (
	"fmt"

	"rubato/reports"
)

// rows holds every cell that the budget means to every limit it sets.
func (b Budget) rows(run *reports.Run) []Row {
	var rows []Row
	for _, scenario := range b.Scenarios {
		for _, style := range b.stylesIn(run, scenario) {
			cells := b.cells(run, scenario, style)
			if len(cells) == 0 {
				rows = append(rows, b.unmeasured(run, scenario, style)...)
			}
			for _, c := range cells {
				rows = append(rows, b.judge(run, c)...)
			}
		}
	}
	return rows
}

// stylesIn are the styles that the budget means: those it names, or all that the
// run has cells of; one nameless style when it has none, so that a row says so.
func (b Budget) stylesIn(run *reports.Run, scenario string) []string {
	if len(b.Styles) > 0 {
		return b.Styles
	}
	var styles []string
	seen := make(map[string]bool)
	for _, c := range run.Cells {
		if c.Scenario == scenario && !seen[c.Style] {
			seen[c.Style] = true
			styles = append(styles, c.Style)
		}
	}
	if len(styles) == 0 {
		return []string{""}
	}
	return styles
}

func (b Budget) cells(run *reports.Run, scenario, style string) []*reports.Cell {
	var cells []*reports.Cell
	for i := range run.Cells {
		c := &run.Cells[i]
		if c.Scenario == scenario && c.Style == style && agrees(b.Options, c.Options) {
			cells = append(cells, c)
		}
	}
	return cells
}

// agrees says whether every wanted option has its value.
func agrees(want, have map[string]string) bool {
	for k, v := range want {
		if have[k] != v {
			return false
		}
	}
	return true
}

func (b Budget) unmeasured(run *reports.Run, scenario, style string) []Row {
	rows := make([]Row, len(b.Limits))
	for i, l := range b.Limits {
		rows[i] = b.row(l, b.quantity(run, scenario, l), title(scenario, style, b.Options))
		rows[i].Verdict, rows[i].Why = Inconclusive, "not measured in this run"
	}
	return rows
}

func (b Budget) judge(run *reports.Run, c *reports.Cell) []Row {
	rows := make([]Row, len(b.Limits))
	invalid := doubt(run, c)
	for i, l := range b.Limits {
		q := b.quantity(run, c.Scenario, l)
		r := b.row(l, q, cellTitle(c))
		switch {
		case invalid != "":
			r.Verdict, r.Why = Invalid, invalid
		case c.Verdict == reports.Inconclusive:
			r.Measured = q.read(c)
			r.Verdict, r.Why = Inconclusive, c.Why
		default:
			r.Measured = q.read(c)
			r.Verdict, r.Why = decide(r.Measured, q, l.Value)
		}
		rows[i] = r
	}
	return rows
}

func (b Budget) row(l Limit, q quantity, cell string) Row {
	return Row{Budget: b.Name, Source: b.Source, Cell: cell, Quantity: q.field,
		Limit: l.Value, Unit: q.unit, AtLeast: q.floor}
}

// decide asks that the whole interval clears the limit; of a figure of too few
// rounds, that each of them does.
func decide(m *Measure, q quantity, limit float64) (verdict, why string) {
	switch {
	case m == nil && relative[q.field]:
		return Inconclusive, "no comparison: the baseline has no figure in this run"
	case m == nil:
		return Inconclusive, "no figure"
	case m.Rounds > 0 && !q.each:
		return Inconclusive, fmt.Sprintf("no interval of so few rounds (%d)", m.Rounds)
	case !(m.Lo <= m.Median && m.Median <= m.Hi):
		return Invalid, fmt.Sprintf("not an interval: %g in [%g, %g]", m.Median, m.Lo, m.Hi)
	}
	lo, hi := m.Lo, m.Hi
	if q.floor {
		lo, hi, limit = -m.Hi, -m.Lo, -limit
	}
	switch {
	case hi <= limit:
		return Within, ""
	case lo > limit:
		return Over, ""
	}
	if m.Rounds > 0 {
		return Inconclusive, "some rounds keep the limit, others do not"
	}
	return Inconclusive, "the interval straddles the limit; more rounds narrow it"
}
