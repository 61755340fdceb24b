package openloop

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"
)

// TestArrivals checks that the gaps depend only on seed and position, and are those of a
// Poisson process: their mean and their standard deviation are 1/rate.
func TestArrivals(t *testing.T) {
	t.Parallel()
	const rate, n = 250, 20_000
	all := Arrivals(1, 0, n, rate)
	if !slices.IsSorted(all) {
		t.Error("they are not in order")
	}
	second := Arrivals(1, 7, 13, rate)
	for i, at := range second {
		if want := all[7+i] - all[6]; (at - want).Abs() > 20 {
			t.Errorf("arrival %d: at %v in a block of its own, %v in the whole", 7+i, at, want)
		}
	}
	if slices.Equal(all, Arrivals(2, 0, n, rate)) {
		t.Error("another seed makes the same arrivals")
	}
	var sum, squares float64
	for i := 1; i < n; i++ {
		gap := (all[i] - all[i-1]).Seconds()
		sum, squares = sum+gap, squares+gap*gap
	}
	mean := sum / (n - 1)
	deviation := math.Sqrt(squares/(n-1) - mean*mean)
	for what, got := range map[string]float64{"mean": mean, "standard deviation": deviation} {
		if math.Abs(got*rate-1) > 0.03 {
			t.Errorf("%s of the gaps: %v s, want %v", what, got, 1.0/rate)
		}
	}
}

// scripted is a system that takes as long for each operation as accept says.
type scripted struct {
	accept func(seq uint64) time.Duration
	report func(s *scripted, number uint64, done func(uint64, error))
	settle error
}

func (s *scripted) Post(i int, done func(uint64, error)) error {
	newAlarm()(time.Now().Add(s.accept(firstNumber + uint64(i))))
	s.report(s, firstNumber+uint64(i), done)
	return nil
}

func (s *scripted) Settle() error { return s.settle }

func once(_ *scripted, seq uint64, done func(uint64, error)) { done(seq, nil) }

// firstNumber is that of the first operation of a scripted system.
const firstNumber = 11

// TestOpenLoopIntended checks that a style that is slow to accept the first stimulus has
// this in the latency of those due meanwhile, and that the generator is not called late.
func TestOpenLoopIntended(t *testing.T) {
	t.Parallel()
	const busy = 30 * time.Millisecond
	due := []time.Duration{0, time.Millisecond, 60 * time.Millisecond}
	var took []time.Duration
	var g *Pacing
	for tries := 0; len(took) == 0 && tries < 10; tries++ { // a generator that a busy machine delays reports no latency
		p := &scripted{report: once, accept: func(seq uint64) time.Duration {
			if seq == 11 {
				return busy
			}
			return 0
		}}
		var err error
		if g, err = Run(p, firstNumber, due, func(d time.Duration) { took = append(took, d) }); err != nil {
			t.Fatal(err)
		}
	}
	if len(took) != 3 || took[1] < busy-due[1] {
		t.Errorf("latencies %v: the second was due while the first was being taken, and counts from then", took)
	}
	if g.behind < 1 || g.late[1] != -1 {
		t.Errorf("%d were held up, lateness %v: the second was", g.behind, g.late)
	}
	if g.Wall < due[2] {
		t.Errorf("it was over in %v, before the last was due at %v", g.Wall, due[2])
	}
	f := g.Figures()
	for _, m := range Measures {
		if _, ok := f[m.Name]; !ok {
			t.Errorf("%s is missing", m.Name)
		}
		delete(f, m.Name)
	}
	if len(f) != 0 {
		t.Errorf("figures that are not measures: %v", f)
	}
}

// TestOpenLoopNeverEarly checks that no stimulus is posted before it is due.
func TestOpenLoopNeverEarly(t *testing.T) {
	t.Parallel()
	p := &scripted{report: once, accept: func(uint64) time.Duration { return 0 }}
	due := Arrivals(3, 0, 200, 4000)
	g, err := Run(p, firstNumber, due, func(time.Duration) {})
	if err != nil {
		t.Fatal(err)
	}
	for i, late := range g.late {
		if late < -1 {
			t.Errorf("stimulus %d was posted %v before it was due", i, -late)
		}
	}
}

// TestOpenLoopFailures checks that too few or too many reports, and a failure, are errors.
func TestOpenLoopFailures(t *testing.T) {
	t.Parallel()
	failed := errors.New("the store is gone")
	for name, p := range map[string]*scripted{
		"nothing is reported": {report: func(_ *scripted, seq uint64, done func(uint64, error)) {
			if seq != 12 {
				done(seq, nil)
			}
		}},
		"one is reported twice": {report: func(_ *scripted, seq uint64, done func(uint64, error)) { done(seq, nil); done(seq, nil) }},
		"another is reported":   {report: func(_ *scripted, seq uint64, done func(uint64, error)) { done(seq+1000, nil) }},
		"a failure is reported": {report: func(_ *scripted, seq uint64, done func(uint64, error)) { done(seq, failed) }},
		"it cannot settle":      {report: once, settle: failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p.accept = func(uint64) time.Duration { return 0 }
			if _, err := Run(p, firstNumber, make([]time.Duration, 3), func(time.Duration) {}); err == nil {
				t.Error("no error")
			}
		})
	}
}

// TestPercentile checks the nearest rank.
func TestPercentile(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	for q, want := range map[int]float64{0: 1, 1: 1, 50: 50, 99: 99, 100: 100} {
		if got := Percentile(hundred, q); got != want {
			t.Errorf("percentile %d of 1 to 100: %v, want %v", q, got, want)
		}
	}
	if got := Percentile([]time.Duration{7}, 99); got != 7 {
		t.Errorf("of one: %v", got)
	}
}

