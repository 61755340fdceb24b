package runner

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"rubato/results"
)

// rounds measures a scenario that a clock paces, or pieces. In each round every arm runs
// one block, in an order drawn from the seed, so that drift of the machine affects all
// arms alike. Others are measured in trials.
func (c *comparison) rounds(ctx context.Context) error {
	if c.plan.inTrials() {
		return c.trials(ctx)
	}
	rule := c.plan.stopping(c.config)
	c.progress.say("%s: up to %s of %s", c.name, plural(rule.rounds, "round"), c.size())
	start := time.Now()
	for round, order := range orders(c.config.seed, c.name, rule.rounds, len(c.arms)) {
		if len(c.valid()) == 0 || rule.over(round, time.Since(start)) {
			return nil
		}
		began := time.Now()
		keep := func(_ *arm, b *results.Block) error {
			b.Round = round
			return c.record.add(results.Line{Block: b})
		}
		if err := c.interleave(ctx, c.n, order, keep); err != nil {
			return err
		}
		if round == 0 {
			if err := c.checkpoint(); err != nil {
				return err
			}
		}
		c.progress.show(c.name, fmt.Sprintf("round %d of %d took %v", round+1, rule.rounds, time.Since(began).Round(time.Millisecond)), nil,
			min(rule.time-time.Since(start), time.Since(start)/time.Duration(round+1)*time.Duration(rule.rounds-round-1)))
	}
	return nil
}

// size says how much an arm does in a round.
func (c *comparison) size() string {
	size := plural(c.n, "operation")
	if c.plan.scenario.Together {
		size += ", all arms at the same time"
	}
	return size
}

// orders are permutations of the arms, one per round. They depend on the seed and the
// comparison's name alone.
func orders(seed uint64, comparison string, rounds, arms int) [][]int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(comparison)) // cannot fail
	source := rand.New(rand.NewPCG(seed, h.Sum64()))
	all := make([][]int, rounds)
	for i := range all {
		all[i] = source.Perm(arms)
	}
	return all
}

// checkpoint records what is known of the cells so far, with verdicts and transcripts, in
// case the run ends before it writes its summary.
func (m *measurement) checkpoint() error {
	soFar := *m.result
	soFar.Incomplete = "the run ended before it wrote its summary"
	soFar.Cells = slices.DeleteFunc(slices.Clone(soFar.Cells), func(c results.Cell) bool { return !m.touched(c) })
	return m.record.add(results.Line{Run: &soFar})
}

// interleave has every valid arm run a block of the next n stimuli, see work.
func (c *comparison) interleave(ctx context.Context, n int, order []int, keep func(*arm, *results.Block) error) error {
	how := c.inTurn
	if c.plan.scenario.Together {
		how = c.atOnce
	}
	return c.work(ctx, slicing{Ops: n, Turns: 1}, order, how, keep)
}

// A working has the valid arms work, in an order of their indices, and calls handle with
// each place in the order and the answer of its arm.
type working func(ctx context.Context, s slicing, order []int, handle func(place int, answer reply) error) error

// work has every valid arm run the next stimuli and then compares their work. It does so
// also while warming up: a store that differs once stays different. keep gets each block
// as it comes.
func (c *comparison) work(ctx context.Context, s slicing, order []int, how working, keep func(*arm, *results.Block) error) error {
	blocks := make([]*results.Block, len(c.arms))
	before := c.heatNow()
	err := how(ctx, s, order, func(place int, answer reply) error {
		i := order[place]
		a := c.arms[i]
		if answer.Block == nil {
			return fmt.Errorf("%s: no block came back", a.title())
		}
		blocks[i], a.ready = answer.Block, answer.Ready
		blocks[i].Cell, blocks[i].Turn = a.key, place
		felt(blocks[i], before, c.heatNow())
		if wrong := a.wrong(answer); wrong != "" {
			a.invalidate("stimuli %d to %d, style %s: %s", c.next, c.next+int(answer.Block.Stimuli)-1, a.style, wrong)
		}
		return keep(a, blocks[i])
	})
	if err != nil {
		return err
	}
	c.compare(blocks, s.stimuli())
	c.next += s.stimuli()
	c.valid()
	return nil
}

// heatNow is nothing where a test does without.
func (m *measurement) heatNow() (now results.Heat) {
	if m.heat != nil {
		now = m.heat()
	}
	return now
}

// felt records heat, clock and throttling after a block. One during which the CPU was slowed down
// is disturbed.
func felt(b *results.Block, before, after results.Heat) {
	if after != (results.Heat{}) {
		b.Heat = &after
	}
	b.Disturbed = cmp.Or(b.Disturbed, after.SlowedSince(before))
}

