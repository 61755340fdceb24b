package ci

import (
	"strings"

	"rubato/reports"
)

// What a budget that names a figure may limit it by.
const (
	most  = "max"
	least = "min"
)

// figurePrefix marks, in an answer, a quantity that is a scenario's own measure.
const figurePrefix = "figure:"

// bounds says whether a limit's name is one for figures.
func bounds(name string) bool { return name == most || name == least }

// quantity is what a limit of this budget is about.
func (b Budget) quantity(run *reports.Run, scenario string, l Limit) quantity {
	if b.Figure == "" {
		q, _ := findQuantity(l.Quantity)
		return q
	}
	of := reports.Measure{Name: b.Figure}
	for _, m := range measuresOf(run, scenario) {
		if m.Name == b.Figure {
			of = m
		}
	}
	return quantity{field: figurePrefix + b.Figure, unit: of.Unit, floor: l.Quantity == least, each: true,
		read: func(c *reports.Cell) *Measure { return measured(c, of) }}
}

// measured reads a figure. Here a zero is one: it was told.
func measured(c *reports.Cell, of reports.Measure) *Measure {
	e, told := c.Figures[of.Name]
	if !told {
		return nil
	}
	judged, byRound := of.Judged(e, c.Spans[of.Name])
	m := &Measure{Median: judged.Median, Lo: judged.Lo, Hi: judged.Hi}
	if byRound {
		m.Rounds = max(c.Rounds, 1)
	}
	return m
}

func measuresOf(run *reports.Run, scenario string) []reports.Measure {
	for _, s := range run.Scenarios {
		if s.Name == scenario {
			return s.Measures
		}
	}
	return nil
}

// figures are the names of what the budget's scenarios measure, of those that ran.
func (b Budget) figures(run *reports.Run) (names []string, ran bool) {
	for _, scenario := range b.Scenarios {
		for _, s := range run.Scenarios {
			ran = ran || s.Name == scenario
		}
		for _, m := range measuresOf(run, scenario) {
			names = append(names, m.Name)
		}
	}
	return names, ran
}

// bounded asks that max and min stand with a figure, and nothing else does.
func (p *parse) bounded(b Budget, path string) {
	for _, l := range b.Limits {
		field := path + ".limits." + l.Quantity
		switch {
		case b.Figure == "" && bounds(l.Quantity):
			p.faults = append(p.faults, Fault{p.file, l.line, field, "of what? name one of the scenario's measures in the field `figure`, or " + suggest(l.Quantity, quantityFields())})
		case b.Figure != "" && !bounds(l.Quantity):
			p.faults = append(p.faults, Fault{p.file, l.line, field, "a budget with a `figure` has the limits max and min; put " + l.Quantity + " into a budget of its own"})
		}
	}
}

// shown is a quantity as people read it.
func (r Row) shown() string {
	return strings.TrimPrefix(strings.TrimSuffix(r.Quantity, "_min"), figurePrefix)
}
