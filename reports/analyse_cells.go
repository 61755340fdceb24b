package reports

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"rubato/inference"
	"rubato/results"
)

// Summarize computes each cell's statistics from its blocks. Running it again gives the
// same result. A cell becomes invalid and loses its figures if its work is not what
// the scenario requires, or if a block has nothing to divide by. A cell with too few
// rounds for an interval becomes inconclusive, unless a clock paces its scenario.
//
// Disturbed rounds are left out in all arms of their comparison. A cell that loses
// more than a third of its rounds is invalid.
func Summarize(run *results.Run, details results.Details) {
	s := newSummary(run, details)
	s.disturbed = disturbances(run, details.Blocks)
	for _, c := range run.Arms() {
		if len(details.Blocks) == 0 && (c.NsOp.Median > 0 || c.Executed != nil) {
			continue // without raw results, a summary keeps its figures
		}
		s.measure(c)
	}
	for _, c := range run.Arms() {
		checkWork(c, reference(run, *c), s.measured)
	}
	if run.Counted && len(details.Blocks) > 0 {
		compareExecuted(run, s.measured)
		return
	}
	if len(details.Blocks) == 0 {
		for i := range run.Controls {
			if p := &run.Controls[i]; p.AA.Verdict == results.Invalid || p.Slowdown.Verdict == results.Invalid {
				conclude(p, nil, fixedRuling, run.Margin())
			}
		}
		return
	}
	for i := range run.Cells {
		if c := &run.Cells[i]; results.BaselineOf(run, *c) != c {
			s.compare(c, s.ruling(c), nil)
		}
	}
	for i := range run.Controls {
		s.control(&run.Controls[i])
	}
	for i := range run.Instruments {
		s.instrument(&run.Instruments[i])
	}
	for i := range run.Changes {
		s.change(&run.Changes[i])
	}
	s.judge()
}

func byCell(blocks []results.Block) map[string][]results.Block {
	of := map[string][]results.Block{}
	for _, b := range blocks {
		of[b.Cell] = append(of[b.Cell], b)
	}
	return of
}

// A summary holds what Summarize needs while it computes a run's figures.
type summary struct {
	run        *results.Run
	details    results.Details
	measured   map[string][]results.Block // all blocks, by cell
	kept       map[string][]results.Block // the blocks of rounds that are not left out
	disturbed  map[string]map[int]string
	sequential ruling // for cells that were decided by sequential looks at rounds
	trials     ruling // the same, at trials
	timeUp     ruling // the same, with a last look when the time was up
	broken     error  // why the sequential rule cannot be followed
}

func newSummary(run *results.Run, details results.Details) summary {
	s := summary{run: run, details: details, measured: byCell(details.Blocks), kept: byCell(runKept(run, details).Blocks)}
	if run.Rule != nil || slices.ContainsFunc(run.Arms(), func(c *results.Cell) bool { return c.Rule == results.Sequential }) {
		s.sequential, s.broken = ruleRuling(run.Rule, false, false)
		s.trials, _ = ruleRuling(run.Rule, true, false)
		s.timeUp, _ = ruleRuling(run.Rule, true, true)
	}
	return s
}

// ruling returns how the cell's figures are estimated.
func (s summary) ruling(c *results.Cell) ruling {
	switch {
	case c.Rule != results.Sequential && c.Trials == nil:
		return fixedRuling
	case c.Rule != results.Sequential:
		return fixedTrials
	case c.Trials == nil:
		return s.sequential
	case c.Trials.TimeUp:
		return s.timeUp
	}
	return s.trials
}

// Versus is a copy of a cell with ratios and overhead to another arm of its comparison instead of
// the baseline. It is false if no round has both.
func Versus(run *results.Run, c, other *results.Cell, details results.Details) (*results.Cell, bool) {
	s, out := newSummary(run, details), (&results.Change{}).Compared(*c)
	if c.Rule == results.Sequential && s.broken != nil {
		return nil, false
	}
	rounds := pairUp(out, s.kept[c.Key()], s.kept[other.Key()], s.ruling(c), run.Scenario(c.Scenario).Paced)
	return out, rounds > 0
}

// measure computes a cell's figures from its own blocks.
func (s summary) measure(c *results.Cell) {
	if s.run.Counted {
		executed(c, s.measured[c.Key()])
		return
	}
	if c.Rule == results.Sequential && s.broken != nil {
		c.Invalidate(s.broken.Error())
		return
	}
	if c.Rule == "" {
		c.Rule = results.FixedRounds
	}
	all := s.measured[c.Key()]
	leaveOut(c, len(all), s.disturbed[s.run.ComparisonOf(c)])
	measure(c, all, s.kept[c.Key()], s.details.Samples, s.run.Scenario(c.Scenario).Paced, s.ruling(c))
}

