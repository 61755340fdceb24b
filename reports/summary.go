package reports

import (
	"slices"

	"rubato/inference"
)

// Summarize fills each cell's statistics from its blocks; run again, it finds the
// same. A cell whose work is not what its scenario says, or whose blocks hold
// nothing to divide by, becomes void and loses its figures; one with too few
// rounds for an interval becomes inconclusive, unless a clock paces its scenario.
//
// Rounds that something disturbed are left out, in all arms of their contest; a cell
// of which they are over a third is void.
func Summarize(run *Run, details Details) {
	s := summary{run: run, details: details, measured: map[string][]Block{}, kept: map[string][]Block{}}
	s.disturbed = run.disturbances(details.Blocks)
	if run.Rule != nil || slices.ContainsFunc(run.arms(), func(c *Cell) bool { return c.Rule == Peeking }) {
		s.peeking, s.broken = run.Rule.ruling()
	}
	for _, b := range details.Blocks {
		s.measured[b.Cell] = append(s.measured[b.Cell], b)
	}
	for _, b := range run.kept(details).Blocks {
		s.kept[b.Cell] = append(s.kept[b.Cell], b)
	}
	for _, c := range run.arms() {
		if len(details.Blocks) == 0 && c.NsOp.Median > 0 {
			continue // a summary without its raw results keeps what it says
		}
		s.measure(c)
	}
	for _, c := range run.arms() {
		ref := reference(run, *c)
		c.agree(ref)
		c.agreeBlocks(ref, s.measured)
	}
	if len(details.Blocks) == 0 {
		for i := range run.Proofs {
			if p := &run.Proofs[i]; p.Twin.Verdict == Void || p.Plant.Verdict == Void {
				p.conclude(nil, fixedRuling, run.Margin())
			}
		}
		return
	}
	for i := range run.Cells {
		if c := &run.Cells[i]; baselineOf(run, *c) != c {
			s.compare(c, s.ruling(c), nil)
		}
	}
	for i := range run.Proofs {
		s.prove(&run.Proofs[i])
	}
	for i := range run.Ledger {
		s.observe(&run.Ledger[i])
	}
	s.judge()
}

// A summary is a run's figures in the making.
type summary struct {
	run       *Run
	details   Details
	measured  map[string][]Block // of a cell
	kept      map[string][]Block // the same, without rounds that are left out
	disturbed map[string]map[int]string
	peeking   ruling // of cells that were decided so
	broken    error  // why it cannot be followed
}

// ruling is how the cell's figures are estimated.
func (s summary) ruling(c *Cell) ruling {
	if c.Rule == Peeking {
		return s.peeking
	}
	return fixedRuling
}

// measure fills a cell from its own blocks.
func (s summary) measure(c *Cell) {
	if c.Rule == Peeking && s.broken != nil {
		c.void(s.broken.Error())
		return
	}
	if c.Rule == "" {
		c.Rule = Fixed
	}
	all := s.measured[c.Key()]
	c.leaveOut(len(all), s.disturbed[s.run.contestOf(c)])
	c.measure(all, s.kept[c.Key()], s.details.Samples, s.run.scenario(c.Scenario).Paced, s.ruling(c))
}

// prove fills what a proof says of its contest.
func (s summary) prove(p *Proof) {
	rule, err := p.twinRuling(s.run)
	s.compare(&p.Twin, rule, err)
	rule = s.ruling(&p.Plant)
	rule.paired = rule.own // each plant must be found by itself
	s.compare(&p.Plant, rule, nil)
	var twin []float64
	if base := baselineOf(s.run, p.Twin); base != nil {
		twin, _ = pair(s.kept[p.Twin.Key()], s.kept[base.Key()])
	}
	p.conclude(twin, rule, s.run.Margin())
}

// judge answers what the cells are held against, and makes p-values of all rows
// comparable. A run that looked on the way has none: a sign test would not know of
// the looks.
func (s summary) judge() {
	var rows []*Cell
	var ps []float64
	for i := range s.run.Cells {
		c := &s.run.Cells[i]
		c.PAdjusted = nil
		if c.Ratio == nil || s.run.scenario(c.Scenario).pieces() {
			continue
		}
		if c.Rule != Peeking {
			logs, _ := pair(s.kept[c.Key()], s.kept[baselineOf(s.run, *c).Key()])
			rows, ps = append(rows, c), append(ps, twoSided(logs))
			c.Judged = []Judged{{Quantity: "ratio", Margin: DefaultMargin}}
		}
		for j := range c.Judged {
			c.Judged[j].settle(c)
		}
	}
	for i, p := range inference.Holm(ps) {
		rows[i].PAdjusted = &p
	}
}
