package inference

import (
	"math"
	"math/rand/v2"
	"testing"
)

// level draws log-ratios around 0, of which the last lie higher.
func level(r *rand.Rand, n, last int, step float64, noise func(*rand.Rand) float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = noise(r)
		if i >= n-last {
			values[i] += step
		}
	}
	return values
}

func TestChangePointsFalseAlarms(t *testing.T) {
	t.Parallel()
	const histories, risk = 400, 0.05
	for name, noise := range map[string]func(*rand.Rand) float64{
		"normal":     func(r *rand.Rand) float64 { return 0.01 * r.NormFloat64() },
		"heavy":      func(r *rand.Rand) float64 { return 0.01 * r.NormFloat64() / math.Sqrt(r.ExpFloat64()) },
		"two levels": func(r *rand.Rand) float64 { return 0.02 * float64(r.IntN(2)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, rate := rand.New(rand.NewPCG(1, 2)), Rate{}
			for i := range histories {
				found, err := ChangePoints(level(r, 30, 0, 0, noise), risk, uint64(i))
				if err != nil {
					t.Fatal(err)
				}
				rate.Count(len(found) > 0)
			}
			if lo, _ := rate.Between(); lo > risk {
				t.Errorf("false alarms: %v, want at most %v", rate, risk)
			}
		})
	}
}

// A step of three standard deviations after twenty runs is found six runs later, near its place.
func TestChangePointsFindAStep(t *testing.T) {
	t.Parallel()
	r, found, placed, more := rand.New(rand.NewPCG(3, 4)), Rate{}, Rate{}, Rate{}
	for i := range 200 {
		values := level(r, 26, 6, 0.03, func(r *rand.Rand) float64 { return 0.01 * r.NormFloat64() })
		points, err := ChangePoints(values, 0.05, uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		found.Count(len(points) > 0)
		more.Count(len(points) > 1)
		if len(points) > 0 {
			placed.Count(math.Abs(float64(points[0].At-20)) <= 1)
		}
	}
	if found.Share() < 0.95 || placed.Share() < 0.90 || more.Share() > 0.10 {
		t.Errorf("found %v, within one run of its place %v, more than one %v", found, placed, more)
	}
}

// Two steps, up and down again, have known places and a repeatable answer.
func TestChangePointsFindTwo(t *testing.T) {
	t.Parallel()
	values := make([]float64, 36)
	for i := range values {
		values[i] = 0.001 * float64(i*7%5)
		if i >= 12 && i < 24 {
			values[i] += 0.1
		}
	}
	first, err := ChangePoints(values, 0.05, 9)
	if err != nil || len(first) != 2 || first[0].At != 12 || first[1].At != 24 || first[0].P > 0.05 {
		t.Errorf("found %v (%v), want 12 and 24", first, err)
	}
	again, _ := ChangePoints(values, 0.05, 9)
	if len(again) != 2 || again[0] != first[0] || again[1] != first[1] {
		t.Errorf("the same seed gives %v, then %v", first, again)
	}
}

func TestChangePointsOfLittle(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]float64{
		"one": {1}, "five": {0, 0, 0, 9, 9}, "constant": {2, 2, 2, 2, 2, 2, 2, 2},
	} {
		if found, err := ChangePoints(values, 0.05, 1); err != nil || len(found) > 0 {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	for name, values := range map[string][]float64{"none": nil, "not a number": {1, math.NaN(), 1}, "infinite": {1, math.Inf(1)}} {
		if _, err := ChangePoints(values, 0.05, 1); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The split of 0 0 0 3 3 3: all distances across are 3 and none within, so 3·3/6 · 2·3 = 9.
func TestEnergySplit(t *testing.T) {
	t.Parallel()
	if at, d := energySplit([]float64{0, 0, 0, 3, 3, 3}); at != 3 || math.Abs(d-9) > 1e-12 {
		t.Errorf("at %d, distance %g, want 3 and 9", at, d)
	}
	// 0 1 2 | 10 12 14 16: across 144/12, within 4/3 and 20/6.
	if at, d := energySplit([]float64{0, 1, 2, 10, 12, 14, 16}); at != 3 || math.Abs(d-12.0/7*(24-4.0/3-20.0/6)) > 1e-12 {
		t.Errorf("at %d, distance %g", at, d)
	}
}
