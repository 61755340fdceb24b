package player

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The test vector of the player's document: three binary categories and two
// complex ones. Of the second only Σ(a−b)² = 0.0865 over six elements is given.
var (
	vectorCategories = categories("danceability: yes no", "gender: female male", "not_relaxed: yes no",
		"genre_electronic: a b c d e", "six: a b c d e f")
	vectorA = []float64{.17, .83, .90, .10, .74, .26, .11, .03, .47, .02, .37, math.Sqrt(.0865), 0, 0, 0, 0, 0}
	vectorB = []float64{.93, .07, .33, .67, .78, .22, .11, .03, .01, .82, .03, 0, 0, 0, 0, 0, 0}
)

func TestDistanceVector(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shared uint32
		want   float64
	}{
		"whole":                  {0b11111, 0.2026475},
		"binary, complex 1":      {0b00111, (0.30136667 + 1) / 2},
		"complex, binary 1":      {0b11000, (0.10392833 + 1) / 2},
		"nothing in common":      {0, 1},
		"one binary category":    {0b00100, (0.0016 + 1) / 2},
		"genre_electronic alone": {0b01000, (0.19344 + 1) / 2},
		"six elements alone":     {0b10000, (0.01441667 + 1) / 2},
	} {
		got := distance(vectorCategories, c.shared, vectorA, vectorB)
		if math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s: %.8f, want %.8f", name, got, c.want)
		}
	}
}

// Only categories present in both count, and of a binary one the first element.
func TestDistancePresence(t *testing.T) {
	t.Parallel()
	a, b := flavorOf(0.2, 0.9, 0.4), flavorOf(0.5)
	if got, want := Distance(&a, &b), (0.09+1)/2; math.Abs(got-want) > 1e-12 {
		t.Errorf("distance %v, want %v", got, want)
	}
	b.Values[1] = 77 // the second element of danceability
	if got, want := Distance(&a, &b), (0.09+1)/2; math.Abs(got-want) > 1e-12 {
		t.Errorf("the second element counts: %v, want %v", got, want)
	}
}

func TestDistanceIsADistance(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawFlavor(t, "a"), drawFlavor(t, "b")
		ab, ba := Distance(&a, &b), Distance(&b, &a)
		if ab != ba || ab < 0 || ab > 1 {
			t.Fatalf("distance %v there, %v back", ab, ba)
		}
		a.Present = 1<<FlavorCategories - 1
		if d := Distance(&a, &a); d != 0 {
			t.Fatalf("distance %v to itself", d)
		}
	})
}

// drawFlavor is a sound flavor with any categories missing.
func drawFlavor(t *rapid.T, label string) Flavor {
	f := Flavor{Present: rapid.Uint32Range(0, 1<<FlavorCategories-1).Draw(t, label)}
	for c := range Categories {
		if !f.Has(c) {
			continue
		}
		values, sum := f.category(c), 0.0
		for i := range values {
			values[i] = rapid.Float64Range(0.001, 1).Draw(t, label)
			sum += values[i]
		}
		for i := range values {
			values[i] /= sum
		}
	}
	return f
}
