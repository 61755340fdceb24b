package player

import (
	"errors"
	"fmt"
	"slices"
)

// State is what the player is doing.
type State string

const (
	Stopped State = "stopped"
	Playing State = "playing"
	Paused  State = "paused"
)

// Commands that users give to playback.
const (
	Play  = "play" // start or continue
	Pause = "pause"
	Stop  = "stop" // holds the sound like Pause; only the state differs
	Skip  = "skip" // end the passage that plays; see Playback.Skip
)

const (
	// MaxVolume is the loudest; 0 is silence.
	MaxVolume = 100
	// SkipInterval is the shortest time between two skips.
	SkipInterval = 5 * Second
)

// Playback is what plays, and how loud. Part of module ap. It starts stopped, at half
// volume. The deck makes the sound.
type Playback struct {
	Lane    Lane
	State   State
	Passage int64 // the one that plays, 0 for none
	Volume  int

	deck     Deck // may be nil
	lastSkip Ticks
	skipped  bool
	idle     int // frames since the last IdleMark, or since a passage played
}

// NewPlayback returns the part; deck may be nil.
func NewPlayback(deck Deck, verbatim bool) *Playback {
	p := &Playback{Lane: NewLane("playback", verbatim), State: Stopped, Volume: MaxVolume / 2, deck: deck}
	if deck != nil {
		deck.SetVolume(p.Volume)
	}
	return p
}

// Command changes the state and reports whether it changed: pausing a paused player
// changes nothing. Invalid for other words.
func (p *Playback) Command(command string) (changed bool, err error) {
	next := p.State
	switch command {
	case Play:
		next = Playing
	case Pause:
		if p.State == Playing {
			next = Paused
		}
	case Stop:
		next = Stopped
	default:
		return false, fail(Invalid, "playback: command", fmt.Errorf("%q: want play, pause, stop or skip", command))
	}
	changed = next != p.State
	p.setState(next)
	p.Lane.Record("command "+command, string(next))
	return changed, nil
}

func (p *Playback) setState(state State) {
	p.State = state
	if p.deck != nil {
		p.deck.Pause(state != Playing)
	}
}

// Skip ends the passage that plays, at at. NotFound if none plays, TooSoon within
// SkipInterval of the last skip.
func (p *Playback) Skip(at Ticks) error {
	const op = "playback: skip"
	if p.Passage == 0 {
		return fail(NotFound, op, errors.New("nothing plays"))
	}
	if p.skipped && at-p.lastSkip < SkipInterval {
		return fail(TooSoon, op, fmt.Errorf("the last skip was %v ago, want %v at least", (at-p.lastSkip).Duration(), SkipInterval.Duration()))
	}
	p.lastSkip, p.skipped = at, true
	p.Lane.Record("skip", "", int64(at), p.Passage)
	p.Passage = 0
	if p.deck != nil {
		p.deck.Halt()
	}
	return nil
}

// Start plays a passage whose buffer is ready. If it sounds already, because it was
// cued, it continues.
func (p *Playback) Start(passage int64) error {
	const op = "playback: start"
	if passage <= 0 {
		return fail(Invalid, op, fmt.Errorf("passage %d", passage))
	}
	if p.deck != nil {
		if err := p.deck.Play(passage); err != nil {
			return fail(CodeOf(err), op, err)
		}
	}
	p.Passage = passage
	p.setState(Playing)
	p.Lane.Record("start", "", passage)
	return nil
}

// Cue makes a passage follow the one that plays.
func (p *Playback) Cue(passage int64) error {
	if p.deck != nil {
		if err := p.deck.Cue(passage); err != nil {
			return fail(CodeOf(err), "playback: cue", err)
		}
	}
	p.Lane.Record("cue", "", passage)
	return nil
}

// SetVolume sets the volume. Invalid outside 0 to MaxVolume.
func (p *Playback) SetVolume(volume int) error {
	if volume < 0 || volume > MaxVolume {
		return fail(Invalid, "playback: volume", fmt.Errorf("%d, want 0 to %d", volume, MaxVolume))
	}
	p.Volume = volume
	if p.deck != nil {
		p.deck.SetVolume(volume)
	}
	p.Lane.Record("volume", "", int64(volume))
	return nil
}