// control computes what the controls show about their comparison.
func (s summary) control(p *results.Controls) {
	rule, err := s.aaRuling(p)
	s.compare(&p.AA, rule, err)
	rule = s.ruling(&p.Slowdown)
	if p.Slowdown.Trials == nil {
		rule.paired = rule.own // of blocks: each injected slowdown must be found by itself
	}
	s.compare(&p.Slowdown, rule, nil)
	var aa []float64
	if base := results.BaselineOf(s.run, p.AA); base != nil {
		aa, _ = pair(s.kept[p.AA.Key()], s.kept[base.Key()])
	}
	conclude(p, aa, rule, s.run.Margin())
}

// judge decides the questions of all cells and adjusts the p-values of all rows
// together. A run with sequential looks has no p-values, because a sign test does not
// account for the looks.
func (s summary) judge() {
	var rows []*results.Cell
	var ps []float64
	for i := range s.run.Cells {
		c := &s.run.Cells[i]
		c.PAdjusted = nil
		if c.Ratio == nil || s.run.Scenario(c.Scenario).Pieces() {
			continue
		}
		if c.Rule != results.Sequential {
			logs, _ := pair(s.kept[c.Key()], s.kept[results.BaselineOf(s.run, *c).Key()])
			rows, ps = append(rows, c), append(ps, twoSided(logs))
			c.Judged = []results.Judged{{Quantity: "ratio", Margin: results.DefaultMargin}}
		}
		for j := range c.Judged {
			judgeCell(&c.Judged[j], c)
		}
		for j := range c.Targets {
			judgeCell(&c.Targets[j], c)
		}
	}
	for i, p := range inference.Holm(ps) {
		rows[i].PAdjusted = &p
	}
}

// measure computes the cell's work from all its blocks, and its figures from the blocks
// that are kept.
func measure(c *results.Cell, all, blocks []results.Block, samples []results.Sample, paced bool, rule ruling) {
	c.Rounds = len(blocks)
	c.Work = results.Work{Digest: c.Work.Digest}
	for _, b := range all {
		c.Work.Stimuli += b.Stimuli
		c.Work.Effects += b.Effects
		c.Work.Expected += b.Expected
	}
	sumEquivalence(c, all)
	if c.Verdict == results.Invalid {
		c.Invalidate(c.Why)
		return
	}
	if why := results.BlocksFault(all); why != "" {
		c.Invalidate(why)
		return
	}
	latency, err := results.MergeLatency(blocks)
	if err != nil {
		c.Invalidate(err.Error())
		return
	}
	warnNoLatency(c, blocks)
	c.Looked = rule.used(len(blocks))
	c.P50Ns, c.P95Ns = percentile(latency, 50), percentile(latency, 95)
	c.P99Ns, c.P999Ns = percentile(latency, 99), percentile(latency, 99.9)
	if err := errors.Join(spend(c, blocks, rule.own), figures(c, blocks, rule.own)); err != nil {
		c.Invalidate(err.Error())
		return
	}
	idle(c, samples)
	if err := intervals(c, blocks, rule.own); err != nil {
		c.Invalidate(err.Error())
		return
	}
	c.Verdict, c.Why = results.Measured, ""
	if !c.NsOp.Bounded() && !paced { // the length that a clock sets is not a result
		c.Verdict, c.Why = results.Inconclusive, tooFew(c, len(blocks), "")
	}
}

// tooFew explains that so few rounds give no interval.
func tooFew(c *results.Cell, rounds int, which string) string {
	if c.Rule == results.Sequential {
		return fmt.Sprintf("%s%s: no look has bounded an interval yet; give it more -time", plural(rounds, "round"), which)
	}
	return fmt.Sprintf("%d rounds%s: an interval takes at least %d", rounds, which, roundsForInterval())
}

// spend computes times and resources.
func spend(c *results.Cell, blocks []results.Block, own estimator) (err error) {
	var wall, cpu []float64
	var ops, user, system, allocs, bytes, switches float64
	var took time.Duration
	c.RSSPeak, c.Connections = 0, nil
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
		if b.Connections != nil && (c.Connections == nil || *b.Connections > *c.Connections) {
			c.Connections = b.Connections
		}
	}
	if c.Trials != nil {
		planned(c, blocks)
	}
	if c.NsOp, err = own(wall); err != nil {
		return fmt.Errorf("time per operation: %w", err)
	}
	if c.CPUNsOp, err = own(cpu); err != nil {
		return fmt.Errorf("CPU time per operation: %w", err)
	}
	c.UserNsOp, c.SystemNsOp = user/ops, system/ops
	c.AllocsOp, c.BytesOp, c.SwitchesOp = allocs/ops, bytes/ops, switches/ops
	c.Spent = spentOn(blocks)
	if c.ActiveCPU == 0 {
		c.ActiveCPU = 100 * (user + system) / float64(took)
	}
	if c.BlockOps == 0 {
		c.BlockOps = blocks[0].Ops
	}
	return nil
}

