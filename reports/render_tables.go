package reports

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/montanaflynn/stats"

	"rubato/results"
)

func plural(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// summaryTable is every cell of a scenario, group by group. If a clock paces the scenario,
// its time says nothing: styles differ in latency, CPU and measures. The ratio is then of
// CPU, and the time is the length of a block.
func summaryTable(run *results.Run, gs []group, details results.Details) Grid {
	head := []string{"time/op", "ratio", "overhead/op", "latency"}
	if run.Scenario(gs[0].scenario).Paced {
		head = []string{"lasted", "latency", "CPU/op to the baseline's"}
	}
	t := Grid{Head: slices.Concat([]string{"options", "style"}, head,
		[]string{"CPU/op", "allocs/op", "switches/op", "RSS peak", "CPU of a core", "work done", "verdict"})}
	t.Text = []int{0, 1, len(t.Head) - 1}
	warned := Notes{Whole: true}
	for _, g := range gs {
		for _, c := range g.cells {
			t.Add(c.Verdict, summaryRow(run, c, details, len(t.Head))...)
			warned.addWarnings(c, c.Label())
		}
	}
	for _, w := range warned.Lines() {
		t.Notes = append(t.Notes, "Warning: "+w)
	}
	t.dropEmptyFirst()
	return t
}

// summaryRow is a cell's row of so many columns.
func summaryRow(run *results.Run, c *results.Cell, details results.Details, columns int) []string {
	name := []string{c.OptionsLabel(), c.Style}
	if c.Verdict == results.Invalid {
		blank := slices.Repeat([]string{noFigure}, columns-4)
		return slices.Concat(name, blank, []string{workText(c), results.Invalid + secondary + c.Why})
	}
	isBaseline := c.Style == run.BaselineIn(c.Scenario)
	var own []string
	var verdict string
	if run.Scenario(c.Scenario).Paced {
		ratio := cpuRatioText(c)
		if isBaseline {
			ratio = "baseline"
		}
		own, verdict = []string{lasted(c), latencyText(c), ratio}, verdictText(c, c.CPURatio, "more CPU", "less CPU")
	} else {
		ratio, overhead := ratioEstimate(c.Ratio), overheadEstimate(c.OverheadNs)
		if isBaseline {
			ratio, overhead = "baseline", "baseline"
		}
		perOp := timeEstimate(c.NsOp)
		if c.TypicalNsOp != nil {
			perOp = timeEstimate(*c.TypicalNsOp) + secondary + "all-in " + nanoseconds(c.NsOp.Median)
		}
		if c.MeanRatio != nil {
			ratio += secondary + "all-in " + bracketed(c.MeanRatio, times)
		}
		own, verdict = []string{perOp, ratio, overhead, latencyText(c)}, verdictText(c, c.Ratio, "slower", "faster")
	}
	return slices.Concat(name, own, resources(c, details), []string{workText(c), verdict})
}

func workText(c *results.Cell) string {
	return count(c.Work.Effects) + " of " + count(c.Work.Expected) + secondary + "from " + count(c.Work.Stimuli) + " stimuli"
}

// resources shows what a cell used, in the same columns of every summary.
func resources(c *results.Cell, details results.Details) []string {
	return []string{
		nanoseconds(c.CPUNsOp.Median) + secondary + "user " + nanoseconds(c.UserNsOp) + secondary + "system " + nanoseconds(c.SystemNsOp),
		figure(c.AllocsOp) + secondary + figure(c.BytesOp) + noBreak + "B", figure(c.SwitchesOp), memoryText(c),
		percent(c.ActiveCPU) + " active" + secondary + idleText(c, details) + " idle"}
}

func latencyText(c *results.Cell) string {
	if c.P50Ns == 0 {
		return noFigure
	}
	p99 := "p99: too few"
	if c.P99Ns > 0 {
		p99 = "p99 " + nanoseconds(c.P99Ns)
	}
	if c.P95Ns > 0 {
		p99 = "p95 " + nanoseconds(c.P95Ns) + secondary + p99
	}
	return "p50 " + nanoseconds(c.P50Ns) + secondary + p99
}

// idleText distinguishes an idle core from a window that was not measured.
func idleText(c *results.Cell, details results.Details) string {
	if c.IdleCPU == 0 && !slices.ContainsFunc(details.Samples, func(s results.Sample) bool { return s.Window == "idle" && s.Cell == c.Key() }) {
		return noFigure
	}
	return percent(c.IdleCPU)
}

// verdictText is the verdict and what the interval of the relevant ratio supports.
func verdictText(c *results.Cell, ratio *results.Estimate, above, below string) string {
	s := c.Verdict
	if n := len(c.Warnings); n > 0 {
		s += ", " + plural(n, "warning")
	}
	if c.Why != "" {
		s += secondary + c.Why
	}
	switch {
	case ratio == nil || !ratio.Bounded():
		return s
	case ratio.Lo > 1:
		return s + secondary + above + " than the baseline"
	case ratio.Hi < 1:
		return s + secondary + below + " than the baseline"
	}
	return s + secondary + "no difference from the baseline found"
}

// lasted is the length of a block and the number of rounds.
func lasted(c *results.Cell) string {
	rounds := plural(c.Rounds, "round")
	if !c.NsOp.Bounded() {
		rounds += ", no interval"
	}
	return nanoseconds(c.NsOp.Median*float64(c.BlockOps)) + secondary + rounds
}

func cpuRatioText(c *results.Cell) string {
	if c.CPURatio != nil && !c.CPURatio.Bounded() && c.Rounds == 1 {
		return times(c.CPURatio.Median) + " (" + percentMore(c.CPURatio.Median) + ")" + secondary + oneRound
	}
	return ratioEstimate(c.CPURatio)
}

// pacedText says how to read the figures of a paced scenario.
func pacedText(s results.Scenario) []string {
	var text []string
	if s.Paced {
		text = append(text, "A clock paces this scenario, or its length is fixed, so time per operation is not a cost and has no ratio. Compare latency, CPU per operation and the measures.")
	}
	if s.Together {
		text = append(text, "All styles worked at the same time, each in its own process. They shared the cores, so a disturbance of one affected all.")
	}
	if s.Bare {
		text = append(text, "CPU % is measured over the blocks themselves. There was no idle window and no profile.")
	}
	return text
}

// reportedMeasures are the measures for which at least one cell has a figure.
func reportedMeasures(s results.Scenario, gs []group) []results.Measure {
	return slices.DeleteFunc(slices.Clone(s.Measures), func(m results.Measure) bool {
		return !slices.ContainsFunc(gs, func(g group) bool {
			return slices.ContainsFunc(g.cells, func(c *results.Cell) bool { _, ok := c.Figures[m.Name]; return ok })
		})
	})
}

// measureTable has one column per measure. It is nil if no cell reported one.
func measureTable(s results.Scenario, gs []group) []Grid {
	reported := reportedMeasures(s, gs)
	if len(reported) == 0 {
		return nil
	}
	t := Grid{Title: s.Name + ": measures", Head: []string{"options", "style"}, Text: []int{0, 1}}
	for _, m := range reported {
		head, doc := m.Name, m.Name+": "+m.Doc
		if m.Better != "" {
			head += secondary + m.Better + " is better"
		}
		t.Head, t.Notes = append(t.Head, inline(head)), append(t.Notes, doc)
	}
	for _, g := range gs {
		for _, c := range g.cells {
			cells := []string{c.OptionsLabel(), c.Style}
			for _, m := range reported {
				cell := noFigure
				if e, known := c.Figures[m.Name]; known {
					cell = measureEstimate(m, e, c.Spans[m.Name], c.Rounds)
				}
				cells = append(cells, cell)
			}
			t.Add(c.Verdict, cells...)
		}
	}
	t.dropEmptyFirst()
	return []Grid{t}
}

// roundTable lists every block of the cells as measured, with its measures. It includes
// rounds that are left out, with the reason. Invalid cells show their work but no figures.
func roundTable(cells []*results.Cell, reported []results.Measure, details results.Details) Grid {
	g := Grid{Title: "Every round", Wide: true,
		Head: []string{"cell", "round", "turn", "ops", "wall/op", "CPU/op", "allocs/op", "B/op", "GCs", "GC pause", "switches", "goroutines", "effects / expected"},
		Text: []int{0},
	}
	for _, m := range reported {
		g.Head = append(g.Head, m.Name)
	}
	for _, c := range cells {
		for _, b := range roundsOf(c, details.EveryBlock()) {
			work := count(b.Effects) + " / " + count(b.Expected)
			if b.Disturbed != "" {
				work += secondary + "left out: " + b.Disturbed
			}
			head := []string{c.Label(), strconv.Itoa(b.Round), strconv.Itoa(b.Turn), count(int64(b.Ops))}
			if c.Verdict == results.Invalid {
				blank := slices.Repeat([]string{results.Invalid}, len(g.Head)-len(head)-1)
				g.Add(results.Invalid, slices.Insert(append(head, blank...), len(head)+8, work)...)
				continue
			}
			n := float64(b.Ops)
			cells := append(head,
				nanoseconds(float64(b.Wall)/n), nanoseconds(float64(b.User+b.System)/n),
				figure(float64(b.Allocs)/n), figure(float64(b.Bytes)/n),
				count(int64(b.GCs)), nanoseconds(float64(b.GCPause)),
				count(b.Voluntary+b.Involuntary), strconv.Itoa(b.Goroutines), work)
			for _, m := range reported {
				cell := noFigure
				if v, known := b.Figures[m.Name]; known {
					cell = showUnit(m.Unit)(v)
				}
				cells = append(cells, cell)
			}
			g.Add("", cells...)
		}
	}
	return g
}

// spreadTable shows the spread of the round times, which depends on how steady the machine was.
func spreadTable(cells []*results.Cell, details results.Details) Grid {
	g := Grid{Title: "Spread",
		Head: []string{"cell", "rounds", "mean", "standard deviation", "least", "lower quarter", "upper quarter", "most"},
		Text: []int{0},
	}
	for _, c := range cells {
		if c.Verdict == results.Invalid {
			continue
		}
		var times stats.Float64Data
		for _, b := range roundsOf(c, details.Blocks) {
			times = append(times, float64(b.Wall)/float64(b.Ops))
		}
		if r, ok := spreadRow(times); ok {
			g.Add("", append([]string{c.Label(), strconv.Itoa(len(times))}, r...)...)
		}
	}
	return g
}

// spreadRow describes the spread of at least two times.
func spreadRow(times stats.Float64Data) ([]string, bool) {
	if len(times) < 2 {
		return nil, false
	}
	var cells []string
	for _, f := range []func(stats.Float64Data) (float64, error){
		stats.Mean, stats.StandardDeviationSample, stats.Min,
		func(t stats.Float64Data) (float64, error) { return stats.Percentile(t, 25) },
		func(t stats.Float64Data) (float64, error) { return stats.Percentile(t, 75) },
		stats.Max,
	} {
		v, err := f(times)
		if err != nil || math.IsNaN(v) {
			cells = append(cells, noFigure)
			continue
		}
		cells = append(cells, nanoseconds(v))
	}
	mean, _ := stats.Mean(times)
	deviation, _ := stats.StandardDeviationSample(times)
	cells[1] += " (" + percent(100*deviation/mean) + ")"
	return cells, true
}

// dropEmpty removes the columns without a figure or a word in any row. The first one stays.
func (g *Grid) dropEmpty() {
	for column := len(g.Head) - 1; column > 0 && len(g.Rows) > 0; column-- {
		if slices.ContainsFunc(g.Rows, func(r Row) bool { return r.Cells[column] != "" && r.Cells[column] != noFigure }) {
			continue
		}
		g.Head = slices.Delete(slices.Clone(g.Head), column, column+1)
		for i := range g.Rows {
			g.Rows[i].Cells = slices.Delete(slices.Clone(g.Rows[i].Cells), column, column+1)
		}
		var text []int
		for _, at := range g.Text {
			if at > column {
				at--
			} else if at == column {
				continue
			}
			text = append(text, at)
		}
		g.Text = text
	}
}
