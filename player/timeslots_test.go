package player

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The mean of one binary and one complex category, by hand. The complex one is
// renormalised; a flavor that lacks a category has no say in it.
func TestFlavorAt(t *testing.T) {
	t.Parallel()
	const electronic = 13 // genre_electronic
	first := Categories[electronic].First
	a, b, c := flavorOf(0.2), flavorOf(0.6), flavorOf()
	for f, values := range map[*Flavor][]float64{&a: {1, 0, 0, 0, 0}, &c: {0, 0.5, 0.49995, 0, 0}} {
		f.Present |= 1 << electronic
		copy(f.Values[first:], values)
	}
	s := &shelf{references: []Flavor{a, b, c}}
	slots := NewTimeslots(s, true)
	got, err := slots.FlavorAt(3*Day + 7*Hour + 5*Second)
	if err != nil {
		t.Fatal(err)
	}
	if s.asked != 7*3600+5 {
		t.Errorf("asked for second %d of the day", s.asked)
	}
	if got.Present != 1|1<<electronic || !near(got.Values[0], 0.4) || !near(got.Values[1], 0.6) {
		t.Errorf("binary mean: present %b, %v", got.Present, got.Values[:2])
	}
	for i, want := range []float64{1 / 1.99995, 0.5 / 1.99995, 0.49995 / 1.99995, 0, 0} {
		if !near(got.Values[first+i], want) {
			t.Errorf("genre_electronic %d: %v, want %v", i, got.Values[first+i], want)
		}
	}
	if len(slots.Lane.Lines) != 1 {
		t.Errorf("lane %q", slots.Lane.Lines)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

func TestFlavorAtFails(t *testing.T) {
	t.Parallel()
	for want, s := range map[Code]*shelf{NotFound: {}, Unavailable: {err: errShelf}} {
		slots := NewTimeslots(s, true)
		if _, err := slots.FlavorAt(0); CodeOf(err) != want || slots.Lane.Count != 0 {
			t.Errorf("%v with lane %q, want code %s and no line", err, slots.Lane.Lines, want)
		}
	}
}

// The mean of sound flavors is sound, has what any of them has, and one flavor's
// mean is that flavor.
func TestMeanIsSound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		references := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Flavor { return drawFlavor(t, "reference") }), 1, 8).Draw(t, "references")
		got, err := NewTimeslots(&shelf{references: references}, false).FlavorAt(0)
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Check(); err != nil {
			t.Fatal(err)
		}
		var present uint32
		for _, f := range references {
			present |= f.Present
		}
		if got.Present != present {
			t.Fatalf("present %b, want %b", got.Present, present)
		}
		one, err := NewTimeslots(&shelf{references: references[:1]}, false).FlavorAt(0)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range one.Values {
			if !near(v, references[0].Values[i]) {
				t.Fatalf("the mean of one flavor has %v at %d, want %v", v, i, references[0].Values[i])
			}
		}
	})
}
