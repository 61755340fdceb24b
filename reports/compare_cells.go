package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rubato/results"
)

// A matched is one cell in both runs. Index 0 is the old run.
type matched struct {
	old, new *results.Cell
	note     string // option differences that were ignored
	blocks   [2]map[string][]results.Block
	runs     [2]*results.Run
}

// match pairs the cells of two runs, in the order of the new run. Cells with the same key
// match first. New versions add options, so two remaining cells also match if all options
// that both have are equal and each is the only such cell.
func match(before, after *results.Run) (matches []matched, onlyOld, onlyNew []string) {
	old := map[string]*results.Cell{}
	for i := range before.Cells {
		old[before.Cells[i].Key()] = &before.Cells[i]
	}
	pairs := map[*results.Cell]*results.Cell{} // new to old
	var restNew []*results.Cell
	for i := range after.Cells {
		c := &after.Cells[i]
		if same, found := old[c.Key()]; found {
			pairs[c] = same
			delete(old, c.Key())
		} else {
			restNew = append(restNew, c)
		}
	}
	restOld := slices.Collect(maps.Values(old))
	for _, c := range restNew {
		if near := onlyAlike(c, restOld); near != nil && onlyAlike(near, restNew) == c {
			pairs[c] = near
		}
	}
	taken := map[*results.Cell]bool{}
	for i := range after.Cells {
		c := &after.Cells[i]
		if pairs[c] == nil {
			onlyNew = append(onlyNew, c.Key())
			continue
		}
		taken[pairs[c]] = true
		matches = append(matches, matched{old: pairs[c], new: c, note: otherOptions(pairs[c], c)})
	}
	for i := range before.Cells {
		if c := &before.Cells[i]; !taken[c] {
			onlyOld = append(onlyOld, c.Key())
		}
	}
	return matches, onlyOld, onlyNew
}

// onlyAlike returns the cell that agrees with c in all options that both have. It is nil
// if there is no such cell or more than one.
func onlyAlike(c *results.Cell, among []*results.Cell) *results.Cell {
	var found *results.Cell
	for _, o := range among {
		if o.Scenario != c.Scenario || o.Style != c.Style || !results.Agree(o.Options, c.Options) {
			continue
		}
		if found != nil {
			return nil
		}
		found = o
	}
	return found
}

// otherOptions lists the options that only one of the cells has.
func otherOptions(old, new *results.Cell) string {
	only := func(a, b map[string]string, side string) (out []string) {
		for _, k := range slices.Sorted(maps.Keys(a)) {
			if _, both := b[k]; !both {
				out = append(out, fmt.Sprintf("%s=%s is in %s only", k, a[k], side))
			}
		}
		return out
	}
	return strings.Join(append(only(old.Options, new.Options, "OLD"), only(new.Options, old.Options, "NEW")...), ", ")
}

// whyNotCompared says why the cell cannot be compared. It is empty if it can.
func (m matched) whyNotCompared() string {
	a, b := m.runs[0].Scenario(m.old.Scenario), m.runs[1].Scenario(m.new.Scenario)
	switch {
	case m.old.Verdict == results.Invalid:
		return "invalid in OLD: " + m.old.Why
	case m.new.Verdict == results.Invalid:
		return "invalid in NEW: " + m.new.Why
	case a.Op != b.Op && a.Op != "" && b.Op != "":
		return fmt.Sprintf("one operation is a %s in OLD and a %s in NEW", a.Op, b.Op)
	case a.Paced != b.Paced:
		return "a clock paces it in only one of the runs"
	case m.runs[0].Seed == m.runs[1].Seed && m.old.Work.Digest != m.new.Work.Digest && m.old.Work.Digest != "" && m.new.Work.Digest != "":
		return fmt.Sprintf("the work differs: with one seed, its transcript is %s in OLD, %s in NEW", m.old.Work.Digest, m.new.Work.Digest)
	}
	for side, run := range m.runs {
		c := m.cell(side)
		for _, p := range run.Controls {
			if p.Insensitive != "" && run.ComparisonOf(&p.AA) == run.ComparisonOf(c) {
				return "insensitive in " + sideNames[side] + ": " + p.Insensitive
			}
		}
	}
	return ""
}

// sideNames are the names of the runs in reports.
var sideNames = [2]string{"OLD", "NEW"}

// warnings returns the warnings of both cells, each with the name of its run.
func (m matched) warnings() []string {
	out := []string{}
	if m.note != "" {
		out = append(out, "compared though the options differ: "+m.note)
	}
	out = append(out, otherSettings(m.old.Equivalence, m.new.Equivalence)...)
	for side, name := range sideNames {
		for _, w := range m.cell(side).Warnings {
			out = append(out, name+": "+w)
		}
	}
	return out
}

