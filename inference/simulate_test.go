package inference

import (
	"math"
	"testing"
)

func TestRate(t *testing.T) {
	t.Parallel()
	// The intervals are those of R's binom.test.
	for _, c := range []struct {
		rate   Rate
		lo, hi float64
	}{
		{Rate{0, 20}, 0, 0.1684335}, {Rate{1, 20}, 0.0012651, 0.2487328}, {Rate{5, 100}, 0.0164319, 0.1128349},
		{Rate{20, 20}, 0.8315665, 1}, {Rate{}, 0, 1},
	} {
		lo, hi := c.rate.Between()
		if math.Abs(lo-c.lo) > 1e-6 || math.Abs(hi-c.hi) > 1e-6 {
			t.Errorf("%d of %d: %.7f to %.7f, want %.7f to %.7f", c.rate.Hits, c.rate.N, lo, hi, c.lo, c.hi)
		}
	}
	var r Rate
	r.Count(true)
	r.Count(false)
	if r.Share() != 0.5 || r.And(Rate{2, 2}).Share() != 0.75 || (Rate{}).Share() != 0 {
		t.Errorf("%v", r)
	}
	if got := (Rate{5, 100}).String(); got != "5.0 % [1.6, 11.3] (5 of 100)" {
		t.Error(got)
	}
}

// TestSimulated: turns in balanced orders keep the error rates under every noise. To measure one arm
// after the other does not.
func TestSimulated(t *testing.T) {
	t.Parallel()
	const sessions, trials = 1200, 9
	broken := 0
	for _, n := range Noises() {
		got, err := Simulate(n, 7, sessions, trials, math.Log(1.01), math.Log(1.02))
		if err != nil {
			t.Fatal(err)
		}
		if s := got.TypeI.Share(); s < 0.02 || s > 0.07 {
			t.Errorf("%s: type I %v", n.Name, got.TypeI)
		}
		if s := got.Coverage.Share(); s < 0.92 || s > 0.98 {
			t.Errorf("%s: coverage %v", n.Name, got.Coverage)
		}
		if got.Over.Share() > 0.01 {
			t.Errorf("%s: over %v", n.Name, got.Over)
		}
		if got.InTurn.Share() > 0.08 {
			broken++
		}
	}
	if broken < 2 {
		t.Errorf("one arm after the other errs under %d noises only, so they disturb nothing", broken)
	}
}

func TestSimulatedIsRepeatable(t *testing.T) {
	t.Parallel()
	a, _ := Simulate(Noises()[3], 1, 50, 20, 0.1, 0.05)
	b, _ := Simulate(Noises()[3], 1, 50, 20, 0.1, 0.05)
	c, _ := Simulate(Noises()[3], 2, 50, 20, 0.1, 0.05)
	if a != b || a == c {
		t.Errorf("a function of the seed: %v, %v, %v", a, b, c)
	}
}

func TestSimulatedDecides(t *testing.T) {
	t.Parallel()
	p, err := NewSequential(DefaultLooks(), Confidence)
	if err != nil {
		t.Fatal(err)
	}
	controls := 200
	if testing.Short() {
		controls = 60
	}
	for _, n := range Noises() {
		wrong, found, trials, err := SimulateDecided(n, 5, controls, p, math.Log(1.01))
		if err != nil || len(trials) != controls {
			t.Fatalf("%s: %d, %v", n.Name, len(trials), err)
		}
		if lo, _ := wrong.Between(); lo > 0.05 {
			t.Errorf("%s: an A/A control is called different in %v", n.Name, wrong)
		}
		if found.Share() < 0.9 {
			t.Errorf("%s: +1 %% is found in %v", n.Name, found)
		}
	}
}

func TestSessionsThatAreNone(t *testing.T) {
	t.Parallel()
	var r Rates
	for _, session := range []Session{{}, {Arm: []float64{1}, AA: []float64{1}}, {Arm: []float64{1}, AA: []float64{math.NaN()}, Slow: []float64{1}}} {
		if err := r.Add(session, 0.05); err == nil {
			t.Errorf("%v is judged", session)
		}
	}
	if r != (Rates{}) {
		t.Errorf("and counted: %v", r)
	}
	p, _ := NewSequential([]int{8}, Confidence)
	judge := func(i Interval) Verdict { return AgainstNone(i, 0, 0) }
	if v, n, err := p.Decide([]float64{1, 2}, judge); v != Inconclusive || n != 2 || err != nil {
		t.Errorf("before the first look: %s after %d, %v", v, n, err)
	}
	if v, n, err := p.Decide([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9}, judge); v != Over || n != 8 || err != nil {
		t.Errorf("all above: %s after %d, %v", v, n, err)
	}
	if _, _, err := p.Decide([]float64{1, 2, 3, 4, 5, 6, 7, math.Inf(1)}, judge); err == nil {
		t.Error("a time that is none is judged")
	}
}
