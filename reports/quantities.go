package reports

import "strings"

// A quantity is what a claim can be about.
type quantity struct {
	name string // for people
	show func(float64) string
	of   func(*Cell, []Block) (Estimate, bool) // given the cell's own blocks
}

// FigureQuantity begins a claim's quantity that is a Measure of the scenario; its
// name follows.
const FigureQuantity = "figure:"

var quantities = map[string]quantity{
	"ns_op":          {"time per operation", nanoseconds, func(c *Cell, _ []Block) (Estimate, bool) { return c.NsOp, true }},
	"cpu_ns_op":      {"CPU per operation", nanoseconds, func(c *Cell, _ []Block) (Estimate, bool) { return c.CPUNsOp, true }},
	"cpu_ratio":      {"CPU to the baseline's", times, func(c *Cell, _ []Block) (Estimate, bool) { return orNothing(c.CPURatio) }},
	"ratio":          {"ratio to the baseline", times, func(c *Cell, _ []Block) (Estimate, bool) { return orNothing(c.Ratio) }},
	"overhead_ns":    {"overhead per operation", func(x float64) string { return signed(x/1e3) + noBreak + "µs" }, func(c *Cell, _ []Block) (Estimate, bool) { return orNothing(c.OverheadNs) }},
	"p50_ns":         {"median latency", nanoseconds, latencyAt(50)},
	"p95_ns":         {"95th percentile", nanoseconds, latencyAt(95)},
	"p99_ns":         {"99th percentile", nanoseconds, latencyAt(99)},
	"p999_ns":        {"99.9th percentile", nanoseconds, latencyAt(99.9)},
	"ops_per_second": {"operations per second", func(x float64) string { return figure(x) + "/s" }, func(c *Cell, _ []Block) (Estimate, bool) { return perSecond(c.NsOp), true }},
}

// relative are the quantities that the baseline itself has none of.
var relative = map[string]bool{"ratio": true, "overhead_ns": true, "cpu_ratio": true}

// latencyAt reads a percentile. Summarize has read the same histograms: an error
// there has voided the cell.
func latencyAt(q float64) func(*Cell, []Block) (Estimate, bool) {
	return func(_ *Cell, blocks []Block) (Estimate, bool) {
		h, err := mergeLatency(blocks)
		if err != nil {
			return Estimate{}, false
		}
		e := percentileEstimate(h, q)
		return e, e.Median > 0
	}
}

// measured is the measure that a quantity names, if it names one.
func (s Scenario) measured(quantity string) (Measure, bool) {
	name, is := strings.CutPrefix(quantity, FigureQuantity)
	m, ok := s.measure(name)
	return m, is && ok
}

// ofFigure reads a measure.
func ofFigure(m Measure) quantity {
	return quantity{m.Name, m.Show, func(c *Cell, _ []Block) (Estimate, bool) {
		e, ok := c.Figures[m.Name]
		return e, ok
	}}
}

func orNothing(e *Estimate) (Estimate, bool) {
	if e == nil {
		return Estimate{}, false
	}
	return *e, true
}

func perSecond(e Estimate) Estimate {
	if !e.Bounded() {
		return unbounded(1e9 / e.Median)
	}
	return Estimate{1e9 / e.Median, 1e9 / e.Hi, 1e9 / e.Lo}
}

func times(x float64) string { return "×" + ratio(x) }
