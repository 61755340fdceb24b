// Package openloop sends operations to a system when they are due, whether or not those before
// are finished, because users do not wait for one another. Latency counts from the intended
// time: if the system is busy when an operation is due, that wait is part of its latency. The
// generator's own lateness is measured, and never passes for the system's.
package openloop

import (
	"fmt"
	"math"
	"slices"
	"time"

	"rubato/audio"
	"rubato/runner"
	"rubato/runner/host"
)

// Arrivals returns the times, since the start of their block, at which operations first to
// first+n-1 are due, at rate a second on average. The gaps are exponential. Each depends
// on the seed and its position only, so every style meets the same traffic.
func Arrivals(seed uint64, first, n int, rate float64) []time.Duration {
	due := make([]time.Duration, n)
	var at float64
	for i := range due {
		at += Gap(seed, first+i, rate)
		due[i] = time.Duration(at)
	}
	return due
}

// Gap is the time in ns between operation i and the one before.
func Gap(seed uint64, i int, rate float64) float64 {
	const gaps = 0x6f70656e6c6f6f70                           // keeps these apart from the seeds of the script
	u := float64(runner.SeedAt(seed^gaps, i)>>11) / (1 << 53) // in [0,1)
	return -math.Log1p(-u) / rate * float64(time.Second)
}

// A Scheduler calls functions at their intended times, from one goroutine, and measures its
// own lateness. Every open loop uses one. It is not locked to a thread, because handing work
// to other goroutines would then take far longer.
type Scheduler struct {
	clock clock
	Start time.Time
	spin  time.Duration // how long before the time it stops sleeping and reads the clock instead
	spun  time.Duration
	ideal punctual
}

// A clock is read, and waits until a time.
type clock struct {
	now   func() time.Time
	until func(time.Time)
}

// newAlarm returns a function that waits until a time. It uses the clock of the audio
// output, because Go's own timers are 0.4 ms later in the median.
func newAlarm() func(time.Time) {
	now, until := audio.NewClock()
	zero := time.Now().Add(-now())
	return func(at time.Time) { until(at.Sub(zero)) }
}

// SpinBefore is the usual spin: a sleep ends 0.06 to 0.2 ms late. A longer one would take
// a core from the system.
const SpinBefore = 150 * time.Microsecond

// NewScheduler returns one whose times count from start. With no spin it only sleeps.
func NewScheduler(start time.Time, spin time.Duration) *Scheduler {
	return &Scheduler{clock: clock{time.Now, newAlarm()}, Start: start, spin: spin}
}

// Elapsed is the time since the start.
func (s *Scheduler) Elapsed() time.Duration { return s.clock.now().Sub(s.Start) }

// Wait sleeps and then spins until the time. It returns at once when the time has passed.
func (s *Scheduler) Wait(due time.Duration) {
	if due-s.Elapsed() > s.spin {
		s.clock.until(s.Start.Add(due - s.spin))
	}
	began := s.Elapsed()
	now := began
	for now < due {
		now = s.Elapsed()
	}
	s.spun += now - began
}

// At calls do when it is due. It returns how late the scheduler itself was, and whether
// the call before kept it from being on time.
func (s *Scheduler) At(due time.Duration, do func()) (late time.Duration, held bool) {
	s.Wait(due)
	began := s.Elapsed()
	do()
	return s.ideal.posted(due, began, s.Elapsed())
}

// A punctual generator is never late by itself. With the same system it posts each operation
// when it is due, or as soon as the system has accepted the one before. If the real generator
// is later than that, the difference is its own lateness; so is the wait in a queue that
// the punctual one would not have had.
type punctual struct{ free time.Duration }

// posted takes when a stimulus was due, posted and accepted. It returns how late the
// generator itself was, and whether the system kept even the punctual one waiting.
func (p *punctual) posted(due, posted, accepted time.Duration) (late time.Duration, held bool) {
	could := max(due, p.free)
	held = p.free > due
	p.free = could + accepted - posted
	return posted - could, held
}

// A System accepts operations and tells when each is done.
type System interface {
	// Post begins an operation, and returns when the next may begin. Its number is passed to done
	// when its effect is durable, from any goroutine.
	Post(i int, done func(number uint64, err error)) error
	// Settle waits for all that were begun.
	Settle() error
}

// Run posts an operation at each of the times, and settles. Operation i has number first+i. It
// reports latency from the intended time to the report that the effect is durable, unless it
// was late itself, and returns how well it kept the times.
func Run(s System, first uint64, due []time.Duration, latency func(time.Duration)) (*Pacing, error) {
	return runBy(clock{time.Now, newAlarm()}, s, first, due, latency)
}

// runBy uses the clock given.
func runBy(c clock, to System, first uint64, due []time.Duration, latency func(time.Duration)) (*Pacing, error) {
	g := &Pacing{ops: max(1, len(due)), late: make([]time.Duration, 0, len(due)), took: make([]time.Duration, 0, len(due))}
	r := NewCompletions(first, len(due))
	r.now = c.now
	used := host.OwnCPU()
	s := &Scheduler{clock: c, Start: c.now(), spin: SpinBefore}
	for i := range due {
		r.Posted[i] = s.Start.Add(due[i])
	}
	for i := range due {
		var err error
		g.posted(s.At(due[i], func() { err = to.Post(i, r.Done) }))
		if err != nil {
			return g, err
		}
	}
	err := to.Settle()
	g.Wall, g.cpu, g.spun = s.Elapsed(), host.OwnCPU()-used, s.spun
	if err != nil {
		return g, err
	}
	err = r.Tell(func(took time.Duration) { g.took = append(g.took, took) })
	if err == nil && !g.tooLate() {
		for _, took := range g.took {
			latency(took)
		}
	}
	return g, err
}

