package audio

import (
	"sync/atomic"
	"time"

	"rubato/player"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// callback is what a sound card would call when a period is due. It takes the period from
// the ring and counts how that went. It never waits, locks, allocates or logs, whatever
// the rest of the program does. A test checks this in every function that it reaches.
type callback struct {
	ring   *ring          // nil: a metronome
	period []player.Frame // what the card gets
	length time.Duration  // of a period
	now    func() time.Duration
	extra  func() // RealTimeOptions.InCallback; nil: nothing
	primed bool   // the ring was half full once: from then on an empty one is an underrun
	ending atomic.Bool
	counts atomic.Pointer[CallbackStats]
	turns  atomic.Uint64 // callbacks ended: shows Take that counts are no longer written
}

// CallbackStats say how callbacks went.
type CallbackStats struct {
	Periods   uint64 // callbacks run
	Missed    uint64 // periods whose callback did not run in time
	Underruns uint64 // callbacks that found too few frames in the ring
	Played    uint64 // frames taken from the ring
	Silent    uint64 // frames of silence because of underruns
	// Nanoseconds, up to a minute: from when a callback was due until it started, and
	// from its start to its end.
	Lateness, Took *hdrhistogram.Histogram
}

// longest is the longest time that the histograms distinguish.
const longest = time.Minute

func newStats() *CallbackStats {
	return &CallbackStats{Lateness: hdrhistogram.New(1, int64(longest), 3), Took: hdrhistogram.New(1, int64(longest), 3)}
}

// run is one callback. due and start are times since the thread began. It returns when
// the next callback is due. Periods that passed meanwhile are missed and not made up
// for: a card would have played silence.
func (c *callback) run(due, start time.Duration) (next time.Duration) {
	n := c.counts.Load()
	late := max(start-due, 0)
	missed := late / c.length
	if c.ring != nil {
		c.play(n)
	}
	if c.extra != nil {
		c.extra()
	}
	n.Periods++
	n.Missed += uint64(missed)
	record(n.Lateness, late)
	record(n.Took, max(c.now()-start, 0))
	c.turns.Add(1)
	return due + (missed+1)*c.length
}

// play fills a period: with silence where the ring has too few frames.
func (c *callback) play(n *CallbackStats) {
	buffered, ending := c.ring.Buffered(), c.ending.Load()
	c.primed = c.primed || ending || buffered >= len(c.ring.frames)/2
	if !c.primed {
		clear(c.period)
		return
	}
	got := c.ring.Read(c.period)
	n.Played += uint64(got)
	if got < len(c.period) {
		clear(c.period[got:])
		if !ending {
			n.Underruns++
			n.Silent += uint64(len(c.period) - got)
		}
	}
}

// over reports whether the last callback has run.
func (c *callback) over() bool {
	return c.ending.Load() && (c.ring == nil || c.ring.Buffered() == 0)
}

// pace runs callbacks when they are due, until over.
func (c *callback) pace(until func(time.Duration)) {
	for due := c.length; !c.over(); {
		until(due)
		due = c.run(due, c.now())
	}
}

// record records a time. It is limited to the histogram's range, so there is no error.
func record(h *hdrhistogram.Histogram, d time.Duration) { _ = h.RecordValue(int64(min(d, longest))) }

// ring is a buffer of frames between one goroutine that writes and one that reads. Neither
// waits: if the ring is full or empty, fewer frames move. It connects decoder to mixer
// and mixer to output. There a channel would cost a wake-up of 13 to 26 µs, and a lock
// might be held by another goroutine.
type ring struct {
	frames []player.Frame
	_      [64]byte      // the two counts are written by different cores
	read   atomic.Uint64 // frames read since the last reset
	_      [64]byte
	write  atomic.Uint64 // frames written
	_      [64]byte
}

func newRing(frames int) *ring { return &ring{frames: make([]player.Frame, frames)} }

// Buffered is how many frames can be read.
func (r *ring) Buffered() int { return int(r.write.Load() - r.read.Load()) }

// room is how many frames can be written.
func (r *ring) room() int { return len(r.frames) - r.Buffered() }

// Read reads as many of the next frames as there are and fit. Only the reader calls it.
func (r *ring) Read(into []player.Frame) int {
	read := r.read.Load()
	n := min(len(into), int(r.write.Load()-read))
	at := int(read % uint64(len(r.frames)))
	first := copy(into[:n], r.frames[at:])
	copy(into[first:n], r.frames)
	r.read.Store(read + uint64(n))
	return n
}

// put appends as many frames as there is room for. Only the writer calls it.
func (r *ring) put(frames []player.Frame) int {
	n := copy(r.gap(len(frames)), frames)
	r.commit(n)
	if n == len(frames) || n == 0 {
		return n
	}
	rest := copy(r.gap(len(frames)-n), frames[n:])
	r.commit(rest)
	return n + rest
}

// gap is where to write the next frames: at most this many, and only a contiguous part.
// commit publishes them. Only the writer calls it.
func (r *ring) gap(most int) []player.Frame {
	write := r.write.Load()
	at := int(write % uint64(len(r.frames)))
	n := min(most, len(r.frames)-int(write-r.read.Load()), len(r.frames)-at)
	return r.frames[at : at+n]
}

func (r *ring) commit(n int) { r.write.Add(uint64(n)) }

// reset empties the ring. Nobody may use it at that time.
func (r *ring) reset() {
	r.read.Store(0)
	r.write.Store(0)
}
