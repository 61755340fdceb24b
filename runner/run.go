package runner

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"rubato/ci"
	"rubato/command"
	"rubato/inference"
	"rubato/reports"
	"rubato/results"
	"rubato/runner/host"
)

// A measurement is a run in progress: what all of its comparisons share.
type measurement struct {
	child     []string // see Suite.Child
	config    config
	limits    limits
	floor     floor
	folder    folder
	record    *record
	progress  *progress
	leftovers *leftovers
	heat      func() results.Heat // nil: not read
	started   time.Time
	readAfter func() // what the machine is like at the end
	result    *results.Run
}

// run measures and renders.
func (p program) run(ctx context.Context, args []string) int {
	config, err := parseRun(args)
	if errors.Is(err, flag.ErrHelp) {
		p.printHelp(p.stdout, "run")
		return exitPass
	}
	if err = cmp.Or(err, p.cannot); err != nil {
		return p.fail(err)
	}
	plan, err := newPlan(p.suite, config)
	if err == nil {
		err = checkOut(config.out)
	}
	if err == nil {
		if plan.budgets, plan.targets, err = config.decide.limits(); err != nil {
			err = usageError{err}
		}
	}
	if err != nil {
		return p.fail(err)
	}
	if config.against != "" {
		if err := p.beside(ctx, config.against, &plan); err != nil {
			return p.fail(err)
		}
	}
	asked := append([]string{"run"}, args...)
	if p.suite.Asked != nil {
		asked = p.suite.Asked
	}
	return p.measure(ctx, config, plan, append([]string{p.name}, asked...))
}

// measure runs a plan.
func (p program) measure(ctx context.Context, config config, plan plan, command []string) int {
	m, err := p.begin(config, plan, command)
	if err != nil {
		return p.fail(err)
	}
	defer p.clear()
	plan.rule(m.result, config, plan.budgets)
	if m.config.confidence = inference.Confidence; m.result.Rule != nil {
		m.config.confidence = 1 - (1-inference.Confidence)/float64(max(1, m.result.Rule.Rows))
	}
	if disk, err := host.ReadDisk(m.folder.path); err == nil { // a full one fails soon, with its own reason
		m.result.Machine.Disk = &disk
	}
	m.floor = measureFloor()
	m.progress.say("measuring into %s, effort %s, seed %d", m.folder.show, config.effort.Name, config.seed)
	for _, warning := range m.result.Machine.Warnings {
		m.progress.say("warning: %s", warning)
	}
	failure := m.comparisons(ctx, plan)
	if lost := m.record.lost(); lost != nil {
		failure = lost // of which any other failure is a consequence
	}
	p.end(m)
	for _, b := range m.record.blocks() {
		if b.Heat != nil {
			m.result.Machine.Saw(*b.Heat)
		}
	}
	return p.finish(m, failure)
}

// begin makes the folder of a run and what its comparisons share. p.clear removes what it works with.
func (p program) begin(config config, plan plan, command []string) (*measurement, error) {
	started := time.Now()
	folder, err := makeFolder(config.out, started)
	if err != nil {
		return nil, err
	}
	p.left.in(folder)
	record, err := openRecord(folder.path)
	if err != nil {
		p.clear()
		return nil, err
	}
	p.left.keep(record)
	m := &measurement{child: p.suite.Child, config: config, limits: p.limits, folder: folder, record: record, leftovers: p.left, heat: p.heat,
		progress: newProgress(p.stderr, len(plan.comparisons)), started: started}
	m.result = newResult(p.suite, config, plan, command, started)
	m.readAfter = host.ReadMachine(&m.result.Machine, p.suite.Versions)
	return m, nil
}

// end notes how long the run took, and what the machine is like now.
func (p program) end(m *measurement) {
	m.progress.finish()
	p.clear()
	m.result.Seconds = time.Since(m.started).Seconds()
	m.readAfter()
}

// clear removes what a run works with. It is called again at the end of the program.
func (p program) clear() {
	if err := p.left.clear(); err != nil {
		fmt.Fprintf(p.stderr, "%s: left behind: %v\n", p.name, err)
	}
}

