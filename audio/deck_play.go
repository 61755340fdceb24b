package audio

import (
	"fmt"
	"slices"

	"rubato/player"
)

// Play has a passage sound from the next mixed frame on.
func (d *Deck) Play(passage int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.find(passage, true, "deck: play")
	if err == nil {
		d.mixer.Play(p.cut, p.buffer)
		p.began = true
		d.sweep()
	}
	return err
}

// Cue has a passage follow what sounds. One that sounds already beside it does so.
func (d *Deck) Cue(passage int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.find(passage, false, "deck: cue")
	if err == nil && !p.began {
		d.mixer.Cue(p.cut, p.buffer)
	}
	return err
}

// find finds a passage that is ready. There can be two plays of it: one that has
// begun to sound, and one that has not.
func (d *Deck) find(number int64, began bool, op string) (found *passage, err error) {
	if d.closed {
		return nil, player.ErrClosed
	}
	for _, p := range d.loaded {
		if p.cut.Passage == number && p.ready && (found == nil || p.began == began) {
			found = p
		}
	}
	if found == nil {
		return nil, &player.Error{Code: player.NotFound, Op: op, Err: fmt.Errorf("passage %d is not ready", number)}
	}
	return found, nil
}

// Halt ends what plays. A passage that sounds beside it in a crossfade goes on alone.
func (d *Deck) Halt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mixer.Halt()
	d.sweep()
}

// Pause holds what sounds, or lets it go on.
func (d *Deck) Pause(hold bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.paused = hold
}

// SetVolume takes 0 to MaxVolume.
func (d *Deck) SetVolume(volume int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mixer.SetVolume(volume)
}

// Position is how far into the passage that sounds.
func (d *Deck) Position() player.Ticks {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mixer.Position()
}

// sweep releases the passages that sounded and do not any more. One may have begun
// and ended since the last time: then something was read of it.
func (d *Deck) sweep() {
	for _, p := range slices.Backward(d.loaded) {
		if p.buffer == nil {
			continue
		}
		p.began = p.began || p.buffer.read.Load() > 0
		if p.began && !d.mixer.Sounds(p.buffer) {
			d.release(p)
		}
	}
}
