package player

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A Category is one musical characteristic: a group of elements that sum to 1.
type Category struct {
	Name     string
	Elements []string
	First    int // index of its first element in Flavor.Values
}

// Binary tells whether the category has two elements, of which only the first
// enters the distance.
func (c Category) Binary() bool { return len(c.Elements) == 2 }

// FlavorValues and FlavorCategories are the size of a flavor vector: 18
// categories, 12 of them binary, with 71 values together.
const (
	FlavorCategories = 18
	FlavorValues     = 71
	packedFlavorSize = 4 + 8*FlavorValues
)

// Categories are those of the AcousticBrainz high-level data, binary ones first.
var Categories = categories(
	"danceability: danceable not_danceable", "gender: female male",
	"mood_acoustic: acoustic not_acoustic", "mood_aggressive: aggressive not_aggressive",
	"mood_electronic: electronic not_electronic", "mood_happy: happy not_happy",
	"mood_party: party not_party", "mood_relaxed: relaxed not_relaxed", "mood_sad: sad not_sad",
	"timbre: bright dark", "tonal_atonal: atonal tonal", "voice_instrumental: instrumental voice",
	"genre_dortmund: alternative blues electronic folkcountry funksoulrnb jazz pop raphiphop rock",
	"genre_electronic: ambient dnb house techno trance",
	"genre_rosamerica: cla dan hip jaz pop rhy roc spe",
	"genre_tzanetakis: blu cla cou dis hip jaz met pop reg roc",
	"ismir04_rhythm: ChaChaCha Jive Quickstep Rumba-American Rumba-International Rumba-Misc Samba Tango VienneseWaltz Waltz",
	"moods_mirex: Cluster1 Cluster2 Cluster3 Cluster4 Cluster5",
)

// A Flavor is a position in the space of musical characteristics. Categories
// whose bit in Present is 0 are missing, and their values are 0.
type Flavor struct {
	Present uint32
	Values  [FlavorValues]float64
}

// Has tells whether category c is present.
func (f *Flavor) Has(c int) bool { return f.Present&(1<<c) != 0 }

// Pack appends f in its stored form: the presence bits, then the values, all
// little-endian.
func (f *Flavor) Pack(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, f.Present)
	for _, v := range f.Values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// Unpack reads f from its stored form. It answers Invalid when the length is
// not that of a flavor or a presence bit names no category; values are checked
// by Check, since a selection reads a thousand flavors and writes none.
func (f *Flavor) Unpack(b []byte) error {
	if len(b) != packedFlavorSize {
		return fail(Invalid, "flavor: unpack", fmt.Errorf("%d bytes, want %d", len(b), packedFlavorSize))
	}
	f.Present = binary.LittleEndian.Uint32(b)
	if f.Present>>FlavorCategories != 0 {
		return fail(Invalid, "flavor: unpack", fmt.Errorf("presence bits %#x name unknown categories", f.Present))
	}
	for i := range f.Values {
		f.Values[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[4+8*i:]))
	}
	return nil
}

// Check answers Invalid unless every present category sums to 1 within 0.0001
// with no negative element, and every missing one is all zeros.
func (f *Flavor) Check() error {
	for c, cat := range Categories {
		sum := 0.0
		for _, v := range f.category(c) {
			if !(v >= 0) {
				return fail(Invalid, "flavor: check", fmt.Errorf("%s has an element of %v", cat.Name, v))
			}
			sum += v
		}
		want := 0.0
		if f.Has(c) {
			want = 1
		}
		if math.Abs(sum-want) > 0.0001+1e-12 {
			return fail(Invalid, "flavor: check", fmt.Errorf("%s sums to %v, want %v", cat.Name, sum, want))
		}
	}
	return nil
}

// Digest is a digest of exactly these bits.
func (f *Flavor) Digest() uint64 {
	h := DigestWord(0, uint64(f.Present))
	for _, v := range f.Values {
		h = mixWord(h, math.Float64bits(v))
	}
	return h
}

func (f *Flavor) category(c int) []float64 {
	cat := Categories[c]
	return f.Values[cat.First : cat.First+len(cat.Elements)]
}
