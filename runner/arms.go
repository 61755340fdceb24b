package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rubato/reports"
	"rubato/results"
)

// blockStage is where the slowdown is injected if a scenario names no stage.
const blockStage = "end of the block"

// defaultSlowdown is the size of the injected slowdown, as a share of the baseline's time.
const defaultSlowdown = 0.10

// controllable reports whether the arms do the same work as fast as they can. Only then do
// an A/A control and an injected slowdown show what a comparison can detect.
func (s Scenario) controllable() bool { return !s.Paced && !s.apart() }

// stage is where the slowdown is injected.
func (s Scenario) stage() string {
	if len(s.Stages) == 0 {
		return ""
	}
	return s.Stages[0]
}

// controlArms are two more copies of the baseline.
func (p comparisonPlan) controlArms() []armPlan {
	aa, slowdown := p.arms[0], p.arms[0]
	aa.role, slowdown.role = results.RoleAA, results.RoleSlowdown
	return []armPlan{aa, slowdown}
}

// all are the styles' arms, then those of another revision, the controls and the arms that differ
// by one instrument. So the styles keep the places that they have in a run without the others.
func (p comparisonPlan) all() []armPlan {
	all := slices.Concat(p.arms, p.before)
	if p.controlled {
		all = append(all, p.controlArms()...)
	}
	if p.instrumented {
		for _, a := range p.instrumentArms() {
			all = append(all, a.armPlan)
		}
	}
	return all
}

// controls is the record of the two controls, still without figures.
func (p comparisonPlan) controls(share float64, comparisons int) results.Controls {
	stage := p.scenario.stage()
	if stage == "" {
		stage = blockStage
	}
	arms := p.controlArms()
	return results.Controls{AA: arms[0].cell(p.scenario.Name), Slowdown: arms[1].cell(p.scenario.Name),
		Stage: stage, Share: share, Confidence: reports.AAConfidence(comparisons)}
}

// styles are the arms that are a style's own, without controls and instruments.
func styles(of []*arm) []*arm {
	var own []*arm
	for _, a := range of {
		if a.role == "" {
			own = append(own, a)
		}
	}
	return own
}

// sizeSlowdown sets the size of the slowdown, from the present time per operation of the
// baseline and the A/A control.
func (c *comparison) sizeSlowdown(ctx context.Context) error {
	if c.controls == nil {
		return nil
	}
	if c.arms[0].perOp == 0 { // nothing was calibrated
		if err := c.interleave(ctx, c.n, inOrder(len(c.arms)), c.timed(make([][]time.Duration, len(c.arms)))); err != nil {
			return err
		}
	}
	var sum float64
	var n int
	for _, a := range c.valid() {
		if a == c.arms[0] || a.role == results.RoleAA {
			sum, n = sum+a.perOp, n+1
		}
	}
	for _, a := range c.valid() {
		if a.role != results.RoleSlowdown || n == 0 {
			continue
		}
		c.slowdown = max(time.Duration(c.controls.Share*sum/float64(n)), 1)
		c.progress.say("%s: injected a slowdown of %v per operation in stage %q; each trial adjusts it to the time that one takes", c.name, c.slowdown, c.controls.Stage)
	}
	return c.sendSlowdown(ctx)
}

// resizeSlowdown sets the size again, from the baseline's slices in all trials so far: between
// those of other arms an operation finds colder caches than in calibration, and takes longer.
func (c *comparison) resizeSlowdown(base *results.Block, log *trialLog) {
	if c.slowdown == 0 || base == nil || len(base.Slices) == 0 {
		return
	}
	log.perOp = append(log.perOp, middle(base.Slices)/time.Duration(base.SliceOps))
	c.slowdown = max(time.Duration(c.controls.Share*float64(middle(log.perOp))), 1)
}

// sendSlowdown sends the size to the arms that have an injected slowdown.
func (c *comparison) sendSlowdown(ctx context.Context) error {
	for _, a := range c.valid() {
		if a.role != results.RoleSlowdown || c.slowdown == 0 {
			continue
		}
		if _, err := a.process.ask(ctx, request{Do: doSlowdown, Wall: c.slowdown}, c.limits.Usage); err != nil {
			return fmt.Errorf("injecting a slowdown: %w", err)
		}
	}
	return nil
}

