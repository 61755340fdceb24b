package runner

import (
	"context"
	"fmt"

	"rubato/reports"
)

// lockstep has every standing entrant run the same n next stimuli, in the order
// given (indices of entrants), and then holds their work against each other: also
// while warming up, as a store that differs once differs ever after. keep sees each
// block as it comes.
func (c *contest) lockstep(ctx context.Context, n int, order []int, keep func(*entrant, *reports.Block) error) error {
	blocks := make([]*reports.Block, len(c.entrants))
	for turn, i := range order {
		e := c.entrants[i]
		if e.void() {
			continue
		}
		ops := n
		if c.plan.scenario.apart() {
			ops = e.n
		}
		answer, err := e.process.ask(ctx, request{Do: doBlock, First: c.next, N: ops}, c.limits.Block)
		if err != nil {
			return err
		}
		if answer.Block == nil {
			return fmt.Errorf("%s: no block came back", e.title())
		}
		blocks[i] = answer.Block
		blocks[i].Cell, blocks[i].Turn = e.key, turn
		if err := keep(e, blocks[i]); err != nil {
			return err
		}
		if answer.Wrong != "" {
			e.disqualify("stimuli %d to %d: %s", c.next, c.next+ops-1, answer.Wrong)
		}
	}
	c.compare(blocks, n)
	c.next += n
	c.standing()
	return nil
}

// compare voids whoever did other work than the reference, or none.
func (c *contest) compare(blocks []*reports.Block, n int) {
	reference := blocks[0]
	for i, e := range c.entrants {
		b := blocks[i]
		if b == nil {
			continue
		}
		if c.floor.under(b.Ops, b.Wall) {
			e.disqualify("%d operations in %v: less than an empty loop takes, so the compiler removed the work", b.Ops, b.Wall)
		}
		if c.plan.scenario.apart() || c.entrants[0].void() || e.void() {
			continue
		}
		span := fmt.Sprintf("stimuli %d to %d", c.next, c.next+n-1)
		if b.Expected != reference.Expected {
			e.disqualify("%s: expects %d effects, the baseline %d", span, b.Expected, reference.Expected)
		}
		if b.Digest != reference.Digest {
			e.disqualify("%s: digest of the effects is %q, that of the baseline %q: it did other work", span, b.Digest, reference.Digest)
		}
	}
}