// Mix makes the deck mix the next frames and returns the markers in them, in order of
// time. They are valid until the next Mix. Invalid without a deck.
func (p *Playback) Mix(frames int) ([]Marker, error) {
	const op = "playback: mix"
	if p.deck == nil || frames <= 0 || frames > MostFrames {
		return nil, fail(Invalid, op, fmt.Errorf("%d frames, want 1 to %d and a deck", frames, MostFrames))
	}
	markers, err := p.deck.Mix(frames)
	if err != nil {
		return nil, fail(Unavailable, op, err)
	}
	if p.idles(frames) {
		markers = append(markers, Marker{Kind: IdleMark})
	}
	for _, m := range markers {
		if m.Kind == PassageEndMark {
			p.Passage = 0
		}
		p.Lane.Record("pass "+m.Kind.String(), "", m.Passage, int64(m.Position), int64(m.After))
	}
	return markers, nil
}

// idles counts frames without a passage and reports whether an IdleMark is due. Without one,
// nothing would tell the queue that time passes.
func (p *Playback) idles(frames int) bool {
	if p.Passage != 0 || p.State != Playing {
		p.idle = 0
		return false
	}
	p.idle += frames
	if Ticks(p.idle)*TicksPerFrame < PositionInterval {
		return false
	}
	p.idle = 0
	return true
}

// Status is what users see.
func (p *Playback) Status() Status {
	s := Status{State: p.State, Passage: p.Passage, Volume: p.Volume}
	if p.deck != nil {
		s.Position = p.deck.Position()
	}
	return s
}

// Decoder knows which passages were requested and which are ready. Part of module ap.
// The deck decodes them.
type Decoder struct {
	Lane      Lane
	deck      Deck     // may be nil
	cuts      CutStore // not read without a deck
	requested []int64
	ready     []int64
}

// Request requests that a passage is decoded. It is no longer ready from an earlier
// play. With more requests than the queue can hold, the oldest is forgotten: that
// passage has left the queue.
func (d *Decoder) Request(passage int64) error {
	if len(d.requested) == QueueLimit {
		d.drop(d.requested[0])
		d.requested = slices.Delete(d.requested, 0, 1)
	}
	if err := d.load(passage); err != nil {
		return err
	}
	if i := slices.Index(d.ready, passage); i >= 0 {
		d.ready = slices.Delete(d.ready, i, i+1)
	}
	d.requested = append(d.requested, passage)
	d.Lane.Record("request", "", passage)
	return nil
}

func (d *Decoder) load(passage int64) error {
	const op = "decoder: request"
	if d.deck == nil {
		return nil
	}
	cut, err := d.cuts.Cut(passage)
	if err == nil {
		err = d.deck.Load(cut)
	}
	if err != nil {
		return fail(CodeOf(err), op, err)
	}
	return nil
}

func (d *Decoder) drop(passage int64) {
	if d.deck != nil {
		d.deck.Drop(passage)
	}
}

// Ready records that a passage is decoded. NotFound if it was not requested.
func (d *Decoder) Ready(passage int64) error {
	if err := d.answer(passage, "decoder: ready"); err != nil {
		return err
	}
	if len(d.ready) == QueueLimit {
		d.ready = slices.Delete(d.ready, 0, 1)
	}
	d.ready = append(d.ready, passage)
	d.Lane.Record("ready", "", passage)
	return nil
}

// Fail records that a passage cannot be decoded. NotFound if it was not requested.
func (d *Decoder) Fail(passage int64) error {
	if err := d.answer(passage, "decoder: fail"); err != nil {
		return err
	}
	d.drop(passage)
	d.Lane.Record("fail", "", passage)
	return nil
}

// answer removes the request for a passage.
func (d *Decoder) answer(passage int64, op string) error {
	i := slices.Index(d.requested, passage)
	if i < 0 {
		return fail(NotFound, op, fmt.Errorf("passage %d was not requested", passage))
	}
	d.requested = slices.Delete(d.requested, i, i+1)
	return nil
}

// IsReady reports whether a passage is decoded.
func (d *Decoder) IsReady(passage int64) bool { return slices.Contains(d.ready, passage) }
