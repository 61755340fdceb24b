package ci

import (
	"fmt"
	"slices"
	"strings"

	"rubato/reports"
	"rubato/results"
)

// The limits of a budget that names a figure.
const (
	most  = "max"
	least = "min"
)

// bounds reports whether a limit's name is one for figures.
func bounds(name string) bool { return name == most || name == least }

// quantity is what a limit of this budget is about.
func (b Budget) quantity(e *evidence, scenario string, l Limit) quantity {
	if b.Figure != "" {
		of, _ := e.Scenario(scenario).Measure(b.Figure)
		of.Name = b.Figure
		return quantity{field: results.MeasurePrefix + b.Figure, unit: judgedIn(of.Unit), floor: l.Quantity == least, each: true,
			read: func(_ *evidence, c *results.Cell) (*Measure, string) { return measured(c, of), "" }}
	}
	q, _ := inPart(l.Part, l.Quantity)
	if q.field == saving {
		if q.unit = l.Unit; l.Unit == "%" {
			q.read = savedShare
		}
	}
	return q
}

// measured reads a figure. Here zero is a value.
func measured(c *results.Cell, of results.Measure) *Measure {
	e, is := c.Figures[of.Name]
	if !is {
		return nil
	}
	judged, byRound := reports.MeasureJudged(of, e, c.Spans[of.Name])
	m := &Measure{Median: judged.Median, Lo: judged.Lo, Hi: judged.Hi}
	if byRound {
		m.Rounds = max(c.Rounds, 1)
	}
	return m
}

// figures are the names of the measures of the budget's scenarios that ran.
func (b Budget) figures(run *results.Run) (names []string, ran bool) {
	for _, scenario := range b.Scenarios {
		ran = ran || slices.ContainsFunc(run.Scenarios, func(s results.Scenario) bool { return s.Name == scenario })
		for _, m := range run.Scenario(scenario).Measures {
			names = append(names, m.Name)
		}
	}
	return names, ran
}

// bounded requires that max and min are used with a figure, and nothing else is.
func (p *parse) bounded(b Budget, path string) {
	for _, l := range b.Limits {
		field := path + "." + l.Part + "." + l.Quantity
		switch {
		case b.Figure == "" && bounds(l.Quantity):
			p.faults = append(p.faults, Fault{p.file, l.line, field, "of what? name one of the scenario's measures in the field `figure`, or " + suggest(l.Quantity, quantityFields())})
		case b.Figure != "" && !bounds(l.Quantity):
			p.faults = append(p.faults, Fault{p.file, l.line, field, "a budget with a `figure` has the limits max and min; put " + l.Quantity + " into a budget of its own"})
		case l.Quantity == saving && b.To == nil:
			p.faults = append(p.faults, Fault{p.file, l.line, field, "compared with what? name another piece or style, or other options, in the field `to`"})
		case l.Quantity != saving && b.To != nil && !(l.Part == inLimits && relative(l.Quantity)):
			p.faults = append(p.faults, Fault{p.file, l.line, field, "compares nothing with what `to` names; put it into a budget of its own"})
		}
	}
}

// shown is a quantity in text for people, with what it compares with.
func (r Row) shown() string {
	name := strings.TrimPrefix(strings.TrimSuffix(r.Quantity, "_min"), results.MeasurePrefix)
	for part, words := range map[string]string{inChange: "", inComponent: "", inShare: "share of "} {
		if of, is := strings.CutPrefix(name, part+"."); is {
			name = words + of
		}
	}
	switch {
	case r.To == "":
		return name
	case r.Unit == "×":
		return name + " to " + r.To
	}
	return name + " over " + r.To
}

// rows compares every cell that the budget is about with each of its limits.
func (b Budget) rows(e *evidence) []Row {
	var rows []Row
	for _, scenario := range b.Scenarios {
		for _, style := range b.stylesIn(e, scenario) {
			cells := b.cells(e.Run, scenario, style)
			if len(cells) == 0 {
				rows = append(rows, b.unmeasured(e, scenario, style)...)
			}
			for _, c := range cells {
				rows = append(rows, b.judge(e, c)...)
			}
		}
	}
	return rows
}

// names reports whether the budget is about a style.
func (b Budget) names(style, baseline string) bool {
	return len(b.Styles) == 0 || slices.Contains(b.Styles, style) || slices.Contains(b.Styles, others) && style != baseline
}

// stylesIn are the styles that the budget is about: those it names, or all that have cells
// in the run. If there are none, it is one style without a name, so that a row says so.
func (b Budget) stylesIn(e *evidence, scenario string) []string {
	if len(b.Styles) > 0 && !slices.Contains(b.Styles, others) {
		return b.Styles
	}
	var styles []string
	for _, c := range e.Cells {
		if c.Scenario == scenario && b.names(c.Style, e.BaselineIn(scenario)) {
			styles = results.AddOnce(styles, c.Style)
		}
	}
	if len(styles) == 0 {
		return []string{""}
	}
	return styles
}

func (b Budget) cells(run *results.Run, scenario, style string) []*results.Cell {
	var cells []*results.Cell
	for i := range run.Cells {
		c := &run.Cells[i]
		if c.Scenario == scenario && c.Style == style && results.Within(b.Options, c.Options) {
			cells = append(cells, c)
		}
	}
	return cells
}

