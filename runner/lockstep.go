package runner

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"rubato/reports"
)

// lockstep has every standing entrant run the same n next stimuli, in the order
// given (indices of entrants), and then holds their work against each other: also
// while warming up, as a store that differs once differs ever after. keep sees each
// block as it comes.
func (c *contest) lockstep(ctx context.Context, n int, order []int, keep func(*entrant, *reports.Block) error) error {
	blocks := make([]*reports.Block, len(c.entrants))
	turns := c.inTurn
	if c.plan.scenario.Together {
		turns = c.atOnce
	}
	err := turns(ctx, n, order, func(turn int, answer reply) error {
		i := order[turn]
		e := c.entrants[i]
		if answer.Block == nil {
			return fmt.Errorf("%s: no block came back", e.title())
		}
		blocks[i] = answer.Block
		blocks[i].Cell, blocks[i].Turn = e.key, turn
		if wrong := e.wrong(answer); wrong != "" {
			e.disqualify("stimuli %d to %d, style %s: %s", c.next, c.next+answer.Block.Ops-1, e.style, wrong)
		}
		return keep(e, blocks[i])
	})
	if err != nil {
		return err
	}
	c.compare(blocks, n)
	c.next += n
	c.standing()
	return nil
}

// inTurn has one arm work after the other, the others blocked.
func (c *contest) inTurn(ctx context.Context, n int, order []int, heed func(turn int, answer reply) error) error {
	for turn, i := range order {
		if c.entrants[i].void() {
			continue
		}
		done := c.progress.patiently(c.entrants[i].title())
		answer, err := c.block(ctx, c.entrants[i], n)
		done()
		if err == nil {
			err = heed(turn, answer)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// atOnce has all arms work at the same time. Answers are heeded in order, when all
// are there; the first failure ends the wait for the others.
func (c *contest) atOnce(ctx context.Context, n int, order []int, heed func(turn int, answer reply) error) error {
	defer c.progress.patiently(c.name)()
	answers := make([]reply, len(order))
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var working sync.WaitGroup
	for turn, i := range order {
		e := c.entrants[i]
		if e.void() {
			continue
		}
		working.Go(func() {
			answer, err := c.block(ctx, e, n)
			if answers[turn] = answer; err != nil {
				fail(err)
			}
		})
	}
	working.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for turn, i := range order {
		if c.entrants[i].void() {
			continue
		}
		if err := heed(turn, answers[turn]); err != nil {
			return err
		}
	}
	return nil
}

// block asks one arm for its block.
func (c *contest) block(ctx context.Context, e *entrant, n int) (reply, error) {
	if c.plan.scenario.apart() {
		n = e.n
	}
	return c.watched(ctx, e, request{Do: doBlock, First: c.next, N: n})
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
		span := fmt.Sprintf("stimuli %d to %d, style %s", c.next, c.next+n-1, e.style)
		if b.Expected != reference.Expected {
			e.disqualify("%s: expects %d effects, the baseline %d", span, b.Expected, reference.Expected)
		}
		if other := differs(b, e.comparable(reference, b)); other != "" {
			e.disqualify("%s: %s", span, other)
		}
	}
}

// comparable is the reference for a block: without a digest, when that is what the arm
// is there to do without. Effects, bytes, order and rows are compared all the same.
func (e *entrant) comparable(reference, b *reports.Block) *reports.Block {
	if e.witnessed() {
		return reference
	}
	undigested := *reference
	undigested.Digest = b.Digest
	return &undigested
}

// differs says what one block did that the other, of the same stimuli, did not: first
// what tells most.
func differs(b, reference *reports.Block) string {
	switch {
	case b.Payload != reference.Payload:
		return fmt.Sprintf("its effects hold %d bytes, those of the baseline %d", b.Payload, reference.Payload)
	case b.Keys != reference.Keys:
		return fmt.Sprintf("the order within a key differs: its digest is %q, that of the baseline %q", b.Keys, reference.Keys)
	case b.Visited != reference.Visited:
		return fmt.Sprintf("it read %d rows, the baseline %d: one of them has kept an answer, or asked twice", b.Visited, reference.Visited)
	case b.Digest != reference.Digest:
		return fmt.Sprintf("digest of the effects is %q, that of the baseline %q: it did other work", b.Digest, reference.Digest)
	}
	return ""
}

// wrong is what a block shows to be wrong without being held against another.
func (e *entrant) wrong(answer reply) string {
	switch {
	case answer.Wrong != "":
		return answer.Wrong
	case 2*answer.Block.Wall < answer.Least:
		return fmt.Sprintf("it took %v, but what it stored takes %v on this disk: it was done before the clock started, or not at all", answer.Block.Wall, answer.Least)
	}
	return drifted(e.provenUnder(), answer.Settings)
}

func (e *entrant) witnessed() bool { return Setup{Observers: e.observers}.Witnessed() }

// provenUnder are the settings of the script, which is witnessed in every arm, as timed
// blocks must tell them.
func (e *entrant) provenUnder() []Setting {
	settings := slices.Clone(e.settings)
	for i := range settings {
		if settings[i].Name == WitnessedSetting && !e.witnessed() {
			settings[i].Value = "false"
		}
	}
	return settings
}
