package inference

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"golang.org/x/perf/benchmath"
	"pgregory.net/rapid"
)

// TestFixedAgainstBenchmath: Fixed agrees with another implementation where that one is
// symmetric.
func TestFixedAgainstBenchmath(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 1, 200).Draw(t, "values")
		got, err := Fixed(values, Confidence)
		if err != nil {
			t.Fatal(err)
		}
		want := benchmath.AssumeNothing.Summary(benchmath.NewSample(values, &benchmath.DefaultThresholds), Confidence)
		// Beyond 30 values benchmath approximates its ranks; TestRank and TestRankIsExact hold ours.
		ends := len(values) > 30 || got.Lo <= want.Lo && (got.Hi >= want.Hi || math.IsInf(got.Hi, 1))
		if math.Abs(got.Median-want.Center) > 1e-9 || !ends {
			t.Fatalf("%+v, want %v in %v to %v", got, want.Center, want.Lo, want.Hi)
		}
		if got.Bounded() != (len(values) >= 6) {
			t.Fatalf("%d values, bounded %v", len(values), got.Bounded())
		}
	})
}

func TestRank(t *testing.T) {
	t.Parallel()
	// Conover's table: ranks of the 95 % interval of the median.
	for n, want := range map[int]int{5: 0, 6: 1, 8: 1, 9: 2, 12: 3, 20: 6, 30: 10, 50: 18, 100: 40} {
		if got := signs.rank(n, 0.025); got != want {
			t.Errorf("n %d: rank %d, want %d", n, got, want)
		}
	}
}