func (b Budget) unmeasured(e *evidence, scenario, style string) []Row {
	rows := make([]Row, len(b.Limits))
	for i, l := range b.Limits {
		rows[i] = b.row(e, l, b.quantity(e, scenario, l), scenario, title(scenario, style, b.Options))
		rows[i].Verdict, rows[i].Why = Inconclusive, "not measured in this run"
	}
	return rows
}

func (b Budget) judge(e *evidence, c *results.Cell) []Row {
	rows := make([]Row, len(b.Limits))
	invalid := doubt(e.Run, c)
	for i, l := range b.Limits {
		q := b.quantity(e, c.Scenario, l)
		r := b.row(e, l, q, c.Scenario, c.Scenario+" "+c.Label())
		seen, lacks := b.compared(e, l, q, c)
		if invalid == "" && seen != nil {
			r.Measured, lacks = q.read(e, seen)
		}
		switch {
		case invalid != "":
			r.Verdict, r.Why = Invalid, invalid
		case l.Part == inChange && !e.strict && e.Against == nil && len(e.Changes) == 0: // the run was not asked
			r.Verdict, r.Why = Told, lacks
		case c.Verdict == results.Inconclusive && !q.Count: // too few rounds for times; a count is one in any
			r.Verdict, r.Why = Inconclusive, c.Why
		case lacks != "":
			r.Verdict, r.Why = Inconclusive, lacks
		default:
			r.Verdict, r.Why = decide(r.Measured, q, l.Value)
			r.cell, r.of = seen, q.Metric
		}
		if base := e.BaselineIn(c.Scenario); l.Part == inLimits && q.Relative && b.To == nil && base != e.baseline && !e.Scenario(c.Scenario).Pieces() && (r.Verdict == Within || r.Verdict == Over) {
			r.Verdict, r.Why = Inconclusive, fmt.Sprintf("compared with %s in this run, not with %s", base, e.baseline)
		}
		rows[i] = r
	}
	return rows
}

func (b Budget) row(e *evidence, l Limit, q quantity, scenario, cell string) Row {
	r := Row{Budget: b.Name, Source: b.Source, Line: l.line, Cell: cell, Quantity: q.field,
		Limit: l.Value, Unit: q.unit, AtLeast: q.floor, Warn: b.Warn}
	if l.Part != inLimits {
		r.Quantity = l.Part + "." + q.field
	}
	switch {
	case l.Part == inChange:
		r.To = e.revision()
	case b.To != nil:
		r.To = b.To.label()
	case q.Relative:
		r.To = e.BaselineIn(scenario)
	}
	return r
}

// decide requires that the whole interval keeps the limit or, for a figure of too few
// rounds, that each round does.
func decide(m *Measure, q quantity, limit float64) (verdict, why string) {
	switch {
	case m == nil && q.Relative:
		return Inconclusive, "no comparison: the baseline has no figure in this run"
	case m == nil:
		return Inconclusive, "no figure"
	case m.Point && !q.Count:
		return Told, noInterval(q)
	case m.Rounds > 0 && !q.each:
		return Inconclusive, fmt.Sprintf("no interval of so few rounds (%d)", m.Rounds)
	case !(m.Lo <= m.Median && m.Median <= m.Hi):
		return Invalid, fmt.Sprintf("not an interval: %g in [%g, %g]", m.Median, m.Lo, m.Hi)
	case q.Relative && q.unit == "×" && m.Lo <= 0:
		return Invalid, fmt.Sprintf("%g to %g is no ratio of times", m.Lo, m.Hi)
	}
	lo, hi := m.Lo, m.Hi
	if q.floor {
		lo, hi, limit = -m.Hi, -m.Lo, -limit
	}
	limit += q.slack
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

// noInterval says why a figure is told and not judged.
func noInterval(q quantity) string {
	why := "it has no interval over the trials of this run, and one figure cannot say what is chance"
	if q.Quantile > 0 {
		why += ": a trial takes 20 latencies for the 95th percentile, 100 for the 99th, 1 000 for the 99.9th"
	}
	return why
}

// tightestRows keeps only the tightest of the rows within one limit, and says how many there
// were.
func tightestRows(rows []Row) []Row {
	type limit struct {
		budget, quantity string
		floor            bool
	}
	kept := make(map[limit]int) // rows within
	tightest := make(map[limit]Row)
	for _, r := range rows {
		at := limit{r.Budget, r.Quantity, r.AtLeast}
		if r.Verdict != Within {
			continue
		}
		if kept[at]++; kept[at] == 1 || r.tightness() > tightest[at].tightness() {
			tightest[at] = r
		}
	}
	var out []Row
	for _, r := range rows {
		at := limit{r.Budget, r.Quantity, r.AtLeast}
		if r.Verdict != Within {
			out = append(out, r)
			continue
		}
		if kept[at] == 0 {
			continue
		}
		t := tightest[at]
		if kept[at] > 1 {
			t.Cell = fmt.Sprintf("%s (tightest of %d)", t.Cell, kept[at])
		}
		out, kept[at] = append(out, t), 0
	}
	return out
}

// tightness is the share of the limit that the interval reaches, 1 at the limit.
func (r Row) tightness() float64 {
	if r.Limit == 0 {
		return 1 // a value that keeps such a limit equals it or is far from it
	}
	if r.AtLeast {
		return r.Limit / r.Measured.Lo
	}
	return r.Measured.Hi / r.Limit
}
