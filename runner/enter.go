package runner

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"rubato/reports"
)

// setup is what a workload of the contest is opened with; its folder is fresh.
func (c *contest) setup(e *entrant, purpose string) (*Setup, error) {
	dir := filepath.Join(c.dir, purpose)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making a folder to work in: %w", err)
	}
	setup := &Setup{Style: e.style, Options: maps.Clone(e.options), Seed: c.ask.seed,
		Shared: c.shared(), Dir: dir, Effort: c.ask.effort.Name, Observers: e.observers}
	if e.role == reports.Plant {
		setup.Plant = &Plant{Stage: c.plan.scenario.stage()}
	}
	return setup, nil
}

func (c *contest) shared() string { return filepath.Join(c.dir, "shared") }

// prepare makes what all styles share, in a process of its own.
func (c *contest) prepare(ctx context.Context) error {
	if err := os.MkdirAll(c.shared(), 0o755); err != nil {
		return fmt.Errorf("making a folder to work in: %w", err)
	}
	if c.plan.scenario.Prepare == nil {
		return nil
	}
	p, err := c.start(c.name + ", what its styles share")
	if err != nil {
		return err
	}
	defer c.leftovers.drop(p)
	_, err = p.ask(ctx, request{Do: doPrepare, Scenario: c.plan.scenario.Name,
		Setup: &Setup{Options: c.plan.options, Seed: c.ask.seed, Shared: c.shared(), Effort: c.ask.effort.Name}}, c.limits.Prepare)
	if err != nil {
		p.kill()
	}
	p.end(c.limits.Close)
	return err
}

// start starts a child and notes that it must be gone at the end.
func (m *measurement) start(name string) (*process, error) {
	p, err := start(name, filepath.Join(m.folder.work, "tmp"), m.progress.writer())
	if err == nil {
		m.leftovers.add(p)
	}
	return p, err
}

// enter starts a process for every arm that stands.
func (c *contest) enter(context.Context) error {
	for _, e := range c.standing() {
		p, err := c.start(e.title())
		if err != nil {
			return err
		}
		e.process = p
	}
	return nil
}

// arm is the folder of the i-th arm that stands, in this life.
func (c *contest) arm(i int) string { return fmt.Sprintf("arm%d-%d", c.life, i) }

// open opens the workloads that will be timed. All must run under the same settings.
func (c *contest) open(ctx context.Context) error {
	var first reply
	for i, e := range c.standing() {
		setup, err := c.setup(e, c.arm(i))
		if err != nil {
			return err
		}
		setup.Keep = filepath.Join(c.folder.path, keptName, e.fileName())
		if err := os.RemoveAll(setup.Keep); err != nil { // an earlier life's
			return err
		}
		answer, err := e.process.ask(ctx, request{Do: doOpen, Scenario: e.cell.Scenario, Setup: setup}, c.limits.Open)
		if err != nil {
			return err
		}
		if i == 0 {
			first = answer
		}
		if answer.Procs != first.Procs || answer.GOGC != first.GOGC {
			e.disqualify("it runs with GOMAXPROCS %d and GOGC %d, the baseline with %d and %d",
				answer.Procs, answer.GOGC, first.Procs, first.GOGC)
		}
	}
	return nil
}

// close closes the workloads of those that are left.
func (c *contest) close(ctx context.Context) error {
	for _, e := range c.standing() {
		answer, err := e.process.ask(ctx, request{Do: doClose}, c.limits.Close)
		if err != nil {
			return err
		}
		if answer.Left > 0 {
			e.warn("Close left %d goroutines behind", answer.Left)
		}
		c.release(e)
	}
	return nil
}
