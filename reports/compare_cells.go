package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A matched is one cell in both runs; index 0 is of the old run.
type matched struct {
	old, new *Cell
	note     string // what was taken for equal
	blocks   [2]map[string][]Block
	runs     [2]*Run
}

// match pairs the cells of two runs, in the order of the new one. Cells of one key are
// one; then, as versions get new options, those that agree in all options they share,
// if there is one such cell on each side.
func match(before, after *Run) (matches []matched, onlyOld, onlyNew []string) {
	old := map[string]*Cell{}
	for i := range before.Cells {
		old[before.Cells[i].Key()] = &before.Cells[i]
	}
	pairs := map[*Cell]*Cell{} // new to old
	var restNew []*Cell
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
	taken := map[*Cell]bool{}
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

// onlyAlike is the one of the cells that differs from c in options that only one of
// the two has; nil if there is none, or several.
func onlyAlike(c *Cell, among []*Cell) *Cell {
	var found *Cell
	for _, o := range among {
		if o.Scenario != c.Scenario || o.Style != c.Style || !sharedEqual(o.Options, c.Options) {
			continue
		}
		if found != nil {
			return nil
		}
		found = o
	}
	return found
}

func sharedEqual(a, b map[string]string) bool {
	for k, v := range a {
		if w, both := b[k]; both && v != w {
			return false
		}
	}
	return true
}

// otherOptions names the options that only one of the cells has.
func otherOptions(old, new *Cell) string {
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

// void says why the cell cannot be compared, "" if it can.
func (m matched) void() string {
	a, b := m.runs[0].scenario(m.old.Scenario), m.runs[1].scenario(m.new.Scenario)
	switch {
	case m.old.Verdict == Void:
		return "void in OLD: " + m.old.Why
	case m.new.Verdict == Void:
		return "void in NEW: " + m.new.Why
	case a.Op != b.Op && a.Op != "" && b.Op != "":
		return fmt.Sprintf("one operation is a %s in OLD, a %s in NEW", a.Op, b.Op)
	case a.Paced != b.Paced:
		return "a clock paces it in one of the runs only"
	case m.runs[0].Seed == m.runs[1].Seed && m.old.Work.Digest != m.new.Work.Digest && m.old.Work.Digest != "" && m.new.Work.Digest != "":
		return fmt.Sprintf("the work differs: with one seed, its transcript is %s in OLD, %s in NEW", m.old.Work.Digest, m.new.Work.Digest)
	}
	for side, run := range m.runs {
		c := m.cell(side)
		for _, p := range run.Proofs {
			if p.Blind != "" && run.contestOf(&p.Twin) == run.contestOf(c) {
				return "blind in " + sideNames[side] + ": " + p.Blind
			}
		}
	}
	return ""
}

// sideNames are what people call the runs.
var sideNames = [2]string{"OLD", "NEW"}

// warnings are those of the cells, each with its side.
func (m matched) warnings() []string {
	out := []string{}
	if m.note != "" {
		out = append(out, "compared though the options differ: "+m.note)
	}
	out = append(out, otherSettings(m.old.Certificate, m.new.Certificate)...)
	for side, name := range sideNames {
		for _, w := range m.cell(side).Warnings {
			out = append(out, name+": "+w)
		}
	}
	return out
}

// otherSettings are those that a style told differently in the two runs.
func otherSettings(old, new *Certificate) (out []string) {
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
