package audio

import (
	"sync/atomic"

	"rubato/player"
)

// ring is a buffer of frames between one goroutine that writes and one that reads.
// Neither waits for the other: who finds it full or empty gets less. It stands
// between decoder and mixer, and between mixer and output, where a channel would
// cost a wake-up of 13 to 26 µs and a lock could be held by somebody else.
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

// Read takes the next frames, as many as there are and fit. The reader's.
func (r *ring) Read(into []player.Frame) int {
	read := r.read.Load()
	n := min(len(into), int(r.write.Load()-read))
	at := int(read % uint64(len(r.frames)))
	first := copy(into[:n], r.frames[at:])
	copy(into[first:n], r.frames)
	r.read.Store(read + uint64(n))
	return n
}

// put appends frames, as many as there is room for. The writer's.
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

// gap is where the next frames are to be written: at most so many, and no more than
// lie in one piece. commit hands them over. The writer's.
func (r *ring) gap(most int) []player.Frame {
	write := r.write.Load()
	at := int(write % uint64(len(r.frames)))
	n := min(most, len(r.frames)-int(write-r.read.Load()), len(r.frames)-at)
	return r.frames[at : at+n]
}

func (r *ring) commit(n int) { r.write.Add(uint64(n)) }

// reset empties the ring while nobody uses it.
func (r *ring) reset() {
	r.read.Store(0)
	r.write.Store(0)
}
