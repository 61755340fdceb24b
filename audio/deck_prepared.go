package audio

import (
	"fmt"
	"slices"
)

// Prepared is what came of loading a passage.
type Prepared struct {
	Passage int64
	Err     error // why it cannot be decoded; nil: it is ready
	Missing int64 // frames that its file did not have, as far as it is decoded
}

// Prepared is what became ready or failed since the last call, in order of Load.
// With wait it comes back when nothing more can: every passage that has a buffer, or
// for which one is free, is ready or has failed. So a player that plays as fast as
// it can is told the same at the same places, however fast the decoder is. What is
// not decoded in time has failed.
func (d *Deck) Prepared(wait bool) []Prepared {
	d.mu.Lock()
	defer d.mu.Unlock()
	if wait && !d.await(d.settled) {
		d.giveUp()
	}
	var prepared []Prepared
	for _, p := range d.loaded {
		if !p.told && (p.ready || p.err != nil) {
			p.told = true
			prepared = append(prepared, Prepared{Passage: p.cut.Passage, Err: p.err, Missing: p.counted})
		}
	}
	for _, p := range slices.Backward(d.loaded) {
		if p.told && p.err != nil {
			d.release(p)
		}
	}
	return prepared
}

// settled tells whether the decoder can do no more for those that wait.
func (d *Deck) settled() bool {
	free := len(d.free) > 0 || d.made < d.options.Buffers || d.busy != nil && d.busy.gone
	for _, p := range d.loaded {
		if !p.ready && p.err == nil && (p.buffer != nil || free) {
			return false
		}
	}
	return true
}

// giveUp fails what the decoder is at, and is not ready.
func (d *Deck) giveUp() {
	for _, p := range d.loaded {
		if p == d.busy && !p.ready {
			d.fail(p, fmt.Errorf("audio: passage %d was not decoded within %v", p.cut.Passage, d.options.Patience))
		}
	}
}
