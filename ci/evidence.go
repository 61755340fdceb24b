package ci

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rubato/reports"
	"rubato/results"
)

// An evidence is a run with what the gate reads besides its summary.
type evidence struct {
	*results.Run
	baseline string                             // of the budgets
	strict   bool                               // see Budgets.RequireAgainst
	details  results.Details                    // for what compares a cell with another than the baseline
	parts    map[string]map[string]reports.Part // by cell and name; nil: no profiles
}

// change is what another revision changed in a cell.
func (e *evidence) change(c *results.Cell) (change *results.Change, lacks string) {
	key := c.Key()
	i := slices.IndexFunc(e.Changes, func(x results.Change) bool { return x.Of == key })
	switch {
	case len(e.Changes) == 0:
		return nil, "not measured in this run: add -against REV to run"
	case i < 0:
		return nil, "not measured in " + e.revision()
	case e.Changes[i].Before.Verdict == results.Invalid:
		return nil, fmt.Sprintf("the work changed since %s: %s", e.revision(), e.Changes[i].Before.Why)
	}
	return &e.Changes[i], ""
}

// revision is the name of the other revision.
func (e *evidence) revision() string {
	if e.Against == nil || e.Against.Asked == "" {
		return "before"
	}
	return e.Against.Asked
}

// ofChange are the metrics that a change has itself.
var ofChange = []string{"ratio", "mean_ratio", "cpu_ratio", "overhead_ns"}

// changeOf is what a limit in the field change is about: a ratio of the cell to what it was
// before, or how much more than before a figure is.
func changeOf(name string) (quantity, bool) {
	q, ok := findQuantity(name)
	switch base, of := strings.CutSuffix(name, "_ratio"); {
	case ok && q.floor:
		return quantity{}, false
	case ok && slices.Contains(ofChange, q.Name): // it is read from the change
	case ok && !q.Relative:
		q.over0, q.read = false, changed(q.Metric, increment)
		if q.Count {
			q.slack = 0.5 // a count an operation is judged to the nearest whole number
		}
	case of:
		if q, ok = findQuantity(base); !ok || q.floor || q.Relative || q.field != base {
			return quantity{}, false
		}
		q = quantity{Metric: results.Metric{Count: q.Count, Quantile: q.Quantile}, field: name, unit: "×", plain: 1, over0: true, read: changed(q.Metric, quotient)}
	}
	return q, ok
}

// changed compares a figure of a cell with what it was before.
func changed(of results.Metric, compare func(now, before *Measure) *Measure) func(*evidence, *results.Cell) (*Measure, string) {
	return func(e *evidence, c *results.Cell) (*Measure, string) {
		x, lacks := e.change(c)
		if x == nil {
			return nil, lacks
		}
		now, before := readMetric(of, c), readMetric(of, &x.Before)
		if now == nil || before == nil {
			return nil, ""
		}
		return compare(now, before), ""
	}
}

// increment is how much more a is than b.
func increment(a, b *Measure) *Measure {
	return &Measure{Median: a.Median - b.Median, Lo: a.Lo - b.Hi, Hi: a.Hi - b.Lo, Point: a.Point || b.Point, Rounds: max(a.Rounds, b.Rounds)}
}

// quotient is a as a multiple of b, nil if b may be 0.
func quotient(a, b *Measure) *Measure {
	if b.Lo <= 0 || a.Lo < 0 {
		return nil
	}
	return &Measure{Median: a.Median / b.Median, Lo: a.Lo / b.Hi, Hi: a.Hi / b.Lo, Point: a.Point || b.Point, Rounds: max(a.Rounds, b.Rounds)}
}

// compared is the cell that a limit judges: with figures that compare it with another revision, or
// with what the budget names, if it does.
func (b Budget) compared(e *evidence, l Limit, q quantity, c *results.Cell) (out *results.Cell, lacks string) {
	switch {
	case l.Part == inChange && q.Relative:
		x, lacks := e.change(c)
		if x == nil {
			return nil, lacks
		}
		return x.Compared(*c), ""
	case b.To != nil:
		return b.versus(e, c)
	}
	return c, ""
}

