package results

import (
	"slices"
	"strings"
	"time"
)

// A Metric is one statistic of a cell. Metrics lists them all: a new statistic is one
// entry there. The report's table of resources, the benchmark lines, claims, budgets and
// the comparison of two runs read it from there.
type Metric struct {
	Name     string // in claims, comparisons and Cell.Spent: "ns_op"
	Title    string // for people: "time per operation"
	Unit     string // one of Units, or one of those below
	More     bool   // a larger value is better; otherwise a smaller one is
	Relative bool   // relative to the baseline, which has none itself
	Point    bool   // one figure of all rounds together, without an interval
	Network  bool   // of what crosses a network: nothing does in a style of one process
	Count    bool   // a count: other programs do not move it, and zero is a value and a limit

	Resource string  // its row in the table of resources; empty: none
	Bench    string  // its unit in Go benchmark lines; empty: it has none
	Compared string  // its name in the comparison of two runs; empty: it is not compared
	Budget   Budget  // how a budget names it; zero: budgets cannot limit it
	Quantile float64 // in percent, of latency; 0: it is no percentile

	cell   func(*Cell) (Estimate, bool) // nil: it is in Cell.Spent
	block  func(*Block) (float64, bool) // total of all operations of a block
	whole  func(*Block) (float64, bool) // of a block as a whole, whatever its operations
	figure string                       // the Measure that it is
}

// Units of metrics beside those of measures.
const (
	UnitPerOp = "/op" // a count per operation
	UnitMiB   = "MiB" // bytes, shown in MiB
	UnitMicro = "µs"  // ns, shown in µs whatever the size, so that rows are easy to compare
	UnitJoule = "J"
	UnitCount = "count" // of what is there, whatever the operations
)

// A Budget is how a budgets file names a metric.
type Budget struct {
	Field string
	Unit  string
	Per   float64 // how many of the metric's own units are one Unit
	Doc   string
}

// MeasurePrefix begins the name of a metric that is a Measure of the scenario.
const MeasurePrefix = "figure:"

