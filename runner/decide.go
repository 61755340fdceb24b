package runner

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"rubato/ci"
	"rubato/inference"
	"rubato/reports"
)

// A decision is what a run that decides was asked for.
type decision struct {
	on      bool
	time    time.Duration // of a contest at most
	margin  float64       // how far from 1 a ratio may lie and still be no change
	budgets string        // file
	named   bool          // the file was asked for by name, so that it must be there
}

const (
	defaultDecisionTime = 2 * time.Minute
	defaultBudgets      = "ci/budgets.yaml"
)

// limits reads what is decided against; no file means that only change is asked for.
func (d decision) limits() (ci.Budgets, error) {
	if _, err := os.Stat(d.budgets); errors.Is(err, fs.ErrNotExist) && !d.named {
		return ci.Budgets{}, nil
	}
	return ci.ReadBudgets(d.budgets)
}

// decided tells whether the contest goes on until its verdicts are certain: where
// time is what is compared.
func (p contestPlan) decided(ask runFlags) bool { return ask.decide.on && p.scenario.provable() }

// judged is what an arm is held against: the budgets there are for it, else no change.
func (p contestPlan) judged(a arm, d decision, budgets ci.Budgets) []reports.Judged {
	var all []reports.Judged
	if budgets.Baseline == p.arms[0].style {
		for _, l := range budgets.Paired(p.scenario.Name, a.style, a.options) {
			all = append(all, reports.Judged{Budget: l.Budget, Quantity: l.Quantity, Limit: l.Limit})
		}
	}
	if len(all) == 0 {
		all = []reports.Judged{{Quantity: "ratio", Margin: d.margin}}
	}
	for i := range all {
		all[i].Verdict = string(inference.Inconclusive)
	}
	return all
}

// rule makes the run one that decides: it says what every cell is held against, and
// over how many intervals the error rate is shared.
func (p plan) rule(run *reports.Run, ask runFlags, budgets ci.Budgets) {
	run.Rule = &reports.Rule{Looks: inference.DefaultLooks(), Margin: ask.decide.margin, Time: ask.decide.time}
	next := 0
	for _, c := range p.contests {
		cells := run.Cells[next : next+len(c.arms)]
		next += len(c.arms)
		if !c.decided(ask) {
			continue
		}
		cells[0].Rule = reports.Peeking
		for i := range cells[1:] {
			cell := &cells[i+1]
			cell.Rule, cell.Judged = reports.Peeking, c.judged(c.arms[i+1], ask.decide, budgets)
			quantities := map[string]bool{} // limits of one quantity share its interval
			for _, j := range cell.Judged {
				quantities[j.Quantity] = true
			}
			run.Rule.Rows += len(quantities)
		}
	}
	for i := range run.Proofs {
		run.Proofs[i].Twin.Rule, run.Proofs[i].Plant.Rule = reports.Peeking, reports.Peeking
	}
}

// maxDecidedRounds are some more than the last look, for those that are left out.
func maxDecidedRounds() int {
	looks := inference.DefaultLooks()
	return looks[len(looks)-1] * 5 / 4
}

// A looker says when a contest has had rounds enough.
type looker struct {
	*contest
	decides bool
	clean   int // rounds that nothing disturbed
}

func (c *contest) looker() *looker { return &looker{contest: c, decides: c.plan.decided(c.ask)} }

// over tells whether the time is up.
func (l *looker) over(rounds int, spent time.Duration) bool {
	if l.decides {
		return spent >= l.ask.decide.time
	}
	if l.renews() {
		spent /= freshCosts
	}
	return l.ask.effort.enough(rounds, len(styles(l.entrants)), spent)
}

// certain takes note of a round, looks if it may, and tells whether nothing is open
// any more. It asks the results themselves, so that a report will say the same.
func (l *looker) certain(round int) bool {
	if !l.decides {
		return false
	}
	blocks := l.ownBlocks()
	if slices.ContainsFunc(blocks, func(b reports.Block) bool { return b.Round == round && b.Disturbed != "" }) {
		return false
	}
	l.clean++
	looks := l.result.Rule.Looks
	return slices.Contains(looks, l.clean) && (l.decided(blocks) || l.clean == looks[len(looks)-1])
}

// ownBlocks are those of the contest so far.
func (c *contest) ownBlocks() []reports.Block {
	keys := map[string]bool{}
	for _, e := range c.entrants {
		keys[e.key] = true
	}
	var own []reports.Block
	for _, b := range c.record.blocks() {
		if keys[b.Cell] {
			own = append(own, b)
		}
	}
	return own
}

// decided tells whether every verdict of the contest is certain, and the plant found.
func (c *contest) decided(blocks []reports.Block) bool {
	soFar := *c.result
	soFar.Cells, soFar.Proofs = nil, nil
	for _, e := range styles(c.entrants) {
		cell := *e.cell
		cell.Judged, cell.Warnings, cell.Options = slices.Clone(cell.Judged), slices.Clone(cell.Warnings), maps.Clone(cell.Options)
		soFar.Cells = append(soFar.Cells, cell)
	}
	if c.proof != nil {
		soFar.Proofs = []reports.Proof{*c.proof}
	}
	reports.Summarize(&soFar, reports.Details{Blocks: blocks})
	return soFar.Decided()
}
