package ci

import (
	"fmt"
	"strings"

	"rubato/reports"
)

// A Measure is what was measured of one quantity, in the unit of the limit. A
// Point is a figure of all rounds together, which has no interval: Lo and Hi are
// then the figure itself. A count, and what has too few rounds for an interval, has the
// least and the most round there; where those are not known, the median.
type Measure struct {
	Median float64 `json:"median"`
	Lo     float64 `json:"lo"`
	Hi     float64 `json:"hi"`
	Point  bool    `json:"point,omitempty"`
	Rounds int     `json:"rounds,omitempty"` // set when it has no interval: Lo and Hi are of single rounds
}

// A quantity is a field that may stand under limits in a budgets file.
type quantity struct {
	field string
	unit  string
	doc   string
	floor bool                         // the limit is the least allowed, not the most
	read  func(*reports.Cell) *Measure // nil: the cell has no such figure
	each  bool                         // without an interval, every round is judged
}

// quantities are all that a budget can limit, in the order of the manual.
var quantities = []quantity{
	{"ratio", "×", "time per operation over the baseline's, paired by round", false,
		func(c *reports.Cell) *Measure { return estimate(c, c.Ratio, 1) }, false},
	{"overhead_us", "µs", "time per operation added to the baseline's, paired by round", false,
		func(c *reports.Cell) *Measure { return estimate(c, c.OverheadNs, 1e-3) }, false},
	{"ns_op", "ns", "wall time per operation", false,
		func(c *reports.Cell) *Measure { return estimate(c, &c.NsOp, 1) }, false},
	{"ops_per_second_min", "/s", "operations per second, at least", true, throughput, false},
	{"cpu_ns_op", "ns", "user and system CPU per operation", false,
		func(c *reports.Cell) *Measure { return estimate(c, &c.CPUNsOp, 1) }, false},
	{"cpu_ratio", "×", "CPU per operation over the baseline's, paired by round", false,
		func(c *reports.Cell) *Measure { return estimate(c, c.CPURatio, 1) }, false},
	{"p50_ns", "ns", "median latency of all rounds", false,
		func(c *reports.Cell) *Measure { return positive(c.P50Ns) }, false},
	{"p95_ns", "ns", "95th percentile of latency of all rounds", false,
		func(c *reports.Cell) *Measure { return positive(c.P95Ns) }, false},
	{"p99_ns", "ns", "99th percentile of latency of all rounds", false,
		func(c *reports.Cell) *Measure { return positive(c.P99Ns) }, false},
	{"p999_ns", "ns", "99.9th percentile of latency of all rounds", false,
		func(c *reports.Cell) *Measure { return positive(c.P999Ns) }, false},
	{"allocs_op", "allocs", "heap allocations per operation", false,
		func(c *reports.Cell) *Measure { return point(c.AllocsOp) }, false},
	{"bytes_op", "B", "heap bytes allocated per operation", false,
		func(c *reports.Cell) *Measure { return point(c.BytesOp) }, false},
	{"rss_mb", "MB", "peak resident memory, in 1 000 000 bytes", false,
		func(c *reports.Cell) *Measure { return positive(float64(c.RSSPeak) / 1e6) }, false},
	{"active_cpu_pct", "%", "CPU while working, of one core", false,
		func(c *reports.Cell) *Measure { return positive(c.ActiveCPU) }, false},
	{"idle_cpu_pct", "%", "CPU while idle, of one core", false,
		func(c *reports.Cell) *Measure { return positive(c.IdleCPU) }, false},
}

// relative are the quantities that compare a cell with the baseline.
var relative = map[string]bool{"ratio": true, "overhead_us": true, "cpu_ratio": true}

func estimate(c *reports.Cell, e *reports.Estimate, scale float64) *Measure {
	if e == nil || *e == (reports.Estimate{}) { // all zero: not measured
		return nil
	}
	if m := e.Median * scale; !e.Bounded() {
		return &Measure{Median: m, Lo: m, Hi: m, Rounds: max(c.Rounds, 1)}
	}
	return &Measure{Median: e.Median * scale, Lo: e.Lo * scale, Hi: e.Hi * scale}
}

func point(v float64) *Measure { return &Measure{Median: v, Lo: v, Hi: v, Point: true} }

// positive is a point that cannot be 0: a 0 stands for what was not measured, such
// as a percentile of too few latencies, and would keep every limit.
func positive(v float64) *Measure {
	if v <= 0 {
		return nil
	}
	return point(v)
}

// throughput turns time per operation over: the longest time is the least rate.
func throughput(c *reports.Cell) *Measure {
	e := c.NsOp
	if e.Lo <= 0 || e.Median <= 0 || e.Hi <= 0 {
		return nil
	}
	return &Measure{Median: 1e9 / e.Median, Lo: 1e9 / e.Hi, Hi: 1e9 / e.Lo}
}

func findQuantity(field string) (quantity, bool) {
	for _, q := range quantities {
		if q.field == field {
			return q, true
		}
	}
	return quantity{}, false
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
		fmt.Fprintf(&b, "    %-19s %-7s %s\n", q.field, q.unit, q.doc)
	}
	return b.String()
}
