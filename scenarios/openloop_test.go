package scenarios

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"rubato/player"
)

// TestArrivals: the gaps are a function of seed and position, whatever the blocks, and
// are those of a Poisson process: 1/rate on average, and as much the standard deviation.
func TestArrivals(t *testing.T) {
	t.Parallel()
	const rate, n = 250, 20_000
	all := arrivals(1, 0, n, rate)
	if !slices.IsSorted(all) {
		t.Error("they do not come in order")
	}
	second := arrivals(1, 7, 13, rate)
	for i, at := range second {
		if want := all[7+i] - all[6]; (at - want).Abs() > 20 {
			t.Errorf("arrival %d: at %v in a block of its own, %v in the whole", 7+i, at, want)
		}
	}
	if slices.Equal(all, arrivals(2, 0, n, rate)) {
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

// scripted is a player that takes as long over each stimulus as its script says.
type scripted struct {
	player.Player
	accept func(seq uint64) time.Duration
	report func(s *scripted, seq uint64, done player.Done)
	settle error
}

func (s *scripted) Post(stimulus player.Stimulus, done player.Done) error {
	newAlarm()(time.Now().Add(s.accept(stimulus.Seq)))
	s.report(s, stimulus.Seq, done)
	return nil
}

func (s *scripted) Settle() error { return s.settle }

func once(_ *scripted, seq uint64, done player.Done) { done(seq, nil) }

func threeStimuli() []player.Stimulus {
	return []player.Stimulus{{Seq: 11}, {Seq: 12}, {Seq: 13}}
}

// TestOpenLoopIntended: a style that takes long over the first stimulus has that held
// against it in the latency of those due in the meantime, and not the generator.
func TestOpenLoopIntended(t *testing.T) {
	t.Parallel()
	const busy = 30 * time.Millisecond
	p := &scripted{report: once, accept: func(seq uint64) time.Duration {
		if seq == 11 {
			return busy
		}
		return 0
	}}
	due := []time.Duration{0, time.Millisecond, 60 * time.Millisecond}
	var took []time.Duration
	g, err := openLoop(p, threeStimuli(), due, func(d time.Duration) { took = append(took, d) })
	if err != nil {
		t.Fatal(err)
	}
	if len(took) != 3 || took[1] < busy-due[1] {
		t.Errorf("latencies %v: the second was due while the first was being taken, and counts from then", took)
	}
	if g.behind < 1 || g.late[1] != -1 {
		t.Errorf("%d were held up, lateness %v: the second was", g.behind, g.late)
	}
	if g.wall < due[2] {
		t.Errorf("it was over in %v, before the last was due at %v", g.wall, due[2])
	}
	f := g.figures()
	for _, m := range openLoopMeasures {
		if _, ok := f[m.Name]; !ok {
			t.Errorf("%s is missing", m.Name)
		}
		delete(f, m.Name)
	}
	if len(f) != 0 {
		t.Errorf("figures that are no measure: %v", f)
	}
}

// TestOpenLoopNeverEarly: no stimulus is posted before it is due.
func TestOpenLoopNeverEarly(t *testing.T) {
	t.Parallel()
	p := &scripted{report: once, accept: func(uint64) time.Duration { return 0 }}
	due := arrivals(3, 0, 200, 4000)
	stimuli := make([]player.Stimulus, len(due))
	for i := range stimuli {
		stimuli[i].Seq = uint64(i) + 1
	}
	g, err := openLoop(p, stimuli, due, func(time.Duration) {})
	if err != nil {
		t.Fatal(err)
	}
	for i, late := range g.late {
		if late < -1 {
			t.Errorf("stimulus %d was posted %v before it was due", i, -late)
		}
	}
}

// TestOpenLoopFailures: a style that reports too little, too much or a failure is told
// off, and so is a script without times.
func TestOpenLoopFailures(t *testing.T) {
	t.Parallel()
	failed := errors.New("the store is gone")
	for name, p := range map[string]*scripted{
		"nothing is reported": {report: func(_ *scripted, seq uint64, done player.Done) {
			if seq != 12 {
				done(seq, nil)
			}
		}},
		"one is reported twice": {report: func(_ *scripted, seq uint64, done player.Done) { done(seq, nil); done(seq, nil) }},
		"another is reported":   {report: func(_ *scripted, seq uint64, done player.Done) { done(seq+1000, nil) }},
		"a failure is reported": {report: func(_ *scripted, seq uint64, done player.Done) { done(seq, failed) }},
		"it cannot settle":      {report: once, settle: failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p.accept = func(uint64) time.Duration { return 0 }
			if _, err := openLoop(p, threeStimuli(), make([]time.Duration, 3), func(time.Duration) {}); err == nil {
				t.Error("no error")
			}
		})
	}
	if _, err := openLoop(&scripted{}, threeStimuli(), make([]time.Duration, 2), nil); err == nil {
		t.Error("three stimuli for two times: no error")
	}
}

// TestPercentile: the nearest rank.
func TestPercentile(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	for q, want := range map[int]float64{0: 1, 1: 1, 50: 50, 99: 99, 100: 100} {
		if got := percentile(hundred, q); got != want {
			t.Errorf("percentile %d of 1 to 100: %v, want %v", q, got, want)
		}
	}
	if got := percentile([]time.Duration{7}, 99); got != 7 {
		t.Errorf("of one: %v", got)
	}
}
