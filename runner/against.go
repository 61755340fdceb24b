package runner

import (
	"context"
	"fmt"
	"slices"

	"rubato/inference"
	"rubato/results"
)

// Each style's arm of another revision stands beside the style's own, in the same turns: so the
// baseline, too, is held against its own past.

// protocol is the version of what the runner and its children say to one another. A child of
// another revision must speak the same. Those that name none speak the first.
const protocol = 1

// comparable says why another revision's arms cannot stand beside the scenario's; "" if they can.
func (s Scenario) comparable() string {
	switch {
	case s.apart():
		return "compares pieces, which are paired with one another"
	case s.Together:
		return "has all its arms at work at the same time: twice as many are another load"
	}
	return ""
}

// beside finds the other revision and gives it its places in the plan.
func (p program) beside(ctx context.Context, asked string, plan *plan) error {
	say := func(format string, args ...any) { fmt.Fprintf(p.stderr, format+"\n", args...) }
	of, err := ownSource()
	var other *build
	if err == nil {
		plan.other, other, err = revision(ctx, of, ".", asked, say)
	}
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return usageError{err}
	}
	plan.against(other, say)
	arms := 0
	for _, c := range plan.comparisons {
		arms += len(c.all())
	}
	if arms > maxArms {
		return usagef("this asks for %d arms, at most %d fit a run: give fewer values to -set", arms, maxArms)
	}
	return nil
}

// against adds the arms of another revision.
func (p *plan) against(other *build, say func(string, ...any)) {
	for i := range p.comparisons {
		c := &p.comparisons[i]
		if why := c.scenario.comparable(); why != "" {
			say("warning: %s is not measured against the other revision: it %s", c.scenario.Name, why)
			continue
		}
		for _, a := range c.arms {
			a.role, a.build = results.RoleBefore, other
			c.before = append(c.before, a)
		}
	}
}

// changes are the records of what another revision shows as changed, still without figures.
func (p comparisonPlan) changes(margin float64) (all []results.Change) {
	for _, a := range p.before {
		change := results.Change{Of: a.now(p.scenario.Name), Before: a.cell(p.scenario.Name)}
		if p.scenario.controllable() {
			change.Judged = []results.Judged{{Quantity: "ratio", Margin: margin, Verdict: string(inference.Inconclusive)}}
		}
		all = append(all, change)
	}
	return all
}

// inFull are the arms of which everything is measured: the styles' own and those of another revision.
func inFull(of []*arm) []*arm {
	var all []*arm
	for _, a := range of {
		if a.role == "" || a.role == results.RoleBefore {
			all = append(all, a)
		}
	}
	return all
}

// shown is the arm in a line of progress.
func (a *arm) shown() string {
	if a.role == results.RoleBefore {
		return a.style + " to before"
	}
	return a.style
}

// partner is the arm that a is compared with: the baseline or, of another revision's arm, the
// style's own; nil: that was left out.
func (c *comparison) partner(a *arm) *arm {
	if a.role != results.RoleBefore {
		return c.arms[0]
	}
	i := slices.IndexFunc(c.arms, func(other *arm) bool { return other.key == a.now(a.cell.Scenario) })
	if i < 0 {
		return nil
	}
	return c.arms[i]
}

// now is the key of the style's own cell.
func (a armPlan) now(scenario string) string {
	a.role = ""
	cell := a.cell(scenario)
	return cell.Key()
}

// without is the plan without the k-th of its arms; false if that is neither a style's nor
// another revision's.
func (p comparisonPlan) without(k int) (comparisonPlan, bool) {
	switch own := len(p.arms); {
	case k < own:
		p.arms = slices.Delete(slices.Clone(p.arms), k, k+1)
	case k < own+len(p.before):
		p.before = slices.Delete(slices.Clone(p.before), k-own, k-own+1)
	default:
		return p, false
	}
	return p, true
}

// changesSoFar are the changes of the comparison, with copies of what a summary writes to.
func (c *comparison) changesSoFar() (all []results.Change) {
	for _, a := range c.arms {
		for _, change := range c.result.Changes {
			if change.Before.Key() != a.key {
				continue
			}
			change.Judged, change.Before = slices.Clone(change.Judged), change.Before.Copy()
			all = append(all, change)
		}
	}
	return all
}

// speaks checks that a child of another revision understands this runner, and the other way around.
func (a *arm) speaks(answer reply) error {
	if a.build != nil && max(answer.Speaks, 1) != protocol {
		return failed{fmt.Errorf("%s: %s speaks version %d of the runner's protocol, this program version %d: they cannot be measured in one run", a.title(), a.build.path, max(answer.Speaks, 1), protocol)}
	}
	return nil
}