// intervals are those of the figures of all rounds together that a budget may name. The unit is
// the round, which in a trial is its life: figures within one have its memory layout in common.
// Where a round lacks a figure, there is no interval. The middle of trials is what allocations
// and bytes are shown as, so that one trial in which the runtime grew a table counts as one.
func intervals(c *results.Cell, blocks []results.Block, own estimator) (err error) {
	values := map[string][]float64{}
	for i := range blocks {
		latency, err := results.DecodeLatency(blocks[i])
		if err != nil {
			return err
		}
		for _, m := range results.Metrics {
			v, known := m.Round(&blocks[i])
			if m.Quantile > 0 {
				v = percentile(latency, m.Quantile)
				known = v > 0
			}
			if known && m.Point && m.Budget.Field != "" {
				values[m.Name] = append(values[m.Name], v)
			}
		}
	}
	c.Intervals = map[string]results.Estimate{}
	for name, of := range values {
		if len(of) < len(blocks) {
			continue
		}
		if c.Intervals[name], err = own(of); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if c.Trials != nil {
		c.AllocsOp, c.BytesOp = c.Intervals["allocs_op"].Median, c.Intervals["bytes_op"].Median
	}
	if e, err := estimate(c.IdleParts); err == nil && e.Bounded() { // what comes seldom is in the mean of the window, if not in most parts
		c.Intervals["idle_cpu"] = results.Estimate{Median: c.IdleCPU, Lo: min(e.Lo, c.IdleCPU), Hi: max(e.Hi, c.IdleCPU)}
	}
	return nil
}

// idle estimates IdleCPU for a run that stopped before its cumulative reading.
func idle(c *results.Cell, samples []results.Sample) {
	var sum, n float64
	for _, s := range samples {
		if s.Window == "idle" && s.Cell == c.Key() {
			sum, n = sum+s.Percent, n+1
		}
	}
	if c.IdleCPU == 0 && sum > 0 {
		c.IdleCPU = sum / n
		c.Warn("idle CPU is the mean of samples in 10 ms ticks: there is no cumulative reading")
	}
}

// tooDisturbed is the largest share of a comparison's rounds that may be left out, as a
// divisor. If more are missing, the rest is no longer a fair sample.
const tooDisturbed = 3

// disturbances returns, by comparison and round, which arm was disturbed and by what. A
// disturbed round is left out for all arms, because a round compares them.
func disturbances(r *results.Run, blocks []results.Block) map[string]map[int]string {
	reasons := map[string]map[int]string{}
	if !slices.ContainsFunc(blocks, func(b results.Block) bool { return b.Disturbed != "" }) {
		return reasons
	}
	cells := map[string]*results.Cell{}
	for _, c := range r.Arms() {
		cells[c.Key()] = c
	}
	for _, b := range blocks {
		c := cells[b.Cell]
		if b.Disturbed == "" || c == nil {
			continue
		}
		comparison := r.ComparisonOf(c)
		if reasons[comparison] == nil {
			reasons[comparison] = map[int]string{}
		}
		if _, known := reasons[comparison][b.Round]; !known {
			reasons[comparison][b.Round] = fmt.Sprintf("round %d, %s: %s", b.Round, c.ArmLabel(), b.Disturbed)
		}
	}
	return reasons
}

// runKept returns the details without the rounds that are left out. Figures come from
// these. Tables of all rounds still have every round in Measured.
func runKept(r *results.Run, d results.Details) results.Details {
	out := disturbances(r, d.Blocks)
	if len(out) == 0 {
		return d
	}
	comparisons := map[string]string{}
	for _, c := range r.Arms() {
		comparisons[c.Key()] = r.ComparisonOf(c)
	}
	d.Measured = d.Blocks
	d.Blocks = nil
	for _, b := range d.Measured {
		if _, disturbed := out[comparisons[b.Cell]][b.Round]; !disturbed {
			d.Blocks = append(d.Blocks, b)
		}
	}
	return d
}

// leaveOut counts the cell's rounds that are left out and warns. If there are too many,
// the cell is invalid.
func leaveOut(c *results.Cell, rounds int, out map[int]string) {
	c.LeftOut = len(out)
	if len(out) == 0 || c.Verdict == results.Invalid {
		return
	}
	first := -1
	for round := range out {
		if first < 0 || round < first {
			first = round
		}
	}
	why := fmt.Sprintf("%d of %d rounds are left out, as something disturbed them (%s)", len(out), rounds, out[first])
	if len(out)*tooDisturbed > rounds {
		c.Invalidate(why + ": more than a third, run it again on a quieter machine")
		return
	}
	c.Warn(why)
}
