package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rubato/reports"
	"rubato/results"
)

// A comparison measures one scenario with one set of options. All arms are open at the
// same time; one works, the others wait on their stdin.
type comparison struct {
	*measurement
	plan      comparisonPlan
	controls  *results.Controls // nil: it has none
	name      string            // scenario and the options that tell it from its others
	dir       string            // in the work folder, of this comparison alone
	arms      []*arm
	n         int             // stimuli in a block
	next      int             // position in the script, the same for all
	restarts  int             // how often all processes were started again
	dropped   int             // trials that broke off
	witnessed bool            // the arms were looked at after a timed part
	turned    time.Duration   // what the turns of the last trial took
	profiling map[*arm]string // while profiles are taken: where the arm's goes
	slowdown  time.Duration
	disturb   func([]*arm) (calm func()) // at work while turns are taken; nil: nothing
}

// An arm is one that is at work.
type arm struct {
	armPlan
	cell         *results.Cell
	key          string
	process      *process
	n            int           // operations in a block, for arms apart
	settings     []Setting     // that its script ran under
	rates        Rates         // that its script showed
	trials, busy int           // looked at for work in others' turns, and in how many of them it did some
	perOp        float64       // ns, in the quickest block of calibration and warm-up
	ready        time.Duration // what it takes to make ready for a slice, beside its time
}

func (a *arm) invalid() bool { return a.cell.Verdict == results.Invalid }

// invalidate makes the cell invalid. The first reason is kept.
func (a *arm) invalidate(format string, args ...any) {
	if !a.invalid() {
		a.cell.Verdict, a.cell.Why = results.Invalid, fmt.Sprintf(format, args...)
	}
}

func (a *arm) warn(format string, args ...any) {
	a.cell.Warnings = append(a.cell.Warnings, fmt.Sprintf(format, args...))
}

// title names the arm in messages: scenario, named options, style.
func (a *arm) title() string {
	of := "style " + a.style
	if a.role != "" {
		of = a.role + " of " + of
	}
	return strings.Join(append(a.cellName(), of), " ")
}

func (a *arm) cellName() []string {
	parts := []string{a.cell.Scenario}
	for _, key := range a.named {
		parts = append(parts, key+"="+a.options[key])
	}
	return parts
}

// newComparison fills the given cells, which it finds by their keys.
func newComparison(m *measurement, number int, plan comparisonPlan, cells map[string]*results.Cell) *comparison {
	c := &comparison{measurement: m, plan: plan, dir: filepath.Join(m.folder.work, strconv.Itoa(number))}
	for _, planned := range plan.all() {
		cell := planned.cell(plan.scenario.Name)
		key := cell.Key()
		c.arms = append(c.arms, &arm{armPlan: planned, cell: cells[key], key: key})
	}
	if plan.controlled {
		group := c.arms[0].cell.GroupKey()
		i := slices.IndexFunc(m.result.Controls, func(r results.Controls) bool { return r.AA.GroupKey() == group })
		c.controls = &m.result.Controls[i]
	}
	parts := []string{plan.scenario.Name}
	for _, key := range c.arms[0].named {
		if value, shared := plan.options[key]; shared {
			parts = append(parts, key+"="+value)
		}
	}
	c.name = strings.Join(parts, " ")
	return c
}

