package reports

import (
	"fmt"
	"math"
)

// reference is the cell whose transcript c's must equal; pieces have none.
func reference(run *Run, c Cell) *Cell {
	if run.scenario(c.Scenario).pieces() {
		return nil
	}
	if base := baselineOf(run, c); base != nil {
		return base
	}
	for i := range run.Cells {
		if run.Cells[i].GroupKey() == c.GroupKey() {
			return &run.Cells[i]
		}
	}
	return nil
}

// agree voids the cell if its transcript is not that of the reference.
func (c *Cell) agree(ref *Cell) {
	if ref == nil || ref == c || c.Verdict == Void || c.Work.Digest == "" || ref.Work.Digest == "" {
		return
	}
	if c.Work.Digest != ref.Work.Digest {
		c.void(fmt.Sprintf("its transcript (%s) is not that of %s (%s)", c.Work.Digest, ref.Style, ref.Work.Digest))
	}
}

// agreeBlocks voids a cell of which a block left something else than the reference's
// of the same round: all styles run the same stimuli in lockstep.
func (c *Cell) agreeBlocks(ref *Cell, blocks map[string][]Block) {
	if ref == nil || ref == c || c.Verdict == Void || c.unwitnessed() {
		return
	}
	digests := map[int]string{}
	for _, b := range blocks[ref.Key()] {
		digests[b.Round] = b.Digest
	}
	for _, b := range blocks[c.Key()] {
		if want, both := digests[b.Round]; both && want != b.Digest {
			c.void(fmt.Sprintf("round %d: the block left %q, that of %s %q", b.Round, b.Digest, ref.Style, want))
			return
		}
	}
}

// compare fills the ratios and the overhead from the rounds in which both were
// measured; where a clock paces the scenario, only that of CPU.
func (s summary) compare(c *Cell, rule ruling, err error) {
	base, paced := baselineOf(s.run, *c), s.run.scenario(c.Scenario).Paced
	c.Ratio, c.OverheadNs, c.CPURatio = nil, nil, nil
	switch {
	case c.Verdict == Void:
		return
	case err != nil:
		c.void(err.Error())
		return
	case base == nil:
		c.warn("no ratio: the baseline was not measured with these options")
		return
	case base.Verdict == Void:
		c.warn("no ratio: the baseline " + base.Style + " is void: " + base.Why)
		return
	case !c.certified(s.run):
		c.warn("no ratio: no certificate shows that its work was that of " + base.Style)
		return
	}
	own, others := s.kept[c.Key()], s.kept[base.Key()]
	ratio, overhead, rounds := against(own, others, rule.paired)
	if rounds == 0 {
		c.warn("no ratio: no round measured both this and " + base.Style)
		return
	}
	if rounds < c.Rounds {
		c.warn(fmt.Sprintf("%d of %d rounds have a partner in %s: the ratio rests on those", rounds, c.Rounds, base.Style))
	}
	c.CPURatio = cpuRatio(own, others, rule.own)
	if paced {
		if c.CPURatio == nil {
			c.warn("no CPU ratio: a block used less CPU time than this system counts")
		}
		return
	}
	c.Ratio, c.OverheadNs = &ratio, &overhead
	if !ratio.Bounded() && c.Verdict == Measured {
		c.Verdict, c.Why = Inconclusive, c.tooFew(rounds, " have both this and "+base.Style)
	}
}

// against is the ratio of two cells' times and their difference in ns per operation,
// from the rounds that both have, of which it says how many there are. Times that
// stand in a cell that is not void are positive and finite, so that there is always
// an estimate of them.
func against(blocks, base []Block, paired estimator) (ratio, difference Estimate, rounds int) {
	logs, differences := pair(blocks, base)
	ratio, err := paired(logs)
	if err != nil {
		return Estimate{}, Estimate{}, 0
	}
	if difference, err = paired(differences); err != nil {
		return Estimate{}, Estimate{}, 0
	}
	return ratio.mapped(math.Exp), difference, len(logs)
}

// cpuRatio is the ratio of two cells' CPU time per operation, from the rounds that
// both have; nil where a block used less than can be counted.
func cpuRatio(blocks, base []Block, own estimator) *Estimate {
	of := map[int]float64{}
	for _, b := range base {
		of[b.Round] = float64(b.User+b.System) / float64(b.Ops)
	}
	var logs []float64
	for _, b := range blocks {
		against, both := of[b.Round]
		used := float64(b.User+b.System) / float64(b.Ops)
		switch {
		case !both:
			continue
		case used <= 0 || against <= 0:
			return nil
		}
		logs = append(logs, math.Log(used/against))
	}
	ratio, err := own(logs)
	if err != nil {
		return nil // no round has both
	}
	ratio = ratio.mapped(math.Exp)
	return &ratio
}

// pair is log-ratio and difference of ns per operation, for each round that both have.
func pair(blocks, base []Block) (logs, differences []float64) {
	of := map[int]float64{}
	for _, b := range base {
		of[b.Round] = float64(b.Wall) / float64(b.Ops)
	}
	for _, b := range blocks {
		against, ok := of[b.Round]
		if !ok {
			continue
		}
		own := float64(b.Wall) / float64(b.Ops)
		logs = append(logs, math.Log(own/against))
		differences = append(differences, own-against)
	}
	return logs, differences
}
