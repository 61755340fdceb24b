package results

import (
	"maps"
	"slices"
	"strings"
)

// Arms is the list of all arms, each with its role: the styles, then the controls, then the
// arms that differ by an instrument, then those of another revision.
func (r *Run) Arms() []*Cell {
	var all []*Cell
	for i := range r.Cells {
		all = append(all, &r.Cells[i])
	}
	for i := range r.Controls {
		all = append(all, &r.Controls[i].AA, &r.Controls[i].Slowdown)
	}
	for i := range r.Instruments {
		all = append(all, &r.Instruments[i].Arm)
	}
	for i := range r.Changes {
		all = append(all, &r.Changes[i].Before)
	}
	return all
}

// Decides reports whether the exit code answers the run's questions. A run of blocks had a
// rule only if it was to decide.
func (r *Run) Decides() bool {
	return r.Rule != nil && (r.Rule.Decides || !slices.ContainsFunc(r.Arms(), func(c *Cell) bool { return c.Trials != nil }))
}

// Scenario is the scenario of this name.
func (r *Run) Scenario(name string) Scenario {
	for _, s := range r.Scenarios {
		if s.Name == name {
			return s
		}
	}
	return Scenario{Name: name}
}

// BaselineOf is the cell that c is compared with: the baseline style with the same
// options, or with those of them that the baseline style has.
func BaselineOf(run *Run, c Cell) *Cell {
	var best *Cell
	for i := range run.Cells {
		b := &run.Cells[i]
		if b.Scenario != c.Scenario || b.Style != run.BaselineIn(c.Scenario) || !Within(b.Options, c.Options) {
			continue
		}
		if best == nil || len(b.Options) > len(best.Options) {
			best = b
		}
	}
	return best
}

// Within reports whether b has every option of a with the same value.
func Within(a, b map[string]string) bool {
	for k, v := range a {
		if w, ok := b[k]; !ok || w != v {
			return false
		}
	}
	return true
}

// Agree reports whether the options that both have are equal. Some belong to one style only.
func Agree(a, b map[string]string) bool {
	for k, v := range a {
		if w, both := b[k]; both && v != w {
			return false
		}
	}
	return true
}

// Pieces reports whether the scenario compares pieces of a whole instead of styles. Pieces
// do not do the same work.
func (s Scenario) Pieces() bool { return s.ArmKey != "" }

// ArmWord is the word for an arm of the scenario: "style", or the word for its pieces.
func (s Scenario) ArmWord() string {
	if s.Pieces() {
		return s.ArmKey
	}
	return "style"
}

// BaselineIn is the arm that ratios of a scenario compare with: one of its pieces, or the
// style.
func (r *Run) BaselineIn(scenario string) string {
	if s := r.Scenario(scenario); s.Baseline != "" {
		return s.Baseline
	}
	return r.Baseline
}

// Arm is the cell of an arm with these options; nil options match any. It is nil if there
// is none or it is invalid.
func (r *Run) Arm(scenario, name string, options map[string]string) *Cell {
	i := slices.IndexFunc(r.Cells, func(c Cell) bool {
		return c.Scenario == scenario && c.Style == name && c.Verdict != Invalid && (options == nil || Within(c.Options, options))
	})
	if i < 0 {
		return nil
	}
	return &r.Cells[i]
}

// DocOf says what one operation of a piece is. It is "" for a style.
func (s Scenario) DocOf(arm string) string {
	for _, a := range s.Arms {
		if a.Name == arm {
			return a.Doc
		}
	}
	return ""
}

// ComparisonOf is a key that c shares with the cells that were measured side by side with it.
func (r *Run) ComparisonOf(c *Cell) string {
	if base := BaselineOf(r, *c); base != nil {
		return base.GroupKey()
	}
	return c.GroupKey()
}

// EveryBlock are all blocks, including those of rounds that are left out of the figures.
func (d Details) EveryBlock() []Block {
	if d.Measured != nil {
		return d.Measured
	}
	return d.Blocks
}

