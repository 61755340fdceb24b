package player

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A Director selects what a full sort would select, from many libraries.
func TestSelectAgainstFullSort(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawShelf(t)
		wanted, seed := drawFlavor(t, "wanted"), rapid.Uint64().Draw(t, "seed")
		const target = 100
		var all []candidate
		for i := range s.passages {
			id := int64(i) + 1
			if w := s.plain(id, target); w > 0 {
				all = append(all, candidate{id, Distance(&s.flavors[i], &wanted), w})
			}
		}
		slices.SortFunc(all, func(a, b candidate) int {
			return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.passage, b.passage))
		})
		d := NewDirector(s, true)
		got, err := d.Select(target, &wanted, seed)
		if len(all) == 0 {
			if CodeOf(err) != NoCandidate || d.Lane.Count != 0 {
				t.Fatalf("%v, lane %q, want code no-candidate", err, d.Lane.Lines)
			}
			return
		}
		want := choose(all, seed)
		line := fmt.Sprintf("select %d %d %d", target, len(all), want.passage)
		if err != nil || got.ID != want.passage || d.Lane.Lines[0] != line {
			t.Fatalf("passage %d, %v, lane %q, want %q", got.ID, err, d.Lane.Lines, line)
		}
	})
}

// faulty is a store that fails in one method.
type faulty struct {
	*shelf
	in string
}

func (f faulty) fail(in string) error {
	if f.in == in {
		return errShelf
	}
	return nil
}

func (f faulty) SongArtists(visit func(int64, int64, float64)) error {
	return cmp.Or(f.fail("artists"), f.shelf.SongArtists(visit))
}

func (f faulty) Flavors(visit func(int64, []byte) error) error {
	if f.in == "bytes" {
		return visit(1, []byte("no flavor"))
	}
	return cmp.Or(f.fail("flavors"), f.shelf.Flavors(visit))
}

func (f faulty) Passage(id int64) (Passage, error) {
	p, err := f.shelf.Passage(id)
	if f.in == "gone" {
		return p, fail(NotFound, "shelf", nil)
	}
	return p, cmp.Or(f.fail("passage"), err)
}

func TestSelectFails(t *testing.T) {
	t.Parallel()
	whole := func() *shelf {
		return &shelf{
			songs: []Standing{{Base: 1}}, passages: [][]int64{{1}}, flavors: []Flavor{flavorOf(0.5)},
			artistsOf: [][]share{nil}, worksOf: [][]int64{nil},
		}
	}
	for in, want := range map[string]Code{
		"nothing": "", "songs": Unavailable, "artists": Unavailable, "flavors": Unavailable,
		"bytes": Unavailable, "passage": Unavailable, "gone": NotFound,
	} {
		store := faulty{whole(), in}
		if in == "songs" {
			store.err = errShelf
		}
		d := NewDirector(store, true)
		_, err := d.Select(0, new(Flavor), 1)
		if CodeOf(err) != want || (d.Lane.Count == 1) != (want == "") {
			t.Errorf("failing in %s: %v with lane %q, want code %q", in, err, d.Lane.Lines, want)
		}
		if want == Unavailable && in != "bytes" && !errors.Is(err, errShelf) {
			t.Errorf("failing in %s: %v hides its cause", in, err)
		}
	}
}

// plain is the weight of a passage by the documented formula, one passage at a time.
func (s *shelf) plain(passage int64, target Ticks) float64 {
	songs := s.passages[passage-1]
	if len(songs) == 0 {
		return 0
	}
	p := 1.0
	for _, id := range songs {
		song := s.songs[id-1]
		base, cooldown := song.Base, song.Multiplier(target)
		sum, weights := 0.0, 0.0
		for _, a := range s.artistsOf[id-1] {
			artist := s.artists[a.artist-1]
			sum += a.weight * artist.Base
			weights += a.weight
			cooldown *= artist.Multiplier(target)
		}
		if weights > 0 {
			base *= sum / weights
		}
		for _, w := range s.worksOf[id-1] {
			base *= s.works[w-1].Base
			cooldown *= s.works[w-1].Multiplier(target)
		}
		p *= base * cooldown
	}
	return p
}

