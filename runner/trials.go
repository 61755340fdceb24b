package runner

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"rubato/inference"
	"rubato/results"
)

// inTrials reports whether the comparison is measured in trials: new processes, in which
// the arms take turns slice by slice. Those are comparisons of time.
func (p comparisonPlan) inTrials() bool { return !p.scenario.Paced }

const (
	// mostDropped trials in a row end a comparison: then they do not break off by chance.
	mostDropped = 3
	// sayEvery is how often the progress is said.
	sayEvery = 5 * time.Second
)

// A trialLog is what the next trial is planned from.
type trialLog struct {
	logs   map[*arm]inference.Trials // log-ratios to the baseline, by turn
	starts []time.Duration           // what trials cost before their first turn
	turns  []time.Duration           // what a turn of all arms takes
	slices slicing                   // of the last trial
	perOp  []time.Duration           // of the baseline, typical in each trial
}

// trials measures until the rule ends it. A trial that breaks off, because a child ended
// or hangs, is dropped as a whole.
func (c *comparison) trials(ctx context.Context) error {
	rule := c.plan.stopping(c.config)
	slice := plural(c.n, "operation")
	if c.plan.scenario.apart() {
		slice = shortSlice.String()
	}
	c.progress.say("%s: up to %v of trials in slices of %s", c.name, rule.time, slice)
	log := &trialLog{logs: map[*arm]inference.Trials{}}
	c.note(false)
	start, usual, inRow := time.Now(), time.Duration(0), 0
	clean := 0 // trials that nothing disturbed: the others have no part in an interval
	for trial := 0; len(c.valid()) > 0 && trial < 2*rule.rounds && !rule.over(clean, time.Since(start)+usual) && !rule.hopeless(trial, time.Since(start)); {
		blocks, err := c.trial(ctx, trial, log)
		if err == nil && !c.witnessed {
			err = c.witness(ctx)
		}
		if broken := (lost{}); errors.As(err, &broken) {
			c.stop()
			c.dropped++
			c.progress.say("%s: a trial broke off and is dropped: %v", c.name, err)
			if inRow++; inRow == mostDropped {
				return c.giveUp(trial, err)
			}
			continue
		}
		if err != nil {
			return err
		}
		for _, b := range blocks {
			if err := c.record.add(results.Line{Block: b}); err != nil {
				return err
			}
		}
		usual, inRow = time.Since(start)/time.Duration(trial+1), 0 // of a trial: the next must end in time
		if !slices.ContainsFunc(blocks, func(b *results.Block) bool { return b.Disturbed != "" }) {
			clean++
		}
		if trial++; trial == 1 {
			if err := c.checkpoint(); err != nil {
				return err
			}
		}
		if c.certain(rule, trial-1) {
			c.progress.say("%s: certain after %s, %v", c.name, plural(trial, "trial"), time.Since(start).Round(time.Second))
			return c.ended(ctx, false)
		}
		spent := time.Since(start)
		left := min(usual*time.Duration(max(0, rule.fewest-clean)), max(0, late+rule.time-spent)) // the fewest may take longer
		c.progress.show(c.name, plural(trial, "trial"), c.ratios(log, trial, spent, rule.time), max(left, rule.time-spent))
	}
	return c.ended(ctx, true)
}

// note records how the trials ended.
func (c *comparison) note(timeUp bool) {
	for _, a := range c.arms {
		a.cell.Trials = &results.Trials{Dropped: c.dropped, TimeUp: timeUp}
	}
}

// ended notes the end, and starts processes again for the windows if the last trial broke
// off.
func (c *comparison) ended(ctx context.Context, timeUp bool) error {
	c.note(timeUp)
	if slices.ContainsFunc(c.valid(), func(a *arm) bool { return a.process == nil }) {
		return c.renew(ctx)
	}
	return nil
}

// trial has new processes take turns. It returns a block for each arm, that of the
// baseline first unless it is invalid.
func (c *comparison) trial(ctx context.Context, number int, log *trialLog) ([]*results.Block, error) {
	began := time.Now()
	if err := c.renew(ctx); err != nil {
		return nil, err
	}
	s := c.slicing(log)
	if c.disturb != nil {
		defer c.disturb(c.valid())()
	}
	of := map[*arm]*results.Block{}
	keep := func(a *arm, b *results.Block) error {
		b.Round = number
		of[a] = b
		return nil
	}
	if err := c.work(ctx, s, c.labels(number), c.inSlices, keep); err != nil {
		return nil, err
	}
	start := time.Since(began) - c.turned // all that is not a turn costs as much however many turns there are
	log.starts, log.turns, log.slices = append(log.starts, start), append(log.turns, c.turned/time.Duration(s.Turns)), s
	c.resizeSlowdown(of[c.arms[0]], log)
	c.checkWaiting(of)
	var blocks []*results.Block
	for _, a := range c.arms {
		b, base := of[a], of[c.partner(a)]
		if b == nil {
			continue
		}
		b.Start = start
		blocks = append(blocks, b)
		if a.role == results.RoleBefore { // what it is now, to what it was
			b, base = base, b
		}
		if base != nil && b != nil && b != base {
			log.logs[a] = append(log.logs[a], b.TurnLogs(base))
		}
	}
	return blocks, nil
}

