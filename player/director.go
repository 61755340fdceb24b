package player

// Director chooses what plays next. Part of module pd.
type Director struct {
	Lane    Lane
	store   LibraryStore
	weights weights
	nearest nearest
	flavor  Flavor // scratch for the one being looked at
}

// NewDirector returns the part over its store.
func NewDirector(store LibraryStore, verbatim bool) *Director {
	return &Director{Lane: NewLane("director", verbatim), store: store}
}

// Select chooses a passage to start at target: of those that cooldowns leave any
// weight, the NearestCount nearest to the wanted flavor, and one of them drawn by
// weight with a generator of this seed. The library is read anew each time.
// NoCandidate when nothing has any weight.
func (d *Director) Select(target Ticks, wanted *Flavor, seed uint64) (Passage, error) {
	const op = "director: select"
	if err := d.weights.read(d.store, target); err != nil {
		return Passage{}, fail(Unavailable, op, err)
	}
	eligible, err := d.rank(wanted)
	if err != nil {
		return Passage{}, fail(Unavailable, op, err)
	}
	if eligible == 0 {
		return Passage{}, fail(NoCandidate, op, nil)
	}
	chosen := choose(d.nearest.sorted(), seed)
	passage, err := d.store.Passage(chosen.passage)
	if err != nil {
		return Passage{}, fail(CodeOf(err), op, err)
	}
	d.Lane.Record("select", "", int64(target), int64(eligible), passage.ID)
	return passage, nil
}

// Find reads a passage that somebody wants. NotFound when there is none.
func (d *Director) Find(passage int64) (Passage, error) {
	found, err := d.store.Passage(passage)
	if err != nil {
		return Passage{}, fail(CodeOf(err), "director: find", err)
	}
	d.Lane.Record("find", "", passage, int64(found.Length()))
	return found, nil
}

// rank fills nearest from every passage with weight and counts those.
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
