package reports

import (
	"errors"
	"fmt"
	"slices"
	"time"

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
	margin := DefaultMargin
	if s.run.Rule != nil {
		margin = s.run.Rule.Margin
	}
	var twin []float64
	if base := baselineOf(s.run, p.Twin); base != nil {
		twin, _ = pair(s.kept[p.Twin.Key()], s.kept[base.Key()])
	}
	p.conclude(twin, margin)
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

// void takes every figure from the cell.
func (c *Cell) void(why string) {
	*c = Cell{Scenario: c.Scenario, Style: c.Style, Options: c.Options, Named: c.Named,
		Rounds: c.Rounds, BlockOps: c.BlockOps, Work: c.Work, Verdict: Void, Why: why, Warnings: c.Warnings,
		Role: c.Role, Rule: c.Rule, LeftOut: c.LeftOut, Judged: unsettled(c.Judged)}
}

// unsettled are the same questions without an answer.
func unsettled(judged []Judged) []Judged {
	open := slices.Clone(judged)
	for i := range open {
		open[i].Verdict = string(inference.Inconclusive)
	}
	return open
}

func (c *Cell) warn(text string) {
	if !slices.Contains(c.Warnings, text) {
		c.Warnings = append(c.Warnings, text)
	}
}

// measure fills what the cell's own blocks tell: its work from all of them, its
// figures from those that are kept.
func (c *Cell) measure(all, blocks []Block, samples []Sample, paced bool, rule ruling) {
	c.Rounds = len(blocks)
	c.Work = Work{Digest: c.Work.Digest}
	for _, b := range all {
		c.Work.Stimuli += b.Stimuli
		c.Work.Effects += b.Effects
		c.Work.Expected += b.Expected
	}
	if c.Verdict == Void {
		c.void(c.Why)
		return
	}
	if why := fault(all); why != "" {
		c.void(why)
		return
	}
	latency, err := mergeLatency(blocks)
	if err != nil {
		c.void(err.Error())
		return
	}
	c.Used = rule.used(len(blocks))
	c.P50Ns, c.P95Ns = percentile(latency, 50), percentile(latency, 95)
	c.P99Ns, c.P999Ns = percentile(latency, 99), percentile(latency, 99.9)
	if err := errors.Join(c.spend(blocks, rule.own), c.figures(blocks, rule.own)); err != nil {
		c.void(err.Error())
		return
	}
	c.idle(samples)
	c.Verdict, c.Why = Measured, ""
	if !c.NsOp.Bounded() && !paced { // how long a clock let it last is nothing to conclude on
		c.Verdict, c.Why = Inconclusive, c.tooFew(len(blocks), "")
	}
}

// tooFew says that so many rounds bound nothing.
func (c *Cell) tooFew(rounds int, which string) string {
	if c.Rule == Peeking {
		return fmt.Sprintf("%s%s: no look has bounded an interval yet; give it more -time", plural(rounds, "round"), which)
	}
	return fmt.Sprintf("%d rounds%s: an interval takes at least %d", rounds, which, roundsForInterval())
}

// fault says what keeps the blocks of a cell from being figures, "" if nothing.
func fault(blocks []Block) string {
	if len(blocks) == 0 {
		return "no round was measured"
	}
	seen := map[int]bool{}
	for _, b := range blocks {
		switch {
		case seen[b.Round]:
			return fmt.Sprintf("round %d stands twice in the results", b.Round)
		case b.Ops <= 0 || b.Wall <= 0:
			return fmt.Sprintf("round %d: %d operations in %v", b.Round, b.Ops, b.Wall)
		case b.User < 0 || b.System < 0:
			return fmt.Sprintf("round %d: CPU time below zero", b.Round)
		case b.Effects < b.Expected:
			return fmt.Sprintf("round %d: %d of %d effects are missing", b.Round, b.Expected-b.Effects, b.Expected)
		case b.Effects > b.Expected:
			return fmt.Sprintf("round %d: %d effects more than the %d expected", b.Round, b.Effects-b.Expected, b.Expected)
		}
		seen[b.Round] = true
	}
	return ""
}

// spend fills times and resources.
func (c *Cell) spend(blocks []Block, own estimator) (err error) {
	var wall, cpu []float64
	var ops, user, system, allocs, bytes, switches float64
	var took time.Duration
	c.RSSPeak = 0
	for _, b := range blocks {
		n := float64(b.Ops)
		wall = append(wall, float64(b.Wall)/n)
		cpu = append(cpu, float64(b.User+b.System)/n)
		ops += n
		user += float64(b.User)
		system += float64(b.System)
		allocs += float64(b.Allocs)
		bytes += float64(b.Bytes)
		switches += float64(b.Voluntary + b.Involuntary)
		took += b.Wall
		c.RSSPeak = max(c.RSSPeak, b.RSSPeak)
	}
	if c.NsOp, err = own(wall); err != nil {
		return fmt.Errorf("time per operation: %w", err)
	}
	if c.CPUNsOp, err = own(cpu); err != nil {
		return fmt.Errorf("CPU time per operation: %w", err)
	}
	c.UserNsOp, c.SystemNsOp = user/ops, system/ops
	c.AllocsOp, c.BytesOp, c.SwitchesOp = allocs/ops, bytes/ops, switches/ops
	if c.ActiveCPU == 0 {
		c.ActiveCPU = 100 * (user + system) / float64(took)
	}
	if c.BlockOps == 0 {
		c.BlockOps = blocks[0].Ops
	}
	return nil
}

// idle fills IdleCPU of a run that broke before its cumulative reading.
func (c *Cell) idle(samples []Sample) {
	var sum, n float64
	for _, s := range samples {
		if s.Window == "idle" && s.Cell == c.Key() {
			sum, n = sum+s.Percent, n+1
		}
	}
	if c.IdleCPU == 0 && sum > 0 {
		c.IdleCPU = sum / n
		c.warn("idle CPU is the mean of samples in 10 ms ticks: there is no cumulative reading")
	}
}
