package player

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestCategories(t *testing.T) {
	t.Parallel()
	values, binaries, numbers := 0, 0, 0
	for _, c := range Categories {
		if c.First != values {
			t.Errorf("%s begins at %d, want %d", c.Name, c.First, values)
		}
		values += len(c.Elements)
		numbers += len(c.Elements)
		if c.Binary() {
			binaries++
			numbers--
		}
	}
	got := [4]int{len(Categories), values, binaries, numbers}
	if want := [4]int{18, 71, 12, 59}; got != want || len(Categories) != FlavorCategories || values != FlavorValues {
		t.Errorf("categories, values, binary ones, numbers in the distance: %v, want %v", got, want)
	}
	sizes := map[string]int{
		"genre_dortmund": 9, "genre_electronic": 5, "genre_rosamerica": 8,
		"genre_tzanetakis": 10, "ismir04_rhythm": 10, "moods_mirex": 5,
	}
	for _, c := range Categories {
		if !c.Binary() && sizes[c.Name] != len(c.Elements) {
			t.Errorf("%s has %d elements, want %d", c.Name, len(c.Elements), sizes[c.Name])
		}
	}
}

func TestPackUnpack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := drawFlavor(t, "flavor")
		if err := f.Check(); err != nil {
			t.Fatal(err)
		}
		packed := f.Pack([]byte("before"))
		if string(packed[:6]) != "before" {
			t.Fatal("Pack does not append")
		}
		back := drawFlavor(t, "overwritten")
		if err := back.Unpack(packed[6:]); err != nil || back != f {
			t.Fatalf("%v: came back as %v, want %v", err, back, f)
		}
		if back.Digest() != f.Digest() {
			t.Fatal("equal flavors have different digests")
		}
	})
}

// The packed form is stored in databases, so it may not change.
func TestPackedForm(t *testing.T) {
	t.Parallel()
	f := flavorOf(0.25)
	packed := f.Pack(nil)
	if len(packed) != 572 || !bytes.Equal(packed[:4], []byte{1, 0, 0, 0}) ||
		binary.LittleEndian.Uint64(packed[4:]) != math.Float64bits(0.25) ||
		binary.LittleEndian.Uint64(packed[12:]) != math.Float64bits(0.75) {
		t.Errorf("packed to %d bytes: % x…", len(packed), packed[:20])
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Flavor){
		"sum over 1":        func(f *Flavor) { f.Values[0] += 0.0002 },
		"sum under 1":       func(f *Flavor) { f.Values[0] -= 0.0002 },
		"negative":          func(f *Flavor) { f.Values[0], f.Values[1] = -0.5, 1.5 },
		"not a number":      func(f *Flavor) { f.Values[0] = math.NaN() },
		"infinite":          func(f *Flavor) { f.Values[0] = math.Inf(1) },
		"missing, yet set":  func(f *Flavor) { f.Present = 0 },
		"present, yet zero": func(f *Flavor) { f.Present |= 1 << 17 },
	} {
		f := flavorOf(0.5, 0.5)
		spoil(&f)
		if err := f.Check(); CodeOf(err) != Invalid {
			t.Errorf("%s: %v, want code invalid", name, err)
		}
	}
	for name, change := range map[string]float64{"0.0001 over": 0.0001, "0.0001 under": -0.0001} {
		f := flavorOf(0.5, 0.5)
		f.Values[0] += change
		if err := f.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDigestNoticesEveryBit(t *testing.T) {
	t.Parallel()
	var f Flavor
	seen := map[uint64]string{f.Digest(): "none"}
	note := func(what string) {
		if other, twice := seen[f.Digest()]; twice {
			t.Errorf("%s has the digest of %s", what, other)
		}
		seen[f.Digest()] = what
	}
	for i := range f.Values {
		f = Flavor{}
		f.Values[i] = math.Float64frombits(1)
		note("a value")
	}
	for c := range Categories {
		f = Flavor{Present: 1 << c}
		note(Categories[c].Name)
	}
}

// Unpack accepts or refuses any bytes. Those that it accepts pack to the same bytes.
func FuzzUnpack(f *testing.F) {
	sound := flavorOf(0.1, 0.2, 0.3)
	f.Add(sound.Pack(nil))
	f.Add([]byte{})
	f.Add(make([]byte, packedFlavorSize-1))
	f.Add(make([]byte, packedFlavorSize+1))
	f.Add(bytes.Repeat([]byte{0xff}, packedFlavorSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		var flavor Flavor
		err := flavor.Unpack(b)
		if err != nil {
			if CodeOf(err) != Invalid {
				t.Fatalf("code %s of %v", CodeOf(err), err)
			}
			return
		}
		if back := flavor.Pack(nil); !bytes.Equal(back, b) {
			t.Fatalf("% x came back as % x", b, back)
		}
		d := Distance(&flavor, &sound)
		if flavor.Check() == nil && !(d >= 0 && d <= 1.001) {
			t.Fatalf("a sound flavor at distance %v", d)
		}
	})
}

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

// drawFlavor is a valid flavor with any categories missing.
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
