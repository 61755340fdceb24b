package player

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A Director selects from many libraries what a full sort would.
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

// faulty fails in one place.
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
