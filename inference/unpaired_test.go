package inference

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/perf/benchmath"
	"pgregory.net/rapid"
)

// TestShiftPAgainstBenchmath: the p-value agrees with another implementation, which takes
// the smaller tail twice.
func TestShiftPAgainstBenchmath(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Without ties the other implementation is exact, too.
		all := rapid.SliceOfNDistinct(rapid.IntRange(-1e6, 1e6), 2, 40, rapid.ID[int]).Draw(t, "values")
		cut := rapid.IntRange(1, len(all)-1).Draw(t, "cut")
		before, after := floats(all[:cut]), floats(all[cut:])
		below, above, err := ShiftP(before, after, 0)
		if err != nil {
			t.Fatal(err)
		}
		other := benchmath.AssumeNothing.Compare(benchmath.NewSample(before, &benchmath.DefaultThresholds),
			benchmath.NewSample(after, &benchmath.DefaultThresholds))
		if got := min(1, 2*min(below, above)); math.Abs(got-other.P) > 1e-9 {
			t.Fatalf("p %v, want %v", got, other.P)
		}
	})
}

func floats(whole []int) []float64 {
	out := make([]float64, len(whole))
	for i, v := range whole {
		out[i] = float64(v)
	}
	return out
}

// TestShiftAgreesWithP: interval and p-value give the same answer.
func TestShiftAgreesWithP(t *testing.T) {
	t.Parallel()
	value := rapid.IntRange(-8, 8) // ties are frequent
	rapid.Check(t, func(t *rapid.T) {
		before := floats(rapid.SliceOfN(value, 1, 30).Draw(t, "before"))
		after := floats(rapid.SliceOfN(value, 1, 30).Draw(t, "after"))
		limit := float64(rapid.IntRange(-10, 10).Draw(t, "limit"))
		i, err := Shift(before, after, Confidence)
		if err != nil {
			t.Fatal(err)
		}
		below, above, err := ShiftP(before, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		tail := (1 - Confidence) / 2
		if (above <= tail) != (i.Lo > limit) || (below <= tail) != (i.Hi < limit) {
			t.Fatalf("%+v and p %v, %v against %v", i, below, above, limit)
		}
		if !(i.Lo <= i.Median && i.Median <= i.Hi) {
			t.Fatalf("%+v is out of order", i)
		}
	})
}

// TestShiftMirrorsAndMoves: if before and after change places, the shift changes its sign;
// if after moves, the shift moves as far.
func TestShiftMirrorsAndMoves(t *testing.T) {
	t.Parallel()
	value := rapid.IntRange(-1000, 1000) // whole numbers, so that sums are exact
	rapid.Check(t, func(t *rapid.T) {
		before := floats(rapid.SliceOfN(value, 1, 40).Draw(t, "before"))
		after := floats(rapid.SliceOfN(value, 1, 40).Draw(t, "after"))
		by := float64(value.Draw(t, "by"))
		forth, _ := Shift(before, after, Confidence)
		back, _ := Shift(after, before, Confidence)
		if forth.Lo != -back.Hi || forth.Hi != -back.Lo || forth.Median != -back.Median || forth.N != back.N {
			t.Fatalf("%+v, and back %+v", forth, back)
		}
		for i := range after {
			after[i] += by
		}
		moved, _ := Shift(before, after, Confidence)
		if moved.Lo != forth.Lo+by || moved.Hi != forth.Hi+by || moved.Median != forth.Median+by {
			t.Fatalf("%+v, and moved by %v %+v", forth, by, moved)
		}
	})
}

// TestDifferences: bisection finds the same order as sorting.
func TestDifferences(t *testing.T) {
	t.Parallel()
	value := rapid.OneOf(rapid.Float64Range(-1e3, 1e3), rapid.Map(rapid.IntRange(-3, 3), func(i int) float64 { return float64(i) }))
	rapid.Check(t, func(t *rapid.T) {
		before, after := rapid.SliceOfN(value, 1, 12).Draw(t, "before"), rapid.SliceOfN(value, 1, 12).Draw(t, "after")
		d, err := newDifferences(before, after)
		if err != nil {
			t.Fatal(err)
		}
		var all []float64
		for _, b := range before {
			for _, a := range after {
				all = append(all, a-b)
			}
		}
		slices.Sort(all)
		for k, want := range all {
			if got := d.at(k + 1); got != want {
				t.Fatalf("difference %d of %v is %v, want %v", k+1, all, got, want)
			}
		}
	})
}

func TestShiftRanks(t *testing.T) {
	t.Parallel()
	// The common table of critical values of U, two-sided at 5 %: the rank is one more.
	for _, c := range []struct{ m, n, want int }{
		{3, 3, 0}, {3, 5, 1}, {4, 4, 1}, {5, 5, 3}, {6, 8, 9}, {10, 10, 24}, {20, 20, 128},
	} {
		before, after := make([]float64, c.m), make([]float64, c.n)
		for i := range before {
			before[i] = -float64(i * c.n) // after - before is each number from 0 on
		}
		for i := range after {
			after[i] = float64(i)
		}
		i, err := Shift(before, after, Confidence)
		if err != nil {
			t.Fatal(err)
		}
		if c.want == 0 && i.Bounded() || c.want > 0 && i.Lo != float64(c.want-1) {
			t.Errorf("%d and %d: %+v, want the lower end at rank %d", c.m, c.n, i, c.want)
		}
	}
}

// TestMannWhitneyJoins: where the normal distribution replaces counting, both are nearly
// equal.
func TestMannWhitneyJoins(t *testing.T) {
	t.Parallel()
	p := countPairs(21, 21)
	cdf, sum := mannWhitney(21, 21), 0.0
	for u, q := range p {
		if sum += q; math.Abs(cdf(u)-sum) > 0.004 {
			t.Fatalf("at most %d: %v, counted %v", u, cdf(u), sum)
		}
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("probabilities sum to %v", sum)
	}
}

func TestShiftRefuses(t *testing.T) {
	t.Parallel()
	one := []float64{1}
	for _, c := range [][2][]float64{{nil, one}, {one, nil}, {one, {math.NaN()}}, {{math.Inf(-1)}, one}} {
		if _, err := Shift(c[0], c[1], Confidence); err == nil {
			t.Errorf("%d and %d values: no error", len(c[0]), len(c[1]))
		}
		if _, _, err := ShiftP(c[0], c[1], 0); err == nil {
			t.Errorf("%d and %d values: no error from ShiftP", len(c[0]), len(c[1]))
		}
	}
}

// TestShiftCoverage: the interval holds the true shift as often as its confidence says, also
// with heavy tails.
func TestShiftCoverage(t *testing.T) {
	t.Parallel()
	draws := map[string]func(*rand.Rand) float64{
		"normal": (*rand.Rand).NormFloat64,
		"skewed": (*rand.Rand).ExpFloat64,
		"heavy":  func(r *rand.Rand) float64 { return math.Tan(math.Pi * (r.Float64() - 0.5)) },
	}
	for name, draw := range draws {
		r, held := rand.New(rand.NewPCG(5, 6)), 0
		const series = 3000
		for range series {
			before, after := make([]float64, 10), make([]float64, 14)
			for i := range before {
				before[i] = draw(r)
			}
			for i := range after {
				after[i] = draw(r) + 0.3
			}
			i, err := Shift(before, after, Confidence)
			if err != nil {
				t.Fatal(err)
			}
			if i.Lo <= 0.3 && 0.3 <= i.Hi {
				held++
			}
		}
		if share := float64(held) / series; share < 0.94 || share > 0.97 {
			t.Errorf("%s: the interval holds the shift in %.3f", name, share)
		}
	}
}
