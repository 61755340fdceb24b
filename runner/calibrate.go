package runner

import (
	"context"
	"math"
	"slices"
	"time"

	"rubato/reports"
)

const (
	maxBlockOps = 1 << 24 // a block that is still too short then is measured as it is
	levelWithin = 0.05    // how far the medians of block times may lie apart
)

// calibrate finds the block size, the same for all, at which the fastest arm works
// for long enough; then warms up until no arm becomes faster or slower. None of
// these blocks is kept.
func (c *contest) calibrate(ctx context.Context) error {
	walls := make([][]time.Duration, len(c.entrants))
	order := inOrder(len(c.entrants))
	switch {
	case c.plan.scenario.apart():
		if err := c.calibrateApart(ctx, walls); err != nil {
			return err
		}
		return c.warmUp(ctx, walls)
	case c.plan.size.Ops > 0:
		c.n = c.plan.size.Ops
		c.sized()
		return c.warmUp(ctx, walls)
	}
	for c.n = 1; ; {
		for i := range walls {
			walls[i] = nil // of another size: not comparable
		}
		if err := c.lockstep(ctx, c.n, order, c.timed(walls)); err != nil {
			return err
		}
		n := nextSize(c.n, c.fastest(walls), c.ask.effort.Block)
		if n == c.n || len(c.standing()) == 0 {
			break
		}
		c.n = n
	}
	c.sized()
	return c.warmUp(ctx, walls)
}

func (c *contest) sized() {
	for _, e := range c.entrants {
		e.cell.BlockOps = c.n
	}
}

// apartBlock is enough for a piece: an operation of nanoseconds is done a million
// times in it, and there are many pieces.
const apartBlock = 20 * time.Millisecond

// calibrateApart finds the block size of each arm by itself.
func (c *contest) calibrateApart(ctx context.Context, walls [][]time.Duration) error {
	for i, e := range c.entrants {
		if err := c.calibrateOne(ctx, walls, i); err != nil {
			return err
		}
		e.cell.BlockOps = e.n
	}
	return nil
}

// calibrateOne goes on until two blocks of a size have lasted: the first operation of
// all may open a connection.
func (c *contest) calibrateOne(ctx context.Context, walls [][]time.Duration, i int) error {
	want, e := min(c.ask.effort.Block, apartBlock), c.entrants[i]
	e.n = 1
	for lasted := 0; lasted < 2 && !e.void(); lasted++ {
		walls[i] = nil // of another size: not comparable
		if err := c.lockstep(ctx, e.n, []int{i}, c.timed(walls)); err != nil {
			return err
		}
		if next := nextSize(e.n, walls[i][0], want); next != e.n {
			e.n, lasted = next, -1
		}
	}
	return nil
}

func (c *contest) warmUp(ctx context.Context, walls [][]time.Duration) error {
	order, most := inOrder(len(c.entrants)), c.warmups()
	for done := range most {
		if len(c.standing()) == 0 || done > 0 && c.level(walls, nil) {
			return nil
		}
		if err := c.lockstep(ctx, c.n, order, c.timed(walls)); err != nil {
			return err
		}
	}
	if c.plan.scenario.Paced || c.plan.size.Warmup != 0 {
		return nil // a clock keeps the blocks level; or the scenario knows best
	}
	c.level(walls, func(e *entrant) {
		e.warn("block times were not level within %.0f %% after %d warm-up blocks", 100*levelWithin, most)
	})
	return nil
}

// warmups are the warm-up blocks at most.
func (c *contest) warmups() int {
	switch asked := c.plan.size.Warmup; {
	case asked > 0:
		return asked
	case asked < 0:
		return 0
	case c.plan.scenario.Paced:
		return min(1, c.ask.effort.Warmup)
	}
	return c.ask.effort.Warmup
}

// timed notes the wall time of each block.
func (c *contest) timed(walls [][]time.Duration) func(*entrant, *reports.Block) error {
	return func(e *entrant, b *reports.Block) error {
		i := slices.Index(c.entrants, e)
		walls[i] = append(walls[i], b.Wall)
		e.perOp = float64(b.Wall) / float64(max(b.Ops, 1))
		return nil
	}
}

// fastest is the shortest last block of those standing.
func (c *contest) fastest(walls [][]time.Duration) time.Duration {
	least := time.Duration(math.MaxInt64)
	for i, e := range c.entrants {
		if !e.void() && len(walls[i]) > 0 {
			least = min(least, walls[i][len(walls[i])-1])
		}
	}
	return least
}

// level tells whether no standing arm's block times still move; unlevel is told
// those that do.
func (c *contest) level(walls [][]time.Duration, unlevel func(*entrant)) bool {
	all := true
	for i, e := range c.entrants {
		if e.void() || level(walls[i]) {
			continue
		}
		all = false
		if unlevel != nil {
			unlevel(e)
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

// nextSize doubles the block until it lasts for want; the last step adds only what
// is missing, with a tenth to spare, so that a run is not twice as long as it must.
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
