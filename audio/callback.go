package audio

import (
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/player"
)

// callback is what a sound card would call when it is due to be given a period. It
// takes the period from the ring and takes down how it went. It never waits, locks,
// allocates or logs, whatever the rest of the program is at: a test reads this file,
// and every function that it reaches, for that.
type callback struct {
	ring   *ring          // nil: a metronome
	period []player.Frame // what the card is given
	length time.Duration  // of a period
	now    func() time.Duration
	rule   func() // the forbidden case
	primed bool   // the ring has been half full: from then on an empty one is an underrun
	ending atomic.Bool
	counts atomic.Pointer[counts]
	turns  atomic.Uint64 // callbacks, so that who takes the counts knows when they are let go
}

// counts are how callbacks went.
type counts struct {
	periods, missed, underruns uint64
	played, silent             uint64
	lateness, took             *hdrhistogram.Histogram
}

// longest is the longest time that is told from a longer one.
const longest = time.Minute

func newCounts() *counts {
	return &counts{
		lateness: hdrhistogram.New(1, int64(longest), 3),
		took:     hdrhistogram.New(1, int64(longest), 3),
	}
}

// run is one callback, due and started so long after the thread began. It says when
// the next is due. Periods that have passed meanwhile are missed, and not made up
// for: a card would have played something else.
func (c *callback) run(due, start time.Duration) (next time.Duration) {
	n := c.counts.Load()
	late := max(start-due, 0)
	missed := late / c.length
	if c.ring != nil {
		c.play(n)
	}
	if c.rule != nil {
		c.rule()
	}
	n.periods++
	n.missed += uint64(missed)
	record(n.lateness, late)
	record(n.took, max(c.now()-start, 0))
	c.turns.Add(1)
	return due + (missed+1)*c.length
}

// play hands a period to the card: silence for what the ring has not.
func (c *callback) play(n *counts) {
	buffered, ending := c.ring.Buffered(), c.ending.Load()
	c.primed = c.primed || ending || buffered >= len(c.ring.frames)/2
	if !c.primed {
		clear(c.period)
		return
	}
	got := c.ring.Read(c.period)
	n.played += uint64(got)
	if got < len(c.period) {
		clear(c.period[got:])
		if !ending {
			n.underruns++
			n.silent += uint64(len(c.period) - got)
		}
	}
}

// over tells whether the last callback has been.
func (c *callback) over() bool {
	return c.ending.Load() && (c.ring == nil || c.ring.Buffered() == 0)
}

// pace calls back until it is over, each time when it is due.
func (c *callback) pace(until func(time.Duration)) {
	for due := c.length; !c.over(); {
		until(due)
		due = c.run(due, c.now())
	}
}

// record takes down a time that is in the histogram's range, so that it has no error
// to tell.
func record(h *hdrhistogram.Histogram, d time.Duration) { _ = h.RecordValue(int64(min(d, longest))) }
