package scenarios

import (
	"fmt"
	"math"
	"slices"
	"time"

	"rubato/player"
	"rubato/runner"
)

// In an open loop stimuli come when they are due, whether or not those before are
// done with, as users do not wait for one another. Latency counts from the intended
// time: a style that is busy when a stimulus is due has that held against it.

// arrivals are the times, since the start of their block, at which stimuli first to
// first+n-1 are due. The gaps are exponential, of 1/rate seconds on average. Each is a
// function of seed and position alone, so that every style meets the same traffic.
func arrivals(seed uint64, first, n int, rate float64) []time.Duration {
	const gaps = 0x6f70656e6c6f6f70 // keeps these apart from the seeds of the stimuli
	due := make([]time.Duration, n)
	var at float64
	for i := range due {
		u := float64(stir(seed^gaps, first+i)>>11) / (1 << 53) // in [0,1)
		at -= math.Log1p(-u) / rate * float64(time.Second)
		due[i] = time.Duration(at)
	}
	return due
}

// spinBefore is how long before a stimulus is due the generator stops to sleep and
// spins: a sleep ends 0.06 to 0.2 ms late. More would keep a core from the style.
const spinBefore = 150 * time.Microsecond

// openLoop posts each stimulus when it is due, from this goroutine alone, and settles.
// It tells latency from the intended time to the report that the effect is durable,
// unless it was late itself, and answers how well it kept the time. The goroutine is
// not tied to a thread: what it hands to others would then take far longer.
func openLoop(p player.Player, stimuli []player.Stimulus, due []time.Duration, latency func(time.Duration)) (*pacing, error) {
	return openLoopBy(clock{time.Now, newAlarm()}, p, stimuli, due, latency)
}

// A clock is read, and waits until a time.
type clock struct {
	now   func() time.Time
	until func(time.Time)
}

// openLoopBy goes by the clock given.
func openLoopBy(c clock, p player.Player, stimuli []player.Stimulus, due []time.Duration, latency func(time.Duration)) (*pacing, error) {
	if len(stimuli) != len(due) || len(due) == 0 {
		return nil, fmt.Errorf("%d stimuli for %d times: want one each", len(stimuli), len(due))
	}
	g := &pacing{ops: len(due), now: c.now, late: make([]time.Duration, 0, len(due)), took: make([]time.Duration, 0, len(due))}
	r := newReports(stimuli)
	r.now = c.now
	used := cpuTime()
	start := c.now()
	for i := range due {
		r.posted[i] = start.Add(due[i])
	}
	var fair punctual
	for i := range stimuli {
		g.wait(start, due[i], c.until)
		posted := g.since(start)
		if err := p.Post(stimuli[i], r.done); err != nil {
			return g, err
		}
		g.posted(fair.posted(due[i], posted, g.since(start)))
	}
	err := p.Settle()
	g.wall, g.cpu = g.since(start), cpuTime()-used
	if err != nil {
		return g, err
	}
	err = r.tell(func(took time.Duration) { g.took = append(g.took, took) })
	if err == nil && !g.blurred() {
		for _, took := range g.took {
			latency(took)
		}
	}
	return g, err
}

// saturated posts each stimulus as soon as the one before has been accepted: what the
// style can take at most. Latency counts from the post.
func saturated(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) (*pacing, error) {
	used, start := cpuTime(), time.Now()
	err := pipelined(p, stimuli, latency)
	return &pacing{ops: len(stimuli), wall: time.Since(start), cpu: cpuTime() - used}, err
}

// pacing is what an open loop knows of itself.
type pacing struct {
	now        func() time.Time // nil: time.Now
	ops        int
	late, took []time.Duration // of each, the generator's own lateness, below 0 when it was not free, and latency; nil: nothing was due
	behind     int             // were due while the one before was still being accepted
	spun       time.Duration
	wall, cpu  time.Duration // cpu of this process, the spinning included
}

func (g *pacing) since(start time.Time) time.Duration {
	if g.now == nil {
		return time.Since(start)
	}
	return g.now().Sub(start)
}

// wait sleeps and then spins until a stimulus is due.
func (g *pacing) wait(start time.Time, due time.Duration, until func(time.Time)) {
	if due-g.since(start) > spinBefore {
		until(start.Add(due - spinBefore))
	}
	began := g.since(start)
	now := began
	for now < due {
		now = g.since(start)
	}
	g.spun += now - began
}

// posted notes how late a stimulus was by the generator's own fault; held ones waited
// for the style.
func (g *pacing) posted(late time.Duration, held bool) {
	if held {
		g.behind++
		late = -1
	}
	g.late = append(g.late, late)
}

// openLoopMeasures are what an open loop tells beside latency.
var openLoopMeasures = []runner.Measure{
	{Name: "gen-p50", Unit: "ns", Better: "less", Doc: "how late the generator itself posted, in the median of what it was free to post"},
	{Name: "gen-p99", Unit: "ns", Better: "less", Doc: "the same, 99th percentile"},
	{Name: "gen-max", Unit: "ns", Better: "less", Doc: "the same, the longest"},
	{Name: "own-p50", Unit: "ns", Better: "less", Doc: "latency less what the generator itself was late, in the median; what waited because the style was busy counts in full"},
	{Name: "own-p99", Unit: "ns", Better: "less", Doc: "the same, 99th percentile"},
	{Name: "late-share", Unit: "%", Better: "less", Doc: "gen-p99 as a share of the 99th percentile of latency; over 10 %, that percentile is the generator's and not the style's, and the block tells no latency: read own-p99"},
	{Name: "behind", Unit: "%", Better: "less", Doc: "share of stimuli that were due while the style was still accepting the one before"},
	{Name: "spin", Unit: "ns", Doc: "CPU time an operation that the generator spent waiting for the time; CPU/op has it in it"},
	{Name: "cpu", Unit: "%", Better: "less", Doc: "of one core: CPU time less the spinning, over the wall time of the block. The generator's wake-ups are in it, the same in all styles"},
	{Name: "cpu-op", Unit: "ns", Better: "less", Doc: "CPU time an operation less the spinning"},
	{Name: "achieved", Unit: "/s", Better: "more", Doc: "stimuli done a second, from the start of the block until all was settled"},
}

// figures are pacing as openLoopMeasures has it. What was not measured is left out.
func (g *pacing) figures() map[string]float64 {
	f := map[string]float64{
		"achieved": float64(g.ops) / max(g.wall, 1).Seconds(),
	}
	if g.cpu > 0 {
		f["cpu"] = 100 * float64(max(g.cpu-g.spun, 0)) / float64(max(g.wall, 1))
		f["cpu-op"] = float64(max(g.cpu-g.spun, 0)) / float64(g.ops)
	}
	if g.late == nil {
		return f
	}
	f["behind"] = 100 * float64(g.behind) / float64(g.ops)
	f["spin"] = float64(g.spun) / float64(g.ops)
	if free := slices.DeleteFunc(slices.Clone(g.late), func(d time.Duration) bool { return d < 0 }); len(free) > 0 {
		f["gen-p50"], f["gen-p99"], f["gen-max"] = percentile(free, 50), percentile(free, 99), percentile(free, 100)
		f["late-share"] = 100 * f["gen-p99"] / max(percentile(g.took, 99), 1)
	}
	own := slices.Clone(g.took)
	for i := range own {
		own[i] -= max(g.late[i], 0)
	}
	f["own-p50"], f["own-p99"] = percentile(own, 50), percentile(own, 99)
	return f
}

// percentile is the nearest rank; there is one at least.
func percentile(of []time.Duration, q int) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return float64(sorted[max(0, (len(sorted)*q+99)/100-1)])
}
