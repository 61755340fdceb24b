package workload

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"rubato/audio"
	"rubato/player"
	"rubato/runner"
	"rubato/runner/host"
)

// In an open loop stimuli come when they are due, whether or not those before are
// finished, because users do not wait for one another. Latency counts from the intended
// time: if a style is busy when a stimulus is due, that wait is part of its latency.

// Arrivals returns the times, since the start of their block, at which stimuli first to
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

// Gap is the time in ns between stimulus i and the one before.
func Gap(seed uint64, i int, rate float64) float64 {
	const gaps = 0x6f70656e6c6f6f70                    // keeps these apart from the seeds of the stimuli
	u := float64(SeedAt(seed^gaps, i)>>11) / (1 << 53) // in [0,1)
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
// a core from the style.
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

// A punctual generator is never late by itself. With the same style it posts each stimulus
// when it is due, or as soon as the style has accepted the one before. If the real generator
// is later than that, the difference is its own lateness; so is the wait in a queue that
// the punctual one would not have had.
type punctual struct{ free time.Duration }

// posted takes when a stimulus was due, posted and accepted. It returns how late the
// generator itself was, and whether the style kept even the punctual one waiting.
func (p *punctual) posted(due, posted, accepted time.Duration) (late time.Duration, held bool) {
	could := max(due, p.free)
	held = p.free > due
	p.free = could + accepted - posted
	return posted - could, held
}

// OpenLoop posts each stimulus when it is due, and settles. It reports latency from the
// intended time to the report that the effect is durable, unless it was late itself, and
// returns how well it kept the times.
func OpenLoop(p player.Player, stimuli []player.Stimulus, due []time.Duration, latency func(time.Duration)) (*Pacing, error) {
	return openLoopBy(clock{time.Now, newAlarm()}, p, stimuli, due, latency)
}

// openLoopBy uses the clock given.
func openLoopBy(c clock, p player.Player, stimuli []player.Stimulus, due []time.Duration, latency func(time.Duration)) (*Pacing, error) {
	if len(stimuli) != len(due) || len(due) == 0 {
		return nil, fmt.Errorf("%d stimuli for %d times: want one each", len(stimuli), len(due))
	}
	g := &Pacing{ops: len(due), late: make([]time.Duration, 0, len(due)), took: make([]time.Duration, 0, len(due))}
	r := NewCompletions(stimuli)
	r.now = c.now
	used := host.OwnCPU()
	s := &Scheduler{clock: c, Start: c.now(), spin: SpinBefore}
	for i := range due {
		r.Posted[i] = s.Start.Add(due[i])
	}
	for i := range stimuli {
		var err error
		g.posted(s.At(due[i], func() { err = p.Post(stimuli[i], r.Done) }))
		if err != nil {
			return g, err
		}
	}
	err := p.Settle()
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
	late, took []time.Duration // of each stimulus: the generator's own lateness, below 0 when the style held it up; its latency; nil without times
	behind     int             // stimuli that were due while the style was still accepting the one before
	spun       time.Duration
	Wall, cpu  time.Duration // cpu is that of this process, with the spinning
}

// posted records how late a stimulus was because of the generator. A held one waited for the
// style.
func (g *Pacing) posted(late time.Duration, held bool) {
	if held {
		g.behind++
		late = -1
	}
	g.late = append(g.late, late)
}

// Awake is the CPU time per stimulus without the spinning.
func (g *Pacing) Awake() time.Duration { return max(g.cpu-g.spun, 0) / time.Duration(g.ops) }

// OpenLoopMeasures are what an open loop reports besides latency.
var OpenLoopMeasures = []runner.Measure{
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

// Figures returns the OpenLoopMeasures. What was not measured is left out.
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

// PacedWorkload is a workload whose stimuli come in an open loop, or as fast as they are
// accepted.
type PacedWorkload struct {
	*Workload
	Rate float64 // stimuli a second, on average; 0: as fast as they are accepted
	due  []time.Duration
	last *Pacing // of the last Run
}

// Prepare makes the stimuli and their times.
func (w *PacedWorkload) Prepare(first, n int) error {
	if w.Rate > 0 {
		w.due = Arrivals(w.Seed, first, n, w.Rate)
	}
	return w.Workload.Prepare(first, n)
}

// Run posts all stimuli at their times. Without a rate it posts each as soon as the one
// before has been accepted; latency then counts from the post.
func (w *PacedWorkload) Run(_ int, latency func(time.Duration)) (err error) {
	if w.Rate == 0 {
		used, start := host.OwnCPU(), time.Now()
		err = Pipelined(w.Player, w.Stimuli, latency)
		w.last = &Pacing{ops: len(w.Stimuli), Wall: time.Since(start), cpu: host.OwnCPU() - used}
		return err
	}
	if w.last, err = OpenLoop(w.Player, w.Stimuli, w.due, latency); err != nil {
		return fmt.Errorf("at %g a second: %w", w.Rate, err)
	}
	return nil
}

// Work adds what the open loop measured of itself.
func (w *PacedWorkload) Work() (runner.Work, error) {
	work, err := w.Workload.Work()
	if err == nil {
		work.Figures = w.last.Figures()
		work.NoLatency = w.last.NoLatency()
		work.Wrong = cmp.Or(work.Wrong, w.last.Wrong())
	}
	return work, err
}
