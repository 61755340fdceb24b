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

// The packed form is what stands in databases: it may not change.
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

// Whatever bytes come, Unpack answers or refuses; what it takes packs to the same.
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
