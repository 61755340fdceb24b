package runner

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"rubato/reports"
)

// rounds measures: in each round every arm runs one block, in an order drawn from
// the seed, so that what drifts in the machine meets all alike.
func (c *contest) rounds(ctx context.Context) error {
	rounds, look := c.plan.rounds(c.ask), c.looker()
	c.progress.say("%s: up to %s of %s", c.name, plural(rounds, "round"), c.size())
	start := time.Now()
	for round, order := range orders(c.ask.seed, c.name, rounds, len(c.entrants)) {
		if len(c.standing()) == 0 || look.over(round, time.Since(start)) {
			c.progress.skip(rounds - round)
			return nil
		}
		began := time.Now()
		if c.renews() {
			if err := c.renew(ctx); err != nil {
				return err
			}
			if len(c.standing()) == 0 {
				return nil
			}
		}
		keep := func(_ *entrant, b *reports.Block) error {
			b.Round = round
			return c.record.add(reports.Line{Block: b})
		}
		if err := c.lockstep(ctx, c.n, order, keep); err != nil {
			return err
		}
		if round == 0 {
			if err := c.checkpoint(); err != nil {
				return err
			}
		}
		c.progress.step()
		if look.certain(round) {
			c.progress.say("%s: decided after %s, %v", c.name, plural(round+1, "round"), time.Since(start).Round(time.Second))
			c.progress.skip(rounds - round - 1)
			return nil
		}
		if took := time.Since(began); took > longRound && round+1 < rounds {
			c.progress.say("%s: round %d of %d took %v", c.name, round+1, rounds, took.Round(time.Second))
		}
	}
	return nil
}

// longRound is what a reader of plain lines waits for without a word.
const longRound = 5 * time.Second

// rounds are those of a contest at most.
func (p contestPlan) rounds(ask runFlags) int {
	switch {
	case p.decided(ask):
		return maxDecidedRounds()
	case p.size.Rounds > 0:
		return min(p.size.Rounds, ask.effort.Rounds)
	}
	return ask.effort.Rounds
}

// rounds are those of all contests at most.
func (p plan) rounds(ask runFlags) (sum int) {
	for _, c := range p.contests {
		sum += c.rounds(ask)
	}
	return sum
}

// size says how much an arm does in a round.
func (c *contest) size() string {
	if c.plan.scenario.apart() {
		return fmt.Sprintf("%d arms apart, %v each", len(c.standing()), apartBlock)
	}
	size := plural(c.n, "operation")
	if c.plan.scenario.Together {
		size += ", all arms at the same time"
	}
	return size
}

// enough tells whether a contest has had the rounds that its time allows, which is
// more for one of many arms.
func (e Effort) enough(rounds, arms int, spent time.Duration) bool {
	return rounds >= fewRounds && spent >= e.Enough*time.Duration(max(1, arms/8))
}

// orders are the permutations of the arms, one a round: a function of seed and
// contest alone.
func orders(seed uint64, contest string, rounds, arms int) [][]int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(contest)) // cannot fail
	source := rand.New(rand.NewPCG(seed, h.Sum64()))
	all := make([][]int, rounds)
	for i := range all {
		all[i] = source.Perm(arms)
	}
	return all
}

// checkpoint records what is known of the cells so far, verdicts and transcripts
// among it, for a run that does not live to write its summary.
func (m *measurement) checkpoint() error {
	soFar := *m.result
	soFar.Incomplete = "the run ended before it wrote its summary"
	soFar.Cells = slices.DeleteFunc(slices.Clone(soFar.Cells), func(c reports.Cell) bool { return !m.touched(c) })
	return m.record.add(reports.Line{Run: &soFar})
}