// Pacing is what an open loop measured of itself.
type Pacing struct {
	ops        int
	late, took []time.Duration // of each operation: the generator's own lateness, below 0 when the style held it up; its latency; nil without times
	behind     int             // operations that were due while the style was still accepting the one before
	spun       time.Duration
	Wall, cpu  time.Duration // cpu is that of this process, with the spinning
}

// Unpaced is the Pacing of operations that were begun as soon as they were accepted.
func Unpaced(ops int, wall, cpu time.Duration) *Pacing {
	return &Pacing{ops: ops, Wall: wall, cpu: cpu}
}

// posted records how late an operation was because of the generator. A held one waited for the
// style.
func (g *Pacing) posted(late time.Duration, held bool) {
	if held {
		g.behind++
		late = -1
	}
	g.late = append(g.late, late)
}

// Awake is the CPU time per operation without the spinning.
func (g *Pacing) Awake() time.Duration { return max(g.cpu-g.spun, 0) / time.Duration(g.ops) }

// Measures are what an open loop reports besides latency.
var Measures = []runner.Measure{
	{Name: "gen-p50", Unit: "ns", Better: "less", Doc: "how late the generator itself posted, median over the stimuli it was free to post"},
	{Name: "gen-p99", Unit: "ns", Better: "less", Doc: "the same, 99th percentile"},
	{Name: "gen-max", Unit: "ns", Better: "less", Doc: "the same, the longest"},
	{Name: "own-p50", Unit: "ns", Better: "less", Doc: "latency less the generator's own lateness, median; waiting because the style was busy counts in full"},
	{Name: "own-p99", Unit: "ns", Better: "less", Doc: "the same, 99th percentile"},
	{Name: "late-share", Unit: "%", Better: "less", Doc: "gen-p99 as a share of the 99th percentile of latency; over 10 %, that percentile belongs to the generator and not to the style, and the block reports no latency: read own-p99"},
	{Name: "behind", Unit: "%", Better: "less", Doc: "share of stimuli that were due while the style was still accepting the one before"},
	{Name: "spin", Unit: "ns", Doc: "CPU time per operation that the generator spent waiting for the time; CPU/op includes it"},
	{Name: "cpu", Unit: "%", Better: "less", Doc: "of one core: CPU time less the spinning, over the wall time of the block. It includes the generator's wake-ups, the same in all styles"},
	{Name: "cpu-op", Unit: "ns", Better: "less", Doc: "CPU time per operation less the spinning"},
	{Name: "achieved", Unit: "/s", Better: "more", Doc: "stimuli done per second, from the start of the block until all was settled"},
}

// Figures returns the Measures. What was not measured is left out.
func (g *Pacing) Figures() map[string]float64 {
	f := map[string]float64{
		"achieved": float64(g.ops) / max(g.Wall, 1).Seconds(),
	}
	if g.cpu > 0 {
		f["cpu"] = 100 * float64(max(g.cpu-g.spun, 0)) / float64(max(g.Wall, 1))
		f["cpu-op"] = float64(max(g.cpu-g.spun, 0)) / float64(g.ops)
	}
	if g.late == nil {
		return f
	}
	f["behind"] = 100 * float64(g.behind) / float64(g.ops)
	f["spin"] = float64(g.spun) / float64(g.ops)
	if free := slices.DeleteFunc(slices.Clone(g.late), func(d time.Duration) bool { return d < 0 }); len(free) > 0 {
		f["gen-p50"], f["gen-p99"], f["gen-max"] = Percentile(free, 50), Percentile(free, 99), Percentile(free, 100)
		f["late-share"] = 100 * f["gen-p99"] / max(Percentile(g.took, 99), 1)
	}
	own := slices.Clone(g.took)
	for i := range own {
		own[i] -= max(g.late[i], 0)
	}
	f["own-p50"], f["own-p99"] = Percentile(own, 50), Percentile(own, 99)
	return f
}

// mostLateShare is the largest share, in %, of a reported 99th percentile that may be the
// generator's own lateness.
const mostLateShare = 10

// tooLate reports whether the generator's own lateness dominates the latencies of a
// block. They are then not reported; other figures, such as CPU time, stay valid.
func (g *Pacing) tooLate() bool { return g.Figures()["late-share"] > mostLateShare }

// NoLatency says why a block reports no latency; "" if it reports it.
func (g *Pacing) NoLatency() string {
	if !g.tooLate() {
		return ""
	}
	f := g.Figures()
	return fmt.Sprintf("the generator itself was %v late in 1 of 100, %.0f %% of the latency there: read own-p99, or stop other work on this machine",
		time.Duration(f["gen-p99"]).Round(time.Microsecond), f["late-share"])
}

// Stalled is how late the generator may be in 1 of 100 before the whole block is invalid:
// such a pause is not jitter, and the traffic is not the intended one.
const Stalled = 10 * time.Millisecond

// Wrong says why the generator makes the block invalid; "" if it does not.
func (g *Pacing) Wrong() string {
	f := g.Figures()
	if late := time.Duration(f["gen-p99"]); late > Stalled && g.tooLate() {
		return fmt.Sprintf("the generator itself posted %v late in 1 of 100, %.0f %% of the latency there: the latency is not the style's; stop other work on this machine",
			late.Round(time.Millisecond), f["late-share"])
	}
	return ""
}