// fewestBusy is in how many trials an arm worked in others' turns before it is invalid.
const fewestBusy = 3

// checkWaiting marks arms invalid that work while others are measured: so they could prepare
// what they are asked next. Some CPU is always used: the runtime's own threads, the rest of a
// garbage collection, a deck that decodes ahead. So an arm may use twice as much as the arm that
// uses least, and half of what the baseline's work takes or a tenth of the time waited. Beside other
// programs chance makes a trial or two busy: it takes three, and half of all.
func (c *comparison) checkWaiting(of map[*arm]*results.Block) {
	base := of[c.arms[0]]
	if base == nil || c.plan.scenario.apart() {
		return
	}
	work := time.Duration(float64(base.User+base.System) * float64(base.Stimuli) / float64(max(base.Ops, 1)))
	least := base.Waiting
	for _, b := range of {
		least = min(least, b.Waiting)
	}
	for _, a := range c.valid() {
		b := of[a]
		if b == nil {
			continue
		}
		waited := c.turned - b.Wall
		a.trials++
		if b.Waiting <= 2*least+max(work/2, waited/10) {
			continue
		}
		if a.busy++; a.busy >= fewestBusy && 2*a.busy >= a.trials {
			a.invalidate("round %d, style %s: while others were measured it used %v of CPU in %v; the baseline's work took %v",
				b.Round, a.style, b.Waiting.Round(time.Millisecond), waited.Round(time.Millisecond), work.Round(time.Millisecond))
		}
	}
}

// labels are which arm stands for which number of the balanced orders, drawn for each
// trial.
func (c *comparison) labels(trial int) []int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(c.name)) // cannot fail
	return rand.New(rand.NewPCG(c.config.seed+uint64(trial), h.Sum64())).Perm(len(c.arms))
}

// inSlices hands the turns of a trial to the arms. All prepare their stimuli first and
// count their effects last; in between one works and the others wait. The orders are
// balanced for who follows whom.
func (c *comparison) inSlices(ctx context.Context, s slicing, order []int, handle func(place int, answer reply) error) error {
	defer c.progress.patiently(c.name)()
	var places []int
	for place, i := range order {
		if !c.arms[i].invalid() {
			places = append(places, place)
		}
	}
	at := func(k int) *arm { return c.arms[order[places[k]]] }
	for k := range places {
		a := at(k)
		s := s
		if c.plan.scenario.apart() {
			own := c.sliceOf(a)
			s.Ops, s.Hot = own.Ops, own.Hot
		}
		defer context.AfterFunc(ctx, a.process.turns.interrupt)()
		defer a.sample()()
		if err := a.process.send(ctx, request{Do: doTrial, First: c.next, Slices: s, Held: true, Profile: c.profiling[a]}); err != nil {
			return err
		}
		if _, err := a.process.turn(ctx, 0, c.blockLimit()); err != nil {
			return err
		}
	}
	handovers := make([][]time.Duration, len(places))
	orders := c.turnOrders(len(places), at)
	began := time.Now()
	for turn := range s.Turns {
		for _, k := range orders[turn%len(orders)] {
			asked := time.Now()
			worked, err := at(k).process.turn(ctx, turn+1, c.blockLimit())
			if err != nil {
				return err
			}
			handovers[k] = append(handovers[k], time.Since(asked)-worked)
		}
	}
	c.turned = time.Since(began)
	for k, place := range places { // one after the other: what an arm counts takes nobody's CPU
		_ = at(k).process.turns.tell(s.Turns + 1) // if it has ended, await says how
		answer, err := at(k).process.await(ctx, doTrial, c.blockLimit())
		if err != nil {
			return err
		}
		if answer.Block != nil {
			answer.Block.Handover = middle(handovers[k])
		}
		if err := handle(place, answer); err != nil {
			return err
		}
	}
	return nil
}

// turnOrders are the orders of the turns. Those of arms that do the same work are balanced
// for who follows whom. There are too many pieces for that; those that are a pair stand
// side by side, and change places from turn to turn.
func (c *comparison) turnOrders(n int, at func(k int) *arm) [][]int {
	if !c.plan.scenario.apart() {
		return inference.Williams(n)
	}
	place := map[string]int{}
	for k := range n {
		place[at(k).style] = k
	}
	var forth, back []int
	seen := map[int]bool{}
	add := func(names ...string) {
		from := len(forth)
		for _, name := range names {
			if k, measured := place[name]; measured && !seen[k] {
				seen[k] = true
				forth = append(forth, k)
			}
		}
		pair := slices.Clone(forth[from:])
		slices.Reverse(pair)
		back = append(back, pair...)
	}
	for _, p := range c.plan.scenario.Pairs {
		add(p.Without, p.With)
	}
	for k := range n {
		add(at(k).style)
	}
	return [][]int{forth, back}
}

