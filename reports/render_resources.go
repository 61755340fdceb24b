package reports

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"rubato/results"
)

// resourceSection shows what each style used, side by side. There is none if all cells are
// invalid.
func resourceSection(dir string, run *results.Run, s results.Scenario, gs []group, details results.Details) ([]section, error) {
	if s.Pieces() {
		return nil, nil // pieces are too many for one table
	}
	out := section{ID: slug(s.Name) + "-resources", Aside: asideDetail, Title: s.Name + ": resources", Text: []string{
		"Means per operation over the timed rounds, of the measured process and all processes that it started. Below each is the difference to the baseline. CPU of a core is measured over its windows. RSS is the largest of any round."}}
	for _, g := range gs {
		if t := resourceTable(g, details); len(t.Rows) > 0 {
			out.Grids = append(out.Grids, t)
		}
		t, err := ownerTable(dir, run, g, details.Profiles)
		if err != nil {
			return nil, err
		}
		if len(t.Rows) > 0 {
			out.Grids = append(out.Grids, t)
		}
	}
	if len(out.Grids) == 0 {
		return nil, nil
	}
	for _, what := range slices.Sorted(maps.Keys(run.Machine.Unavailable)) {
		out.Text = append(out.Text, fmt.Sprintf("No %s: %s.", what, run.Machine.Unavailable[what]))
	}
	return []section{out}, nil
}

// resourceRows are the metrics of the table. The CPU time of other processes follows that
// of the measured process. A resource that only some cells report has a row, too.
func resourceRows(cells []*results.Cell) []results.Metric {
	var rows []results.Metric
	for _, m := range results.Metrics {
		if m.Resource != "" {
			rows = append(rows, m)
		}
		if m.Name == "system_ns_op" {
			for _, name := range otherProcessNames(cells) {
				rows = append(rows, results.Metric{Name: name, Resource: "CPU of " + strings.TrimPrefix(name, otherProcess), Unit: "ns"})
			}
		}
	}
	return rows
}

// resourceOf reads a metric. An idle CPU of 0 is a figure only if idle time was sampled.
func resourceOf(m results.Metric, c *results.Cell, details results.Details) (float64, bool) {
	e, known := m.Of(c)
	if m.Name == "idle_cpu" {
		known = idleText(c, details) != noFigure
	}
	return e.Median, known
}

// otherProcessNames are the processes that the styles started.
func otherProcessNames(cells []*results.Cell) (names []string) {
	for _, c := range cells {
		for name := range c.Spent {
			if strings.HasPrefix(name, otherProcess) {
				names = results.AddOnce(names, name)
			}
		}
	}
	return slices.Sorted(slices.Values(names))
}

// resourceTable has one column per style.
func resourceTable(g group, details results.Details) Grid {
	t := Grid{Title: g.title, Head: []string{"per operation"}, Text: []int{0}}
	var cells []*results.Cell
	for i, c := range g.cells {
		if c.Verdict != results.Invalid {
			cells = append(cells, c)
			t.Head = append(t.Head, g.labels[i])
		}
	}
	var none []string
	for _, m := range resourceRows(cells) {
		texts, any, used := []string{m.Resource}, false, false
		for _, c := range cells {
			text := noFigure
			if value, known := resourceOf(m, c, details); known {
				text, any, used = showUnit(m.Unit)(value)+resourceDifference(m, g.baseline, c, details), true, used || value != 0
			}
			texts = append(texts, text)
		}
		switch {
		case used:
			t.Add("", texts...)
		case any:
			none = append(none, m.Resource)
		}
	}
	if len(none) > 0 {
		t.Notes = append(t.Notes, "0 in every style: "+strings.Join(none, ", ")+".")
	}
	return t
}

// resourceDifference is the difference to the baseline, as the second line of a value.
func resourceDifference(m results.Metric, base, c *results.Cell, details results.Details) string {
	if base == nil || base == c || base.Verdict == results.Invalid {
		return ""
	}
	own, _ := resourceOf(m, c, details)
	of, known := resourceOf(m, base, details)
	if !known {
		return ""
	}
	return secondary + showDifference(m.Unit)(own-of)
}

// otherProcess is the prefix of a process's name in Cell.Spent.
const otherProcess = "cpu_ns of "

