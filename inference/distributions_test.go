package inference

import (
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// TestDistributions: gonum's own distributions say the same.
func TestDistributions(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 7, 20, 500} {
		for k := -1; k <= n+1; k++ {
			if got, want := coins(n, k), (distuv.Binomial{N: float64(n), P: 0.5}).CDF(float64(k)); !agree(got, want) {
				t.Errorf("%d of %d: %v, want %v", k, n, got, want)
			}
		}
	}
	for _, p := range []float64{0.0005, 0.025, 0.3, 0.5, 0.975, 0.9999} {
		x := normalQuantile(p)
		if want := distuv.UnitNormal.Quantile(p); !agree(x, want) {
			t.Errorf("quantile %v: %v, want %v", p, x, want)
		}
		if got, want := normal(3+2*x, 3, 2), (distuv.Normal{Mu: 3, Sigma: 2}).CDF(3+2*x); !agree(got, want) || !agree(got, p) {
			t.Errorf("normal at %v: %v, want %v", x, got, want)
		}
		if got, want := betaQuantile(3, 98, p), (distuv.Beta{Alpha: 3, Beta: 98}).Quantile(p); !agree(got, want) {
			t.Errorf("beta quantile %v: %v, want %v", p, got, want)
		}
	}
}

func agree(a, b float64) bool { return a-b < 1e-12 && b-a < 1e-12 }