// comparisons measures one after the other. What fails in one style does not end the run.
func (m *measurement) comparisons(ctx context.Context, plan plan) error {
	header := *m.result
	header.Cells = nil // none is known yet
	if err := m.record.add(results.Line{Run: &header}); err != nil {
		return err
	}
	cells := cellsByKey(m.result)
	var failures []error
	for i, c := range plan.comparisons {
		for again := true; again; {
			now := newComparison(m, i, c, cells)
			err := now.measure(ctx)
			if err != nil && !ofChild(err) {
				return err
			}
			if again = false; err != nil {
				if !errors.Is(err, errGaveUp) {
					failures = append(failures, err)
				}
				c, again = now.fail(err)
			}
		}
		if err := m.record.sync(); err != nil {
			return err
		}
		m.progress.step()
	}
	if n := len(failures); n > 1 {
		return fmt.Errorf("%w (and %s more)", failures[0], plural(n-1, "failure"))
	}
	return errors.Join(failures...)
}

// cellsByKey are the records of all arms.
func cellsByKey(run *results.Run) map[string]*results.Cell {
	cells := map[string]*results.Cell{}
	for _, cell := range run.Arms() {
		cells[cell.Key()] = cell
	}
	return cells
}

// newResult is the run before anything is measured: all cells, no figures.
func newResult(suite Suite, config config, plan plan, command []string, started time.Time) *results.Run {
	run := &results.Run{Schema: results.Schema, Started: started.UTC(), Command: command,
		Effort: config.effort.Name, Fresh: true, Seed: config.seed, Baseline: plan.baseline, Styles: plan.styles(suite), Published: suite.Published, Against: plan.other}
	for _, c := range plan.comparisons {
		s := c.scenario
		if n := len(run.Scenarios); n == 0 || run.Scenarios[n-1].Name != s.Name {
			of := s.result()
			if first := c.arms[0].style; of.Baseline == "" && first != plan.baseline {
				of.Baseline = first // it is not measured in the run's
			}
			run.Scenarios = append(run.Scenarios, of)
		}
		for _, a := range c.arms {
			run.Cells = append(run.Cells, a.cell(s.Name))
		}
		run.Changes = append(run.Changes, c.changes(config.decide.margin)...)
		if c.instrumented {
			run.Instruments = append(run.Instruments, c.instruments()...)
		}
	}
	plan.controls(run, config.slowdown)
	return run
}

// controls makes the records of each comparison's controls.
func (p plan) controls(run *results.Run, share float64) {
	controlled := 0
	for _, c := range p.comparisons {
		if c.controlled {
			controlled++
		}
	}
	for _, c := range p.comparisons {
		if c.controlled {
			run.Controls = append(run.Controls, c.controls(share, controlled))
		}
	}
}

// result is what readers of the results need to know of the scenario.
func (s Scenario) result() results.Scenario {
	out := results.Scenario{Name: s.Name, Answers: s.Answers, Op: s.Op, Claims: s.Claims, ArmKey: s.ArmKey, Pairs: s.Pairs,
		Paced: s.Paced, Together: s.Together, Bare: s.Bare, Measures: s.Measures, Alone: s.Alone, Factors: s.Factors}
	for _, key := range s.Keys {
		out.Settings = append(out.Settings, results.Arm{Name: key.Name, Doc: key.Doc})
	}
	for _, arm := range s.Arms {
		out.Arms = append(out.Arms, results.Arm{Name: arm.Name, Doc: arm.Doc})
	}
	if s.apart() {
		out.Baseline = s.Arms[0].Name
	}
	return out
}

// cell is the arm's record in the result, still without figures.
func (a armPlan) cell(scenario string) results.Cell {
	return results.Cell{Scenario: scenario, Style: a.style, Options: maps.Clone(a.options), Named: a.named, Role: a.role, Warnings: []string{}}
}

// finish computes and renders the results. It marks those of a failed run incomplete.
func (p program) finish(m *measurement, failure error) int {
	run := m.result
	if failure != nil {
		run.Incomplete = failure.Error()
		run.Cells = slices.DeleteFunc(run.Cells, func(c results.Cell) bool { return !m.touched(c) })
		run.Controls = slices.DeleteFunc(run.Controls, func(p results.Controls) bool { return !m.touched(p.AA) })
		run.Instruments = slices.DeleteFunc(run.Instruments, func(o results.Instrument) bool { return !m.touched(o.Arm) })
		run.Changes = slices.DeleteFunc(run.Changes, func(c results.Change) bool { return !m.touched(c.Before) })
	}
	reports.Summarize(run, m.record.details)
	if err := m.record.finish(run); !errors.Is(failure, err) {
		failure = errors.Join(failure, err)
	}
	if run.Incomplete == "" && failure != nil {
		run.Incomplete = failure.Error()
	}
	if err := reports.Write(m.folder.path, run, m.record.details); err != nil {
		failure = errors.Join(failure, fmt.Errorf("rendering: %w", err))
	}
	if err := m.folder.pointLatest(); err != nil {
		m.progress.say("warning: %v", err)
	}
	p.conclude(run, m.folder.show)
	if failure != nil {
		return p.incomplete(run, failure)
	}
	return exitCode(run)
}

