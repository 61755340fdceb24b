package reports

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"rubato/inference"
)

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
	c.witness(all)
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
	c.untold(blocks)
	c.Looked = rule.used(len(blocks))
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
	c.Spent = spentOn(blocks)
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