// otherSettings lists the settings that a style reported differently in the two runs.
func otherSettings(old, new *results.Equivalence) (out []string) {
	if old == nil || new == nil {
		return nil
	}
	was := map[string]string{}
	for _, s := range old.Settings {
		was[s.Name] = s.Value
	}
	for _, s := range new.Settings {
		if v, both := was[s.Name]; both && v != s.Value {
			out = append(out, fmt.Sprintf("%s: %s in OLD, %s in NEW", s.Name, v, s.Value))
		}
	}
	return out
}

// A compared is one metric of a matched cell: its value in each round of each run. For a
// run whose rounds were not kept, it has only the summary.
type compared struct {
	results.Metric
	values [2][]float64
	kept   [2]results.Estimate
	why    string // why it is not judged, even if there are figures
	shown  bool   // it is only shown, and this is not an error of the run
}

func (m matched) cell(side int) *results.Cell { return [2]*results.Cell{m.old, m.new}[side] }

func (m matched) rounds(side int, c *results.Cell) []results.Block { return m.blocks[side][c.Key()] }

// ratios returns what can be compared across machines: the ratio of the cell's time to the
// baseline's, or of its CPU time if a clock paces the scenario. The baseline has none.
func (m matched) ratios() []compared {
	scenario := m.runs[1].Scenario(m.new.Scenario)
	ratio, of := "ratio", "ns_op"
	if scenario.Paced {
		ratio, of = "cpu_ratio", "cpu_ns_op"
	}
	var p compared
	p.Metric, _ = results.MetricNamed(ratio)
	perOp, _ := results.MetricNamed(of)
	var names [2]string
	var without []string
	for side := range names {
		c, run := m.cell(side), m.runs[side]
		if names[side] = run.BaselineIn(c.Scenario); names[side] == c.Style {
			return nil
		}
		base := results.BaselineOf(run, *c)
		e, known := p.Of(c)
		if !known || base == nil {
			without = append(without, sideNames[side])
			continue
		}
		p.kept[side] = e
		p.values[side] = quotients(m.rounds(side, c), m.rounds(side, base), perOp)
	}
	if len(without) > 0 {
		p.why = "no ratio in " + strings.Join(without, " and ")
	}
	if names[0] != names[1] {
		p.why = fmt.Sprintf("the ratio is to %s in OLD, to %s in NEW", names[0], names[1])
	}
	return []compared{p}
}

// quotients returns the ratio of the metric for each round that both have.
func quotients(blocks, base []results.Block, of results.Metric) []float64 {
	var out []float64
	for _, p := range partners(blocks, base, func(b results.Block) float64 { v, _ := of.Round(&b); return v }) {
		if p[1] > 0 {
			out = append(out, p[0]/p[1])
		}
	}
	return out
}

// absolutes returns what can be compared only on one machine.
func (m matched) absolutes() []compared {
	scenario := m.runs[1].Scenario(m.new.Scenario)
	var all []compared
	for _, metric := range results.Metrics {
		if metric.Compared == "" || metric.Relative || metric.Name == "ns_op" && scenario.Paced {
			continue
		}
		if p := m.each(metric); m.bothHave(metric) {
			all = append(all, p)
		}
	}
	for _, of := range scenario.Measures {
		_, measured := m.old.Figures[of.Name]
		_, both := m.new.Figures[of.Name]
		before, known := m.runs[0].Scenario(m.old.Scenario).Measure(of.Name)
		if of.Better != "" && measured && both && known && before.Unit == of.Unit {
			all = append(all, m.each(of.Metric()))
		}
	}
	return all
}

// bothHave reports whether both cells have the metric, and whether there is something to compare:
// nothing crosses a network in a style of one process.
func (m matched) bothHave(metric results.Metric) bool {
	old, before := metric.Of(m.old)
	new, after := metric.Of(m.new)
	switch {
	case metric.Quantile > 0:
		return old.Median > 0 && new.Median > 0
	case metric.Network:
		return before && after && (old.Median > 0 || new.Median > 0)
	}
	return true
}

func (m matched) each(metric results.Metric) compared {
	p := compared{Metric: metric}
	p.kept[0], _ = metric.Of(m.old)
	p.kept[1], _ = metric.Of(m.new)
	for side := range p.values {
		for _, b := range m.rounds(side, m.cell(side)) {
			v, known := metric.Round(&b)
			if metric.Quantile > 0 {
				if v, known = quantileOf(b, metric.Quantile); !known {
					p.shown, p.values, p.why = true, [2][]float64{}, "a round has too few latencies for its own "+metric.Compared+": the figure is of all rounds and is not judged"
					return p
				}
			}
			if known {
				p.values[side] = append(p.values[side], v)
			}
		}
	}
	return p
}

// quantileOf returns a percentile of one round, or false if it has too few latencies.
func quantileOf(b results.Block, quantile float64) (float64, bool) {
	h, err := results.DecodeLatency(b)
	if err != nil {
		return 0, false
	}
	v := percentile(h, quantile)
	return v, v > 0
}
