package sqlite_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"rubato/player"
	"rubato/sqlite"

	driver "zombiezen.com/go/sqlite"
)

// naive selects as the document describes: everything joined, everything sorted.
type naive struct {
	songs, artists, works map[int64]player.Standing
	flavors               map[int64]*player.Flavor
	songsOf, worksOf      map[int64][]int64
	artistsOf             map[int64]map[int64]float64
}

type ranked struct {
	passage          int64
	distance, weight float64
}

func readNaive(t *testing.T, path string) *naive {
	n := &naive{
		songs: standings(t, path, "songs"), artists: standings(t, path, "artists"), works: standings(t, path, "works"),
		flavors: map[int64]*player.Flavor{}, songsOf: map[int64][]int64{}, worksOf: map[int64][]int64{},
		artistsOf: map[int64]map[int64]float64{},
	}
	query(t, path, "SELECT id, flavor FROM passages", func(row *driver.Stmt) {
		f := new(player.Flavor)
		if err := f.Unpack(bytesOf(row, 1)); err != nil {
			t.Fatal(err)
		}
		n.flavors[row.ColumnInt64(0)] = f
	})
	query(t, path, "SELECT passage, song FROM passage_songs", func(row *driver.Stmt) {
		n.songsOf[row.ColumnInt64(0)] = append(n.songsOf[row.ColumnInt64(0)], row.ColumnInt64(1))
	})
	query(t, path, "SELECT song, work FROM song_works", func(row *driver.Stmt) {
		n.worksOf[row.ColumnInt64(0)] = append(n.worksOf[row.ColumnInt64(0)], row.ColumnInt64(1))
	})
	query(t, path, "SELECT song, artist, weight FROM song_artists", func(row *driver.Stmt) {
		song := row.ColumnInt64(0)
		if n.artistsOf[song] == nil {
			n.artistsOf[song] = map[int64]float64{}
		}
		n.artistsOf[song][row.ColumnInt64(1)] = row.ColumnFloat(2)
	})
	return n
}

func (n *naive) weight(passage int64, target player.Ticks) float64 {
	if len(n.songsOf[passage]) == 0 {
		return 0
	}
	p := 1.0
	for _, song := range n.songsOf[passage] {
		base, cooldown := n.songs[song].Base, n.songs[song].Multiplier(target)
		sum, weights := 0.0, 0.0
		for artist, w := range n.artistsOf[song] {
			sum += w * n.artists[artist].Base
			weights += w
			cooldown *= n.artists[artist].Multiplier(target)
		}
		base *= sum / weights
		for _, work := range n.worksOf[song] {
			base *= n.works[work].Base
			cooldown *= n.works[work].Multiplier(target)
		}
		p *= base * cooldown
	}
	return p
}

func (n *naive) rank(target player.Ticks, wanted *player.Flavor) (eligible int, nearest []ranked) {
	var all []ranked
	for passage, flavor := range n.flavors {
		if w := n.weight(passage, target); w > 0 {
			all = append(all, ranked{passage, naiveDistance(flavor, wanted), w})
		}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		if a.distance != b.distance {
			return int(math.Copysign(1, a.distance-b.distance))
		}
		return int(a.passage - b.passage)
	})
	return len(all), all[:min(len(all), 100)]
}

// naiveDistance names each category, where player's runs over positions.
func naiveDistance(a, b *player.Flavor) float64 {
	var binary, complexes []float64
	for i, c := range player.Categories {
		if !a.Has(i) || !b.Has(i) {
			continue
		}
		if len(c.Elements) == 2 {
			binary = append(binary, square(a.Values[c.First]-b.Values[c.First]))
			continue
		}
		var elements []float64
		for e := range c.Elements {
			elements = append(elements, square(a.Values[c.First+e]-b.Values[c.First+e]))
		}
		complexes = append(complexes, mean(elements))
	}
	return (mean(binary) + mean(complexes)) / 2
}

func square(x float64) float64 { return x * x }

func mean(list []float64) float64 {
	if len(list) == 0 {
		return 1
	}
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return sum / float64(len(list))
}

