package runner

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"rubato/inference"
	"rubato/reports"
)

// A weather is what a trial is disturbed by.
type weather struct {
	name  string
	doc   string
	hog   string // kind of neighbour; empty: none
	storm bool   // garbage collection inside the children
	stops bool   // children are stopped and resumed
}

// weathers are what the self-check measures under; the first is the machine as it is.
var weathers = []weather{
	{name: "quiet", doc: "the machine as it is"},
	{name: "cpu hog", doc: "a neighbour takes each core half of the time, in phases", hog: hogCPU},
	{name: "memory hog", doc: "the same, copying memory", hog: hogMemory},
	{name: "gc storm", doc: "half of the blocks make garbage beside their work", storm: true},
	{name: "stopped", doc: "children are stopped for 10 to 80 ms, and resumed", stops: true},
}

// A series is what a trial saw: for each arm and round, the logarithm of the time per
// operation.
type series struct {
	arms map[string][]float64
	took []time.Duration // from the start of the trial to the end of each round
	ops  int             // operations in a block
}

// cut is so many rounds of it as a trial of their own.
func (s *series) cut(from, rounds int) inference.Trial {
	return inference.Trial{Arm: s.arms[kernelArm][from : from+rounds], Twin: s.arms[kernelTwin][from : from+rounds],
		Slow: s.arms[kernelSlow][from : from+rounds], Shift: math.Log1p(plantedShares[kernelSlow])}
}

// keep takes a block.
func (s *series) keep(style string, b *reports.Block) error {
	if b.Wall <= 0 {
		return fmt.Errorf("style %s: a block of %v is none", style, b.Wall)
	}
	s.arms[style] = append(s.arms[style], math.Log(float64(b.Wall)/float64(b.Ops)))
	return nil
}

var errKernelDiffers = errors.New("the self-check's processes did different work, so nothing measured here stands")

// A trials makes one trial after the other, each with processes of its own, by the
// machinery of rubato run.
type trials struct {
	*measurement
	ops    int // operations in a block; 0: the first trial finds it
	number int // of the trial, so that each has seeds and a folder of its own
}

// hold makes a trial of these arms: rounds until it has had enough.
func (t *trials) hold(ctx context.Context, w weather, arms []string, enough func(*series) bool) (*series, error) {
	t.number++
	began := time.Now()
	t = t.seeded()
	calm, err := t.disturb(ctx, w)
	if err != nil {
		return nil, err
	}
	defer calm()
	c := t.contest(w, arms)
	defer os.RemoveAll(c.dir)
	defer c.dismiss()
	for _, step := range []func(context.Context) error{c.prepare, c.enter, c.certify, c.open, c.calibrate} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	s := &series{arms: map[string][]float64{}, ops: c.n}
	if err := t.series(ctx, c, w, s, began, enough); err != nil {
		return s, err
	}
	return s, c.close(ctx)
}

// seeded is a copy with the seed of this trial.
func (t *trials) seeded() *trials {
	m := *t.measurement
	m.ask.seed += uint64(t.number)
	return &trials{measurement: &m, ops: t.ops, number: t.number}
}

// contest is one of the kernel's arms.
func (t *trials) contest(w weather, arms []string) *contest {
	plan := contestPlan{scenario: kernelScenario(), options: Options{}, size: Size{Ops: t.ops, Warmup: 2}}
	if t.ops == 0 {
		plan.size.Warmup = 0 // until blocks are level
	}
	if w.storm {
		plan.options[weatherKey] = weatherStorm
	}
	cells := make([]reports.Cell, len(arms))
	var own []*reports.Cell
	for i, style := range arms {
		a := arm{style: style, options: plan.options}
		plan.arms = append(plan.arms, a)
		cells[i] = a.cell(kernelName)
		own = append(own, &cells[i])
	}
	return newContest(t.measurement, t.number, plan, own)
}

// series measures rounds in random order, as contest.rounds does.
func (t *trials) series(ctx context.Context, c *contest, w weather, s *series, began time.Time, enough func(*series) bool) error {
	const most = 10_000
	if w.stops {
		defer t.stops(ctx, c)()
	}
	for _, order := range orders(t.ask.seed, c.name, most, len(c.entrants)) {
		err := c.lockstep(ctx, c.n, order, func(e *entrant, b *reports.Block) error { return s.keep(e.style, b) })
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(c.entrants, (*entrant).void); i >= 0 {
			return fmt.Errorf("%w: %s", errKernelDiffers, c.entrants[i].cell.Why)
		}
		if s.took = append(s.took, time.Since(began)); enough(s) {
			return nil
		}
	}
	return nil
}

// stops begins to stop and resume the children; the function that it returns ends it.
func (t *trials) stops(ctx context.Context, c *contest) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var children []*process
	for _, e := range c.entrants {
		children = append(children, e.process)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		stopAndGo(ctx, children, weatherSource(t.ask.seed, "stops", t.number))
	}()
	return func() {
		cancel()
		<-ended
	}
}

// disturb starts a neighbour, if there is one; calm ends it.
func (t *trials) disturb(ctx context.Context, w weather) (calm func(), err error) {
	if w.hog == "" {
		return func() {}, nil
	}
	p, err := t.start(w.name)
	if err != nil {
		return nil, err
	}
	calm = func() {
		p.kill()
		p.end(t.limits.Close)
		t.leftovers.drop(p)
	}
	setup := &Setup{Style: w.hog, Seed: t.ask.seed}
	if _, err := p.ask(ctx, request{Do: doOpen, Scenario: hogName, Setup: setup}, t.limits.Open); err != nil {
		calm()
		return nil, err
	}
	return calm, nil
}
