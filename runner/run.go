package runner

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"time"

	"rubato/reports"
)

// A measurement is one rubato run under way: what all of its contests share.
type measurement struct {
	ask       runFlags
	limits    limits
	floor     floor
	folder    folder
	record    *record
	progress  *progress
	leftovers *leftovers
	result    *reports.Run
}

// run measures and renders.
func (p program) run(ctx context.Context, args []string) int {
	ask, err := parseRun(args)
	if errors.Is(err, flag.ErrHelp) {
		p.printHelp(p.stdout, "run")
		return exitPass
	}
	if err != nil {
		return p.fail(err)
	}
	plan, err := newPlan(p.suite, ask)
	if err == nil {
		err = checkOut(ask.out)
	}
	if err == nil && ask.decide.on {
		if plan.budgets, err = ask.decide.limits(); err != nil {
			err = usageError{err.Error()}
		}
	}
	if err != nil {
		return p.fail(err)
	}
	return p.measure(ctx, ask, plan, append([]string{p.name, "run"}, args...))
}

// measure is a run whose arguments are right.
func (p program) measure(ctx context.Context, ask runFlags, plan plan, command []string) int {
	started := time.Now()
	folder, err := makeFolder(ask.out, started)
	if err != nil {
		return p.fail(err)
	}
	p.left.in(folder)
	defer p.clear()
	record, err := openRecord(folder.path)
	if err != nil {
		return p.fail(err)
	}
	m := &measurement{ask: ask, limits: p.limits, folder: folder, record: record, leftovers: p.left,
		progress: newProgress(p.stderr, plan.rounds(ask))}
	m.result = newResult(p.suite, ask, plan, command, started)
	if ask.decide.on {
		plan.rule(m.result, ask, plan.budgets)
	}
	root, times := os.DirFS("/"), readTimes()
	m.result.Machine = readMachine(root, p.suite.Versions)
	m.floor = measureFloor()
	m.progress.say("measuring into %s, effort %s, seed %d", folder.show, ask.effort.Name, ask.seed)
	for _, warning := range m.result.Machine.Warnings {
		m.progress.say("warning: %s", warning)
	}
	failure := m.contests(ctx, plan)
	m.progress.finish()
	p.clear()
	m.result.Seconds = time.Since(started).Seconds()
	machine{&m.result.Machine, root}.after(times, readTimes())
	return p.finish(m, failure)
}

// clear takes away what a run works with. It is called again when the run is over,
// whatever the run has met.
func (p program) clear() {
	if err := p.left.clear(); err != nil {
		fmt.Fprintf(p.stderr, "%s: left behind: %v\n", p.name, err)
	}
}

// contests holds one after the other. The first failure ends the run.
func (m *measurement) contests(ctx context.Context, plan plan) error {
	header := *m.result
	header.Cells = nil // none is known yet
	if err := m.record.add(reports.Line{Run: &header}); err != nil {
		return err
	}
	cells, proofs, ledger := m.result.Cells, m.result.Proofs, m.result.Ledger
	for i, c := range plan.contests {
		var own []*reports.Cell
		for j := range c.arms {
			own = append(own, &cells[j])
		}
		cells = cells[len(c.arms):]
		contest := newContest(m, i, c, own)
		if c.proven {
			contest.prove(&proofs[0])
			proofs = proofs[1:]
		}
		if c.observed {
			ledger = contest.observe(ledger)
		}
		if err := contest.hold(ctx); err != nil {
			return err
		}
	}
	return nil
}

// newResult is the run before anything is measured: all cells, no figures.
func newResult(suite Suite, ask runFlags, plan plan, command []string, started time.Time) *reports.Run {
	run := &reports.Run{Schema: reports.Schema, Started: started.UTC(), Command: command,
		Effort: ask.effort.Name, Fresh: ask.fresh, Seed: ask.seed, Baseline: plan.baseline}
	for _, c := range plan.contests {
		s := c.scenario
		if n := len(run.Scenarios); n == 0 || run.Scenarios[n-1].Name != s.Name {
			run.Scenarios = append(run.Scenarios, s.result())
		}
		for _, a := range c.arms {
			run.Cells = append(run.Cells, a.cell(s.Name))
		}
		if c.observed {
			run.Ledger = append(run.Ledger, c.ledger()...)
		}
	}
	plan.proofs(run, ask.plant)
	return run
}

// proofs makes the places for what each contest could have seen.
func (p plan) proofs(run *reports.Run, share float64) {
	proven := 0
	for _, c := range p.contests {
		if c.proven {
			proven++
		}
	}
	for _, c := range p.contests {
		if c.proven {
			run.Proofs = append(run.Proofs, c.proof(share, proven))
		}
	}
}

// result is what a reader of the results has to know of the scenario.
func (s Scenario) result() reports.Scenario {
	out := reports.Scenario{Name: s.Name, Answers: s.Answers, Op: s.Op, Claims: s.Claims, ArmKey: s.ArmKey, Pairs: s.Pairs,
		Paced: s.Paced, Together: s.Together, Bare: s.Bare, Measures: s.Measures}
	for _, arm := range s.Arms {
		out.Arms = append(out.Arms, reports.Arm(arm))
	}
	if s.apart() {
		out.Baseline = s.Arms[0].Name
	}
	return out
}

// cell is the arm's place in the result.
func (a arm) cell(scenario string) reports.Cell {
	return reports.Cell{Scenario: scenario, Style: a.style, Options: maps.Clone(a.options), Named: a.named, Role: a.role, Warnings: []string{}}
}