func drawShelf(t *rapid.T) *shelf {
	draw := func(label string) []Standing {
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Standing {
			return Standing{
				Base:       rapid.SampledFrom([]float64{0, 0.5, 1, 1, 1, 3, 1000}).Draw(t, "base"),
				Minimum:    Ticks(rapid.IntRange(0, 5).Draw(t, "minimum")),
				Ramp:       Ticks(rapid.IntRange(0, 10).Draw(t, "ramp")),
				LastPlayed: Ticks(rapid.IntRange(80, 105).Draw(t, "last")),
				Played:     rapid.Bool().Draw(t, "played"),
			}
		}), 1, 12).Draw(t, label)
	}
	s := &shelf{songs: draw("songs"), artists: draw("artists"), works: draw("works")}
	ids := func(t *rapid.T, n, most int) []int64 {
		return rapid.SliceOfNDistinct(rapid.Int64Range(1, int64(n)), 0, min(n, most), rapid.ID).Draw(t, "ids")
	}
	for range s.songs {
		s.worksOf = append(s.worksOf, ids(t, len(s.works), 3))
		var shares []share
		for _, id := range ids(t, len(s.artists), 3) {
			shares = append(shares, share{id, rapid.SampledFrom([]float64{0, 0.25, 0.5, 1}).Draw(t, "weight")})
		}
		s.artistsOf = append(s.artistsOf, shares)
	}
	for range rapid.IntRange(1, 15).Draw(t, "passages") {
		s.passages = append(s.passages, ids(t, len(s.songs), 3))
		s.flavors = append(s.flavors, drawFlavor(t, "flavor"))
	}
	return s
}

// The memory is reused for selections from different libraries, as in a Director.
func TestWeights(t *testing.T) {
	t.Parallel()
	var w weights
	rapid.Check(t, func(t *rapid.T) {
		s := drawShelf(t)
		const target = 100
		if err := w.read(s, target); err != nil {
			t.Fatal(err)
		}
		for i := range s.passages {
			id := int64(i) + 1
			got, want := w.of(id), s.plain(id, target)
			if math.Abs(got-want) > 1e-9*max(1, want) || (got == 0) != (want == 0) {
				t.Fatalf("passage %d: weight %v, want %v", id, got, want)
			}
		}
		for _, id := range []int64{-1, 0, int64(len(s.passages)) + 1, math.MaxInt64} {
			if got := w.of(id); got != 0 {
				t.Fatalf("no passage %d, yet weight %v", id, got)
			}
		}
	})
}

// A store may leave neutral entities out; the weights are the same.
type terse struct{ *shelf }

func (s terse) Songs(at Ticks, visit func(int64, Standing)) error {
	return s.shelf.Songs(at, unlessNeutral(at, visit))
}

func (s terse) Artists(at Ticks, visit func(int64, Standing)) error {
	return s.shelf.Artists(at, unlessNeutral(at, visit))
}

func (s terse) Works(at Ticks, visit func(int64, Standing)) error {
	return s.shelf.Works(at, unlessNeutral(at, visit))
}

func unlessNeutral(at Ticks, visit func(int64, Standing)) func(int64, Standing) {
	return func(id int64, s Standing) {
		if s.Base != 1 || s.Multiplier(at) != 1 {
			visit(id, s)
		}
	}
}

func TestNeutralEntitiesMayBeLeftOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawShelf(t)
		var whole, less weights
		if err := whole.read(s, 100); err != nil {
			t.Fatal(err)
		}
		if err := less.read(terse{s}, 100); err != nil {
			t.Fatal(err)
		}
		for i := range s.passages {
			if id := int64(i) + 1; whole.of(id) != less.of(id) {
				t.Fatalf("passage %d: %v with all entities, %v with the unusual ones", id, whole.of(id), less.of(id))
			}
		}
	})
}

// nearest agrees with a full sort.
func TestNearest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Few different distances, so that there are many ties.
		distances := rapid.SliceOfN(rapid.IntRange(0, 40), 0, 400).Draw(t, "distances")
		all := make([]candidate, len(distances))
		for i, d := range distances {
			all[i] = candidate{passage: int64(i) + 1, distance: float64(d) / 40, weight: 1}
		}
		var n nearest
		for _, order := range [][]candidate{all, shuffled(all, 1), shuffled(all, 2)} {
			n.reset()
			for _, c := range order {
				n.add(c)
			}
			want := slices.SortedFunc(slices.Values(all), func(a, b candidate) int {
				return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.passage, b.passage))
			})
			want = want[:min(len(want), NearestCount)]
			if got := n.sorted(); !slices.Equal(got, want) {
				t.Fatalf("nearest %v, want %v", got, want)
			}
		}
	})
}