// draw is the first whose prefix sum reaches r.
func draw(nearest []ranked, seed uint64) int64 {
	total := 0.0
	for _, c := range nearest {
		total += c.weight
	}
	r := float64(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15).Uint64()>>11) / (1 << 53) * total
	for _, c := range nearest {
		if r -= c.weight; r <= 0 {
			return c.passage
		}
	}
	return nearest[len(nearest)-1].passage
}

// Selections with the cooldowns that they cause, each against the naive one; six
// hours each on three days that are apart, so that ramps are met at all heights.
func TestSelectionAgainstNaive(t *testing.T) {
	t.Parallel()
	path := library(t)
	view := open(t, path).Director()
	timeslots, cooldowns := player.NewTimeslots(view, false), player.NewCooldowns(view, false)
	director := player.NewDirector(view, true)
	reference := readNaive(t, path)
	for i := range 18 {
		target := sqlite.Epoch + player.Ticks(i)*player.Hour + player.Ticks(i/6)*9*player.Day
		wanted, err := timeslots.FlavorAt(target)
		if err != nil {
			t.Fatal(err)
		}
		eligible, nearest := reference.rank(target, wanted)
		seed := uint64(i) * 977
		chosen, err := director.Select(target, wanted, seed)
		if err != nil {
			t.Fatal(err)
		}
		if want := draw(nearest, seed); chosen.ID != want {
			t.Errorf("selection %d: passage %d, want %d", i, chosen.ID, want)
		}
		line := fmt.Sprintf("select %d %d %d", target, eligible, chosen.ID)
		if got := director.Lane.Lines[i]; got != line {
			t.Errorf("selection %d: lane says %q, want %q", i, got, line)
		}
		if err := cooldowns.Record(chosen.ID, target); err != nil {
			t.Fatal(err)
		}
		reference.play(chosen.ID, target)
	}
}

func (n *naive) play(passage int64, at player.Ticks) {
	for _, song := range n.songsOf[passage] {
		played(n.songs, song, at)
		for artist := range n.artistsOf[song] {
			played(n.artists, artist, at)
		}
		for _, work := range n.worksOf[song] {
			played(n.works, work, at)
		}
	}
}

func played(list map[int64]player.Standing, id int64, at player.Ticks) {
	s := list[id]
	s.LastPlayed, s.Played = at, true
	list[id] = s
}

// A day, a passage an hour: songs that cool down are not chosen again.
func TestNothingIsHeardAgainTooSoon(t *testing.T) {
	t.Parallel()
	path := library(t)
	view := open(t, path).Director()
	director, cooldowns := player.NewDirector(view, false), player.NewCooldowns(view, false)
	wanted, err := player.NewTimeslots(view, false).FlavorAt(sqlite.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	before := readNaive(t, path)
	for i := range 24 {
		target := sqlite.Epoch + player.Ticks(i)*player.Hour
		p, err := director.Select(target, wanted, uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		for _, song := range before.songsOf[p.ID] {
			s := before.songs[song]
			if s.Played && target-s.LastPlayed < s.Minimum {
				t.Errorf("at hour %d song %d is heard %v after its last play", i, song, (target - s.LastPlayed).Duration())
			}
		}
		before.play(p.ID, target)
		if err := cooldowns.Record(p.ID, target); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNoCandidate(t *testing.T) {
	t.Parallel()
	path := library(t)
	change(t, path, "UPDATE songs SET base = 0")
	director := player.NewDirector(open(t, path).Director(), false)
	if _, err := director.Select(sqlite.Epoch, new(player.Flavor), 1); player.CodeOf(err) != player.NoCandidate {
		t.Errorf("%v, want code %s", err, player.NoCandidate)
	}
}

// A selection allocates for the title and the closures, and nothing per row.
func TestSelectionAllocatesNothingPerRow(t *testing.T) {
	director := player.NewDirector(open(t, library(t)).Director(), false)
	allocations := testing.AllocsPerRun(5, func() {
		if _, err := director.Select(sqlite.Epoch, new(player.Flavor), 1); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 50 {
		t.Errorf("%v allocations a selection from 1 000 passages, want 50 at most", allocations)
	}
}
