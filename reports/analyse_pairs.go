package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"rubato/inference"
	"rubato/results"
)

// reference returns the cell whose transcript c must repeat. Pieces have none.
func reference(run *results.Run, c results.Cell) *results.Cell {
	if run.Scenario(c.Scenario).Pieces() {
		return nil
	}
	if base := results.BaselineOf(run, c); base != nil {
		return base
	}
	for i := range run.Cells {
		if run.Cells[i].GroupKey() == c.GroupKey() {
			return &run.Cells[i]
		}
	}
	return nil
}

// checkWork marks a cell invalid whose work differs from the reference's: its transcript,
// or a block of the same round. Arms whose effects were not verified have no digests to
// compare.
func checkWork(c, ref *results.Cell, blocks map[string][]results.Block) {
	if ref == nil || ref == c || c.Verdict == results.Invalid {
		return
	}
	if c.Work.Digest != "" && ref.Work.Digest != "" {
		if difference := c.Work.Difference(ref.Work, ref.Style); difference != "" {
			c.Invalidate(difference)
			return
		}
	}
	if c.Unverified() {
		return
	}
	if difference := results.BlocksDifference(blocks[c.Key()], blocks[ref.Key()]); difference != "" {
		c.Invalidate(difference)
	}
}

// compare computes the ratios and the overhead from the rounds in which both arms were
// measured. If a clock paces the scenario, only the CPU ratio is computed.
func (s summary) compare(c *results.Cell, rule ruling, err error) {
	base, paced := results.BaselineOf(s.run, *c), s.run.Scenario(c.Scenario).Paced
	c.Ratio, c.OverheadNs, c.CPURatio, c.MeanRatio, c.MeanOverheadNs = nil, nil, nil, nil, nil
	switch {
	case c.Verdict == results.Invalid:
		return
	case err != nil:
		c.Invalidate(err.Error())
		return
	case base == nil:
		c.Warn("no ratio: the baseline was not measured with these options")
		return
	case base.Verdict == results.Invalid:
		c.Warn("no ratio: the baseline " + base.Style + " is invalid: " + base.Why)
		return
	case !c.ShownEqual(s.run):
		c.Warn("no ratio: no equivalence check shows that it did the same work as " + base.Style)
		return
	}
	own, others := s.kept[c.Key()], s.kept[base.Key()]
	rounds := pairUp(c, own, others, rule, paced)
	if rounds == 0 {
		c.Warn("no ratio: no round measured both this and " + base.Style)
		return
	}
	if rounds < c.Rounds {
		c.Warn(fmt.Sprintf("%d of %d rounds have a partner in %s: the ratio uses only those", rounds, c.Rounds, base.Style))
	}
	if paced {
		if c.CPURatio == nil {
			c.Warn("no CPU ratio: a block used less CPU time than this system can count")
		}
		return
	}
	if c.Trials != nil {
		describeTrials(c, own, others)
		warnTail(c)
	}
	if !c.Ratio.Bounded() && c.Verdict == results.Measured {
		c.Verdict, c.Why = results.Inconclusive, tooFew(c, rounds, " have both this and "+base.Style)
	}
}

// pairUp fills in what compares a cell with another, from the rounds that both have. Of a paced
// one it is CPU alone: a clock sets the time.
func pairUp(c *results.Cell, own, others []results.Block, rule ruling, paced bool) (rounds int) {
	ratio, overhead, rounds := against(own, others, rule.paired, pair)
	if rounds == 0 {
		return 0
	}
	cpu := rule.own
	if c.Trials != nil {
		cpu = rule.paired
	}
	if c.CPURatio = cpuRatio(own, others, cpu); paced {
		return rounds
	}
	c.Ratio, c.OverheadNs = &ratio, &overhead
	if c.Trials != nil {
		mean, more, _ := against(own, others, rule.paired, pairMeans)
		c.MeanRatio, c.MeanOverheadNs = &mean, &more
	}
	return rounds
}