func shuffled(list []candidate, seed uint64) []candidate {
	list = slices.Clone(list)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// The chosen one is the first whose prefix sum reaches r: its own prefix sum is
// not below, that of the one before it is.
func TestChoosePrefixSum(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Float64Range(1e-9, 1000), 1, NearestCount).Draw(t, "weights")
		seed := rapid.Uint64().Draw(t, "seed")
		total := 0.0
		list := make([]candidate, len(weights))
		for i, w := range weights {
			list[i] = candidate{passage: int64(i), weight: w}
			total += w
		}
		r := float64(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15).Uint64()>>11) / (1 << 53) * total
		got := choose(list, seed)
		before := 0.0
		for _, w := range weights[:got.passage] {
			before += w
		}
		if after := before + got.weight; got.passage > 0 && before >= r || after < r && int(got.passage) < len(list)-1 {
			t.Fatalf("r %v fell on %d, whose prefix sums are %v to %v", r, got.passage, before, after)
		}
		if again := choose(list, seed); again != got {
			t.Fatalf("the same seed chose %v, then %v", got, again)
		}
	})
}

// Over many seeds each is chosen as often as its weight says, whatever its
// distance: within five standard deviations.
func TestChooseByWeightAlone(t *testing.T) {
	t.Parallel()
	const draws = 50_000
	list := []candidate{{1, 0.0, 1}, {2, 0.1, 4}, {3, 0.2, 0.5}, {4, 0.9, 4}, {5, 0.95, 0.5}}
	counts := map[int64]int{}
	for seed := range uint64(draws) {
		counts[choose(list, seed).passage]++
	}
	for _, c := range list {
		p := c.weight / 10
		if deviation := math.Sqrt(draws * p * (1 - p)); math.Abs(float64(counts[c.passage])-draws*p) > 5*deviation {
			t.Errorf("passage %d of weight %v: chosen %d times of %d", c.passage, c.weight, counts[c.passage], draws)
		}
	}
}

func TestChooseTheOnlyOne(t *testing.T) {
	t.Parallel()
	only := candidate{passage: 9, weight: 1e-300}
	for seed := range uint64(100) {
		if got := choose([]candidate{only}, seed); got != only {
			t.Fatalf("seed %d chose %v", seed, got)
		}
	}
}

func TestMultiplier(t *testing.T) {
	t.Parallel()
	for _, e := range []struct {
		name          string
		minimum, ramp Ticks // in seconds, as published
	}{
		{"song", 604_800, 1_209_600},
		{"artist", 7_200, 14_400},
		{"work", 259_200, 604_800},
	} {
		s := map[string]Standing{
			"song":   {Minimum: SongMinimum, Ramp: SongRamp},
			"artist": {Minimum: ArtistMinimum, Ramp: ArtistRamp},
			"work":   {Minimum: WorkMinimum, Ramp: WorkRamp},
		}[e.name]
		s.Played, s.LastPlayed = true, 1000*Day
		minimum, ramp := e.minimum*Second, e.ramp*Second
		for _, c := range []struct {
			elapsed Ticks
			want    float64
		}{
			{-Day, 0}, {0, 0}, {minimum / 2, 0}, {minimum - 1, 0}, {minimum, 0},
			{minimum + 1, 1 / float64(ramp)}, {minimum + ramp/4, 0.25}, {minimum + ramp/2, 0.5},
			{minimum + ramp - 1, float64(ramp-1) / float64(ramp)}, {minimum + ramp, 1}, {minimum + ramp + 1, 1}, {1000 * Day, 1},
		} {
			if got := s.Multiplier(s.LastPlayed + c.elapsed); got != c.want {
				t.Errorf("%s, %v after its play: %v, want %v", e.name, c.elapsed.Duration(), got, c.want)
			}
		}
	}
}

func TestMultiplierOfUnusualStandings(t *testing.T) {
	t.Parallel()
	never := Standing{Minimum: Day, Ramp: Day, LastPlayed: 50 * Day}
	if got := never.Multiplier(50 * Day); got != 1 {
		t.Errorf("never played: %v, want 1", got)
	}
	sudden := Standing{Minimum: Day, Played: true}
	for at, want := range map[Ticks]float64{Day - 1: 0, Day: 1} {
		if got := sudden.Multiplier(at); got != want {
			t.Errorf("without a ramp, at %d: %v, want %v", at, got, want)
		}
	}
	always := Standing{Played: true}
	if got := always.Multiplier(0); got != 1 {
		t.Errorf("without a cooldown: %v, want 1", got)
	}
}

func TestRecordCooldown(t *testing.T) {
	t.Parallel()
	c := NewCooldowns(&shelf{}, true)
	if err := c.Record(7, 9); err != nil || len(c.Lane.Lines) != 1 || c.Lane.Lines[0] != "record 7 9 3" {
		t.Errorf("lane %q, %v", c.Lane.Lines, err)
	}
	broken := NewCooldowns(&shelf{err: errShelf}, true)
	if err := broken.Record(7, 9); CodeOf(err) != Unavailable || broken.Lane.Count != 0 {
		t.Errorf("a failed record: %v, lane %q", err, broken.Lane.Lines)
	}
}