// A rank is the highest at which each tail, summed in whole numbers, is at most 2.5 %.
func TestRankIsExact(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 200; n++ {
		most := new(big.Int).Lsh(big.NewInt(25), uint(n)) // 2.5 % of all 2^n, times 1000
		sum, want := new(big.Int), 0
		for k := int64(0); k < int64(n/2); k++ {
			sum.Add(sum, new(big.Int).Binomial(int64(n), k))
			if new(big.Int).Mul(sum, big.NewInt(1000)).Cmp(most) > 0 {
				break
			}
			want++
		}
		if got := signs.rank(n, 0.025); got != want {
			t.Errorf("n %d: rank %d, want %d", n, got, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for _, values := range [][]float64{nil, {1, math.NaN()}, {math.Inf(1)}} {
		if _, err := Fixed(values, Confidence); err == nil {
			t.Errorf("%v: no error", values)
		}
		if _, err := MinimumDetectable(values, 0.9, 1); err == nil {
			t.Errorf("%v: no error from MinimumDetectable", values)
		}
	}
	for _, looks := range [][]int{nil, {0, 1}, {3, 2}, {2, 2}} {
		if _, err := NewSequential(looks, Confidence); err == nil {
			t.Errorf("looks %v: no error", looks)
		}
	}
	if _, err := NewSequential([]int{8}, 1); err == nil {
		t.Error("confidence 1: no error")
	}
}

// TestLooksSpend: the looks together err no more often than they may, and not far less.
func TestLooksSpend(t *testing.T) {
	t.Parallel()
	normal := func(r *rand.Rand) float64 { return r.NormFloat64() }
	cauchy := func(r *rand.Rand) float64 { return math.Tan(math.Pi * (r.Float64() - 0.5)) }
	series := 5_000
	if testing.Short() {
		series = 1_500
	}
	for name, plan := range map[string]func([]int, float64) (*Sequential, error){"signs": NewSequential, "signed ranks": NewSequentialPaired} {
		p, err := plan(DefaultLooks(), Confidence)
		if err != nil {
			t.Fatal(err)
		}
		if errs := wrongs(p, series, normal); errs > 0.055 || errs < 0.02 {
			t.Errorf("%s: some look of 13 errs in %.3f of %d series", name, errs, series)
		}
		if errs := wrongs(p, series/2, cauchy); errs > 0.06 {
			t.Errorf("%s: with heavy tails some look errs in %.3f", name, errs)
		}
		if errs := wrongs(p.EndingAt(20), series, normal); errs > 0.055 || errs < 0.01 {
			t.Errorf("%s: some look up to the last at 20 errs in %.3f", name, errs)
		}
	}
}

// wrongs is in how many of the series some look leaves out the middle, which is 0.
func wrongs(p *Sequential, series int, draw func(*rand.Rand) float64) float64 {
	r, wrong := rand.New(rand.NewPCG(1, 2)), 0
	for range series {
		values, erred := []float64{}, false
		for j, look := range p.Looks {
			for len(values) < look {
				values = append(values, draw(r))
			}
			s, _ := sorted(values)
			below := p.by.count(s, 0)
			erred = erred || below < p.ranks[j] || p.by.most(look)-below < p.ranks[j]
		}
		if erred {
			wrong++
		}
	}
	return float64(wrong) / float64(series)
}

func TestSequentialInterval(t *testing.T) {
	t.Parallel()
	p, err := NewSequential([]int{8, 16, 32}, Confidence)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float64, 40)
	for i := range values {
		values[i] = float64(i)
	}
	for n, want := range map[int]int{1: 1, 7: 7, 8: 8, 15: 8, 16: 16, 33: 32} {
		got, err := p.Interval(values[:n])
		if err != nil || got.N != want || got.Bounded() != (n >= 8) {
			t.Errorf("%d values: %+v, %v; want one of %d", n, got, err, want)
		}
	}
	if !p.Due(16) || p.Due(17) || p.Last() != 32 {
		t.Error("looks are not those given")
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	inf := math.Inf(1)
	for _, c := range []struct {
		lo, hi      float64
		limit, none Verdict
	}{
		{1.1, 1.2, Over, Over}, {0.9, 1.05, Within, Inconclusive}, {1.0, 1.1, Inconclusive, Inconclusive}, {1.06, 1.1, Inconclusive, Over},
		{0.99, 1.01, Within, Equivalent}, {0.5, 0.6, Within, Within}, {-inf, inf, Inconclusive, Inconclusive},
	} {
		i := Interval{Lo: c.lo, Hi: c.hi}
		if got := AgainstLimit(i, 1.07); got != c.limit {
			t.Errorf("%v against a limit: %s, want %s", i, got, c.limit)
		}
		if got := AgainstNone(i, 1, 0.02); got != c.none && c.none != "" {
			t.Errorf("%v against none: %s, want %s", i, got, c.none)
		}
	}
}

func TestHolm(t *testing.T) {
	t.Parallel()
	got := Holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("row %d: %v, want %v", i, got[i], want)
		}
	}
	if got := Holm([]float64{0.9, 0.8}); got[0] != 1 || got[1] != 1 {
		t.Errorf("not cut at 1: %v", got)
	}
}

func TestSignP(t *testing.T) {
	t.Parallel()
	below, above := SignP([]float64{2, 3, 4, 5, 6}, 1)
	if below != 1 || math.Abs(above-1.0/32) > 1e-12 {
		t.Errorf("p %v and %v, want 1 and 1/32", below, above)
	}
	if a, b := SignP([]float64{1}, 1); a != 1 || b != 1 {
		t.Errorf("nothing on either side: %v, %v", a, b)
	}
}

func TestSmallestEffect(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	noise := func(n int, sd float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = sd * r.NormFloat64()
		}
		return out
	}
	quiet, _ := MinimumDetectable(noise(40, 0.01), 0.9, 1)
	loud, _ := MinimumDetectable(noise(40, 0.1), 0.9, 1)
	if !(quiet > 0.002 && quiet < 0.02 && loud > 5*quiet && loud < 20*quiet) {
		t.Errorf("noise of 1 %% and 10 %%: minimum detectable %.4f and %.4f", quiet, loud)
	}
	if few, _ := MinimumDetectable(noise(5, 0.01), 0.9, 1); !math.IsInf(few, 1) {
		t.Errorf("5 rounds: minimum detectable %v", few)
	}
	plan, err := NewSequential([]int{5, 40, 80}, Confidence)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{4, 6, 40, 79} {
		aa, want := noise(n, 0.01), n >= 40
		fixed, _ := MinimumDetectable(aa[:min(n, 40)], 0.9, 1)
		looked, err := plan.MinimumDetectable(aa, 0.9, 1)
		if err != nil || !math.IsInf(looked, 1) != want || want && !(looked >= fixed && looked < 2*fixed) {
			t.Errorf("%d rounds with looks: %.4f, %v; a fixed number: %.4f", n, looked, err, fixed)
		}
	}
}
