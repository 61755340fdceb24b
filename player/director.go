package player

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// Director selects what plays next. Part of module pd.
type Director struct {
	Lane    Lane
	store   LibraryStore
	weights weights
	nearest nearest
	flavor  Flavor // reused for every passage
	replay  replay
}

// NewDirector returns the part over its store.
func NewDirector(store LibraryStore, verbatim bool) *Director {
	return &Director{Lane: NewLane("director", verbatim), store: store}
}

// Select selects a passage to start at target. Of the passages with a weight above 0 it
// takes the NearestCount nearest to the wanted flavor, and draws one of them by weight,
// with a generator of this seed. It reads the library each time. NoCandidate if no
// passage has a weight.
func (d *Director) Select(target Ticks, wanted *Flavor, seed uint64) (Passage, error) {
	if d.replay.on() {
		a := d.replay.answer()
		d.Lane.Record("select", "", int64(target), a.Eligible, a.Passage.ID)
		return a.Passage, nil
	}
	passage, eligible, err := d.choose(target, wanted, seed)
	if err != nil {
		return Passage{}, err
	}
	d.Lane.Record("select", "", int64(target), int64(eligible), passage.ID)
	return passage, nil
}

// choose selects and says how many passages had a weight.
func (d *Director) choose(target Ticks, wanted *Flavor, seed uint64) (passage Passage, eligible int, err error) {
	const op = "director: select"
	if err := d.weights.read(d.store, target); err != nil {
		return Passage{}, 0, fail(Unavailable, op, err)
	}
	if eligible, err = d.rank(wanted); err != nil {
		return Passage{}, 0, fail(Unavailable, op, err)
	}
	if eligible == 0 {
		return Passage{}, 0, fail(NoCandidate, op, nil)
	}
	if passage, err = d.store.Passage(choose(d.nearest.sorted(), seed).passage); err != nil {
		return Passage{}, 0, fail(CodeOf(err), op, err)
	}
	return passage, eligible, nil
}

// Find reads a passage that a user wants. NotFound if there is none.
func (d *Director) Find(passage int64) (Passage, error) {
	found, err := d.store.Passage(passage)
	if err != nil {
		return Passage{}, fail(CodeOf(err), "director: find", err)
	}
	d.Lane.Record("find", "", passage, int64(found.Length()))
	return found, nil
}

// rank fills nearest with the passages that have a weight and counts them.
func (d *Director) rank(wanted *Flavor) (eligible int, err error) {
	d.nearest.reset()
	err = d.store.Flavors(func(passage int64, packed []byte) error {
		weight := d.weights.of(passage)
		if weight <= 0 {
			return nil
		}
		if err := d.flavor.Unpack(packed); err != nil {
			return err
		}
		eligible++
		d.nearest.add(candidate{passage: passage, distance: Distance(&d.flavor, wanted), weight: weight})
		return nil
	})
	return eligible, err
}

// factors are numbers by id, 1 where none was set. Most entities have 1, and a store may
// omit these.
type factors []float64

func (f *factors) reset() {
	for i := range *f {
		(*f)[i] = 1
	}
}

func (f factors) at(id int64) float64 {
	if id < 0 || id >= int64(len(f)) {
		return 1
	}
	return f[id]
}

func (f *factors) multiply(id int64, by float64) {
	for int64(len(*f)) <= id {
		*f = append(*f, 1)
	}
	(*f)[id] *= by
}

// weights computes the weight of each passage, base × cooldown, from standings. A
// selection reuses the memory of the previous one, but reads every value again.
type weights struct {
	songs, passages         factors
	artistBase, artistReady factors
	works                   factors
}

