package reports

import (
	"slices"
	"strings"
)

// A group is the cells that are compared with one another: those of one scenario
// and one set of options, one a style. An option that only some styles have, such
// as a transport, does not part them.
type group struct {
	scenario string
	title    string
	baseline *Cell // nil when the run has none
	cells    []*Cell
	labels   []string // of cells: style, and what else tells them apart
}

// groups are the run's groups, in the order of its cells.
func groups(run *Run) []group {
	var all []group
	at := map[string]int{}
	for i := range run.Cells {
		c := &run.Cells[i]
		base := baselineOf(run, *c)
		key := c.GroupKey()
		if base != nil {
			key = base.GroupKey()
		}
		n, ok := at[key]
		if !ok {
			n = len(all)
			at[key] = n
			all = append(all, group{scenario: c.Scenario, baseline: base})
		}
		all[n].cells = append(all[n].cells, c)
	}
	for i := range all {
		all[i].name()
	}
	return all
}

// baselineOf is the cell that c is compared with: that of the baseline style with
// the same options, or with those of them that the baseline style has.
func baselineOf(run *Run, c Cell) *Cell {
	var best *Cell
	for i := range run.Cells {
		b := &run.Cells[i]
		if b.Scenario != c.Scenario || b.Style != run.baseline(c.Scenario) || !within(b.Options, c.Options) {
			continue
		}
		if best == nil || len(b.Options) > len(best.Options) {
			best = b
		}
	}
	return best
}

// within tells whether every option of a stands in b with the same value.
func within(a, b map[string]string) bool {
	for k, v := range a {
		if w, ok := b[k]; !ok || w != v {
			return false
		}
	}
	return true
}

// name puts the named options that all cells share into the title, the rest into
// the labels.
func (g *group) name() {
	title, owner := []string{g.scenario}, g.cells[0]
	if g.baseline != nil {
		owner = g.baseline
	}
	shared := func(k string) bool {
		return !slices.ContainsFunc(g.cells, func(c *Cell) bool { return c.Options[k] != owner.Options[k] })
	}
	for _, k := range owner.Named {
		if shared(k) {
			title = append(title, k+"="+owner.Options[k])
		}
	}
	g.title = strings.Join(title, " ")
	for _, c := range g.cells {
		label := c.Style
		for _, k := range c.Named {
			if !shared(k) {
				label += " " + k + "=" + c.Options[k]
			}
		}
		g.labels = append(g.labels, label)
	}
}

// scenario finds what was asked under this name.
func (r *Run) scenario(name string) Scenario {
	for _, s := range r.Scenarios {
		if s.Name == name {
			return s
		}
	}
	return Scenario{Name: name}
}
