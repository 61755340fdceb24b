package sqlite

import (
	"math/rand/v2"

	"rubato/player"
)

// musicStyles is how many styles of music a library has. Passages scatter about
// the middle of theirs, so that some are near to a timeslot's flavor and most are
// not, as with real recordings.
const musicStyles = 12

// flavors makes the flavor vectors of a library, one by one.
type flavors struct {
	r       *rand.Rand
	middles [musicStyles]player.Flavor
}

func newFlavors(r *rand.Rand) *flavors {
	f := &flavors{r: r}
	for style := range f.middles {
		for _, c := range player.Categories {
			values := f.middles[style].Values[c.First : c.First+len(c.Elements)]
			for i := range values {
				values[i] = 0.02 + f.peak()
			}
			normalise(values)
		}
	}
	return f
}

// of makes the flavor of one passage of this style of music. 3 passages in 100
// lack some categories, as a recording does whose analysis failed in part.
func (f *flavors) of(style uint8) player.Flavor {
	var flavor player.Flavor
	middle := &f.middles[style].Values
	partial := f.r.IntN(100) < 3
	for i, c := range player.Categories {
		if partial && f.r.IntN(4) == 0 {
			continue
		}
		flavor.Present |= 1 << i
		values := flavor.Values[c.First : c.First+len(c.Elements)]
		for j := range values {
			scattered := middle[c.First+j] * f.peak()
			values[j] = 0.001 + float64(scattered)
		}
		normalise(values)
	}
	return flavor
}

// peak is mostly below 1 and now and then large, up to 20: once normalised, one
// or two elements of a category dominate, as classifiers have it.
func (f *flavors) peak() float64 {
	u := f.r.Float64()
	return u / (1.05 - u)
}

func normalise(values []float64) {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	for i := range values {
		values[i] /= sum
	}
}