// measure runs the comparison from beginning to end. An error ends the whole run. A style
// whose work differs is out of this comparison only.
func (c *comparison) measure(ctx context.Context) error {
	defer os.RemoveAll(c.dir)
	defer c.stop()
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"making what its styles share", c.prepare}, {"starting processes", c.startProcesses}, {"is the work the same?", c.checkScripts},
		{"opening", c.open}, {"calibrating", c.calibrate}, {"calibrating", c.sizeSlowdown}, {"measuring", c.rounds},
		{"CPU and profiles at work", c.active}, {"CPU while idle", c.idle}, {"closing", c.close},
	} {
		c.progress.begin(c.name, step.what)
		switch err := step.do(ctx); {
		case err == errGaveUp || err == nil && len(c.valid()) == 0: // itself: with an arm to blame the others go on
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// giveUp ends a comparison of which too many trials break off. What was measured is kept. If nothing
// was, the arm that broke it off has failed.
func (c *comparison) giveUp(trials int, err error) error {
	c.note(true)
	if trials == 0 {
		return fmt.Errorf("%w: %w", err, errGaveUp)
	}
	for _, a := range c.arms {
		a.warn("ended after %s: then %d in a row broke off: %v", plural(trials, "trial"), mostDropped, err)
	}
	return errGaveUp
}

// fail marks the cells of a comparison in which an arm failed. What was measured is kept. If
// nothing was, the other arms can be measured again, without that one.
func (c *comparison) fail(err error) (rest comparisonPlan, again bool) {
	c.progress.say("%s: failed: %v", c.name, err)
	again = true
	for _, a := range c.arms {
		if c.touched(*a.cell) && !a.invalid() {
			a.warn("ended early: %v", err)
			again = false
		}
	}
	k := slices.IndexFunc(c.arms, func(a *arm) bool { return strings.HasPrefix(err.Error(), a.title()+": ") })
	if !again || k < 0 {
		return c.plan, false
	}
	c.arms[k].invalidate("it failed: %v", err)
	if k == 0 { // the baseline
		c.valid()
		return c.plan, false
	}
	rest = c.plan
	for i := len(c.arms) - 1; i > 0 && again; i-- { // those that did other work have no process either
		if c.arms[i].invalid() {
			rest, again = rest.without(i)
		}
	}
	return rest, again
}

// errGaveUp ends a comparison, but not the run.
var errGaveUp = fmt.Errorf("%d trials in a row broke off", mostDropped)

// ofChild reports whether an error is that of one child alone.
func ofChild(err error) bool {
	var stated failed
	var gone lost
	return errors.As(err, &stated) || errors.As(err, &gone)
}

// valid are the arms that are not invalid; the processes of the others are ended. If the
// baseline is invalid, nothing shows that the other arms did the same work, so they are
// invalid, too.
func (c *comparison) valid() []*arm {
	reference := c.arms[0]
	var standing []*arm
	var why reports.Notes
	for _, a := range c.arms {
		if reference.invalid() && !c.plan.scenario.apart() {
			a.invalidate("the baseline %s is invalid, so nothing shows that the work was the same: %s", reference.style, reference.cell.Why)
		}
		if !a.invalid() {
			standing = append(standing, a)
		} else if a.process != nil {
			why.Add("invalid: "+a.cell.Why, a.title())
			c.release(a)
		}
	}
	for _, line := range why.Lines() {
		c.progress.say("%s", line)
	}
	return standing
}

// release ends an arm's process.
func (c *comparison) release(a *arm) {
	if a.process != nil {
		a.process.end(c.limits.Close)
		c.leftovers.drop(a.process)
		a.process = nil
	}
}

// stop kills the processes that are left. Those that ended well have been closed.
func (c *comparison) stop() {
	for _, a := range c.arms {
		if a.process != nil {
			a.process.kill()
			c.release(a)
		}
	}
}

// setup is what a workload is opened with, with a new folder.
func (c *comparison) setup(a *arm, purpose string) (*Setup, error) {
	dir := filepath.Join(c.dir, purpose)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making a folder to work in: %w", err)
	}
	setup := &Setup{Style: a.style, Options: maps.Clone(a.options), Seed: c.config.seed,
		Shared: c.shared(), Dir: dir, Effort: c.config.effort.Name, Instruments: a.instruments, Rates: a.rates}
	if a.role == results.RoleSlowdown {
		setup.Slowdown = &Slowdown{Stage: c.plan.scenario.stage()}
	}
	return setup, nil
}

func (c *comparison) shared() string { return filepath.Join(c.dir, "shared") }

// prepare makes what all styles share. It runs in a process of its own.
func (c *comparison) prepare(ctx context.Context) error {
	if err := os.MkdirAll(c.shared(), 0o755); err != nil {
		return fmt.Errorf("making a folder to work in: %w", err)
	}
	if c.plan.scenario.Prepare == nil {
		return nil
	}
	p, err := c.start(nil, c.name+", what its styles share")
	if err != nil {
		return err
	}
	defer c.leftovers.drop(p)
	_, err = p.ask(ctx, request{Do: doPrepare, Scenario: c.plan.scenario.Name,
		Setup: &Setup{Options: c.plan.options, Seed: c.config.seed, Shared: c.shared(), Effort: c.config.effort.Name}}, c.limits.Prepare)
	if err != nil {
		p.kill()
	}
	p.end(c.limits.Close)
	return err
}

// start starts a child and notes that it must be gone at the end.
func (m *measurement) start(program *build, name string) (*process, error) {
	p, err := start(program, m.child, name, filepath.Join(m.folder.work, "tmp"), m.progress.writer())
	if err == nil {
		m.leftovers.add(p)
	}
	return p, err
}

// startProcesses starts a process for every arm that stands.
func (c *comparison) startProcesses(context.Context) error {
	for _, a := range c.valid() {
		p, err := c.start(a.build, a.title())
		if err != nil {
			return err
		}
		a.process = p
	}
	return nil
}

// folderOf names the folder of the i-th valid arm. Each restart has its own.
func (c *comparison) folderOf(i int) string { return fmt.Sprintf("arm%d-%d", c.restarts, i) }

// open opens the workloads that are timed, all at the same time. All must have the same
// process settings.
func (c *comparison) open(ctx context.Context) error {
	arms := c.valid()
	for i, a := range arms {
		setup, err := c.setup(a, c.folderOf(i))
		if err != nil {
			return err
		}
		setup.Keep = filepath.Join(c.folder.path, keptName, a.fileName())
		if err := os.RemoveAll(setup.Keep); err != nil { // from before a restart
			return err
		}
		if err := a.process.send(ctx, request{Do: doOpen, Protocol: protocol, Scenario: a.cell.Scenario, Setup: setup}); err != nil {
			return err
		}
	}
	var first reply
	for i, a := range arms {
		answer, err := a.process.await(ctx, doOpen, c.limits.Open)
		if err != nil {
			return err
		}
		if i == 0 {
			first = answer
		}
		if err := a.speaks(answer); err != nil {
			return err
		}
		if answer.Procs != first.Procs || answer.GOGC != first.GOGC {
			a.invalidate("it runs with GOMAXPROCS %d and GOGC %d, the baseline with %d and %d",
				answer.Procs, answer.GOGC, first.Procs, first.GOGC)
		}
	}
	return nil
}

// close closes the workloads of the valid arms and ends their processes.
func (c *comparison) close(ctx context.Context) error { return c.retire(ctx, c.leaving()) }

// leaving takes their processes from the valid arms, but for those of a trial that broke off.
func (c *comparison) leaving() map[*arm]*process {
	all := map[*arm]*process{}
	for _, a := range c.valid() {
		if a.process != nil {
			all[a], a.process = a.process, nil
		}
	}
	return all
}

// retire closes the workloads of the processes and ends these, all at the same time. No
// process is left, whatever the error.
func (c *comparison) retire(ctx context.Context, leaving map[*arm]*process) (err error) {
	defer func() {
		var all sync.WaitGroup
		for _, p := range leaving {
			if err != nil {
				p.kill()
			}
			all.Go(func() { p.end(c.limits.Close) })
			defer c.leftovers.drop(p)
		}
		all.Wait()
	}()
	for _, p := range leaving {
		if err := p.send(ctx, request{Do: doClose}); err != nil {
			return err
		}
	}
	for a, p := range leaving {
		answer, err := p.await(ctx, doClose, c.limits.Close)
		if err != nil {
			return err
		}
		if answer.Left > 0 {
			a.invalidate("Close left %d goroutines behind", answer.Left)
		}
	}
	return nil
}

// renew starts new processes on new stores. Two processes of one program differ for as long as they
// run, because their memory is laid out differently: by some 3 % in a selection (Mytkowicz et al.,
// "Producing wrong data without doing anything obviously wrong", 2009). An interval over trials includes
// that; one over turns does not (Kalibera and Jones, "Rigorous benchmarking in reasonable time", 2013).
func (c *comparison) renew(ctx context.Context) error {
	old := c.leaving()
	if err := errors.Join(c.startProcesses(ctx), c.retire(ctx, old)); err != nil { // they start while the old ones close
		return err
	}
	var unused []string
	for i := range c.arms {
		unused = append(unused, filepath.Join(c.dir, c.folderOf(i)))
	}
	c.restarts++
	if !c.plan.scenario.Anywhere {
		c.next = 0
	}
	removed := make(chan error, 1)
	go func() {
		var err error
		for _, dir := range unused {
			err = errors.Join(err, os.RemoveAll(dir))
		}
		removed <- err
	}()
	err := c.open(ctx)
	if err = errors.Join(err, <-removed); err != nil {
		return err
	}
	return c.sendSlowdown(ctx)
}
