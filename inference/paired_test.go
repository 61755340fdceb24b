package inference

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The ranks are one above Wilcoxon's critical values, two-sided 5 %, as tables print them.
func TestSignedRank(t *testing.T) {
	t.Parallel()
	for n, critical := range map[int]int{5: -1, 6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 11: 10, 12: 13, 15: 25, 20: 52, 25: 89, 30: 137, 40: 264, 50: 434} {
		if got := signedRanks.rank(n, 0.025); got != critical+1 {
			t.Errorf("n %d: rank %d, want %d", n, got, critical+1)
		}
	}
}

// The approximation is never laxer than the exact distribution, which is computed here in the
// other order: rank by rank, in whole numbers of sign patterns.
func TestManyRanks(t *testing.T) {
	t.Parallel()
	for _, n := range []int{exactRanks, exactRanks + 1, 100, 192} {
		ways := make([]float64, n*(n+1)/2+1)
		ways[0] = 1
		for rank := n; rank > 0; rank-- {
			for sum := len(ways) - 1; sum >= rank; sum-- {
				ways[sum] += ways[sum-rank]
			}
		}
		cdf, all, sum := wilcoxon(n), math.Pow(2, float64(n)), 0.0
		for w, number := range ways {
			sum += number / all
			switch got := cdf(w); {
			case n <= exactRanks && math.Abs(got-sum) > 1e-9:
				t.Fatalf("n %d: P(W ≤ %d) is %v, want %v", n, w, got, sum)
			case got < 0.98*sum && sum < 0.025, math.Abs(got-sum) > 0.002:
				t.Fatalf("n %d: P(W ≤ %d) is %v, exactly %v", n, w, got, sum)
			}
		}
	}
}

// Depression scale factors of nine patients before and after a treatment (Hollander and Wolfe,
// Nonparametric Statistical Methods, table 3.1). R's wilcox.test gives the estimate 0.46 with
// the 95 % interval 0.010 to 0.786.
func TestPairedAgainstR(t *testing.T) {
	t.Parallel()
	before := []float64{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30}
	after := []float64{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}
	got, err := Paired(Ratios(before, after), Confidence)
	if err != nil || math.Abs(got.Median-0.46) > 1e-9 || math.Abs(got.Lo-0.010) > 1e-9 || math.Abs(got.Hi-0.786) > 1e-9 || got.N != 9 {
		t.Errorf("%+v, %v", got, err)
	}
}

// The ends are the averages that a full list of all pairs has there.
func TestPairedAgainstAllPairs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-100, 100), 1, 40).Draw(t, "values")
		var all []float64
		for i, a := range values {
			for _, b := range values[i:] {
				all = append(all, a/2+b/2)
			}
		}
		slices.Sort(all)
		got, err := Paired(values, Confidence)
		if err != nil || got.Bounded() != (len(values) >= 6) {
			t.Fatalf("%+v, %v", got, err)
		}
		if r := signedRanks.rank(len(values), 0.025); r > 0 && (got.Lo != all[r-1] || got.Hi != all[len(all)-r]) {
			t.Fatalf("%v to %v, want %v to %v", got.Lo, got.Hi, all[r-1], all[len(all)-r])
		}
		if middle := middle(all); got.Median != middle {
			t.Fatalf("middle %v, want %v", got.Median, middle)
		}
	})
}

// What compares two arms needs fewer trials by signed ranks than by signs.
func TestPairedIsNarrower(t *testing.T) {
	t.Parallel()
	r, narrower := rand.New(rand.NewPCG(5, 6)), 0.0
	for range 200 {
		values := make([]float64, 20)
		for i := range values {
			values[i] = r.NormFloat64()
		}
		paired, _ := Paired(values, 0.99)
		fixed, _ := Fixed(values, 0.99)
		narrower += (paired.Hi - paired.Lo) / (fixed.Hi - fixed.Lo) / 200
	}
	if narrower > 0.85 {
		t.Errorf("its intervals are %.2f as wide", narrower)
	}
}