// change computes what differs between a cell and what it was before. The two did the same work:
// both were compared with the baseline.
func (s summary) change(of *results.Change) {
	of.Ratio, of.OverheadNs, of.MeanRatio, of.CPURatio = nil, nil, nil, nil
	i := s.cellOf(of.Of)
	if i >= 0 && of.Before.Verdict != results.Invalid && s.run.Cells[i].Verdict != results.Invalid {
		now := &s.run.Cells[i]
		c := results.Cell{Trials: now.Trials}
		pairUp(&c, s.kept[of.Of], s.kept[of.Before.Key()], s.ruling(now), s.run.Scenario(now.Scenario).Paced)
		of.Ratio, of.OverheadNs, of.MeanRatio, of.CPURatio = c.Ratio, c.OverheadNs, c.MeanRatio, c.CPURatio
	}
	for j := range of.Judged {
		judgeCell(&of.Judged[j], of.Compared(results.Cell{}))
	}
}

// against returns the ratio of two cells' times, their difference in ns per operation, and
// the number of rounds that both have, from which both are computed. The times of a valid
// cell are positive and finite, so they always have an estimate.
func against(blocks, base []results.Block, paired estimator, values pairing) (ratio, difference results.Estimate, rounds int) {
	logs, differences := values(blocks, base)
	ratio, err := paired(logs)
	if err != nil {
		return results.Estimate{}, results.Estimate{}, 0
	}
	if difference, err = paired(differences); err != nil {
		return results.Estimate{}, results.Estimate{}, 0
	}
	return ratio.Mapped(math.Exp), difference, len(logs)
}

// cpuRatio is the ratio of two cells' CPU time per operation, from the rounds that both
// have. It is nil if a block used less CPU time than the system can count.
func cpuRatio(blocks, base []results.Block, paired estimator) *results.Estimate {
	var logs []float64
	for _, p := range partners(blocks, base, func(b results.Block) float64 { return float64(b.User+b.System) / float64(b.Ops) }) {
		if p[0] <= 0 || p[1] <= 0 {
			return nil
		}
		logs = append(logs, math.Log(p[0]/p[1]))
	}
	ratio, err := paired(logs)
	if err != nil {
		return nil // no round has both
	}
	ratio = ratio.Mapped(math.Exp)
	return &ratio
}

// A pairing returns a log-ratio and a difference of ns per operation for each round that
// both have.
type pairing func(blocks, base []results.Block) (logs, differences []float64)

// pairMeans compares the mean time per operation of each round.
func pairMeans(blocks, base []results.Block) (logs, differences []float64) {
	for _, p := range partners(blocks, base, func(b results.Block) float64 { return float64(b.Wall) / float64(b.Ops) }) {
		logs = append(logs, math.Log(p[0]/p[1]))
		differences = append(differences, p[0]-p[1])
	}
	return logs, differences
}

// pair compares what is typical of each round: in a trial the medians over its turns, which
// pauses and tails do not move; in a block, which has no turns, the means.
func pair(blocks, base []results.Block) (logs, differences []float64) {
	of := map[int]*results.Block{}
	for i := range base {
		of[base[i].Round] = &base[i]
	}
	for i := range blocks {
		b := &blocks[i]
		other := of[b.Round]
		if other == nil {
			continue
		}
		if len(b.Slices) == 0 || len(b.Slices) != len(other.Slices) {
			ratio, difference := pairMeans([]results.Block{*b}, []results.Block{*other})
			logs, differences = append(logs, ratio...), append(differences, difference...)
			continue
		}
		ratios, more := b.TurnLogs(other), make([]float64, len(b.Slices))
		for k := range b.Slices {
			more[k] = b.TurnTime(k) - other.TurnTime(k)
		}
		logs, differences = append(logs, inference.Median(ratios)), append(differences, inference.Median(more))
	}
	return logs, differences
}

// turnLogs are the log-ratios of all trials that both have, by turn.
func turnLogs(blocks, base []results.Block) (all inference.Trials) {
	of := map[int]*results.Block{}
	for i := range base {
		of[base[i].Round] = &base[i]
	}
	for i := range blocks {
		if other := of[blocks[i].Round]; other != nil {
			all = append(all, blocks[i].TurnLogs(other))
		}
	}
	return all
}

// describeTrials says how the trials were, and how far their turns and they themselves
// differ.
func describeTrials(c *results.Cell, blocks, base []results.Block) {
	components := turnLogs(blocks, base).Components()
	c.Trials.Within, c.Trials.Between = components.Within, components.Between
}

