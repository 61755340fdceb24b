package reports

import "slices"

// Where a clock paces a scenario, the time it takes says nothing: styles differ in
// latency, in CPU and in what they tell beside.

// pacedHead is the summary's: the ratio is of CPU, and the time is how long a block
// was given.
var pacedHead = []string{"options", "style", "lasted", "latency", "CPU/op to the baseline's", "CPU/op", "allocs/op", "switches/op", "RSS peak", "CPU of a core", "work done", "verdict"}

func pacedRow(run *Run, c *Cell, details Details) []string {
	if c.Verdict == Void {
		return voidRow(c, len(pacedHead)-4)
	}
	ratio := "baseline"
	if c.Style != run.baseline(c.Scenario) {
		ratio = cpuRatioText(c)
	}
	return append([]string{c.optionsLabel(), c.Style, lasted(c), latencyText(c), ratio},
		append(resources(c, details), workText(c), verdictText(c, c.CPURatio, "more CPU", "less CPU"))...)
}

// lasted is the length of a block and how many there were.
func lasted(c *Cell) string {
	rounds := plural(c.Rounds, "round")
	if !c.NsOp.Bounded() {
		rounds += ", no interval"
	}
	return nanoseconds(c.NsOp.Median*float64(c.BlockOps)) + secondary + rounds
}

func cpuRatioText(c *Cell) string {
	if c.CPURatio != nil && !c.CPURatio.Bounded() && c.Rounds == 1 {
		return times(c.CPURatio.Median) + " (" + percentMore(c.CPURatio.Median) + ")" + secondary + oneRound
	}
	return ratioEstimate(c.CPURatio)
}

// pacedText says how to read the figures of such a scenario.
func pacedText(s Scenario) []string {
	var text []string
	if s.Paced {
		text = append(text, "A clock paces this scenario, or its length is the experiment: time per operation is no cost here, so there is no ratio of it. Compare latency, CPU per operation, and the measures.")
	}
	if s.Together {
		text = append(text, "All styles worked at the same time, each in its own process: they shared the cores, and what disturbed one disturbed all.")
	}
	if s.Bare {
		text = append(text, "CPU % is that of the blocks themselves. No idle window and no profile was taken.")
	}
	return text
}

// told are the measures that some cell has a figure of.
func (s Scenario) told(gs []group) []Measure {
	return slices.DeleteFunc(slices.Clone(s.Measures), func(m Measure) bool {
		return !slices.ContainsFunc(gs, func(g group) bool {
			return slices.ContainsFunc(g.cells, func(c *Cell) bool { _, ok := c.Figures[m.Name]; return ok })
		})
	})
}

// measureTable is every figure beside time, a column each; nil when none was told.
func measureTable(s Scenario, gs []group) []grid {
	told := s.told(gs)
	if len(told) == 0 {
		return nil
	}
	t := grid{Title: s.Name + ": measures", Head: []string{"options", "style"}, Text: []int{0, 1}}
	for _, m := range told {
		head, doc := m.Name, m.Name+": "+m.Doc
		if m.Better != "" {
			head += secondary + m.Better + " is better"
		}
		t.Head, t.Notes = append(t.Head, inline(head)), append(t.Notes, doc)
	}
	for _, g := range gs {
		for _, c := range g.cells {
			t.Rows = append(t.Rows, row{measureRow(c, told), c.Verdict})
		}
	}
	if !slices.ContainsFunc(t.Rows, func(r row) bool { return r.Cells[0] != "" }) {
		t.dropFirst()
	}
	return []grid{t}
}

func measureRow(c *Cell, told []Measure) []string {
	cells := []string{c.optionsLabel(), c.Style}
	for _, m := range told {
		e, ok := c.Figures[m.Name]
		if !ok {
			cells = append(cells, noFigure)
			continue
		}
		cells = append(cells, m.estimate(e, c.Spans[m.Name], c.Rounds))
	}
	return cells
}
