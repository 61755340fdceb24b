package audio

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"rubato/player"
)

// chunk is how many frames are decoded before the decoder looks round for what is
// more urgent: 93 ms of sound, and less than a millisecond of work.
const chunk = 4096

// decode is the deck's goroutine. It alone opens, reads and closes files.
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

// pick chooses what to decode next: the first in order of Load that is hungry, so
// that what sounds comes before what follows it.
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
		if d.serve(p); d.hungry(p) {
			d.busy = p
			return p, closing, d.closed
		}
	}
	return nil, closing, d.closed
}

// serve gives a passage a buffer, if it needs one and there is one.
func (d *Deck) serve(p *passage) {
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

// hungry tells whether a passage needs to be decoded on: from when its buffer is
// half empty until it is nearly full.
func (d *Deck) hungry(p *passage) bool {
	if p.buffer == nil || p.whole || p.err != nil {
		return false
	}
	p.filling = p.filling || p.buffer.Buffered() < d.options.Frames/2
	return p.filling
}

// step decodes a chunk, with no lock held.
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
		return d.silence(p, gap, n)
	case err != nil:
		d.commit(p, n)
		return err
	case n == 0 && len(gap) > 0:
		return fmt.Errorf("audio: passage %d: %w", p.cut.Passage, io.ErrNoProgress)
	}
	d.commit(p, n)
	return nil
}

// silence stands for what a passage should have had after its end or its failure.
func (d *Deck) silence(p *passage, gap []player.Frame, from int) error {
	clear(gap[from:])
	p.lost += int64(len(gap) - from)
	d.commit(p, len(gap))
	return nil
}

func (d *Deck) commit(p *passage, n int) {
	p.decoded += int64(n)
	p.buffer.commit(n)
}

// stepped takes down what came of a step. A passage that breaks after it was ready
// goes on as silence: its length has been announced.
func (d *Deck) stepped(p *passage, err error) {
	if err != nil && p.ready {
		gap := p.buffer.gap(int(min(chunk, p.cut.Frames()-p.decoded)))
		err = d.silence(p, gap, 0)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy = nil
	defer d.tell()
	if p.gone {
		d.retire(p)
		return
	}
	if err != nil {
		d.fail(p, err)
		return
	}
	d.account(p)
	p.whole = p.decoded == p.cut.Frames()
	p.ready = p.ready || p.whole || p.decoded >= int64(d.options.Start)
	p.filling = p.buffer.room() >= min(chunk, max(d.options.Frames/2, 1))
}

// account adds what the file lacked to what all files lacked.
func (d *Deck) account(p *passage) {
	missing := p.lost + p.sound.Missing()
	d.missing += missing - p.counted
	p.counted = missing
}

// fail keeps a passage as failed until Prepared has told so. Its buffer is free.
func (d *Deck) fail(p *passage, err error) {
	p.err = err
	if p != d.busy {
		d.retire(p)
	}
}

// release forgets a passage. The decoder gives back what it is at itself.
func (d *Deck) release(p *passage) {
	if i := slices.Index(d.loaded, p); i >= 0 {
		d.loaded = slices.Delete(d.loaded, i, i+1)
	}
	p.gone = true
	if p.buffer != nil {
		d.mixer.Uncue(p.buffer)
	}
	if p != d.busy {
		d.retire(p)
	}
	d.poke()
}

// retire gives back the buffer, and leaves the file to be closed.
func (d *Deck) retire(p *passage) {
	if p.buffer != nil {
		d.free = append(d.free, p.buffer)
	}
	if p.sound != nil {
		d.retired = append(d.retired, p.sound)
	}
	p.buffer, p.sound = nil, nil
}

// poke wakes the decoder.
func (d *Deck) poke() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// tell wakes all who await.
func (d *Deck) tell() {
	if d.news != nil {
		close(d.news)
		d.news = nil
	}
}
