package reports

import (
	"fmt"
	"strings"
)

// A compared is one figure of a matched cell: what each round of each run says of it
// and, of a run whose rounds were not kept, what its summary says.
type compared struct {
	quantity string
	unit     string
	more     bool // more is better
	plain    bool // differences count, not factors: it may be 0
	values   [2][]float64
	kept     [2]Estimate
	why      string // why there is nothing to judge, though there may be figures
	shown    bool   // that is no lack: the figure is for the eye
}

func (m matched) cell(side int) *Cell { return [2]*Cell{m.old, m.new}[side] }

func (m matched) rounds(side int, c *Cell) []Block { return m.blocks[side][c.Key()] }

func wallOp(b Block) float64   { return float64(b.Wall) / float64(b.Ops) }
func cpuOp(b Block) float64    { return float64(b.User+b.System) / float64(b.Ops) }
func allocsOp(b Block) float64 { return float64(b.Allocs) / float64(b.Ops) }

// ratios are what the cell is compared by on any machine: its time to the baseline's
// or, where a clock paces it, its CPU time. The baseline itself has none.
func (m matched) ratios() []compared {
	scenario := m.runs[1].scenario(m.new.Scenario)
	p := compared{quantity: "ratio", unit: "x"}
	kept, of := func(c *Cell) *Estimate { return c.Ratio }, wallOp
	if scenario.Paced {
		p.quantity, of = "cpu_ratio", cpuOp
		kept = func(c *Cell) *Estimate { return c.CPURatio }
	}
	var names [2]string
	var without []string
	for side := range names {
		c, run := m.cell(side), m.runs[side]
		if names[side] = run.baseline(c.Scenario); names[side] == c.Style {
			return nil
		}
		base, e := baselineOf(run, *c), kept(c)
		if e == nil || base == nil {
			without = append(without, sideNames[side])
			continue
		}
		p.kept[side] = *e
		p.values[side] = quotients(m.rounds(side, c), m.rounds(side, base), of)
	}
	if len(without) > 0 {
		p.why = "no ratio in " + strings.Join(without, " and ")
	}
	if names[0] != names[1] {
		p.why = fmt.Sprintf("the ratio is to %s in OLD, to %s in NEW", names[0], names[1])
	}
	return []compared{p}
}

// quotients are those of the rounds that both have.
func quotients(blocks, base []Block, of func(Block) float64) []float64 {
	at := map[int]float64{}
	for _, b := range base {
		at[b.Round] = of(b)
	}
	var out []float64
	for _, b := range blocks {
		if against, both := at[b.Round]; both && against > 0 {
			out = append(out, of(b)/against)
		}
	}
	return out
}

// absolutes are what the cell is compared by on one machine.
func (m matched) absolutes() []compared {
	scenario := m.runs[1].scenario(m.new.Scenario)
	var all []compared
	if !scenario.Paced {
		all = append(all, m.each("ns_op", "ns", wallOp, func(c *Cell) Estimate { return c.NsOp }))
	}
	all = append(all, m.each("cpu_ns_op", "ns", cpuOp, func(c *Cell) Estimate { return c.CPUNsOp }),
		m.each("allocs_op", "", allocsOp, func(c *Cell) Estimate { return unbounded(c.AllocsOp) }))
	if p := m.p99(); p.kept[0].Median > 0 && p.kept[1].Median > 0 {
		all = append(all, p)
	}
	for _, of := range scenario.Measures {
		old, told := m.old.Figures[of.Name]
		new, both := m.new.Figures[of.Name]
		if before, known := m.runs[0].scenario(m.old.Scenario).measure(of.Name); of.Better == "" || !told || !both || !known || before.Unit != of.Unit {
			continue
		}
		p := compared{quantity: "figure:" + of.Name, unit: of.Unit, more: of.Better == "more", plain: true, kept: [2]Estimate{old, new}}
		for side := range p.values {
			for _, b := range m.rounds(side, m.cell(side)) {
				if v, ok := b.Figures[of.Name]; ok {
					p.values[side] = append(p.values[side], v)
				}
			}
		}
		all = append(all, p)
	}
	return all
}

func (m matched) each(quantity, unit string, of func(Block) float64, kept func(*Cell) Estimate) compared {
	p := compared{quantity: quantity, unit: unit}
	for side := range p.values {
		p.kept[side] = kept(m.cell(side))
		for _, b := range m.rounds(side, m.cell(side)) {
			p.values[side] = append(p.values[side], of(b))
		}
	}
	return p
}

// p99 is that of each round, if all of them have latencies enough: then it has an
// interval. Else it is that of all latencies, which is shown and not judged.
func (m matched) p99() compared {
	p := compared{quantity: "p99_ns", unit: "ns", kept: [2]Estimate{unbounded(m.old.P99Ns), unbounded(m.new.P99Ns)}}
	for side := range p.values {
		for _, b := range m.rounds(side, m.cell(side)) {
			h, err := decodeLatency(b)
			if err != nil || percentile(h, 99) == 0 {
				p.shown, p.values, p.why = true, [2][]float64{}, "a round has too few latencies for a p99 of its own: it is of all rounds, and not judged"
				return p
			}
			p.values[side] = append(p.values[side], percentile(h, 99))
		}
	}
	return p
}