// spentOn returns the means per operation of every resource that all blocks report, and
// the CPU time of the processes that the style started.
func spentOn(blocks []results.Block) map[string]float64 {
	spent, ops := map[string]float64{}, 0.0
	for _, b := range blocks {
		ops += float64(b.Ops)
		if b.Resources == nil {
			continue
		}
		for name, used := range b.Resources.Apart {
			spent[otherProcess+name] += float64(used)
		}
	}
	for name := range spent {
		spent[name] /= max(ops, 1)
	}
	for _, m := range results.Metrics {
		if mean, known := m.Mean(blocks); known && m.IsSpent() {
			spent[m.Name] = mean
		}
	}
	if len(spent) == 0 {
		return nil
	}
	return spent
}

// MeasureJudged is what a claim or a budget of the measure is compared with: the interval
// or, if byRound, the smallest and the largest round.
func MeasureJudged(m results.Measure, e results.Estimate, s results.Span) (judged results.Estimate, byRound bool) {
	if m.Unit == "" || !e.Bounded() {
		return results.Estimate{Median: e.Median, Lo: s.Least, Hi: s.Most}, true
	}
	return e, false
}

// brief is the median, followed by what it is judged by: [the 95 % interval], or the
// smallest to the largest round.
func brief(m results.Measure, e results.Estimate, s results.Span, rounds int) string {
	show := showUnit(m.Unit)
	judged, byRound := MeasureJudged(m, e, s)
	lo, hi := show(judged.Lo), show(judged.Hi)
	switch {
	case !byRound:
		return ranged(judged, show)
	case rounds == 1 || lo == hi:
		return show(e.Median)
	}
	return show(e.Median) + ", " + lo + " to " + hi
}

// measureEstimate is the median and, on a second line, what it is judged by.
func measureEstimate(m results.Measure, e results.Estimate, s results.Span, rounds int) string {
	show := showUnit(m.Unit)
	judged, byRound := MeasureJudged(m, e, s)
	text := show(e.Median) + secondary
	switch {
	case !byRound:
		return text + interval(judged, 1, "", show)
	case rounds == 1:
		return text + oneRound
	}
	text += show(s.Least) + " to " + show(s.Most) + " in " + plural(rounds, "round")
	if !e.Bounded() {
		text += ", no interval"
	}
	return text
}

// oneRound follows a figure whose spread is unknown.
const oneRound = "1 round, no interval"

// benchUnit is the measure as a unit of Go benchmark lines: "p99-late-ns".
func benchUnit(m results.Measure) string {
	return slug(m.Name) + map[string]string{"ns": "-ns", "bytes": "-B", "%": "-pct", "/s": "/s", "x": "-x"}[m.Unit]
}

// figures computes Figures and Spans from the blocks that report them. Rounds that do not
// report a figure are ignored.
func figures(c *results.Cell, blocks []results.Block, own estimator) error {
	values := map[string][]float64{}
	for _, b := range blocks {
		for name, v := range b.Figures {
			values[name] = append(values[name], v)
		}
	}
	c.Figures, c.Spans = nil, nil
	if len(values) == 0 {
		return nil
	}
	c.Figures, c.Spans = map[string]results.Estimate{}, map[string]results.Span{}
	for name, of := range values {
		e, err := own(of)
		if err != nil {
			return fmt.Errorf("figure %s: %w", name, err)
		}
		c.Figures[name], c.Spans[name] = e, results.Span{Least: slices.Min(of), Most: slices.Max(of)}
	}
	return nil
}