// planned fills in what the blocks say of a cell's trials.
func planned(c *results.Cell, blocks []results.Block) {
	var slices, handovers, starts, typical []float64
	var waiting, working time.Duration
	for i := range blocks {
		b := &blocks[i]
		own := make([]float64, len(b.Slices))
		for k, slice := range b.Slices {
			own[k] = float64(slice)
		}
		slices = append(slices, inference.Median(own))
		typical = append(typical, inference.Median(own)/float64(b.SliceOps))
		handovers, starts = append(handovers, float64(b.Handover)), append(starts, float64(b.Start))
		waiting, working = waiting+b.Waiting, working+b.User+b.System
	}
	last := blocks[len(blocks)-1]
	t := c.Trials
	t.Turns, t.SliceOps, t.Hot = len(last.Slices), last.SliceOps, last.Hot > 0
	t.Slice, t.Handover, t.Start = time.Duration(inference.Median(slices)), time.Duration(inference.Median(handovers)), time.Duration(inference.Median(starts))
	t.Waiting = float64(waiting) / float64(max(working, 1))
	c.TypicalNsOp = nil
	if e, err := estimate(typical); err == nil {
		c.TypicalNsOp = &e
	}
}

// warnTail says so when what is typical and all operations together disagree beyond their
// intervals: then the cost is in few operations.
func warnTail(c *results.Cell) {
	typical, mean := c.Ratio, c.MeanRatio
	if !typical.Bounded() || !mean.Bounded() || typical.Lo <= mean.Hi && mean.Lo <= typical.Hi {
		return
	}
	c.Warn(fmt.Sprintf("its typical ratio is %s, that of all operations together %s: few operations take far longer or shorter in one of the two (garbage collection, a checkpoint, a tail)",
		bracketed(typical, ratio), bracketed(mean, ratio)))
}

// partners returns the values of both blocks for each round that both have: own, baseline.
func partners(blocks, base []results.Block, value func(results.Block) float64) (pairs [][2]float64) {
	of := map[int]float64{}
	for _, b := range base {
		of[b.Round] = value(b)
	}
	for _, b := range blocks {
		if against, both := of[b.Round]; both {
			pairs = append(pairs, [2]float64{value(b), against})
		}
	}
	return pairs
}

// A group is the cells that are compared with one another: one per style, of one scenario
// and one set of options. An option that only some styles have, such as a transport, does
// not separate them.
type group struct {
	scenario string
	title    string
	baseline *results.Cell // nil if the run has none
	cells    []*results.Cell
	labels   []string // of cells: the style, and the options in which they differ
}

// groups returns the run's groups, in the order of its cells.
func groups(run *results.Run) (all []group) {
	for _, cells := range together(run.Cells, run.ComparisonOf) {
		g := group{scenario: cells[0].Scenario, baseline: results.BaselineOf(run, *cells[0]), cells: cells}
		g.name()
		all = append(all, g)
	}
	return all
}

// together groups the items with the same key, in the order of the first of each.
func together[T any](items []T, key func(*T) string) (all [][]*T) {
	at := map[string]int{}
	for i := range items {
		item := &items[i]
		n, known := at[key(item)]
		if !known {
			n, all = len(all), append(all, nil)
			at[key(item)] = n
		}
		all[n] = append(all[n], item)
	}
	return all
}

// name puts the named options that all cells share into the title, and the other named
// options into the labels.
func (g *group) name() {
	title, owner := []string{g.scenario}, g.cells[0]
	if g.baseline != nil {
		owner = g.baseline
	}
	shared := func(k string) bool {
		return !slices.ContainsFunc(g.cells, func(c *results.Cell) bool { return c.Options[k] != owner.Options[k] })
	}
	for _, k := range owner.Named {
		if shared(k) {
			title = append(title, k+"="+owner.Options[k])
		}
	}
	g.title = strings.Join(title, " ")
	for _, c := range g.cells {
		label := c.Style
		for _, k := range c.Named {
			if !shared(k) {
				label += " " + k + "=" + c.Options[k]
			}
		}
		g.labels = append(g.labels, label)
	}
}
