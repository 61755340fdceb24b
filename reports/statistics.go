package reports

import (
	"fmt"
	"slices"
	"time"
)

// Summarize fills each cell's statistics from its blocks; run again, it finds the
// same. A cell whose work is not what its scenario says, or whose blocks hold
// nothing to divide by, becomes void and loses its figures; one with too few
// rounds for an interval becomes inconclusive, unless a clock paces its scenario.
func Summarize(run *Run, details Details) {
	blocks := map[string][]Block{}
	for _, b := range details.Blocks {
		blocks[b.Cell] = append(blocks[b.Cell], b)
	}
	for i := range run.Cells {
		c := &run.Cells[i]
		if len(details.Blocks) == 0 && c.NsOp.Median > 0 {
			continue // a summary without its raw results keeps what it says
		}
		c.measure(blocks[c.Key()], details.Samples, run.scenario(c.Scenario).Paced)
	}
	for i := range run.Cells {
		c := &run.Cells[i]
		ref := reference(run, *c)
		c.agree(ref)
		c.agreeBlocks(ref, blocks)
	}
	for i := range run.Cells {
		c := &run.Cells[i]
		if base := baselineOf(run, *c); base != c && len(details.Blocks) > 0 {
			c.compare(base, blocks, run.scenario(c.Scenario).Paced)
		}
	}
}

// void takes every figure from the cell.
func (c *Cell) void(why string) {
	*c = Cell{Scenario: c.Scenario, Style: c.Style, Options: c.Options, Named: c.Named,
		Rounds: c.Rounds, BlockOps: c.BlockOps, Work: c.Work, Verdict: Void, Why: why, Warnings: c.Warnings}
}

func (c *Cell) warn(text string) {
	if !slices.Contains(c.Warnings, text) {
		c.Warnings = append(c.Warnings, text)
	}
}

// measure fills what the cell's own blocks tell.
func (c *Cell) measure(blocks []Block, samples []Sample, paced bool) {
	c.Rounds = len(blocks)
	c.Work = Work{Digest: c.Work.Digest}
	for _, b := range blocks {
		c.Work.Stimuli += b.Stimuli
		c.Work.Effects += b.Effects
		c.Work.Expected += b.Expected
	}
	if c.Verdict == Void {
		c.void(c.Why)
		return
	}
	if why := fault(blocks); why != "" {
		c.void(why)
		return
	}
	latency, err := mergeLatency(blocks)
	if err != nil {
		c.void(err.Error())
		return
	}
	c.P50Ns, c.P95Ns = percentile(latency, 50), percentile(latency, 95)
	c.P99Ns, c.P999Ns = percentile(latency, 99), percentile(latency, 99.9)
	c.spend(blocks)
	c.figures(blocks)
	c.idle(samples)
	c.Verdict, c.Why = Measured, ""
	if !c.NsOp.Bounded() && !paced { // how long a clock let it last is nothing to conclude on
		c.Verdict = Inconclusive
		c.Why = fmt.Sprintf("%d rounds: an interval takes at least %d", c.Rounds, roundsForInterval())
	}
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
func (c *Cell) spend(blocks []Block) {
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
	c.NsOp, c.CPUNsOp = estimate(wall), estimate(cpu)
	c.UserNsOp, c.SystemNsOp = user/ops, system/ops
	c.AllocsOp, c.BytesOp, c.SwitchesOp = allocs/ops, bytes/ops, switches/ops
	if c.ActiveCPU == 0 {
		c.ActiveCPU = 100 * (user + system) / float64(took)
	}
	if c.BlockOps == 0 {
		c.BlockOps = blocks[0].Ops
	}
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
