package runner

import "time"

// emptyLoop turns n times and does nothing but count.
//
//go:noinline
func emptyLoop(n int) (turned int) {
	for range n {
		turned++
	}
	return turned
}

// A floor is a time for very many turns of an empty loop, kept so because one turn
// takes less than a nanosecond.
type floor struct {
	turns int
	took  time.Duration
}

// measureFloor takes the quickest of a few tries.
func measureFloor() floor {
	const turns = 4_000_000
	f := floor{took: time.Hour}
	for range 5 {
		start := time.Now()
		f.turns = emptyLoop(turns)
		f.took = min(f.took, time.Since(start))
	}
	return f
}

// under tells whether ops operations took less than half of as many empty turns:
// then the compiler removed the work. Half, because an empty loop may itself be what
// is measured, and its time varies.
func (f floor) under(ops int, wall time.Duration) bool {
	return 2*float64(wall)/float64(ops) < float64(f.took)/float64(f.turns)
}
