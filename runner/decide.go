package runner

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rubato/ci"
	"rubato/inference"
	"rubato/reports"
	"rubato/results"
)

// A decision holds the arguments of a run that decides.
type decision struct {
	on        bool          // the exit code answers
	time      time.Duration // longest, for a comparison; 0: the effort's
	precision float64       // half-width asked for every ratio; 0: none
	margin    float64       // how far from 1 a ratio may be and still be no change
	budgets   string        // file
	named     bool          // the user named the file, so it must exist
	machine   string        // the kind of machine whose budgets hold; empty: the file's usual one
}

const (
	decisionTime   = 2 * time.Minute // of a run that decides
	precisionTime  = 5 * time.Minute // of one with -precision
	defaultBudgets = "ci/budgets.yaml"
	targetsFile    = "targets.yaml" // beside the budgets
)

// limits reads the budgets, and the targets beside them. Without budgets, the question is only
// whether there is a change.
func (d decision) limits() (budgets, targets ci.Budgets, err error) {
	if d.named || exists(d.budgets) {
		budgets, err = ci.ReadBudgets(d.budgets, d.machine)
	}
	if beside := filepath.Join(filepath.Dir(d.budgets), targetsFile); err == nil && exists(beside) {
		targets, err = ci.ReadBudgets(beside, d.machine)
	}
	return budgets, targets, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// limited are the questions that these budgets ask of an arm: compared with the baseline, or, if
// it is another revision's, of the change since.
func (p comparisonPlan) limited(a armPlan, budgets ci.Budgets) (all []results.Judged) {
	change := a.role == results.RoleBefore
	for _, l := range budgets.Paired(p.scenario.Name, a.style, a.options) {
		if l.Change == change && (change || budgets.Baseline == p.arms[0].style) {
			all = append(all, results.Judged{Budget: l.Budget, Quantity: l.Quantity, Limit: l.Limit, Verdict: string(inference.Inconclusive)})
		}
	}
	return all
}

// decided reports whether the comparison ends when its verdicts are certain. What measuring
// costs is measured for the whole time: no verdict waits for it.
func (p comparisonPlan) decided(config config) bool {
	return !config.instruments && p.scenario.controllable()
}

// judged are the questions about an arm: its budgets; without one, whether it changed.
func (p comparisonPlan) judged(a armPlan, d decision, budgets ci.Budgets) []results.Judged {
	if all := p.limited(a, budgets); len(all) > 0 {
		return all
	}
	return []results.Judged{{Quantity: "ratio", Margin: d.margin, Verdict: string(inference.Inconclusive)}}
}

// rule gives every cell that is measured in trials its questions, and counts the intervals
// that share the error rate.
func (p plan) rule(run *results.Run, config config, budgets ci.Budgets) {
	if !slices.ContainsFunc(p.comparisons, func(c comparisonPlan) bool { return c.decided(config) }) {
		return
	}
	run.Rule = &results.Rule{Looks: inference.DefaultLooks(), Margin: config.decide.margin, Time: config.trialTime(),
		Precision: config.decide.precision, Decides: config.decide.on}
	cells, changes := cellsByKey(run), map[string]*results.Change{}
	for i := range run.Changes {
		changes[run.Changes[i].Before.Key()] = &run.Changes[i]
	}
	for _, c := range p.comparisons {
		if !c.decided(config) {
			continue
		}
		for i, a := range c.all() {
			own := a.cell(c.scenario.Name)
			cell := cells[own.Key()]
			cell.Rule = results.Sequential
			if i == 0 {
				continue
			}
			questions := c.judged(a, config.decide, budgets)
			switch change := changes[own.Key()]; {
			case change != nil:
				change.Judged = questions
			case a.role == "":
				cell.Judged, cell.Targets = questions, c.limited(a, p.targets)
			default:
				questions = make([]results.Judged, 1) // a control is shown beside the styles, with the same confidence
			}
			quantities := map[string]bool{} // limits of one quantity share its interval
			for _, j := range questions {
				quantities[j.Quantity] = true
			}
			run.Rule.Rows += len(quantities)
		}
	}
}

// A stopping is the one rule that ends the rounds or trials of a comparison: after the most
// of them, when the time is used up, or at a look at which all verdicts are certain.
// Without looks it depends on time alone, never on results, so it favours none.
type stopping struct {
	rounds int           // the most
	fewest int           // measured although the time is up
	least  int           // measured even if they take longer than late; 0: fewest
	time   time.Duration // of all
	looks  []int         // numbers of undisturbed trials after which the results are looked at
}

// Where a trial is long, a run of many comparisons may ask for more trials than there is
// time for. So late after their time, fewTrials are enough: the verdict is then
// inconclusive.
const (
	late      = 25 * time.Second
	fewTrials = 3
)

// spareTrials are measured beyond the fewest of which an interval exists. The fewest are
// bounded by the worst trial, and one odd trial would hide the injected slowdown.
const spareTrials = 2

// fewRounds are measured however long they take: an interval then goes from the second to
// the ninth value.
const fewRounds = 10

func (p comparisonPlan) stopping(c config) stopping {
	if p.inTrials() {
		looks := inference.DefaultLooks()
		s := stopping{rounds: looks[len(looks)-1], fewest: inference.Fewest(c.confidence), least: fewTrials, time: c.trialTime()}
		if p.decided(c) {
			s.looks = looks
		}
		if p.controlled {
			s.fewest += spareTrials
		}
		return s
	}
	s := stopping{rounds: c.effort.Rounds, fewest: fewRounds, time: c.effort.Enough * time.Duration(max(1, len(p.arms)/8))}
	if p.size.Rounds > 0 {
		s.rounds = min(s.rounds, p.size.Rounds)
	}
	return s
}

// over reports whether the rounds end before the results are looked at.
func (s stopping) over(rounds int, spent time.Duration) bool {
	return rounds >= s.rounds || rounds >= s.fewest && spent >= s.time ||
		s.least > 0 && rounds >= s.least && spent >= late+s.time
}

// hopeless reports whether so much time is over that most trials were disturbed, as on a board that
// is throttled all the time.
func (s stopping) hopeless(trials int, spent time.Duration) bool {
	return trials >= s.fewest && spent >= late+s.time
}

// certain reports whether the results are looked at after the trial, and all verdicts are
// certain or no look is left. It summarizes the results as the report does, so both say
// the same.
func (c *comparison) certain(s stopping, round int) bool {
	if len(s.looks) == 0 {
		return false
	}
	blocks, disturbed := c.ownBlocks(), map[int]bool{}
	for _, b := range blocks {
		if b.Disturbed != "" {
			disturbed[b.Round] = true
		}
	}
	clean := round + 1 - len(disturbed)
	return !disturbed[round] && slices.Contains(s.looks, clean) &&
		(c.decided(blocks) || clean == s.looks[len(s.looks)-1])
}

// ownBlocks are the blocks of the comparison so far.
func (c *comparison) ownBlocks() []results.Block {
	keys := map[string]bool{}
	for _, a := range c.arms {
		keys[a.key] = true
	}
	var own []results.Block
	for _, b := range c.record.blocks() {
		if keys[b.Cell] {
			own = append(own, b)
		}
	}
	return own
}

// decided reports whether every verdict is certain and the controls have passed.
func (c *comparison) decided(blocks []results.Block) bool {
	soFar := *c.result
	soFar.Cells, soFar.Controls, soFar.Changes = nil, nil, c.changesSoFar()
	for _, a := range styles(c.arms) {
		soFar.Cells = append(soFar.Cells, a.cell.Copy())
	}
	if c.controls != nil {
		soFar.Controls = []results.Controls{*c.controls}
	}
	reports.Summarize(&soFar, results.Details{Blocks: blocks})
	if precision := c.config.decide.precision; precision > 0 {
		return reports.Precise(&soFar, precision)
	}
	return reports.Decided(&soFar)
}

// can says why no run has a cell of this scenario, style (empty: any) and options. A name that
// the suite does not have is not its business.
func (s Suite) can(scenario, style string, options map[string]string) error {
	i := slices.IndexFunc(s.Scenarios, func(of Scenario) bool { return of.Name == scenario })
	if i < 0 {
		return nil
	}
	of := s.Scenarios[i]
	arms, err := of.arms(s.Styles, nil)
	if err != nil {
		return err
	}
	arms = slices.DeleteFunc(slices.Clone(arms), func(a Style) bool { return style != "" && a.Name != style })
	if len(arms) == 0 {
		return usagef("%s is not measured in %s", scenario, style)
	}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		k := slices.IndexFunc(of.Keys, func(k Key) bool { return k.Name == name })
		if k < 0 {
			return usagef("%s has no option %s", scenario, name)
		}
		if err := of.Keys[k].valid(options[name]); err != nil {
			return err
		}
		if arms = slices.DeleteFunc(arms, func(a Style) bool { return !of.Keys[k].applies(a) }); len(arms) == 0 {
			return usagef("option %s is only for %s", name, strings.Join(of.Keys[k].Styles, ", "))
		}
	}
	return nil
}
