package player

import (
	"hash/fnv"
	"math"
	"testing"
)

var curves = []Curve{Linear, Exponential, Logarithmic, Cosine, EqualPower}

// The formulas as domain.md has them, by package math, which is right to a few
// units of the last place.
func TestCurvesAreTheFormulas(t *testing.T) {
	t.Parallel()
	square := func(x float64) float64 { return x * x }
	for c, want := range map[Curve]struct{ in, out func(t float64) float64 }{
		Linear:      {func(t float64) float64 { return t }, func(t float64) float64 { return 1 - t }},
		Exponential: {square, func(t float64) float64 { return square(1 - t) }},
		Logarithmic: {square, func(t float64) float64 { return square(1 - t) }},
		Cosine: {func(t float64) float64 { return (1 - math.Cos(math.Pi*t)) / 2 },
			func(t float64) float64 { return (1 + math.Cos(math.Pi*t)) / 2 }},
		EqualPower: {func(t float64) float64 { return math.Sin(math.Pi * t / 2) },
			func(t float64) float64 { return math.Cos(math.Pi * t / 2) }},
	} {
		for i := range 10_001 {
			x := float64(i) / 10_000
			if in := c.In(x); math.Abs(in-want.in(x)) > 1e-15 {
				t.Fatalf("%s in at %g: %g, want %g", c, x, in, want.in(x))
			}
			if out := c.Out(x); math.Abs(out-want.out(x)) > 1e-15 {
				t.Fatalf("%s out at %g: %g, want %g", c, x, out, want.out(x))
			}
		}
	}
}

func TestCurvesEndExactly(t *testing.T) {
	t.Parallel()
	for _, c := range curves {
		if got := [...]float64{c.In(0), c.In(1), c.Out(0), c.Out(1)}; got != [...]float64{0, 1, 1, 0} {
			t.Errorf("%s: in from %g to %g, out from %g to %g", c, got[0], got[1], got[2], got[3])
		}
		for _, wild := range []float64{-1, math.Inf(-1), 2, math.Inf(1)} {
			if in, out := c.In(wild), c.Out(wild); in+out != 1 || in*out != 0 {
				t.Errorf("%s at %g: %g and %g, want the nearer end", c, wild, in, out)
			}
		}
	}
}

// Fades that run beside each other: these three keep the sum, or the power.
func TestCurvesComplement(t *testing.T) {
	t.Parallel()
	for i := range 1_001 {
		x := float64(i) / 1_000
		for _, c := range []Curve{Linear, Cosine} {
			if sum := c.In(x) + c.Out(x); math.Abs(sum-1) > 1e-15 {
				t.Errorf("%s at %g: sum %g", c, x, sum)
			}
		}
		in, out := EqualPower.In(x), EqualPower.Out(x)
		if power := in*in + out*out; math.Abs(power-1) > 2e-15 {
			t.Errorf("equal power at %g: %g", x, power)
		}
	}
}

// The digest was taken on amd64, and held on arm64: elsewhere it is the same bits, too,
// or a failure here.
func TestCurvesHaveTheSameBitsEverywhere(t *testing.T) {
	t.Parallel()
	digest := fnv.New64a()
	for _, c := range curves {
		for i := range 4_096 {
			bits := math.Float64bits(c.In(float64(i) / 4_096))
			for shift := 0; shift < 64; shift += 8 {
				digest.Write([]byte{byte(bits >> shift)})
			}
		}
	}
	if got := digest.Sum64(); got != 0xfdddbf4a496720ed {
		t.Errorf("digest %#x", got)
	}
}

func TestValidCurves(t *testing.T) {
	t.Parallel()
	for _, c := range curves {
		if !c.Valid() {
			t.Errorf("%s is not valid", c)
		}
	}
	for _, c := range []Curve{"", "Linear", "exponential "} {
		if c.Valid() || c.In(0.25) != 0.25 {
			t.Errorf("%q: valid %t, in %g", c, c.Valid(), c.In(0.25))
		}
	}
}