// incomplete says why a run has not ended. What it has found over a limit stands.
func (p program) incomplete(run *results.Run, failure error) int {
	code := p.fail(fmt.Errorf("the run is incomplete: %w", failure))
	if exitCode(run) == exitOver {
		return exitOver
	}
	return code
}

// touched reports whether a run that ended early has results of this cell.
func (m *measurement) touched(c results.Cell) bool {
	key := c.Key()
	return c.Verdict == results.Invalid ||
		slices.ContainsFunc(m.record.details.Blocks, func(b results.Block) bool { return b.Cell == key })
}

// conclude prints the tables and where the report is.
func (p program) conclude(run *results.Run, folder string) {
	if len(run.Cells) > 0 {
		if file, ok := terminal(p.stdout); ok { // itself: the screen would show colours as characters
			fmt.Fprint(file, reports.Terminal(run, true))
		} else {
			fmt.Fprint(p.stdout, reports.Terminal(run, false))
		}
	}
	fmt.Fprintf(p.stdout, "%s/report.html\n", folder)
}

// exitCode is that of the run. One that decides answers its questions as the gate would.
func exitCode(run *results.Run) int {
	seen := []string{ci.Within} // a run that was asked nothing passes
	ask := func(c *results.Cell, judged []results.Judged) {
		for _, j := range judged {
			verdict, _ := reports.Answer(run, c, j)
			if run.Decides() && (verdict != ci.Over || j.Limit > 0) { // slower is no failure
				seen = append(seen, verdict)
			}
		}
	}
	cells := map[string]results.Cell{}
	for i := range run.Cells {
		c := &run.Cells[i]
		cells[c.Key()] = *c
		switch c.Verdict {
		case results.Invalid:
			seen = append(seen, ci.Invalid)
		case results.Inconclusive:
			seen = append(seen, ci.Inconclusive)
		}
		ask(c, c.Judged)
	}
	for i := range run.Changes {
		of := &run.Changes[i]
		ask(of.Compared(cells[of.Of]), of.Judged)
	}
	for _, p := range run.Controls {
		if !run.Decides() && p.Insensitive != "" {
			seen = append(seen, ci.Insensitive)
		}
	}
	code, _ := ci.Rank(run.Incomplete != "", seen...)
	return code
}

// report renders a folder again.
func (p program) report(args []string) int {
	flags := command.Flags("report")
	into := flags.String("into", "", "a file, such as README.md")
	names, err := parseAnywhere(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		p.printHelp(p.stdout, "report")
		return exitPass
	}
	if err != nil {
		return p.fail(err)
	}
	if len(names) != 1 {
		return p.fail(usagef("report takes one folder, as in: %s report out/latest", p.name))
	}
	past, err := results.Read(os.DirFS(names[0]))
	if err != nil || past.Later {
		_, _, err = results.Load(names[0]) // which says it with paths
		return p.fail(usageError{err})
	}
	if *into != "" {
		if _, _, err = reports.Figures(*into); err != nil {
			return p.fail(usageError{err})
		}
	}
	for _, lack := range past.Lacks {
		fmt.Fprintf(p.stderr, "missing: %s\n", lack)
	}
	run := past.Run
	reports.Summarize(run, past.Details)
	if err := reports.Write(names[0], run, past.Details); err != nil {
		p.conclude(run, names[0])
		if past.Damaged {
			err = usageError{err}
		}
		return p.fail(err)
	}
	p.conclude(run, names[0])
	if *into != "" {
		if err := reports.Embed(*into, run); err != nil {
			return p.fail(err)
		}
	}
	if run.Incomplete != "" {
		return p.incomplete(run, errors.New(run.Incomplete))
	}
	if past.Damaged {
		return p.fail(usagef("%s: not all of it is as rubato writes it; what could be read is shown", names[0]))
	}
	return exitCode(run)
}

// plural is a number of things.
func plural(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
