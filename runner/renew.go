package runner

import (
	"context"
	"os"
	"path/filepath"

	"rubato/reports"
)

// freshCosts is how much longer rounds may take that start their processes.
const freshCosts = 4

// renews tells whether each round has processes of its own. Two processes of one
// program differ for as long as they live, by how their memory came to lie: by some 3 %
// in a selection (Mytkowicz et al., "Producing wrong data without doing anything
// obviously wrong", 2009). Rounds of one life share that, so that no interval over
// them knows of it; rounds of a life each do not (Kalibera and Jones, "Rigorous
// benchmarking in reasonable time", 2013).
func (c *contest) renews() bool { return c.ask.fresh && c.plan.scenario.provable() }

// renew ends the processes and starts others, which begin the script again on stores of
// their own. They are warmed up by one block.
func (c *contest) renew(ctx context.Context) error {
	arms := len(c.standing())
	if err := c.close(ctx); err != nil {
		return err
	}
	for i := range arms {
		if err := os.RemoveAll(filepath.Join(c.dir, c.arm(i))); err != nil {
			return err
		}
	}
	c.life, c.next = c.life+1, 0
	warm := func(ctx context.Context) error {
		return c.lockstep(ctx, c.n, inOrder(len(c.entrants)), func(*entrant, *reports.Block) error { return nil })
	}
	for _, step := range []func(context.Context) error{c.enter, c.open, c.plant, warm} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}