// Metrics are all figures of a cell except the scenario's own measures. They are in the
// order of tables and of the gate's manual.
var Metrics = append([]Metric{
	{Name: "ratio", Title: "ratio to the baseline", Unit: "x", Relative: true, Compared: "time",
		Budget: Budget{"ratio", "×", 1, "time per operation over the baseline's, paired by trial or round"},
		cell:   func(c *Cell) (Estimate, bool) { return optional(c.Ratio) }},
	{Name: "overhead_ns", Title: "overhead per operation", Unit: UnitMicro, Relative: true,
		Budget: Budget{"overhead_us", "µs", 1000, "time per operation added to the baseline's, paired by trial or round"},
		cell:   func(c *Cell) (Estimate, bool) { return optional(c.OverheadNs) }},
	{Name: "mean_ratio", Title: "ratio of all operations together", Unit: "x", Relative: true, Compared: "time, all-in",
		Budget: Budget{"mean_ratio", "×", 1, "mean time per operation over the baseline's, with pauses and tails, paired by trial"},
		cell:   func(c *Cell) (Estimate, bool) { return optional(c.MeanRatio) }},
	{Name: "mean_overhead_ns", Title: "overhead of all operations together", Unit: UnitMicro, Relative: true,
		cell: func(c *Cell) (Estimate, bool) { return optional(c.MeanOverheadNs) }},
	{Name: "typical_ns_op", Title: "typical time per operation", Unit: "ns", Bench: "typical-ns/op",
		cell:  func(c *Cell) (Estimate, bool) { return optional(c.TypicalNsOp) },
		block: (*Block).typical},
	{Name: "ns_op", Title: "time per operation", Unit: "ns", Bench: "ns/op", Compared: "time/op",
		Budget: Budget{"ns_op", "ns", 1, "wall time per operation"},
		cell:   func(c *Cell) (Estimate, bool) { return optional(&c.NsOp) },
		block:  func(b *Block) (float64, bool) { return float64(b.Wall), true }},
	{Name: "ops_per_second", Title: "operations per second", Unit: "/s", More: true,
		Budget: Budget{"ops_per_second_min", "/s", 1, "operations per second, at least"}, cell: perSecond},
	percentile("p50_ns", "median latency", 50, "p50-ns/op", "", func(c *Cell) float64 { return c.P50Ns }),
	percentile("p95_ns", "95th percentile", 95, "p95-ns/op", "", func(c *Cell) float64 { return c.P95Ns }),
	percentile("p99_ns", "99th percentile", 99, "p99-ns/op", "p99", func(c *Cell) float64 { return c.P99Ns }),
	percentile("p999_ns", "99.9th percentile", 99.9, "", "", func(c *Cell) float64 { return c.P999Ns }),
	{Name: "cpu_ns_op", Title: "CPU per operation", Unit: "ns", Bench: "cpu-ns/op", Compared: "CPU/op",
		Budget: Budget{"cpu_ns_op", "ns", 1, "user and system CPU per operation"},
		cell:   func(c *Cell) (Estimate, bool) { return optional(&c.CPUNsOp) },
		block:  func(b *Block) (float64, bool) { return float64(b.User + b.System), true }},
	{Name: "cpu_ratio", Title: "CPU to the baseline's", Unit: "x", Relative: true, Compared: "CPU",
		Budget: Budget{"cpu_ratio", "×", 1, "CPU per operation over the baseline's, paired by trial or round"},
		cell:   func(c *Cell) (Estimate, bool) { return optional(c.CPURatio) }},
	{Name: "user_ns_op", Title: "user CPU per operation", Unit: "ns", Resource: "CPU, user", Point: true,
		cell:  func(c *Cell) (Estimate, bool) { return Unbounded(c.UserNsOp), true },
		block: func(b *Block) (float64, bool) { return float64(b.User), true }},
	{Name: "system_ns_op", Title: "system CPU per operation", Unit: "ns", Resource: "CPU, system", Point: true,
		cell:  func(c *Cell) (Estimate, bool) { return Unbounded(c.SystemNsOp), true },
		block: func(b *Block) (float64, bool) { return float64(b.System), true }},
	{Name: "active_cpu", Title: "CPU of a core, active", Unit: "%", Resource: "CPU of a core, active", Point: true,
		Budget: Budget{"active_cpu_pct", "%", 1, "CPU while working, of one core"},
		cell:   func(c *Cell) (Estimate, bool) { return positive(c.ActiveCPU) },
		whole: func(b *Block) (float64, bool) {
			return 100 * float64(b.User+b.System) / float64(max(b.Wall, 1)), b.Wall > 0
		}},
	{Name: "idle_cpu", Title: "CPU of a core, idle", Unit: "%", Resource: "CPU of a core, idle", Point: true,
		Budget: Budget{"idle_cpu_pct", "%", 1, "CPU while idle, of one core"},
		cell:   func(c *Cell) (Estimate, bool) { return Unbounded(c.IdleCPU), c.IdleCPU > 0 || len(c.IdleParts) > 0 }},
	{Name: "rss_peak", Title: "peak resident memory", Unit: UnitMiB, Resource: "RSS, peak", Point: true,
		Budget: Budget{"rss_mb", "MB", 1e6, "peak resident memory, in 1 000 000 bytes"},
		cell:   func(c *Cell) (Estimate, bool) { return positive(float64(c.RSSPeak)) },
		whole:  func(b *Block) (float64, bool) { return float64(b.RSSPeak), b.RSSPeak > 0 }},
	{Name: "kept_bytes_op", Title: "bytes kept per operation", Unit: UnitPerOp, Resource: "bytes kept", Point: true,
		Budget: Budget{"kept_bytes_op", "B", 1, "bytes by which the live heap grows per operation, after a forced collection"},
		cell:   func(c *Cell) (Estimate, bool) { e, is := c.Intervals["kept_bytes_op"]; return e, is },
		whole: func(b *Block) (float64, bool) {
			if b.KeptOp == nil {
				return 0, false
			}
			return *b.KeptOp, true
		}},
	{Name: "bytes_op", Title: "heap bytes per operation", Unit: UnitPerOp, Bench: "B/op", Resource: "bytes allocated", Point: true, Count: true,
		Budget: Budget{"bytes_op", "B", 1, "heap bytes allocated per operation"},
		cell:   func(c *Cell) (Estimate, bool) { return Unbounded(c.BytesOp), true },
		block:  func(b *Block) (float64, bool) { return float64(b.Bytes), true }},
	{Name: "allocs_op", Title: "heap allocations per operation", Unit: UnitPerOp, Bench: "allocs/op", Resource: "allocations", Point: true, Count: true, Compared: "allocs/op",
		Budget: Budget{"allocs_op", "allocs", 1, "heap allocations per operation"},
		cell:   func(c *Cell) (Estimate, bool) { return Unbounded(c.AllocsOp), true },
		block:  func(b *Block) (float64, bool) { return float64(b.Allocs), true }},
	{Name: "switches_op", Title: "context switches per operation", Unit: UnitPerOp, Point: true,
		cell:  func(c *Cell) (Estimate, bool) { return Unbounded(c.SwitchesOp), true },
		block: func(b *Block) (float64, bool) { return float64(b.Voluntary + b.Involuntary), true }},
	crossing("messages_op", "messages between modules per operation", "msgs/op", "messages/op",
		"messages_op", "messages", "messages per operation that modules send over the network", SentMessages),
	crossing("wire_bytes_op", "bytes between modules per operation", "wire-B/op", "bytes/op on the wire",
		"wire_bytes_op", "B", "bytes per operation that modules send over the network, header and payload", SentBytes),
	{Name: "connections", Title: "connections between modules", Unit: UnitCount, Point: true, Network: true, Count: true, Bench: "connections", Compared: "connections",
		cell: func(c *Cell) (Estimate, bool) { return counted(c.Connections) },
		whole: func(b *Block) (float64, bool) {
			e, is := counted(b.Connections)
			return e.Median, is
		}},
	used("gcs", "garbage collections", UnitPerOp, "", func(b *Block) (float64, bool) { return float64(b.GCs), true }),
	used("gc_pause_ns", "their pauses", "ns", "", func(b *Block) (float64, bool) { return float64(b.GCPause), true }),
	used("voluntary", "switches, by itself", UnitPerOp, "", func(b *Block) (float64, bool) { return float64(b.Voluntary), true }),
	used("involuntary", "switches, by the kernel", UnitPerOp, "", func(b *Block) (float64, bool) { return float64(b.Involuntary), true }),
	resource("waited_ns", "waited for a CPU", "ns", "wait-ns/op", func(r *Resources) *time.Duration { return r.Waited }),
	ofIO("reads", "read calls", "reads/op", func(io *IO) *int64 { return &io.Reads }),
	ofIO("writes", "write calls", "writes/op", func(io *IO) *int64 { return &io.Writes }),
	ofIO("read_bytes", "bytes read", "read-B/op", func(io *IO) *int64 { return &io.ReadBytes }),
	ofIO("written_bytes", "bytes written", "written-B/op", func(io *IO) *int64 { return &io.WrittenBytes }),
	ofIO("from_disk", "bytes from the disk", "from-disk-B/op", func(io *IO) *int64 { return &io.FromDisk }),
	ofIO("to_disk", "bytes to the disk", "to-disk-B/op", func(io *IO) *int64 { return &io.ToDisk }),
	resource("minor_faults", "page faults, minor", UnitPerOp, "minor-faults/op", func(r *Resources) *int64 { return &r.MinorFaults }),
	resource("major_faults", "page faults, major", UnitPerOp, "major-faults/op", func(r *Resources) *int64 { return &r.MajorFaults }),
	resource("energy_j", "energy, all CPUs of the machine", UnitJoule, "J/op", func(r *Resources) *float64 { return r.Energy }),
}, executedMetrics()...)