// ArmLabel is the cell's label with its role.
func (c *Cell) ArmLabel() string {
	if c.Role != "" {
		return c.Role + " of " + c.Label()
	}
	return c.Label()
}

// Comparison is the name of the comparison: scenario and named options.
func (p *Controls) Comparison() string {
	return p.AA.ComparisonLabel()
}

// ControlsOf are the controls of a cell's comparison, nil if it had none.
func (r *Run) ControlsOf(c *Cell) *Controls {
	base := BaselineOf(r, *c)
	if base == nil {
		return nil
	}
	for i := range r.Controls {
		if r.Controls[i].AA.GroupKey() == base.GroupKey() {
			return &r.Controls[i]
		}
	}
	return nil
}

// Controllable reports whether the cell's comparison can have controls: its arms do the same
// work as fast as they can, against a clock.
func (r *Run) Controllable(c *Cell) bool {
	s := r.Scenario(c.Scenario)
	return !s.Paced && !s.Pieces() && !r.Counted
}

// Margin is how far from 1 a ratio of this run may lie and still count as no change.
func (r *Run) Margin() float64 {
	if r.Rule != nil {
		return r.Rule.Margin
	}
	return DefaultMargin
}

// Label is style and named options.
func (c *Cell) Label() string {
	return strings.TrimSpace(c.Style + " " + c.OptionsLabel())
}

// ComparisonLabel is scenario and named options.
func (c *Cell) ComparisonLabel() string {
	return strings.TrimSpace(c.Scenario + " " + c.OptionsLabel())
}

// OptionsLabel is the named options.
func (c *Cell) OptionsLabel() string {
	var parts []string
	for _, k := range c.Named {
		parts = append(parts, k+"="+c.Options[k])
	}
	return strings.Join(parts, " ")
}

// Copy shares nothing with the cell that Summarize writes to.
func (c Cell) Copy() Cell {
	c.Judged, c.Targets, c.Warnings, c.Options = slices.Clone(c.Judged), slices.Clone(c.Targets), slices.Clone(c.Warnings), maps.Clone(c.Options)
	if c.Trials != nil {
		trials := *c.Trials
		c.Trials = &trials
	}
	return c
}

// Invalidate makes the cell invalid and removes its figures.
func (c *Cell) Invalidate(why string) {
	*c = Cell{Scenario: c.Scenario, Style: c.Style, Options: c.Options, Named: c.Named,
		Rounds: c.Rounds, BlockOps: c.BlockOps, Work: c.Work, Verdict: Invalid, Why: why, Warnings: c.Warnings,
		Role: c.Role, Rule: c.Rule, LeftOut: c.LeftOut, Judged: unsettled(c.Judged), Targets: unsettled(c.Targets)}
}

// unsettled are the same questions without answers.
func unsettled(judged []Judged) []Judged {
	open := slices.Clone(judged)
	for i := range open {
		open[i].Verdict = Inconclusive
	}
	return open
}

// Warn adds a warning once.
func (c *Cell) Warn(text string) {
	if !slices.Contains(c.Warnings, text) {
		c.Warnings = append(c.Warnings, text)
	}
}

// ShownEqual reports whether the cell passed the equivalence check. Results that are older
// than the check count as passed.
func (c *Cell) ShownEqual(run *Run) bool {
	some := slices.ContainsFunc(run.Cells, func(c Cell) bool { return c.Equivalence != nil })
	return c.Equivalence != nil || !some
}

// Unverified reports whether the cell measures the cost of the equivalence check: its blocks
// have no digest to compare.
func (c *Cell) Unverified() bool {
	return c.Role == RoleBare || c.Role == WithoutRole(EquivalenceInstrument)
}

// DefaultMargin is the share by which a ratio may differ from 1 and still be no change.
const DefaultMargin = 0.02
