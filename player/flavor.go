package player

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// A Category is a musical characteristic: a group of elements whose values sum to 1.
type Category struct {
	Name     string
	Elements []string
	First    int // index of its first element in Flavor.Values
}

// Binary reports whether the category has two elements. Of these only the first counts
// in the distance.
func (c Category) Binary() bool { return len(c.Elements) == 2 }

// The size of a flavor: 18 categories, 12 of them binary, with 71 values together.
const (
	FlavorCategories = 18
	FlavorValues     = 71
	packedFlavorSize = 4 + 8*FlavorValues
)

// Categories are those of the high-level data of AcousticBrainz, binary ones first.
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

// A Flavor is a position in the space of musical characteristics. A category whose bit
// in Present is 0 is missing; its values are 0.
type Flavor struct {
	Present uint32
	Values  [FlavorValues]float64
}

// Has reports whether category c is present.
func (f *Flavor) Has(c int) bool { return f.Present&(1<<c) != 0 }

// Pack appends f in its stored form: the presence bits, then the values, little-endian.
func (f *Flavor) Pack(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, f.Present)
	for _, v := range f.Values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// Unpack reads f from its stored form. Invalid if the length or a presence bit is wrong.
// It does not check the values, since a selection reads a thousand flavors: Check does,
// before a flavor is written.
func (f *Flavor) Unpack(b []byte) error {
	if len(b) != packedFlavorSize {
		return fail(Invalid, "flavor: unpack", fmt.Errorf("%d bytes, want %d", len(b), packedFlavorSize))
	}
	f.Present = binary.LittleEndian.Uint32(b)
	if err := f.known(); err != nil {
		return err
	}
	for i := range f.Values {
		f.Values[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[4+8*i:]))
	}
	return nil
}

func (f *Flavor) known() error {
	if f.Present>>FlavorCategories != 0 {
		return fail(Invalid, "flavor", fmt.Errorf("presence bits %#x name unknown categories", f.Present))
	}
	return nil
}

// Check returns Invalid unless every present category is known and sums to 1, within 0.0001,
// without a negative element, and every missing one is all zeros.
func (f *Flavor) Check() error {
	if err := f.known(); err != nil {
		return err
	}
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

// Digest is a digest of the bits of f.
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

// categories reads lines of the form "name: element element". It runs once, at start.
func categories(lines ...string) []Category {
	list := make([]Category, 0, len(lines))
	first := 0
	for _, line := range lines {
		name, elements, _ := strings.Cut(line, ": ")
		c := Category{Name: name, Elements: strings.Fields(elements), First: first}
		first += len(c.Elements)
		list = append(list, c)
	}
	return list
}

// Distance is the distance of two flavors, from 0 (equal) to 1: (Db + Dc) / 2. Db is the
// mean squared difference of the first elements of the binary categories that both
// have. Dc is the mean, over the complex categories that both have, of the mean squared
// difference of their elements. Either is 1 if they have no such category in common.
func Distance(a, b *Flavor) float64 {
	return distance(Categories, a.Present&b.Present, a.Values[:], b.Values[:])
}

func distance(categories []Category, shared uint32, a, b []float64) float64 {
	var binary, complexes side
	for i := range categories {
		if shared&(1<<i) == 0 {
			continue
		}
		c := &categories[i]
		if len(c.Elements) == 2 {
			d := a[c.First] - b[c.First]
			binary.add(d * d)
			continue
		}
		sum := 0.0
		y := b[c.First : c.First+len(c.Elements)]
		for j, x := range a[c.First : c.First+len(c.Elements)] {
			d := x - y[j]
			sum += d * d
		}
		complexes.add(sum / float64(len(y)))
	}
	return (binary.mean() + complexes.mean()) / 2
}

// side is one half of the distance: a mean, which is 1 if nothing was added.
type side struct {
	sum float64
	n   int
}

func (s *side) add(d float64) { s.sum += d; s.n++ }

func (s *side) mean() float64 {
	if s.n == 0 {
		return 1
	}
	return s.sum / float64(s.n)
}

// Timeslots divide the day. Each has a flavor: that of its reference passages. Part of
// module pd.
type Timeslots struct {
	Lane     Lane
	store    TimeslotStore
	override Flavor
	until    Ticks // the override holds for targets before this
	replay   replay
}

// NewTimeslots returns the part over its store.
func NewTimeslots(store TimeslotStore, verbatim bool) *Timeslots {
	return &Timeslots{Lane: NewLane("timeslots", verbatim), store: store}
}

// Override makes the flavor of a passage the wanted one for targets before until.
// NotFound if there is no such passage.
func (t *Timeslots) Override(passage int64, until Ticks) error {
	var wanted Flavor
	if err := t.store.FlavorOf(passage, &wanted); err != nil {
		return fail(CodeOf(err), "timeslots: override", err)
	}
	t.override, t.until = wanted, until
	t.Lane.Record("override", "", passage, int64(until))
	return nil
}

// FlavorAt is the flavor wanted at target: the override, or the unweighted mean of the
// reference passages of the timeslot at target. NotFound if the timeslot has none.
func (t *Timeslots) FlavorAt(target Ticks) (*Flavor, error) {
	const op = "timeslots: flavor"
	if target < t.until {
		wanted := t.override
		t.record(target, &wanted)
		return &wanted, nil
	}
	if t.replay.on() {
		wanted := t.replay.answer().Flavor
		t.record(target, &wanted)
		return &wanted, nil
	}
	var mean flavorMean
	err := t.store.References(target.SecondOfDay(), mean.add)
	if err != nil {
		return nil, fail(Unavailable, op, err)
	}
	if mean.n == 0 {
		return nil, fail(NotFound, op, fmt.Errorf("no reference passage at second %d of the day", target.SecondOfDay()))
	}
	flavor := mean.flavor()
	t.record(target, flavor)
	return flavor, nil
}

func (t *Timeslots) record(target Ticks, wanted *Flavor) {
	var digest uint64
	if !t.Lane.Quiet {
		digest = wanted.Digest()
	}
	t.Lane.Record("flavor", "", int64(target), int64(digest))
}

// flavorMean averages each category over the flavors that have it.
type flavorMean struct {
	n    int
	sum  [FlavorValues]float64
	have [FlavorCategories]int
}

func (m *flavorMean) add(f *Flavor) {
	m.n++
	for c, cat := range Categories {
		if !f.Has(c) {
			continue
		}
		m.have[c]++
		for i := range cat.Elements {
			m.sum[cat.First+i] += f.Values[cat.First+i]
		}
	}
}

// flavor computes the mean, in which the complex categories sum to 1 again.
func (m *flavorMean) flavor() *Flavor {
	f := new(Flavor)
	for c, cat := range Categories {
		if m.have[c] == 0 {
			continue
		}
		f.Present |= 1 << c
		sums := m.sum[cat.First : cat.First+len(cat.Elements)]
		divisor := float64(m.have[c])
		if !cat.Binary() {
			divisor = 0
			for _, v := range sums {
				divisor += v
			}
		}
		if divisor == 0 {
			f.Present &^= 1 << c
			continue
		}
		for i, v := range sums {
			f.Values[cat.First+i] = v / divisor
		}
	}
	return f
}