// Of is the figure in the cell's summary. It is false if there is none.
func (m Metric) Of(c *Cell) (Estimate, bool) {
	switch {
	case m.figure != "":
		e, is := c.Figures[m.figure]
		return e, is
	case m.cell != nil:
		return m.cell(c)
	}
	v, is := c.Spent[m.Name]
	return Unbounded(v), is
}

// Interval is that of a Point. It is false if it has none, as in results that are older.
func (m Metric) Interval(c *Cell) (Estimate, bool) {
	e, is := c.Intervals[m.Name]
	return e, is && m.Point && e.Bounded()
}

// Round is the figure of one block: per operation, or of a Measure. It is false if there is
// none. A percentile is read from the histogram instead.
func (m Metric) Round(b *Block) (float64, bool) {
	if m.figure != "" {
		v, is := b.Figures[m.figure]
		return v, is
	}
	if m.whole != nil {
		return m.whole(b)
	}
	if m.block == nil {
		return 0, false
	}
	used, is := m.block(b)
	return used / float64(b.Ops), is
}

// Mean is the mean per operation over all blocks. It is false if one of them has no figure.
func (m Metric) Mean(blocks []Block) (float64, bool) {
	var sum, ops float64
	for i := range blocks {
		used, is := 0.0, m.block != nil
		if is {
			used, is = m.block(&blocks[i])
		}
		if !is {
			return 0, false
		}
		sum, ops = sum+used, ops+float64(blocks[i].Ops)
	}
	return sum / max(ops, 1), ops > 0
}

