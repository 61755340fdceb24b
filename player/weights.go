package player

// factors are numbers by id that are 1 where nothing was set: most entities are
// neutral, and a store need not mention them.
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

// weights turns standings into each passage's weight, base × cooldown. The
// slices are scratch that one selection leaves to the next; the figures are read
// anew each time.
type weights struct {
	songs, passages         factors
	artistBase, artistReady factors
	works                   factors
}

// read computes every weight at target.
//
// A song's base is its own × the weighted mean of its artists' × the product of
// its works'; its cooldown is the product of all of theirs. A passage of several
// songs takes the product over them; a passage without a song has no weight.
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

// readArtistsOfSongs folds the artists of each song into it, when the last of
// them has been seen.
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

// readSongsOfPassages marks passages below the first linked, and between linked
// ones, as without a song by a weight of 0.
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

// of is the weight of a passage: 0 past the last that has a song.
func (w *weights) of(passage int64) float64 {
	if passage < 0 || passage >= int64(len(w.passages)) {
		return 0
	}
	return w.passages[passage]
}
