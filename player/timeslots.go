package player

import "fmt"

// Timeslots divide the day; each wants the flavor of its reference passages.
// Part of module pd.
type Timeslots struct {
	Lane     Lane
	store    TimeslotStore
	override Flavor
	until    Ticks // what the override holds before
}

// NewTimeslots returns the part over its store.
func NewTimeslots(store TimeslotStore, verbatim bool) *Timeslots {
	return &Timeslots{Lane: NewLane("timeslots", verbatim), store: store}
}

// Override has the flavor of a passage be wanted for what starts before until.
// NotFound when there is no such passage.
func (t *Timeslots) Override(passage int64, until Ticks) error {
	var wanted Flavor
	if err := t.store.FlavorOf(passage, &wanted); err != nil {
		return fail(CodeOf(err), "timeslots: override", err)
	}
	t.override, t.until = wanted, until
	t.Lane.Record("override", "", passage, int64(until))
	return nil
}

// FlavorAt is the flavor wanted at target: the unweighted mean of the reference
// passages of the timeslot that holds it, or the override. NotFound when the timeslot
// has none.
func (t *Timeslots) FlavorAt(target Ticks) (*Flavor, error) {
	const op = "timeslots: flavor"
	if target < t.until {
		wanted := t.override
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

// flavor divides, and renormalises the complex categories to sum 1.
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
