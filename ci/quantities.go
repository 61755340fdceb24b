package ci

import (
	"fmt"
	"math"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"rubato/reports"
	"rubato/results"
)

// The fields of a budget that hold limits.
const (
	inLimits    = "limits"    // on figures of a cell
	inChange    = "change"    // against another revision, measured in the same run
	inComponent = "component" // on the time of a part of an operation
	inShare     = "share"     // on its share of the operation
)

var limitParts = []string{inLimits, inChange, inComponent, inShare}

// saving is what a cell takes less than the one that it is compared with, at least.
const saving = "saving"

// units are those that values in a budgets file may have, each with the one that the gate
// judges in.
var units = map[string]struct {
	of  string
	per float64
}{
	"ns": {"ns", 1}, "us": {"ns", 1e3}, "µs": {"ns", 1e3}, "μs": {"ns", 1e3}, "ms": {"ns", 1e6}, "s": {"ns", 1e9},
	"B": {"B", 1}, "kB": {"B", 1e3}, "MB": {"B", 1e6}, "GB": {"B", 1e9}, "KiB": {"B", 1 << 10}, "MiB": {"B", 1 << 20}, "GiB": {"B", 1 << 30},
	"%": {"%", 1},
}

// judgedIn is the unit that the gate judges a metric or measure in.
func judgedIn(unit string) string {
	switch unit {
	case "µs":
		return "ns"
	case "MB", "bytes":
		return "B"
	case "x":
		return "×"
	}
	return unit
}

// wanted says what a value of this unit looks like.
func wanted(unit string) string {
	switch unit {
	case "ns":
		return "a time such as 250µs or 5ms"
	case "B":
		return "a size such as 4kB or 150MB"
	case "%":
		return "a percentage such as 1%"
	case "×":
		return "a ratio such as 1.10"
	case saving:
		return "a time such as 5µs or a percentage such as 10%"
	}
	return "a number from 0"
}

// A quantity is what a limit is about: a metric, or a measure of the scenario if the budget
// names a figure.
type quantity struct {
	results.Metric
	field string
	unit  string
	plain float64 // what a number without a unit counts; 0: it must have one
	floor bool    // the limit is the smallest allowed value, not the largest
	over0 bool    // nothing keeps a limit of 0
	read  func(*evidence, *results.Cell) (m *Measure, lacks string)
	each  bool    // without an interval, every round is judged
	slack float64 // so much over the limit is no difference
}

// quantities are all metrics that a budget can limit, in the order of the manual.
var quantities = func() (all []quantity) {
	for _, m := range results.Metrics {
		if m.Budget.Field != "" {
			q := quantity{Metric: m, field: withoutUnit(m.Budget.Field), unit: judgedIn(m.Budget.Unit), floor: m.More,
				read: func(_ *evidence, c *results.Cell) (*Measure, string) { return readMetric(m, c), "" }}
			q.over0 = q.unit == "×" || m.Budget.Unit == "MB" || q.unit == "ns" && !m.Relative || m.More
			if q.plain = m.Budget.Per; q.field != m.Budget.Field && (q.unit == "ns" || m.Budget.Unit == "MB") {
				q.plain = 0
			}
			all = append(all, q)
		}
	}
	return all
}()

// withoutUnit is the name of a metric whose value has its unit beside it: overhead instead of
// overhead_us.
func withoutUnit(field string) string {
	if field = strings.TrimSuffix(field, "_op"); field == "ns" {
		return "time"
	}
	for _, unit := range []string{"_ns", "_us", "_mb", "_pct"} {
		field = strings.TrimSuffix(field, unit)
	}
	return field
}

// findQuantity finds a metric by its name, or by that of schema 1, in which a number is in the
// unit that the name says.
func findQuantity(field string) (quantity, bool) {
	for _, q := range quantities {
		if field == q.field {
			return q, true
		}
		if field == q.Budget.Field {
			q.plain = q.Budget.Per
			return q, true
		}
	}
	return quantity{}, false
}

// relative reports whether a limit's name is that of a comparison with the baseline.
func relative(field string) bool {
	q, _ := findQuantity(field)
	return q.Relative
}

