package results

import (
	"testing"
	"time"
)

// What is counted over a trial is that of its timed operations: the hand-over's reads and
// writes are taken off first, then the share of the timed operations is kept.
func TestScale(t *testing.T) {
	t.Parallel()
	of := func(io IO, minor, major int64, waited time.Duration) Resources {
		energy := 2.0
		return Resources{IO: &io, MinorFaults: minor, MajorFaults: major, Waited: &waited, Energy: &energy, Apart: map[string]time.Duration{"nats": 3}}
	}
	const turns = 100
	for name, test := range map[string]struct {
		share  float64
		before Resources
		io     IO
		minor  int64
		major  int64
		waited time.Duration
	}{
		"the hand-over alone": {1, of(IO{Reads: turns, Writes: turns + 1, ReadBytes: 8 * turns, WrittenBytes: 16 * (turns + 1)}, 0, 0, 0), IO{}, 0, 0, 0},
		"half of it is timed": {0.5, of(IO{Reads: turns + 20, Writes: turns + 41, ReadBytes: 8*turns + 200, WrittenBytes: 16*(turns+1) + 400, FromDisk: 4096, ToDisk: 8192}, 10, 4, time.Second),
			IO{Reads: 10, Writes: 20, ReadBytes: 100, WrittenBytes: 200, FromDisk: 2048, ToDisk: 4096}, 5, 2, time.Second / 2},
		"fewer than the hand-over's": {1, of(IO{Reads: 3, Writes: 3, ReadBytes: 3, WrittenBytes: 3}, 1, 1, 1), IO{}, 1, 1, 1},
	} {
		r := test.before
		r.Scale(test.share, turns)
		if *r.IO != test.io || r.MinorFaults != test.minor || r.MajorFaults != test.major || *r.Waited != test.waited {
			t.Errorf("%s: %+v, %+v, waited %v", name, r, *r.IO, *r.Waited)
		}
		if r.Energy != nil || r.Apart["nats"] != 3 {
			t.Errorf("%s: energy %v of all arms together, apart %v", name, r.Energy, r.Apart)
		}
	}
	var none Resources
	if none.Scale(0.5, turns); none.IO != nil || none.Waited != nil {
		t.Errorf("what is not available: %+v", none)
	}
}
