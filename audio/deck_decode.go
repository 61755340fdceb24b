package audio

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"rubato/player"
)

// chunk is how many frames are decoded before the decoder checks for a more urgent
// passage: 93 ms of sound, less than a millisecond of work.
const chunk = 4096

// decode is the decoder's goroutine. Only it opens, reads and closes files.
func (d *Deck) decode() {
	defer close(d.ended)
	for {
		p, closing, closed := d.pick()
		for _, s := range closing {
			_ = s.Close() // it was only read
		}
		switch {
		case closed:
			return
		case p == nil:
			<-d.wake
		default:
			err := d.step(p)
			d.stepped(p, err)
		}
	}
}

// pick returns the passage to decode next: the first in order of Load that needs frames.
// So a passage that sounds comes before those that follow it.
func (d *Deck) pick() (next *passage, closing []Sound, closed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		for _, p := range slices.Backward(d.loaded) {
			d.release(p)
		}
	}
	closing, d.retired = d.retired, nil
	for _, p := range d.loaded {
		if d.giveBuffer(p); d.needsFrames(p) {
			d.decoding = p
			return p, closing, d.closed
		}
	}
	return nil, closing, d.closed
}

// giveBuffer gives a passage a buffer if it needs one and one is free.
func (d *Deck) giveBuffer(p *passage) {
	if p.buffer != nil || p.err != nil {
		return
	}
	if n := len(d.free); n > 0 {
		p.buffer, d.free = d.free[n-1], d.free[:n-1]
		p.buffer.reset()
	} else if d.made < d.options.Buffers {
		p.buffer = newRing(d.options.Frames)
		d.made++
	}
	p.filling = p.buffer != nil
}

// needsFrames reports whether decoding must continue: it starts when the buffer is half
// empty and goes on until it is nearly full.
func (d *Deck) needsFrames(p *passage) bool {
	if p.buffer == nil || p.whole || p.err != nil {
		return false
	}
	p.filling = p.filling || p.buffer.Buffered() < d.options.Frames/2
	return p.filling
}

// step decodes a chunk. The lock is not held.
func (d *Deck) step(p *passage) error {
	if p.sound == nil {
		s, err := d.options.Open(p.cut)
		if err != nil {
			return err
		}
		p.sound = s
	}
	gap := p.buffer.gap(int(min(chunk, p.cut.Frames()-p.decoded)))
	n, err := p.sound.Read(gap)
	switch {
	case n < 0 || n > len(gap):
		return fmt.Errorf("audio: passage %d: %d frames read of %d", p.cut.Passage, n, len(gap))
	case errors.Is(err, io.EOF):
		p.silence(gap, n)
		return nil
	case err == nil && n == 0 && len(gap) > 0:
		return fmt.Errorf("audio: passage %d: %w", p.cut.Passage, io.ErrNoProgress)
	}
	p.commit(n)
	return err
}

// silence fills the rest of a gap after the end or the failure of a file.
func (p *passage) silence(gap []player.Frame, from int) {
	clear(gap[from:])
	p.lost += int64(len(gap) - from)
	p.commit(len(gap))
}

func (p *passage) commit(n int) {
	p.decoded += int64(n)
	p.buffer.commit(n)
}

