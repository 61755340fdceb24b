package player

import "fmt"

// A Recording holds what the parts of module pd answered to a series of refills. Parts
// that replay it give an answer without reading the library, choosing, or storing a
// cooldown, and record the same lines in their lanes. Every style gets the same parts,
// so what remains of a refill is the same in all: the calls between parts, and whatever
// the style puts between them.
//
// Each part gives its answers in their order and begins again after the last: a recording
// is short, a run is long. Two answers that follow each other name different passages, as
// a queue refuses one that it holds.
type Recording struct {
	Answers []Answer
}

// An Answer is what module pd did in one refill.
type Answer struct {
	Flavor   Flavor
	Passage  Passage
	Eligible int64 // passages with a weight above 0
	Rows     int64 // rows that recording the cooldown changed
}

// Record makes a recording of n refills, Hour apart from first on, by parts that do
// their work. The store's cooldowns advance as in a real run. seed gives the seed of
// the i-th selection.
func Record(store DirectorStore, first Ticks, n int, seed func(i int) uint64) (*Recording, error) {
	if n < 1 {
		return nil, fail(Invalid, "record", fmt.Errorf("%d refills", n))
	}
	slots, director := NewTimeslots(store, false), NewDirector(store, false)
	r := &Recording{Answers: make([]Answer, n)}
	for i := range r.Answers {
		target, a := first+Ticks(i)*Hour, &r.Answers[i]
		wanted, err := slots.FlavorAt(target)
		if err != nil {
			return nil, err
		}
		eligible := 0
		if a.Passage, eligible, err = director.choose(target, wanted, seed(i)); err != nil {
			return nil, err
		}
		rows, err := store.RecordPlayed(a.Passage.ID, target)
		if err != nil {
			return nil, fail(Unavailable, "record", err)
		}
		a.Flavor, a.Eligible, a.Rows = *wanted, int64(eligible), int64(rows)
	}
	return r, nil
}

// A replay is a part's place in a recording. The zero replay is of a part that does its
// work.
type replay struct {
	*Recording
	next int
}

func (r *replay) on() bool { return r.Recording != nil }

// answer is the next one.
func (r *replay) answer() *Answer {
	a := &r.Answers[r.next]
	if r.next++; r.next == len(r.Answers) {
		r.next = 0
	}
	return a
}