// Traffic of the stall tests: two seconds.
const (
	stallSeed  = 5
	stallRate  = 1000
	stallCount = 2000
	stallAt    = 700 // which stimulus stalls
	stallFor   = 200 * time.Millisecond
)

// traced computes the latencies of a style that takes no time and stalls once.
func traced(due []time.Duration, stall time.Duration) []time.Duration {
	took, free := make([]time.Duration, len(due)), time.Duration(0)
	for i := range due {
		free = max(free, due[i])
		if i == stallAt {
			free += stall
		}
		took[i] = free - due[i]
	}
	return took
}

// perMille is a percentile in thousandths.
func perMille(of []time.Duration, q int) time.Duration {
	return slices.Sorted(slices.Values(of))[len(of)*q/1000-1]
}

// virtual is a clock that advances by a microsecond when it is read, and when it waits. The
// effect of a stall is then arithmetic and does not depend on the machine.
type virtual struct{ at time.Time }

func (v *virtual) clock() clock { return clock{v.now, v.until} }

func (v *virtual) now() time.Time {
	v.at = v.at.Add(time.Microsecond)
	return v.at
}

func (v *virtual) until(at time.Time) {
	if at.After(v.at) {
		v.at = at
	}
}

// stalling is a style that accepts all stimuli at once, except for one.
type stalling struct {
	clock *virtual
	stall time.Duration
}

func (s *stalling) Post(i int, done func(uint64, error)) error {
	if i == stallAt {
		s.clock.until(s.clock.at.Add(s.stall))
	}
	done(uint64(i), nil)
	return nil
}

func (s *stalling) Settle() error { return nil }

func stallTraffic() []time.Duration { return Arrivals(stallSeed, 0, stallCount, stallRate) }

// TestStallOfStyle checks that a style's stall raises the 99.9th percentile as computed, and
// that the generator is not called late.
func TestStallOfStyle(t *testing.T) {
	t.Parallel()
	due := stallTraffic()
	v, took := &virtual{at: time.Unix(0, 0)}, []time.Duration(nil)
	g, err := runBy(v.clock(), &stalling{clock: v, stall: stallFor}, 0, due, func(d time.Duration) { took = append(took, d) })
	if err != nil {
		t.Fatal(err)
	}
	got, want := perMille(took, 999), perMille(traced(due, stallFor), 999)
	if math.Abs(float64(got-want)) > 0.1*float64(want) || want < stallFor/2 {
		t.Errorf("99.9th percentile is %v, by the trace %v", got, want)
	}
	if why := g.Wrong(); why != "" || g.behind < 100 {
		t.Errorf("the generator is called late: %q, %d were held up", why, g.behind)
	}
}

// TestStallOfGenerator checks that the same stall in the generator makes the block invalid.
// The stimuli that queued up behind it count as late by the generator, too.
func TestStallOfGenerator(t *testing.T) {
	t.Parallel()
	due := stallTraffic()
	v, slept := &virtual{at: time.Unix(0, 0)}, 0
	c := clock{v.now, func(at time.Time) {
		if v.until(at); slept == stallAt {
			v.until(at.Add(stallFor))
		}
		slept++
	}}
	g, err := runBy(c, &stalling{clock: v}, 0, due, func(time.Duration) {})
	if err != nil {
		t.Fatal(err)
	}
	if why := g.Wrong(); why == "" {
		t.Errorf("a generator that was %v late is not invalid", time.Duration(g.Figures()["gen-max"]))
	}
	late := 0
	for _, d := range g.late {
		if d > stallFor/10 {
			late++
		}
	}
	if late < 100 {
		t.Errorf("%d stimuli were late because of the generator, want some 180", late)
	}
}

// TestPunctual checks who made whom wait, without a clock.
func TestPunctual(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, trace := range map[string][]struct {
		due, posted, accepted, late time.Duration
		held                        bool
	}{
		"all is well":      {{0, 0, 1 * ms, 0, false}, {5 * ms, 5 * ms, 6 * ms, 0, false}},
		"a slow style":     {{0, 0, 10 * ms, 0, false}, {5 * ms, 10 * ms, 11 * ms, 0, true}, {6 * ms, 11 * ms, 12 * ms, 0, true}, {20 * ms, 20 * ms, 20 * ms, 0, false}},
		"a late generator": {{0, 10 * ms, 11 * ms, 10 * ms, false}, {5 * ms, 11 * ms, 12 * ms, 6 * ms, false}, {20 * ms, 20 * ms, 20 * ms, 0, false}},
		"both":             {{0, 10 * ms, 20 * ms, 10 * ms, false}, {5 * ms, 20 * ms, 21 * ms, 10 * ms, true}},
	} {
		var fair punctual
		for i, p := range trace {
			if late, held := fair.posted(p.due, p.posted, p.accepted); late != p.late || held != p.held {
				t.Errorf("%s, %d: %v late, held %v; want %v, %v", name, i, late, held, p.late, p.held)
			}
		}
	}
}

// BenchmarkStall checks that a generator that stalls for 200 ms reports no latency and makes
// the block invalid.
func BenchmarkStall(b *testing.B) {
	due := stallTraffic()
	for b.Loop() {
		alarm, waits, reported := newAlarm(), 0, 0
		c := clock{time.Now, func(at time.Time) {
			if alarm(at); waits == stallAt {
				time.Sleep(stallFor)
			}
			waits++
		}}
		g, err := runBy(c, &stalling{clock: &virtual{}}, 0, due, func(time.Duration) { reported++ })
		if err != nil || reported > 0 || g.Wrong() == "" {
			b.Fatalf("%v, %d latencies reported, Wrong %q", err, reported, g.Wrong())
		}
		b.ReportMetric(float64(reported), "latencies-reported")
	}
}
