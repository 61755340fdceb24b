package audio

import (
	"fmt"
	"math"
	"time"

	"rubato/player"
)

// Mix mixes the next frames and hands them to the output. Nothing that sounds, and
// what is paused, is silence and passes no marker.
func (d *Deck) Mix(frames int) ([]player.Marker, error) {
	if frames <= 0 || frames > player.MostFrames {
		return nil, &player.Error{Code: player.Invalid, Op: "deck: mix", Err: fmt.Errorf("%d frames, want 1 to %d", frames, player.MostFrames)}
	}
	if frames > cap(d.batch) {
		d.batch = make([]player.Frame, frames)
	}
	batch := d.batch[:frames]
	markers, err := d.mix(batch)
	if err != nil {
		return nil, err
	}
	if err := d.options.Output.Write(batch); err != nil {
		return nil, &player.Error{Code: player.Unavailable, Op: "deck: mix", Err: err}
	}
	return markers, nil
}

func (d *Deck) mix(batch []player.Frame) ([]player.Marker, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, player.ErrClosed
	}
	d.mixer.Begin()
	if d.paused {
		clear(batch)
	} else if err := d.fill(batch); err != nil {
		return nil, err
	}
	d.sound.Frames += uint64(len(batch))
	d.sound.Digest = digest(d.sound.Digest, batch)
	d.tend()
	return d.mixer.Markers(), nil
}

// fill mixes a batch. What the decoder has not done yet is waited for, or is silence.
func (d *Deck) fill(batch []player.Frame) error {
	for done := 0; ; {
		done += d.mixer.Mix(batch[done:])
		if done == len(batch) {
			return nil
		}
		if !d.options.Wait {
			d.sound.Starved += uint64(len(batch) - done)
			clear(batch[done:])
			d.poke()
			return nil
		}
		d.tend()
		if !d.await(d.mixer.Fed) {
			return d.late()
		}
	}
}

// late is why frames did not come.
func (d *Deck) late() error {
	if d.closed {
		return player.ErrClosed
	}
	return &player.Error{Code: player.Unavailable, Op: "deck: mix",
		Err: fmt.Errorf("the decoder gave no frame for %v; is the disk of the music there?", d.options.Patience)}
}

// tend frees what has ended and has the decoder go on where a buffer runs low.
func (d *Deck) tend() {
	d.sweep()
	for _, p := range d.loaded {
		if d.hungry(p) {
			d.poke()
			return
		}
	}
}

// await waits, with the lock held at either end, until done says so. False when
// Patience has run out or the deck was closed.
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
		if d.news == nil {
			d.news = make(chan struct{})
		}
		news := d.news
		d.mu.Unlock()
		var out bool
		select {
		case <-news:
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

// Delivered is what Mix has handed out so far.
func (d *Deck) Delivered() player.Delivered {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sound
}

// Missing is how many frames the files did not have that were decoded so far; they
// are silence.
func (d *Deck) Missing() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.missing
}

// digest takes in a frame as one word: left in the upper half, right in the lower.
func digest(h uint64, frames []player.Frame) uint64 {
	for _, f := range frames {
		h = player.DigestWord(h, uint64(math.Float32bits(f[0]))<<32|uint64(math.Float32bits(f[1])))
	}
	return h
}