// IsSpent says whether a cell keeps the metric in Spent.
func (m Metric) IsSpent() bool { return m.cell == nil && m.figure == "" }

// IsMeasure says whether the metric is one of the scenario's own.
func (m Metric) IsMeasure() bool { return m.figure != "" }

// MetricNamed finds a metric of the registry.
func MetricNamed(name string) (Metric, bool) {
	i := slices.IndexFunc(Metrics, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return Metric{}, false
	}
	return Metrics[i], true
}

// Metric finds a metric or, after MeasurePrefix, a measure of the scenario.
func (s Scenario) Metric(name string) (Metric, bool) {
	if of, is := strings.CutPrefix(name, MeasurePrefix); is {
		m, found := s.Measure(of)
		return m.Metric(), found
	}
	return MetricNamed(name)
}

// Metric is the measure as a metric.
func (m Measure) Metric() Metric {
	return Metric{Name: MeasurePrefix + m.Name, Title: m.Name, Unit: m.Unit, More: m.Better == "more", figure: m.Name}
}

func percentile(name, title string, quantile float64, bench, compared string, of func(*Cell) float64) Metric {
	doc := title
	if quantile != 50 {
		doc += " of latency"
	}
	return Metric{Name: name, Title: title, Unit: "ns", Point: true, Bench: bench, Compared: compared, Quantile: quantile,
		Budget: Budget{name, "ns", 1, doc + " of all rounds"}, cell: func(c *Cell) (Estimate, bool) { return positive(of(c)) }}
}

// used is a metric that cells keep in Spent.
func used(name, title, unit, bench string, of func(*Block) (float64, bool)) Metric {
	return Metric{Name: name, Title: title, Unit: unit, Resource: title, Bench: bench, Point: true, block: of}
}

func resource[N int64 | float64 | time.Duration](name, title, unit, bench string, of func(*Resources) *N) Metric {
	return used(name, title, unit, bench, func(b *Block) (float64, bool) {
		if b.Resources == nil || of(b.Resources) == nil {
			return 0, false
		}
		return float64(*of(b.Resources)), true
	})
}

func ofIO(name, title, bench string, of func(*IO) *int64) Metric {
	return resource(name, title, UnitPerOp, bench, func(r *Resources) *int64 {
		if r.IO == nil {
			return nil
		}
		return of(r.IO)
	})
}

// optional is an estimate that may not have been made.
func optional(e *Estimate) (Estimate, bool) {
	if e == nil || *e == (Estimate{}) {
		return Estimate{}, false
	}
	return *e, true
}

// counted is a count that may not have been made.
func counted(n *int) (Estimate, bool) {
	if n == nil {
		return Estimate{}, false
	}
	return Unbounded(float64(*n)), true
}

// positive is a figure that is 0 if it was not measured, such as a percentile of too few
// latencies.
func positive(v float64) (Estimate, bool) { return Unbounded(v), v > 0 }

// perSecond is the inverse of the time per operation: the longest time is the lowest rate.
func perSecond(c *Cell) (Estimate, bool) {
	e, measured := optional(&c.NsOp)
	switch {
	case !measured || e.Median <= 0 || e.Bounded() && e.Lo <= 0:
		return Estimate{}, false
	case !e.Bounded():
		return Unbounded(1e9 / e.Median), true
	}
	return Estimate{Median: 1e9 / e.Median, Lo: 1e9 / e.Hi, Hi: 1e9 / e.Lo}, true
}
