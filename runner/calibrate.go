package runner

import (
	"context"
	"math"
	"slices"
	"time"

	"rubato/results"
)

const (
	maxBlockOps = 1 << 24 // the largest block, even if it is still too short
	levelWithin = 0.05    // how far the medians of block times may lie apart
)

// calibrate finds the size of blocks or slices: the fastest arm works for long enough in
// one. It is the same for all arms. Then it warms up until no arm becomes faster or
// slower. These blocks are not kept.
func (c *comparison) calibrate(ctx context.Context) error {
	walls := make([][]time.Duration, len(c.arms))
	order := inOrder(len(c.arms))
	switch {
	case c.plan.scenario.apart():
		if err := c.calibrateApart(ctx, walls); err != nil {
			return err
		}
		return c.warmUp(ctx, walls)
	case c.plan.size.Ops > 0 && !c.plan.inTrials(): // slices are as short as can be
		c.n = c.plan.size.Ops
		c.sized()
		return c.warmUp(ctx, walls)
	}
	c.n = c.units(1)
	for lasted := 0; lasted < 2; lasted++ { // the very first operation may open a connection
		for i := range walls {
			walls[i] = nil // of another size: not comparable
		}
		if err := c.interleave(ctx, c.n, order, c.timed(walls)); err != nil {
			return err
		}
		if len(c.valid()) == 0 {
			break
		}
		if c.plan.scenario.pause(c.plan.options) > 0 {
			break
		}
		if n := nextSize(c.n, c.fastest(walls), c.shortest()); n != c.n {
			c.n, lasted = c.units(n), -1
		}
	}
	if c.plan.inTrials() {
		c.sliced()
	}
	c.sized()
	return c.warmUp(ctx, walls)
}

const (
	// shortSlice is what the fastest arm's slice lasts, unless blocks are shorter: arms that
	// alternate so fast meet the same noise of the machine.
	shortSlice = time.Millisecond
	// longSlice bounds the slowest arm's slice, unless the fastest would get less than
	// leastSlice, in which the hand-over and the clock are felt.
	longSlice  = 10 * time.Millisecond
	leastSlice = 20 * time.Microsecond
)

// shortest is how long the fastest arm's block or slice should last.
func (c *comparison) shortest() time.Duration {
	if c.plan.inTrials() {
		return min(shortSlice, c.config.effort.Block)
	}
	return c.config.effort.Block
}

// sliced bounds the slice of the slowest arm, and says so if it cannot.
func (c *comparison) sliced() {
	fastest, slowest := math.Inf(1), 0.0
	for _, a := range c.valid() {
		fastest, slowest = min(fastest, a.perOp), max(slowest, a.perOp)
	}
	if slowest <= 0 {
		return
	}
	n := min(c.n, int(max(float64(longSlice)/slowest, float64(leastSlice)/fastest)))
	c.n = c.units(max(n, 1))
	if took := time.Duration(float64(c.n) * slowest); took > 2*longSlice {
		c.progress.say("%s: a slice of %s lasts %v in the slowest arm: it cannot be shorter", c.name, plural(c.n, "operation"), took.Round(time.Millisecond))
	}
}

func (c *comparison) sized() {
	for _, a := range c.arms {
		a.cell.BlockOps = c.n
	}
}

// calibrateApart finds a block size for each arm.
func (c *comparison) calibrateApart(ctx context.Context, walls [][]time.Duration) error {
	for i, a := range c.arms {
		if err := c.calibrateOne(ctx, walls, i); err != nil {
			return err
		}
		a.cell.BlockOps = a.n
	}
	return nil
}

// calibrateOne stops when two blocks of the same size have been long enough: the very
// first operation may open a connection.
func (c *comparison) calibrateOne(ctx context.Context, walls [][]time.Duration, i int) error {
	want, a := c.shortest(), c.arms[i]
	a.n = c.units(1)
	for lasted := 0; lasted < 2 && !a.invalid(); lasted++ {
		walls[i] = nil // of another size: not comparable
		if err := c.interleave(ctx, a.n, []int{i}, c.timed(walls)); err != nil {
			return err
		}
		if next := c.units(nextSize(a.n, walls[i][0], want)); next != a.n {
			a.n, lasted = next, -1
		}
	}
	return nil
}

