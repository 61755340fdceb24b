package runner

import (
	"math"
	"runtime"
	"time"

	"rubato/results"
	"rubato/runner/host"
)

// A heapReading is what a process had allocated after a turn of its trial, and what it holds.
// ReadMemStats is exact. The counters of runtime/metrics take half a microsecond, but leave
// out what each processor has allocated in spans that are not full yet: as much as hundreds of
// operations. ReadMemStats stops the world for some 50 µs instead, so it is called between
// slices, and not before what is durable has been noted.
type heapReading struct {
	turn                 int
	mallocs, bytes, live uint64
}

func (t *timing) readHeap() heapReading {
	runtime.ReadMemStats(&t.stats)
	return heapReading{t.turn, t.stats.Mallocs, t.stats.TotalAlloc, t.stats.HeapAlloc}
}

// settled is the turn after which a trial counts allocations and what is kept. What a new
// process makes once is there by then. Where the warm-up has more than one turn, one more
// follows, since a collection leaves caches cold; the same in every arm.
func (s slicing) settled() int {
	if s.Warmup == 0 {
		return 0
	}
	return max(1, s.Warmup-1)
}

// ops is how many operations an arm does from one turn to another.
func (s slicing) ops(from, to heapReading) float64 {
	return float64((to.turn - from.turn) * (s.Hot + s.Ops))
}

// countHeap reads the heap between two slices, where the count begins and one turn before the
// end. What this itself takes is not waiting, and its collection is none of the arm's.
func (t *timing) countHeap() {
	switch t.turn {
	case t.slice.settled():
		began := host.UsageNow()
		t.readHeap()
		paused := t.stats.PauseTotalNs
		runtime.GC()
		t.from = t.readHeap()
		t.forced, t.forcedPause = 1, time.Duration(t.stats.PauseTotalNs-paused)
		t.worked.Add(host.UsageNow().Since(began))
	case t.slice.Turns - 1:
		t.to = t.readHeap()
	}
}

// allocated fills in what the timed operations allocated, as the slope from one reading to the
// other: constant costs of a trial are in neither. What reading the clocks of a turn allocates,
// in a process that has started others, is measured and taken away.
func (t *timing) allocated(b *results.Block) {
	if t.to.turn <= t.from.turn { // a block, or hardly more
		t.to = t.ended
	}
	before := t.readHeap()
	for range usagesOfTurn {
		host.UsageNow()
	}
	after := t.readHeap()
	turns := t.to.turn - t.from.turn
	timed := float64(t.slice.timed()) / t.slice.ops(t.from, t.to)
	slope := func(from, to, before, after uint64) uint64 {
		return uint64(math.Round(timed * max(0, float64(to)-float64(from)-float64(turns)*float64(after-before))))
	}
	b.Allocs = slope(t.from.mallocs, t.to.mallocs, before.mallocs, after.mallocs)
	b.Bytes = slope(t.from.bytes, t.to.bytes, before.bytes, after.bytes)
}

// keeps fills in by how much the live heap has grown. It collects, so it comes last.
func (t *timing) keeps(b *results.Block) {
	runtime.GC()
	end := t.readHeap()
	kept := (float64(end.live) - float64(t.from.live)) / t.slice.ops(t.from, end)
	b.KeptOp = &kept
}
