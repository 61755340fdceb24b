package player

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// plain is the weight of a passage as the document reads, one passage at a time.
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

// One scratch serves many selections from different libraries, as in a Director.
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
