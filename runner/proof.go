package runner

import (
	"context"
	"fmt"
	"time"

	"rubato/reports"
)

// blockStage is where the plant stands in a scenario that names no stage.
const blockStage = "end of the block"

// defaultPlant is the share of the baseline's time by which the plant slows it down.
const defaultPlant = 0.10

// provable tells whether the scenario's arms do the same work as fast as they can, so
// that a twin and a plant of the baseline say what a comparison could have seen.
func (s Scenario) provable() bool { return !s.Paced && !s.apart() }

// stage is the one that the plant stands in.
func (s Scenario) stage() string {
	if len(s.Stages) == 0 {
		return ""
	}
	return s.Stages[0]
}

// proofArms are the baseline twice more.
func (p contestPlan) proofArms() []arm {
	twin, plant := p.arms[0], p.arms[0]
	twin.role, plant.role = reports.Twin, reports.Plant
	return []arm{twin, plant}
}

// prove has the contest carry a twin and a plant. They come last, so that those who
// are measured stand where they do in a run without a proof.
func (c *contest) prove(proof *reports.Proof) {
	c.proof = proof
	arms := c.plan.proofArms()
	for i, cell := range []*reports.Cell{&proof.Twin, &proof.Plant} {
		c.entrants = append(c.entrants, &entrant{arm: arms[i], cell: cell, key: cell.Key()})
	}
}

// proof is the place in the result of what the contest could have seen.
func (p contestPlan) proof(share float64, twins int) reports.Proof {
	stage := p.scenario.stage()
	if stage == "" {
		stage = blockStage
	}
	arms := p.proofArms()
	return reports.Proof{Twin: arms[0].cell(p.scenario.Name), Plant: arms[1].cell(p.scenario.Name),
		Stage: stage, Share: share, Confidence: reports.TwinConfidence(twins)}
}

// styles are the entrants that stand for a style; the others prove what can be seen.
func styles(of []*entrant) []*entrant {
	var own []*entrant
	for _, e := range of {
		if e.role == "" {
			own = append(own, e)
		}
	}
	return own
}

// slow sets the size of the plant, from what an operation takes in the baseline and
// its twin now.
func (c *contest) slow(ctx context.Context) error {
	if c.proof == nil {
		return nil
	}
	if c.entrants[0].perOp == 0 { // nothing was calibrated
		if err := c.lockstep(ctx, c.n, inOrder(len(c.entrants)), c.timed(make([][]time.Duration, len(c.entrants)))); err != nil {
			return err
		}
	}
	var sum float64
	var n int
	for _, e := range c.standing() {
		if e == c.entrants[0] || e.role == reports.Twin {
			sum, n = sum+e.perOp, n+1
		}
	}
	for _, e := range c.standing() {
		if e.role != reports.Plant || n == 0 {
			continue
		}
		c.planted = max(time.Duration(c.proof.Share*sum/float64(n)), 1)
		c.progress.say("%s: planted %v an operation in stage %q", c.name, c.planted, c.proof.Stage)
	}
	return c.plant(ctx)
}

// plant tells those that are to be slowed down by how much.
func (c *contest) plant(ctx context.Context) error {
	for _, e := range c.standing() {
		if e.role != reports.Plant || c.planted == 0 {
			continue
		}
		if _, err := e.process.ask(ctx, request{Do: doPlant, Wall: c.planted}, c.limits.Usage); err != nil {
			return fmt.Errorf("planting a slowdown: %w", err)
		}
	}
	return nil
}