// wireSection shows what crossed the network between modules, as its server counted it. There
// is none if no cell was counted, as in runs that are older than the counts.
func wireSection(run *results.Run) []section {
	modules := wireModules(run)
	t := Grid{Text: []int{0}, Head: append([]string{"cell", "messages/op", "bytes/op", "connections"}, modules...)}
	for i := range run.Cells {
		c := &run.Cells[i]
		if row := wireRow(c, modules); row[1] != noFigure && c.Verdict != results.Invalid {
			t.Add("", row...)
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []section{{ID: "wire", Aside: asideDetail, Title: "On the wire", Grids: []Grid{t}, Text: []string{
		"What crossed the network between modules, per operation. The network's server counts it for each connection, whatever the style reports. Messages and bytes are those that modules sent, so a message counts once, however many receive it. Bytes are header and payload; lines and pings of the network's protocol are not in them. Below a module's name is what its connection sent and received.",
		"A request is two messages: the question and the answer. Operations that share a request to commit share its message, so a count per operation need not be whole."}}}
}

// wireModules are the modules that sent or received something in a cell of the run.
func wireModules(run *results.Run) (modules []string) {
	for i := range run.Cells {
		if check := run.Cells[i].Equivalence; check != nil {
			for name, n := range check.Own {
				if n > 0 && (results.Sent(name) || results.Received(name)) {
					modules = results.AddOnce(modules, name[strings.LastIndex(name, " ")+1:])
				}
			}
		}
	}
	return slices.Sorted(slices.Values(modules))
}

func wireRow(c *results.Cell, modules []string) []string {
	row := []string{c.Scenario + " " + c.Label()}
	for _, name := range []string{"messages_op", "wire_bytes_op", "connections"} {
		shown := noFigure
		m, _ := results.MetricNamed(name)
		if e, known := m.Of(c); known {
			shown = showUnit(m.Unit)(e.Median)
		}
		row = append(row, shown)
	}
	if c.Connections != nil && *c.Connections == 0 {
		row[3] += secondary + "none: one process"
	}
	for _, module := range modules {
		row = append(row, moduleText(c, module))
	}
	return row
}

// moduleText is what a module's connection sent and received, per operation.
func moduleText(c *results.Cell, module string) string {
	if c.Equivalence == nil || c.Work.Stimuli == 0 {
		return noFigure
	}
	if c.Connections != nil && *c.Connections == 0 {
		return noFigure
	}
	side := func(verb, messages, bytes string) string {
		n, counted := c.Equivalence.Own[messages+module]
		if !counted {
			return verb + " " + noFigure
		}
		each := func(n int64) string { return figure(float64(n) / float64(c.Work.Stimuli)) }
		return fmt.Sprintf("%s %s, %s%sB", verb, each(n), each(c.Equivalence.Own[bytes+module]), noBreak)
	}
	return side("sent", results.SentMessages, results.SentBytes) + secondary + side("received", results.ReceivedMessages, results.ReceivedBytes)
}

// withoutWire leaves out counts of what crossed a network, and zeros.
func withoutWire(c results.Counts) results.Counts {
	c = maps.Clone(c)
	maps.DeleteFunc(c, func(name string, n int64) bool { return n == 0 || results.Sent(name) || results.Received(name) })
	return c
}

// machineTable describes the machine, which is part of the result.
func machineTable(m results.Machine) Grid {
	g := Grid{Head: []string{"machine", "value"}, Text: []int{0, 1}}
	add := func(name, value string) {
		if value != "" {
			g.Add("", name, value)
		}
	}
	add("CPU", m.CPU)
	add("cores", strconv.Itoa(m.Cores))
	add("GOMAXPROCS, GOGC", strings.Trim(strconv.Itoa(m.GOMAXPROCS)+", "+m.GOGC, ", "))
	add("system", strings.TrimSpace(m.OS+"/"+m.Arch+" "+m.Kernel))
	add("memory", mebibytes(float64(m.Memory)))
	if m.Available > 0 {
		add("memory available before the run", mebibytes(float64(m.Available)))
	}
	if d := m.Disk; d != nil {
		add("disk of the results", strings.TrimSpace(d.FileSystem+" "+d.Device))
		add("a write made durable there", d.Fsync.Round(time.Microsecond).String()+" (median of 20)")
	}
	add("governor", m.Governor)
	add("turbo", m.Turbo)
	add("load before the run (1, 5, 15 min)", fmt.Sprintf("%.2f %.2f %.2f", m.Load[0], m.Load[1], m.Load[2]))
	add("stolen by the host", percent(m.StealPct))
	add("CPU quota", m.Quota)
	add("temperature", temperature(m))
	if m.MaxMHz != 0 {
		add("frequency after trials", figure(m.MinMHz)+" to "+figure(m.MaxMHz)+noBreak+"MHz")
	}
	add("throttled", m.Throttled)
	for _, w := range m.Warnings {
		add("warning", w)
	}
	add("Go", m.Go)
	commit := m.Commit
	if m.Dirty {
		commit += " with uncommitted changes"
	}
	add("commit", commit)
	for _, name := range slices.Sorted(maps.Keys(m.Versions)) {
		add(name, m.Versions[name])
	}
	return g
}

// temperature is that before the run and the highest after a trial, as far as known.
func temperature(m results.Machine) (text string) {
	if m.TempC != 0 {
		text = figure(m.TempC) + noBreak + "°C"
	}
	if m.MaxTempC > m.TempC {
		text = strings.TrimPrefix(text+", up to "+figure(m.MaxTempC)+noBreak+"°C during the run", ", ")
	}
	return text
}