func middle(of []time.Duration) time.Duration {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// Bounds of a trial's turns. The first ones warm the new processes up.
const (
	fewestTurns = 20
	mostTurns   = 1000
	fewestLong  = 4 // where twenty turns last over a second: more trials bound an interval better
	// mostStimuli bounds what an arm prepares and counts in a trial, beside its turns.
	mostStimuli = 50_000
	warmupTurns = 5
	// trialsOf is how many trials the time must hold at least: the interval is over trials.
	trialsOf = 20
	// planFrom is how many trials are needed to know their variances.
	planFrom = 4
)

// slicing plans the next trial. The first ones last for about as long as they take to
// start. Then the variances within and between trials say how many turns give the
// narrowest interval in the time that there is (Kalibera and Jones 2013).
func (c *comparison) slicing(log *trialLog) slicing {
	s := c.sliceOf(nil)
	turn := c.turnTime()
	if n := len(log.turns); n > 0 {
		turn = middle(log.turns)
	}
	start := middle(log.starts)
	most := int(max(c.plan.stopping(c.config).time/trialsOf-start, start/4) / max(turn, 1))
	timed := int(max(start, 300*time.Millisecond) / max(turn, 1))
	if len(log.turns) >= planFrom && !c.plan.scenario.apart() {
		timed = 0
		for _, a := range inFull(c.arms) {
			if trials := log.logs[a]; len(trials) > 0 {
				timed = max(timed, trials.Expected().Turns(start, turn, fewestTurns, mostTurns))
			}
		}
	}
	fewest := min(fewestTurns, max(fewestLong, int(time.Second/max(turn, 1))))
	if n := mostStimuli / max(s.Ops+s.Hot, 1); n < mostTurns && !c.plan.scenario.Recurs { // pieces count nothing: they have no common size
		fewest, most = min(fewest, max(fewestLong, n)), min(most, n)
	}
	timed = max(fewest, min(timed, most, mostTurns))
	s.Warmup = min(warmupTurns, max(1, timed/4))
	s.Turns = s.Warmup + timed
	return s
}

// sliceOf is the slice of an arm. Only pieces, which do not do the same work, have slices
// of their own; those of others are the same, whichever the arm.
func (c *comparison) sliceOf(a *arm) slicing {
	s := slicing{Ops: c.n, Pause: c.plan.scenario.pause(c.plan.options)}
	if a != nil && c.plan.scenario.apart() {
		s.Ops = a.n
	}
	if !c.plan.cold() {
		s.Hot = c.units((s.Ops + 1) / 2)
	}
	return s
}

// turnTime estimates what a turn of all arms takes, from the calibration.
func (c *comparison) turnTime() time.Duration {
	const handover = 50 * time.Microsecond
	var sum float64
	for _, a := range c.valid() {
		s := c.sliceOf(a)
		sum += a.perOp*float64(s.Ops+s.Hot) + float64(handover+s.Pause+a.ready)
	}
	return time.Duration(sum)
}

// units rounds operations up to whole units of the scenario.
func (c *comparison) units(n int) int {
	unit := 1
	if c.plan.scenario.Unit != nil {
		unit = max(1, c.plan.scenario.Unit(c.plan.options))
	}
	return (n + unit - 1) / unit * unit
}

// ratios are those of the styles to the baseline so far, and how narrow their intervals will be
// at the end.
func (c *comparison) ratios(log *trialLog, trials int, spent, limit time.Duration) (all []ratio) {
	later := int(float64(trials) * float64(max(limit, spent)) / float64(max(spent, 1))) // the fewest trials may take longer
	for _, a := range inFull(c.arms) {
		of := log.logs[a]
		if len(of) == 0 {
			continue
		}
		r, typical, name := ratio{}, of.Typical(), a.shown()
		if now, err := inference.Paired(typical, c.config.confidence); err == nil && now.Bounded() {
			r.soFar = fmt.Sprintf("%s ×%.3g [%.3g, %.3g]", name, math.Exp(now.Median), math.Exp(now.Lo), math.Exp(now.Hi))
		} else {
			r.soFar = fmt.Sprintf("%s ×%.3g", name, math.Exp(inference.Median(typical)))
		}
		if then := of.Expected().HalfWidth(later, log.slices.Turns-log.slices.Warmup, c.config.confidence); !math.IsInf(then, 0) {
			r.atEnd = fmt.Sprintf(", ±%.2g %% at the end", 100*then)
		}
		all = append(all, r)
	}
	return all
}