// versus is the cell with ratios and overhead to the one that the budget names instead of the
// baseline. It is nil if there is none.
func (b Budget) versus(e *evidence, c *results.Cell) (out *results.Cell, lacks string) {
	options := maps.Clone(c.Options)
	if options == nil {
		options = map[string]string{}
	}
	maps.Copy(options, b.To.Options)
	i := slices.IndexFunc(e.Cells, func(x results.Cell) bool {
		return x.Scenario == c.Scenario && x.Style == cmp.Or(b.To.Style, c.Style) && results.Within(b.To.Options, x.Options) && results.Agree(x.Options, options)
	})
	switch {
	case i < 0:
		return nil, b.To.label() + " was not measured in this run"
	case e.Cells[i].Verdict == results.Invalid:
		return nil, b.To.label() + " is invalid: " + e.Cells[i].Why
	}
	other := &e.Cells[i]
	if e.ComparisonOf(c) == e.ComparisonOf(other) {
		if out, ok := reports.Versus(e.Run, c, other, e.details); ok {
			return out, ""
		}
		return nil, "no round in the raw results has both this and " + b.To.label()
	}
	// They were measured one after the other, so no trial has both.
	return unpaired(c, other), ""
}

// unpaired has ratios and overhead from the intervals of two cells that share no trial.
func unpaired(c, other *results.Cell) *results.Cell {
	estimate := func(name string, compare func(a, b *Measure) *Measure) *results.Estimate {
		of, _ := results.MetricNamed(name)
		a, b := readMetric(of, c), readMetric(of, other)
		if a == nil || b == nil {
			return nil
		}
		m := compare(a, b)
		switch {
		case m == nil:
			return nil
		case m.Rounds > 0:
			e := results.Unbounded(m.Median)
			return &e
		}
		return &results.Estimate{Median: m.Median, Lo: m.Lo, Hi: m.Hi}
	}
	out := *c
	time := "ns_op"
	if c.TypicalNsOp != nil && other.TypicalNsOp != nil {
		time = "typical_ns_op"
	}
	out.Ratio, out.OverheadNs = estimate(time, quotient), estimate(time, increment)
	out.MeanRatio, out.CPURatio = estimate("ns_op", quotient), estimate("cpu_ns_op", quotient)
	return &out
}

// saved is what the cell takes less than the other, as a time.
func saved(_ *evidence, c *results.Cell) (*Measure, string) {
	of, _ := results.MetricNamed("overhead_ns")
	m := readMetric(of, c)
	if m == nil {
		return nil, ""
	}
	return &Measure{Median: -m.Median, Lo: -m.Hi, Hi: -m.Lo, Rounds: m.Rounds}, ""
}

// savedShare is the same as a percentage of the other's time.
func savedShare(_ *evidence, c *results.Cell) (*Measure, string) {
	of, _ := results.MetricNamed("ratio")
	m := readMetric(of, c)
	if m == nil {
		return nil, ""
	}
	return &Measure{Median: 100 * (1 - m.Median), Lo: 100 * (1 - m.Hi), Hi: 100 * (1 - m.Lo), Rounds: m.Rounds}, ""
}

// label is the other arm, or the options in which it differs.
func (o Other) label() string {
	c := results.Cell{Style: o.Style, Options: o.Options, Named: slices.Sorted(maps.Keys(o.Options))}
	return c.Label()
}

// componentOf is the time that a part of an operation takes, or its share.
func componentOf(field, part string) (quantity, bool) {
	q := quantity{field: part, unit: "ns", read: func(e *evidence, c *results.Cell) (*Measure, string) {
		of, is := e.parts[c.Key()][part]
		if !is {
			return nil, "no profile shows its parts: measure with run -profile 10s"
		}
		x := of.Time
		if field == inShare {
			x = of.Share
		}
		if !x.Bounded() {
			return &Measure{Median: x.Median, Lo: x.Median, Hi: x.Median, Rounds: max(c.Rounds, 1)}, ""
		}
		return &Measure{Median: x.Median, Lo: x.Lo, Hi: x.Hi}, ""
	}}
	if field == inShare {
		q.unit, q.plain = "%", 100
	}
	return q, slices.Contains(reports.Parts(), part)
}
