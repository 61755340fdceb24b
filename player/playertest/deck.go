package playertest

import (
	"fmt"
	"slices"

	"rubato/player"
)

// scriptedDeck is a deck without sound. A passage is frames that are counted, is ready
// when it is loaded; its 4th period passes a boundary, its 29th crossfades, its 30th
// ends it.
// What it is asked for it writes down, so that styles can be compared by it.
type scriptedDeck struct {
	loaded       []int64
	sounds, cued int64
	periods      int // of what sounds
	paused       bool
	asked        []string
	delivered    player.Delivered
	failNext     bool // the next Mix fails
}

func (d *scriptedDeck) did(format string, values ...any) {
	d.asked = append(d.asked, fmt.Sprintf(format, values...))
}

func (d *scriptedDeck) Load(cut player.Cut) error {
	d.loaded = append(d.loaded, cut.Passage)
	d.did("load %d %d-%d", cut.Passage, cut.Start, cut.End)
	return nil
}

func (d *scriptedDeck) Drop(passage int64) {
	d.loaded = slices.DeleteFunc(d.loaded, func(l int64) bool { return l == passage })
	d.did("drop %d", passage)
}

func (d *scriptedDeck) Play(passage int64) error {
	if err := d.known(passage); err != nil {
		return err
	}
	if d.sounds != passage {
		d.sounds, d.periods = passage, 0
	}
	if d.cued == passage {
		d.cued = 0
	}
	d.did("play %d", passage)
	return nil
}

func (d *scriptedDeck) Cue(passage int64) error {
	if err := d.known(passage); err != nil {
		return err
	}
	d.cued = passage
	d.did("cue %d", passage)
	return nil
}

func (d *scriptedDeck) known(passage int64) error {
	if !slices.Contains(d.loaded, passage) {
		return &player.Error{Code: player.NotFound, Op: "scripted deck", Err: fmt.Errorf("passage %d is not ready", passage)}
	}
	return nil
}

func (d *scriptedDeck) Halt()                { d.sounds = 0; d.did("halt") }
func (d *scriptedDeck) Pause(paused bool)    { d.paused = paused; d.did("pause %v", paused) }
func (d *scriptedDeck) SetVolume(volume int) { d.did("volume %d", volume) }
func (d *scriptedDeck) Position() player.Ticks {
	return player.Ticks(d.periods) * player.PositionInterval
}
func (d *scriptedDeck) Delivered() player.Delivered { return d.delivered }

func (d *scriptedDeck) Mix(frames int) ([]player.Marker, error) {
	if d.failNext {
		d.failNext = false
		return nil, errFault
	}
	d.delivered.Frames += uint64(frames)
	if d.paused || d.sounds == 0 {
		return nil, nil
	}
	d.periods++
	at := d.Position()
	markers := []player.Marker{{Kind: player.PositionMark, Passage: d.sounds, Position: at, After: 64}}
	switch d.periods {
	case 4:
		markers = append(markers, player.Marker{Kind: player.BoundaryMark, Passage: d.sounds, Position: at, After: 128})
	case 29:
		if d.cued != 0 {
			markers = append(markers, player.Marker{Kind: player.CrossfadeMark, Passage: d.sounds, Position: at, After: 256})
		}
	case 30:
		markers = append(markers, player.Marker{Kind: player.PassageEndMark, Passage: d.sounds, Position: at, After: 512})
		d.Drop(d.sounds)
		d.sounds, d.cued, d.periods = d.cued, 0, 0
	}
	return markers, nil
}