func (c *comparison) warmUp(ctx context.Context, walls [][]time.Duration) error {
	order, most := inOrder(len(c.arms)), c.warmups()
	for done := range most {
		if len(c.valid()) == 0 || done > 0 && c.level(walls, nil) {
			return nil
		}
		if err := c.interleave(ctx, c.n, order, c.timed(walls)); err != nil {
			return err
		}
	}
	if c.plan.scenario.Paced || c.plan.size.Warmup != 0 {
		return nil // a clock keeps the blocks level; or the scenario knows best
	}
	c.level(walls, func(a *arm) {
		a.warn("block times were not level within %.0f %% after %d warm-up blocks", 100*levelWithin, most)
	})
	return nil
}

// warmups is the largest number of warm-up blocks.
func (c *comparison) warmups() int {
	switch asked := c.plan.size.Warmup; {
	case asked > 0:
		return asked
	case asked < 0:
		return 0
	case c.plan.scenario.Paced:
		return min(1, c.config.effort.Warmup)
	}
	return c.config.effort.Warmup
}

// timed notes the wall time of each block.
func (c *comparison) timed(walls [][]time.Duration) func(*arm, *results.Block) error {
	return func(a *arm, b *results.Block) error {
		i := slices.Index(c.arms, a)
		walls[i] = append(walls[i], b.Wall)
		if perOp := float64(b.Wall) / float64(max(b.Ops, 1)); a.perOp == 0 || perOp < a.perOp {
			a.perOp = perOp // of a block that nothing disturbed, if there is one
		}
		return nil
	}
}

// fastest is the shortest last block of the valid arms.
func (c *comparison) fastest(walls [][]time.Duration) time.Duration {
	least := time.Duration(math.MaxInt64)
	for i, a := range c.arms {
		if !a.invalid() && len(walls[i]) > 0 {
			least = min(least, walls[i][len(walls[i])-1])
		}
	}
	return least
}

// level reports whether the block times of all valid arms have become steady. It calls
// unlevel, if there is one, with those that have not.
func (c *comparison) level(walls [][]time.Duration, unlevel func(*arm)) bool {
	all := true
	for i, a := range c.arms {
		if a.invalid() || level(walls[i]) {
			continue
		}
		all = false
		if unlevel != nil {
			unlevel(a)
		}
	}
	return all
}

// level compares the last two blocks with the two before.
func level(walls []time.Duration) bool {
	if len(walls) < 4 {
		return false
	}
	recent, earlier := walls[len(walls)-2:], walls[len(walls)-4:len(walls)-2]
	now, then := float64(recent[0]+recent[1]), float64(earlier[0]+earlier[1])
	return math.Abs(now-then) <= levelWithin*then
}

// nextSize doubles the block until it lasts for want. The last step adds only what is
// missing and a tenth, so that blocks are not twice as long as they must be.
func nextSize(n int, lasted, want time.Duration) int {
	if lasted >= want || n >= maxBlockOps {
		return n
	}
	missing := int(math.Ceil(1.1 * float64(n) * float64(want) / float64(max(lasted, 1))))
	return min(2*n, max(n+1, missing), maxBlockOps)
}

func inOrder(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

// emptyLoop counts to n and does nothing else.
//
//go:noinline
func emptyLoop(n int) (turned int) {
	for range n {
		turned++
	}
	return turned
}

// A floor is the time of very many turns of an empty loop. One turn takes less than a
// nanosecond, so it keeps both numbers.
type floor struct {
	turns int
	took  time.Duration
}

// measureFloor takes the shortest of many short tries: on a busy machine a long one always
// includes a time in which others worked.
func measureFloor() floor {
	const turns = 200_000
	f := floor{took: time.Hour}
	for range 100 {
		start := time.Now()
		f.turns = emptyLoop(turns)
		f.took = min(f.took, time.Since(start))
	}
	return f
}

// under reports whether the operations took less than half the time of as many empty
// turns: then the compiler removed the work. It is half, because an empty loop may itself
// be what is measured, and its time varies.
func (f floor) under(ops int, wall time.Duration) bool {
	return 2*float64(wall)/float64(ops) < float64(f.took)/float64(f.turns)
}