// stepped records the result of a step. A passage that fails after it was ready goes on
// as silence, because its length was announced.
func (d *Deck) stepped(p *passage, err error) {
	if err != nil && p.ready {
		p.silence(p.buffer.gap(int(min(chunk, p.cut.Frames()-p.decoded))), 0)
		err = nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.decoding = nil
	defer d.signal()
	if p.released {
		d.retire(p)
		return
	}
	if err != nil {
		p.err = err // until Prepared reports it
		d.retire(p)
		return
	}
	missing := p.lost + p.sound.Missing()
	d.missing += missing - p.counted
	p.counted = missing
	p.whole = p.decoded == p.cut.Frames()
	p.ready = p.ready || p.whole || p.decoded >= int64(d.options.Start)
	p.filling = p.buffer.room() >= min(chunk, max(d.options.Frames/2, 1))
}

// release forgets a passage. If it is being decoded, the decoder frees its buffer later.
func (d *Deck) release(p *passage) {
	if i := slices.Index(d.loaded, p); i >= 0 {
		d.loaded = slices.Delete(d.loaded, i, i+1)
	}
	p.released = true
	if p.buffer != nil {
		d.mixer.Uncue(p.buffer)
	}
	if p != d.decoding {
		d.retire(p)
	}
	d.wakeDecoder()
}

// retire frees the buffer and leaves it to the decoder to close the file.
func (d *Deck) retire(p *passage) {
	if p.buffer != nil {
		d.free = append(d.free, p.buffer)
	}
	if p.sound != nil {
		d.retired = append(d.retired, p.sound)
	}
	p.buffer, p.sound = nil, nil
}

// wakeDecoder wakes the decoder if it sleeps.
func (d *Deck) wakeDecoder() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// signal wakes everyone in await.
func (d *Deck) signal() {
	if d.progress != nil {
		close(d.progress)
		d.progress = nil
	}
}

// refill frees buffers of ended passages and wakes the decoder if a buffer runs low.
func (d *Deck) refill() {
	d.releaseEnded()
	for _, p := range d.loaded {
		if d.needsFrames(p) {
			d.wakeDecoder()
			return
		}
	}
}

// await waits until done is true. The lock is held on entry, on return and in done. It
// returns false if Patience passed or the deck was closed.
func (d *Deck) await(done func() bool) bool {
	if done() {
		return true
	}
	late := time.NewTimer(d.options.Patience)
	defer late.Stop()
	for !done() {
		if d.closed {
			return false
		}
		if d.progress == nil {
			d.progress = make(chan struct{})
		}
		progress := d.progress
		d.mu.Unlock()
		var out bool
		select {
		case <-progress:
		case <-late.C:
			out = true
		}
		d.mu.Lock()
		if out {
			return done()
		}
	}
	return true
}

// Prepared is the outcome of Load.
type Prepared struct {
	Passage int64
	Err     error // why it cannot be decoded; nil: ready
	Missing int64 // missing frames of its file so far
}

// Prepared returns the passages that became ready or failed since the last call, in
// order of Load. With wait it first waits until every passage that has a buffer, or for
// which one is free, is ready or has failed. So a player that plays as fast as it can
// gets the same reports at the same places, however fast the decoder is. A passage that
// is not decoded in time has failed.
func (d *Deck) Prepared(wait bool) []Prepared {
	d.mu.Lock()
	defer d.mu.Unlock()
	if wait && !d.await(d.prepared) {
		d.giveUp()
	}
	var prepared []Prepared
	for _, p := range d.loaded {
		if !p.reported && (p.ready || p.err != nil) {
			p.reported = true
			prepared = append(prepared, Prepared{Passage: p.cut.Passage, Err: p.err, Missing: p.counted})
		}
	}
	for _, p := range slices.Backward(d.loaded) {
		if p.reported && p.err != nil {
			d.release(p)
		}
	}
	return prepared
}

// prepared reports whether no waiting passage can become ready without a free buffer.
func (d *Deck) prepared() bool {
	free := len(d.free) > 0 || d.made < d.options.Buffers || d.decoding != nil && d.decoding.released
	for _, p := range d.loaded {
		if !p.ready && p.err == nil && (p.buffer != nil || free) {
			return false
		}
	}
	return true
}

// giveUp fails the passage that is being decoded if it is not ready.
func (d *Deck) giveUp() {
	if p := d.decoding; p != nil && !p.released && !p.ready {
		p.err = fmt.Errorf("audio: passage %d was not decoded within %v", p.cut.Passage, d.options.Patience)
	}
}