func quantityFields() []string {
	fields := make([]string, len(quantities))
	for i, q := range quantities {
		fields[i] = q.field
	}
	return fields
}

// quantityManual lists the fields for the command's help.
func quantityManual() string {
	var b strings.Builder
	for _, q := range quantities {
		fmt.Fprintf(&b, "    %-19s %-8s %s\n", q.field, q.unit, q.Budget.Doc)
	}
	return b.String()
}

// inPart is what a limit of this name is about in a field of a budget.
func inPart(part, name string) (quantity, bool) {
	switch {
	case part == inChange:
		return changeOf(name)
	case part == inComponent || part == inShare:
		return componentOf(part, name)
	case name == saving:
		return quantity{field: saving, unit: saving, floor: true, read: saved}, true
	case bounds(name):
		return quantity{field: name, plain: 1}, true
	}
	return findQuantity(name)
}

// namesIn are the names that limits may have in a field of a budget.
func namesIn(part string) []string {
	switch part {
	case inComponent, inShare:
		return reports.Parts()
	case inChange:
		var all []string
		for _, q := range quantities {
			for _, name := range []string{q.field, q.field + "_ratio"} {
				if _, is := changeOf(name); is {
					all = append(all, name)
				}
			}
		}
		return all
	}
	return quantityFields()
}

// limits reads the limits in one of the fields of a budget. A value may differ by machine.
func (p *parse) limits(part string, n ast.Node, path string) (limits []Limit) {
	first := map[string]string{} // names by quantity
	lines := p.pairs(n, path, func(key string, v *ast.MappingValueNode) {
		at := path + "." + key
		q, ok := inPart(part, key)
		switch other := first[q.field]; {
		case !ok:
			p.fault(v.Key, at, "unknown quantity; %s", suggest(key, namesIn(part)))
			return
		case other != "":
			p.fault(v.Key, at, "is %s, which has a limit already", other)
			return
		}
		first[q.field] = key
		if _, is := v.Value.(*ast.MappingNode); !is {
			limits = append(limits, p.limit(q, Limit{Part: part, Quantity: key, line: lineOf(v.Key)}, v.Value, at))
			return
		}
		if byMachine := p.pairs(v.Value, at, func(machine string, v *ast.MappingValueNode) {
			limits = append(limits, p.limit(q, Limit{Part: part, Quantity: key, Machine: machine, line: lineOf(v.Key)}, v.Value, at+"."+machine))
		}); len(byMachine) == 0 {
			p.fault(v.Value, at, "must be %s, or one for each machine", wanted(q.unit))
		}
	})
	if lines != nil && len(lines) == 0 {
		p.fault(n, path, "no limit gates nothing; %s", suggest("", namesIn(part)))
	}
	return limits
}

// limit reads the value of a limit.
func (p *parse) limit(q quantity, l Limit, n ast.Node, path string) Limit {
	v, written, ok := p.amount(n, path, wanted(q.unit))
	unit, known := units[written]
	open := l.Quantity == saving || bounds(l.Quantity) // the unit is known later
	switch {
	case !ok:
	case written == "" && v > 0 && q.plain == 0:
		p.fault(n, path, "%s of what? it must be %s", kind(n), wanted(q.unit))
	case written == "":
		l.Value = v * q.plain
	case !known:
		p.fault(n, path, "unknown unit %q; must be %s", written, wanted(q.unit))
	case !open && unit.of != q.unit:
		p.fault(n, path, "must be %s, not %s", wanted(q.unit), kind(n))
	default:
		l.Value, l.Unit = v*unit.per, unit.of
	}
	if ok && v == 0 && q.over0 {
		p.fault(n, path, "must be %s, and over 0", wanted(q.unit))
	}
	return l
}

// scaled is the unit in which a value reads best, and how many of its own it holds.
func scaled(unit string, v float64) (per float64, name string) {
	per, name = 1, unit
	for _, larger := range map[string][]string{"ns": {"µs", "ms", "s"}, "B": {"kB", "MB", "GB"}}[unit] {
		if math.Abs(v) >= 999.5*per {
			per, name = per*1000, larger
		}
	}
	return per, name
}