// read computes every weight at target.
//
// The base of a song is its own × the weighted mean of its artists' × the product of its
// works'. Its cooldown is the product of its own, its artists' and its works'. The
// weight of a passage is the product over its songs; without a song it is 0.
func (w *weights) read(store LibraryStore, target Ticks) error {
	for _, f := range []*factors{&w.songs, &w.passages, &w.artistBase, &w.artistReady, &w.works} {
		f.reset()
	}
	steps := []func() error{
		func() error {
			return store.Songs(target, func(id int64, s Standing) { w.songs.multiply(id, s.Base*s.Multiplier(target)) })
		},
		func() error {
			return store.Artists(target, func(id int64, s Standing) {
				w.artistBase.multiply(id, s.Base)
				w.artistReady.multiply(id, s.Multiplier(target))
			})
		},
		func() error {
			return store.Works(target, func(id int64, s Standing) { w.works.multiply(id, s.Base*s.Multiplier(target)) })
		},
		func() error { return w.readArtistsOfSongs(store) },
		func() error {
			return store.SongWorks(func(song, work int64) { w.songs.multiply(song, w.works.at(work)) })
		},
		func() error { return w.readSongsOfPassages(store) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// readArtistsOfSongs multiplies each song by its artists, after the last of them.
func (w *weights) readArtistsOfSongs(store LibraryStore) error {
	var song int64
	var sum, weights, ready float64
	fold := func() {
		if weights > 0 {
			ready *= sum / weights
		}
		if song != 0 {
			w.songs.multiply(song, ready)
		}
	}
	err := store.SongArtists(func(s, artist int64, weight float64) {
		if s != song {
			fold()
			song, sum, weights, ready = s, 0, 0, 1
		}
		sum += weight * w.artistBase.at(artist)
		weights += weight
		ready *= w.artistReady.at(artist)
	})
	fold()
	return err
}

// readSongsOfPassages gives passages between those with a song, and before the first, a
// weight of 0.
func (w *weights) readSongsOfPassages(store LibraryStore) error {
	w.passages = w.passages[:0]
	return store.PassageSongs(func(passage, song int64) {
		if passage == int64(len(w.passages))-1 {
			w.passages[passage] *= w.songs.at(song)
			return
		}
		for int64(len(w.passages)) < passage {
			w.passages = append(w.passages, 0)
		}
		w.passages = append(w.passages, w.songs.at(song))
	})
}

// of is the weight of a passage: 0 behind the last one that has a song.
func (w *weights) of(passage int64) float64 {
	if passage < 0 || passage >= int64(len(w.passages)) {
		return 0
	}
	return w.passages[passage]
}

// NearestCount is how many of the nearest candidates are drawn from.
const NearestCount = 100

// A candidate is a passage with a weight above 0.
type candidate struct {
	passage  int64
	distance float64
	weight   float64
}

// before orders by distance, then by id, so that equal distances have one order
// everywhere.
func (a candidate) before(b candidate) bool {
	return a.distance < b.distance || a.distance == b.distance && a.passage < b.passage
}

// nearest keeps the NearestCount nearest candidates that were added, as a heap with the
// farthest on top. In a large library one comparison rejects most candidates; a full
// sort would compare all.
type nearest struct{ heap []candidate }

func (n *nearest) reset() { n.heap = n.heap[:0] }

func (n *nearest) add(c candidate) {
	switch {
	case len(n.heap) < NearestCount:
		n.heap = append(n.heap, c)
		n.up(len(n.heap) - 1)
	case c.before(n.heap[0]):
		n.heap[0] = c
		n.down()
	}
}

func (n *nearest) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !n.heap[parent].before(n.heap[i]) {
			return
		}
		n.heap[parent], n.heap[i] = n.heap[i], n.heap[parent]
		i = parent
	}
}

func (n *nearest) down() {
	for i := 0; ; {
		far := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(n.heap) && n.heap[far].before(n.heap[child]) {
				far = child
			}
		}
		if far == i {
			return
		}
		n.heap[far], n.heap[i] = n.heap[i], n.heap[far]
		i = far
	}
}

// sorted returns the candidates, nearest first. The heap cannot be used after it.
func (n *nearest) sorted() []candidate {
	slices.SortFunc(n.heap, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.passage, b.passage))
	})
	return n.heap
}

// choose draws one candidate by weight: the first whose prefix sum reaches r, where r is
// uniform in [0, Σ weight), from a generator of this seed. sorted must not be empty.
func choose(sorted []candidate, seed uint64) candidate {
	total := 0.0
	for _, c := range sorted {
		total += c.weight
	}
	generator := rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)
	r := float64(generator.Uint64()>>11) / (1 << 53) * total
	sum := 0.0
	for _, c := range sorted {
		sum += c.weight
		if sum >= r {
			return c
		}
	}
	return sorted[len(sorted)-1] // rounding: the last prefix sum may fall short of total
}

// Default cooldowns: an entity is not played again before the minimum; after that, its
// probability rises linearly over the ramp.
const (
	SongMinimum   = 7 * Day
	SongRamp      = 14 * Day
	ArtistMinimum = 2 * Hour
	ArtistRamp    = 4 * Hour
	WorkMinimum   = 3 * Day
	WorkRamp      = 7 * Day
)

// A Standing is what a song, artist or work contributes to a weight: its base
// probability (0 to 1000, 1 by default) and its cooldown.
type Standing struct {
	Base       float64
	Minimum    Ticks
	Ramp       Ticks
	LastPlayed Ticks
	Played     bool // false: never played
}

// Multiplier is the cooldown at target: 0 within Minimum of LastPlayed, then rising
// linearly to 1 over Ramp. It is 0 as well if LastPlayed is after target.
func (s Standing) Multiplier(target Ticks) float64 {
	if !s.Played {
		return 1
	}
	elapsed := target - s.LastPlayed
	switch {
	case elapsed < s.Minimum:
		return 0
	case elapsed < s.Minimum+s.Ramp:
		return float64(elapsed-s.Minimum) / float64(s.Ramp)
	default:
		return 1
	}
}

// Cooldowns record when songs, artists and works were last played. Part of module pd.
type Cooldowns struct {
	Lane   Lane
	store  CooldownStore
	replay replay
}

// NewCooldowns returns the part over its store.
func NewCooldowns(store CooldownStore, verbatim bool) *Cooldowns {
	return &Cooldowns{Lane: NewLane("cooldowns", verbatim), store: store}
}

// Record sets and commits last_played of the passage's songs, their artists and their
// works.
func (c *Cooldowns) Record(passage int64, at Ticks) error {
	if c.replay.on() {
		c.Lane.Record("record", "", passage, int64(at), c.replay.answer().Rows)
		return nil
	}
	rows, err := c.store.RecordPlayed(passage, at)
	if err != nil {
		return fail(Unavailable, "cooldowns: record", err)
	}
	c.Lane.Record("record", "", passage, int64(at), int64(rows))
	return nil
}