// A Slowdown is more work of known size in a stage of one arm. The run must find it: so it
// shows what it can detect. The size is set once the baseline's time per operation is
// known. Before that, Stall only reads a number.
//
// It is steps, not a wait for the clock: a wait takes some 0.2 µs more than it was asked for,
// which is more than a tenth of a short operation, and hides the time that a neighbour takes.
type Slowdown struct {
	Stage string // of the scenario's Stages; empty: the end of the block, where the runner puts it
	steps atomic.Int64
	made  atomic.Uint64 // what the steps compute, so that the compiler keeps them
}

// Set sets the time that it adds to an operation, on a machine that is quiet.
func (p *Slowdown) Set(size time.Duration) {
	p.steps.Store(max(1, int64(float64(size)/stepTime())))
}

// Stall does the steps of one operation. The stage calls it once per operation, on the
// goroutine that does its work. Of a nil Slowdown it does nothing; that is what all arms but
// one have.
func (p *Slowdown) Stall() { p.stall(1) }

func (p *Slowdown) stall(ops int) {
	if p == nil {
		return
	}
	if n := p.steps.Load(); n > 0 {
		p.made.Store(steps(p.made.Load()|1, n*int64(ops)))
	}
}

// steps does n steps of a generator (Marsaglia, "Xorshift RNGs", 2003). None can begin before
// the last has ended.
func steps(x uint64, n int64) uint64 {
	for range n {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// stepTime is the time of a step in ns: that of the quickest of many stretches.
var stepTime = sync.OnceValue(func() float64 {
	const stretch, tries = 20_000, 50
	quickest, x := time.Hour, uint64(1)
	for range tries {
		start := time.Now()
		x = steps(x, stretch)
		quickest = min(quickest, time.Since(start))
	}
	runtime.KeepAlive(x) // or the compiler would leave the steps out
	return float64(quickest) / stretch
})

// A slowed is a workload with the slowdown at the end of its block, for scenarios that
// name no stage. It shows that the run detects a slowdown, but not in which stage.
type slowed struct {
	Workload
	slowdown *Slowdown
}

func (s *slowed) Run(n int, latency func(time.Duration)) error {
	if err := s.Workload.Run(n, latency); err != nil {
		return err
	}
	s.slowdown.stall(n)
	return nil
}

// Seal is the workload's own, if it has one.
func (s *slowed) Seal() error { return seal(s.Workload) }

// inner is the workload without the slowdown.
func inner(load Workload) Workload {
	if s, is := load.(*slowed); is {
		return s.Workload
	}
	return load
}

// withSlowdown adds the slowdown if no stage of the workload has it.
func withSlowdown(load Workload, slowdown *Slowdown) Workload {
	if slowdown == nil || slowdown.Stage != "" {
		return load
	}
	return &slowed{Workload: load, slowdown: slowdown}
}

// setSlowdown sets the size of this child's slowdown.
func (c *child) setSlowdown(ask request) (reply, error) {
	if c.setup.Slowdown == nil {
		return reply{}, errors.New("this arm was opened without a slowdown")
	}
	c.setup.Slowdown.Set(ask.Wall)
	return reply{}, nil
}

// An Instrument is an instrument of a style that an option switches, such as a trace.
// A run with -instruments measures what it costs.
type Instrument struct {
	Name, Doc string
	Style     string
	Without   Options // the options that switch it off
}

// An instrumentArm differs from another arm by one instrument.
type instrumentArm struct {
	armPlan
	of               int // index of that arm
	instrument, doc  string
	added, usualOnes bool
}

// instrumentArms are the baseline without all usual instruments, without each of them,
// and with each of the others; and each style without its own instrument.
func (p comparisonPlan) instrumentArms() []instrumentArm {
	all := []instrumentArm{p.switched(0, results.RoleBare, "all usual instruments", "those below that are always at work, together", false, true, []string{})}
	for _, name := range usual {
		if name == equivalenceInstrument && !p.scenario.Verified {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(usual), func(other string) bool { return other == name })
		all = append(all, p.switched(0, results.WithoutRole(name), name, instrumentDocs[name], false, true, others))
	}
	for _, name := range []string{samplerInstrument, profileInstrument} {
		all = append(all, p.switched(0, "with "+name, name, instrumentDocs[name], true, false, append(slices.Clone(usual), name)))
	}
	for _, own := range p.scenario.Instruments {
		of := slices.IndexFunc(p.arms, func(a armPlan) bool { return a.style == own.Style && !own.off(a.options) })
		if of < 0 {
			continue // it is not measured, or it is switched off already
		}
		o := p.switched(of, results.WithoutRole(own.Name), own.Name, own.Doc, false, false, nil)
		o.options = o.options.and(own.Without)
		all = append(all, o)
	}
	return all
}

// off reports whether the options switch the instrument off already.
func (o Instrument) off(options Options) bool {
	for key, value := range o.Without {
		if options[key] != value {
			return false
		}
	}
	return true
}

func (p comparisonPlan) switched(of int, role, instrument, doc string, added, usualOnes bool, instruments []string) instrumentArm {
	o := instrumentArm{armPlan: p.arms[of], of: of, instrument: instrument, doc: doc, added: added, usualOnes: usualOnes}
	o.role, o.instruments = role, instruments
	o.options = maps.Clone(o.options)
	return o
}

// instruments are the records of what measuring costs, still without figures.
func (p comparisonPlan) instruments() (all []results.Instrument) {
	for _, o := range p.instrumentArms() {
		all = append(all, results.Instrument{Name: o.instrument, Doc: o.doc, Base: p.arms[o.of].cell(p.scenario.Name).Key(),
			Arm: o.armPlan.cell(p.scenario.Name), Added: o.added, Usual: o.usualOnes})
	}
	return all
}

// sample has gopsutil sample the process until stop is called, if the arm has that
// instrument.
func (a *arm) sample() (stop func()) {
	if !instruments(a.instruments).on(samplerInstrument) {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		follow([]*arm{a}, quit, func(int, results.Sample) error { return nil })
	}()
	return func() {
		close(quit)
		<-done
	}
}

// Instruments of the runner that can work in a timed block. Those of a style, such as its
// trace, are options of the scenario.
const (
	histogramInstrument   = "histogram" // latency of each operation into a histogram
	watchInstrument       = "watch"     // whether the process stands still, ten times a second
	equivalenceInstrument = results.EquivalenceInstrument
	profileInstrument     = "profile" // the CPU profiler, at 100 Hz
	samplerInstrument     = "sampler" // gopsutil from the runner, every 100 ms
)

// instrumentDocs say what each instrument does.
var instrumentDocs = map[string]string{
	histogramInstrument:   "the latency of each operation into a histogram",
	watchInstrument:       "ten times a second: does the process stand still?",
	equivalenceInstrument: "the equivalence check: lines of every lane into a digest, as they happen",
	profileInstrument:     "the CPU profiler, 100 times a second of CPU",
	samplerInstrument:     "CPU % and RSS by gopsutil from the runner, every 100 ms",
}

// usual are the instruments of every timed block.
var usual = []string{histogramInstrument, watchInstrument, equivalenceInstrument}

// Verified reports whether the lines of lanes are digested for the equivalence check. They
// are, except in blocks that show what this costs.
func (s Setup) Verified() bool { return s.Verbatim || s.instruments().on(equivalenceInstrument) }

// An instruments lists the instruments at work in a block, by name.
type instruments []string

// instruments are the usual ones unless the setup has a list of its own, which may be empty.
func (s Setup) instruments() instruments {
	if s.Instruments == nil {
		return usual
	}
	return s.Instruments
}

func (o instruments) on(name string) bool { return slices.Contains(o, name) }

// latency is the function that a workload reports latencies to.
func (o instruments) latency(recorded *latencies) func(time.Duration) {
	if o.on(histogramInstrument) {
		return recorded.record
	}
	return func(time.Duration) {}
}

// watch starts to look whether the process stands still. A nil watch never finds it.
func (o instruments) watch() *watch {
	if o.on(watchInstrument) {
		return startWatch()
	}
	return nil
}

// profile starts a profile that is thrown away.
func (o instruments) profile() (stop func()) {
	if !o.on(profileInstrument) || pprof.StartCPUProfile(io.Discard) != nil {
		return func() {}
	}
	return pprof.StopCPUProfile
}