// inTurn has the arms work one after the other.
func (c *comparison) inTurn(ctx context.Context, s slicing, order []int, handle func(turn int, answer reply) error) error {
	for turn, i := range order {
		if c.arms[i].invalid() {
			continue
		}
		done := c.progress.patiently(c.arms[i].title())
		answer, err := c.block(ctx, c.arms[i], s.Ops)
		done()
		if err == nil {
			err = handle(turn, answer)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// atOnce has all arms work at the same time. When all have answered, the answers are
// handled in order. The first failure ends the wait.
func (c *comparison) atOnce(ctx context.Context, s slicing, order []int, handle func(turn int, answer reply) error) error {
	defer c.progress.patiently(c.name)()
	answers := make([]reply, len(order))
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var working sync.WaitGroup
	for turn, i := range order {
		a := c.arms[i]
		if a.invalid() {
			continue
		}
		working.Go(func() {
			answer, err := c.block(ctx, a, s.Ops)
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
		if c.arms[i].invalid() {
			continue
		}
		if err := handle(turn, answers[turn]); err != nil {
			return err
		}
	}
	return nil
}

// block asks one arm for its block.
func (c *comparison) block(ctx context.Context, a *arm, n int) (reply, error) {
	if c.plan.scenario.apart() {
		n = a.n
	}
	defer a.sample()()
	return a.process.ask(ctx, request{Do: doBlock, First: c.next, N: n}, c.blockLimit())
}

// compare makes an arm invalid whose work differs from the baseline's, or that did none.
func (c *comparison) compare(blocks []*results.Block, n int) {
	reference := blocks[0]
	var traced traces
	for i, a := range c.arms {
		b := blocks[i]
		if b == nil {
			continue
		}
		if c.floor.under(b.Ops, b.Wall) {
			a.invalidate("%d operations in %v: less than an empty loop takes, so the compiler removed the work", b.Ops, b.Wall)
		}
		if c.plan.scenario.apart() || c.arms[0].invalid() || a.invalid() {
			continue
		}
		span := fmt.Sprintf("stimuli %d to %d, style %s", c.next, c.next+n-1, a.style)
		if other := b.Done().Difference(a.baselineOf(reference, b)); other != "" {
			a.invalidate("%s: %s", span, other)
		}
		if other := traced.differ(a, b.Trace); other != "" {
			a.invalidate("%s: %s", span, other)
		}
	}
}

// baselineOf is the work to compare a block with. An arm that measures what the digest
// costs has none to compare; its effects, bytes, order and rows are compared all the same.
func (a *arm) baselineOf(reference, b *results.Block) results.WorkDone {
	done := reference.Done()
	if !a.verified() {
		done.Digest = b.Digest
	}
	return done
}

// wrong is what is wrong with a block by itself; "" if nothing is.
func (a *arm) wrong(answer reply) string {
	switch {
	case answer.Wrong != "":
		return answer.Wrong
	case tooFast(answer.Block.Wall, answer.Least):
		return fmt.Sprintf("it took %v, but what it stored takes %v on this disk: it was done before the clock started, or not at all", answer.Block.Wall, answer.Least)
	}
	return drifted(a.settingsOfScript(), answer.Settings)
}

// least is the shortest time that share of the work can have taken. What it depends on, as a disk that
// others keep busy, can have been slower when it was measured: a block that seems too fast has it
// measured again, a few times, and only what is too fast each time stays so.
func (w Work) least(wall time.Duration, share float64) (time.Duration, error) {
	least := w.Least
	for range 5 {
		if w.Again == nil || !tooFast(wall, time.Duration(share*float64(least))) {
			break
		}
		again, err := w.Again()
		if err != nil {
			return 0, err
		}
		least = min(least, again)
	}
	return time.Duration(share * float64(least)), nil
}

// tooFast says that a block cannot have done its work while the clock ran. Twice its time is
// compared: the quickest of a few is no exact limit.
func tooFast(wall, least time.Duration) bool { return 2*wall < least }

func (a *arm) verified() bool { return Setup{Instruments: a.instruments}.Verified() }

// settingsOfScript are the settings of the script as timed blocks must report them: the
// script is always verified, the blocks of this arm may not be.
func (a *arm) settingsOfScript() []Setting {
	settings := slices.Clone(a.settings)
	for i := range settings {
		if settings[i].Name == VerifiedSetting && !a.verified() {
			settings[i].Value = "false"
		}
	}
	return settings
}
