package inference

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestWilliams counts, without looking at how orders are made.
func TestWilliams(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 12; n++ {
		orders := Williams(n)
		if want := n + n*(n%2); len(orders) != want {
			t.Fatalf("%d arms: %d orders, want %d", n, len(orders), want)
		}
		places, follows := map[[2]int]int{}, map[[2]int]int{}
		for _, order := range orders {
			seen := map[int]bool{}
			for place, arm := range order {
				seen[arm] = true
				places[[2]int{place, arm}]++
				if place > 0 {
					follows[[2]int{order[place-1], arm}]++
				}
			}
			if len(seen) != n {
				t.Fatalf("%d arms: %v is no permutation", n, order)
			}
		}
		for a := range n {
			for b := range n {
				if got := places[[2]int{a, b}]; got != len(orders)/n {
					t.Errorf("%d arms: arm %d stands at place %d in %d orders, want %d", n, b, a, got, len(orders)/n)
				}
				if got := follows[[2]int{a, b}]; a != b && got != len(orders)/n {
					t.Errorf("%d arms: arm %d follows %d %d times, want %d", n, b, a, got, len(orders)/n)
				}
			}
		}
	}
}

func simulatedTrials(random *rand.Rand, trials, turns int, within, between, shift float64) Trials {
	all := make(Trials, trials)
	for i := range all {
		level := shift + between*random.NormFloat64()
		for range turns {
			all[i] = append(all[i], level+within*random.NormFloat64())
		}
	}
	return all
}

func TestComponentsFindWhatWasPutIn(t *testing.T) {
	t.Parallel()
	c := simulatedTrials(rand.New(rand.NewPCG(1, 2)), 400, 50, 0.08, 0.01, 0.02).Components()
	if sd := math.Sqrt(c.Within); math.Abs(sd-0.08) > 0.004 {
		t.Errorf("within: %.4f, want 0.08", sd)
	}
	if sd := math.Sqrt(c.Between); math.Abs(sd-0.01) > 0.003 {
		t.Errorf("between: %.4f, want 0.01", sd)
	}
}

// TestTurnsAreTheBest holds the formula against a search: no other number of turns has
// a narrower interval in the same time.
func TestTurnsAreTheBest(t *testing.T) {
	t.Parallel()
	c := Components{Within: square(0.08), Between: square(0.01)}
	start, turn, all := 300*time.Millisecond, 5*time.Millisecond, 10*time.Minute
	width := func(turns int) float64 {
		trials := int(all / (start + time.Duration(turns)*turn))
		return c.HalfWidth(trials, turns, Confidence)
	}
	best := 1
	for turns := 2; turns < 1000; turns++ {
		if width(turns) < width(best) {
			best = turns
		}
	}
	if got := c.Turns(start, turn, 1, 1000); width(got) > 1.005*width(best) {
		t.Errorf("%d turns give ±%.5f, %d give ±%.5f", got, width(got), best, width(best))
	}
	for _, edge := range []struct {
		c    Components
		want int
	}{{Components{}, 20}, {Components{Within: 1}, 500}, {Components{Within: 1e-6, Between: 1}, 20}} {
		if got := edge.c.Turns(start, turn, 20, 500); got != edge.want {
			t.Errorf("%+v: %d turns, want %d", edge.c, got, edge.want)
		}
	}
}

// TestHalfWidthIsWhatIntervalsHave draws many sessions: planned and real widths agree.
func TestHalfWidthIsWhatIntervalsHave(t *testing.T) {
	t.Parallel()
	random, sum, sessions := rand.New(rand.NewPCG(3, 4)), 0.0, 200
	for range sessions {
		i, err := Paired(simulatedTrials(random, 35, 60, 0.08, 0.01, 0).Typical(), Confidence)
		if err != nil {
			t.Fatal(err)
		}
		sum += (i.Hi - i.Lo) / 2
	}
	planned := Components{Within: square(0.08), Between: square(0.01)}.HalfWidth(35, 60, Confidence)
	if real := sum / float64(sessions); math.Abs(real/planned-1) > 0.15 {
		t.Errorf("planned ±%.5f, intervals have ±%.5f", planned, real)
	}
	if w := (Components{Within: 1}).HalfWidth(5, 60, Confidence); !math.IsInf(w, 1) {
		t.Errorf("five trials bound no 95 %% interval, but ±%v is planned", w)
	}
}

// TestTypicalIgnoresRareTurns: one turn of a hundred, a hundred times as long.
func TestTypicalIgnoresRareTurns(t *testing.T) {
	t.Parallel()
	all := Trials{make([]float64, 100), nil, make([]float64, 100)}
	all[0][17], all[2][99] = math.Log(100), math.Log(100)
	if got := all.Typical(); len(got) != 2 || got[0] != 0 || got[1] != 0 {
		t.Errorf("typical %v, want 0 twice", got)
	}
}

// TestEndingAtKeepsTheErrorRate draws sessions that look on the way and end at a number
// of values that is no look of the plan. By an independent count over all sign
// sequences of that length, at most 5 % may ever leave out the true median; and the end
// must use more of the rate than the last planned look before it did.
func TestEndingAtKeepsTheErrorRate(t *testing.T) {
	t.Parallel()
	plan, err := NewSequential([]int{6, 8, 12, 16, 64}, Confidence)
	if err != nil {
		t.Fatal(err)
	}
	const n = 15
	end := plan.EndingAt(n)
	wrong := 0
	for signs := range 1 << n {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(i + 1)
			if signs>>i&1 == 1 {
				values[i] = -values[i]
			}
		}
		for _, at := range end.Looks {
			i, err := end.Interval(values[:at])
			if err != nil {
				t.Fatal(err)
			}
			if i.Lo > 0 || i.Hi < 0 {
				wrong++
				break
			}
		}
	}
	rate := float64(wrong) / (1 << n)
	if rate > 1-Confidence {
		t.Errorf("%.4f of sessions leave out the true median, at most %.4f may", rate, 1-Confidence)
	}
	values := make([]float64, n)
	for i := range values {
		values[i] = float64(i + 1)
	}
	before, _ := plan.Interval(values)
	after, _ := end.Interval(values)
	if after.N != n || before.N >= n {
		t.Errorf("the end uses %d of %d values, the plan %d", after.N, n, before.N)
	}
}
