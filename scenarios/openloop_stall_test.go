package scenarios

import (
	"math"
	"slices"
	"testing"
	"time"

	"rubato/player"
)

// Traffic of the stall tests: two seconds of it.
const (
	stallSeed  = 5
	stallRate  = 1000
	stallCount = 2000
	stallAt    = 700 // which stimulus, and of 200 ms
	stallFor   = 200 * time.Millisecond
)

// traced is what latencies are by the trace alone: of a style that takes no time, and
// stalls once for so long.
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

// virtual is a clock that moves when it is read, by a microsecond, and when somebody
// waits: what stalls do is arithmetic, and no machine's business.
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

// stalling is a style that is at once with all but one stimulus.
type stalling struct {
	player.Player
	clock *virtual
	stall time.Duration
}

func (s *stalling) Post(stimulus player.Stimulus, done player.Done) error {
	if stimulus.Seq == stallAt {
		s.clock.until(s.clock.at.Add(s.stall))
	}
	done(stimulus.Seq, nil)
	return nil
}

func (s *stalling) Settle() error { return nil }

func stallTraffic() (stimuli []player.Stimulus, due []time.Duration) {
	stimuli = make([]player.Stimulus, stallCount)
	for i := range stimuli {
		stimuli[i].Seq = uint64(i)
	}
	return stimuli, arrivals(stallSeed, 0, stallCount, stallRate)
}

// TestStallOfStyle: what a style's stall does to the 99.9th percentile is what the
// trace says, though most of those held up came later; and it is no fault of the
// generator.
func TestStallOfStyle(t *testing.T) {
	t.Parallel()
	stimuli, due := stallTraffic()
	v, took := &virtual{at: time.Unix(0, 0)}, []time.Duration(nil)
	g, err := openLoopBy(v.clock(), &stalling{clock: v, stall: stallFor}, stimuli, due, func(d time.Duration) { took = append(took, d) })
	if err != nil {
		t.Fatal(err)
	}
	got, want := perMille(took, 999), perMille(traced(due, stallFor), 999)
	if math.Abs(float64(got-want)) > 0.1*float64(want) || want < stallFor/2 {
		t.Errorf("99.9th percentile is %v, by the trace %v", got, want)
	}
	if why := g.wrong(); why != "" || g.behind < 100 {
		t.Errorf("the generator takes the blame: %q, %d were held up", why, g.behind)
	}
}

// TestStallOfGenerator: the same stall in the generator voids the block. All that
// queued up behind is its fault, too.
func TestStallOfGenerator(t *testing.T) {
	t.Parallel()
	stimuli, due := stallTraffic()
	v, slept := &virtual{at: time.Unix(0, 0)}, 0
	c := clock{v.now, func(at time.Time) {
		if v.until(at); slept == stallAt {
			v.until(at.Add(stallFor))
		}
		slept++
	}}
	g, err := openLoopBy(c, &stalling{clock: v}, stimuli, due, func(time.Duration) {})
	if err != nil {
		t.Fatal(err)
	}
	if why := g.wrong(); why == "" {
		t.Errorf("a generator that was %v late is believed", time.Duration(g.figures()["gen-max"]))
	}
	late := 0
	for _, d := range g.late {
		if d > stallFor/10 {
			late++
		}
	}
	if late < 100 {
		t.Errorf("%d stimuli were late by the generator's fault, of some 180", late)
	}
}

// TestPunctual: who kept whom waiting, by a trace without a clock.
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
