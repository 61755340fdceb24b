package player

import (
	"errors"
	"fmt"
)

// State is what the player is doing.
type State string

const (
	Stopped State = "stopped"
	Playing State = "playing"
	Paused  State = "paused"
)

// Commands that people give to playback.
const (
	Play  = "play" // start, or go on
	Pause = "pause"
	Stop  = "stop" // hold, as Pause does; what differs is the state that is told and kept
	Skip  = "skip" // end what plays; see Playback.Skip
)

const (
	// MaxVolume is the loudest; 0 is silence.
	MaxVolume = 100
	// SkipInterval is how far apart two skips are at least.
	SkipInterval = 5 * Second
)

// Playback is what plays, and how loud. Part of module ap. It starts stopped, at
// half volume. What can be heard of it is the deck's.
type Playback struct {
	Lane    Lane
	State   State
	Passage int64 // what plays, 0 for nothing
	Volume  int

	deck     Deck // may be nil
	lastSkip Ticks
	skipped  bool
}

// NewPlayback returns the part; deck may be nil.
func NewPlayback(deck Deck, verbatim bool) *Playback {
	p := &Playback{Lane: NewLane("playback", verbatim), State: Stopped, Volume: MaxVolume / 2, deck: deck}
	if deck != nil {
		deck.SetVolume(p.Volume)
	}
	return p
}

// Command changes the state, and tells whether it did: pausing what is paused does
// not. Invalid for a word that is no command.
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
		return false, fail(Invalid, "playback: command", fmt.Errorf("%q is none of play, pause, stop, skip", command))
	}
	changed = next != p.State
	p.enter(next)
	p.Lane.Record("command "+command, string(next))
	return changed, nil
}

func (p *Playback) enter(state State) {
	p.State = state
	if p.deck != nil {
		p.deck.Pause(state != Playing)
	}
}

// Skip ends what plays, at at. NotFound when nothing does, TooSoon within
// SkipInterval of the last.
func (p *Playback) Skip(at Ticks) error {
	const op = "playback: skip"
	if p.Passage == 0 {
		return fail(NotFound, op, errors.New("nothing plays"))
	}
	if p.skipped && at-p.lastSkip < SkipInterval {
		return fail(TooSoon, op, fmt.Errorf("the last was %v ago, want %v at least", (at-p.lastSkip).Duration(), SkipInterval.Duration()))
	}
	p.lastSkip, p.skipped = at, true
	p.Lane.Record("skip", "", int64(at), p.Passage)
	p.Passage = 0
	if p.deck != nil {
		p.deck.Halt()
	}
	return nil
}

// Start plays a passage whose buffer is ready. One that sounds already, because it
// was cued, goes on.
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
	p.enter(Playing)
	p.Lane.Record("start", "", passage)
	return nil
}

// Cue has a passage follow what plays.
func (p *Playback) Cue(passage int64) error {
	if p.deck != nil {
		if err := p.deck.Cue(passage); err != nil {
			return fail(CodeOf(err), "playback: cue", err)
		}
	}
	p.Lane.Record("cue", "", passage)
	return nil
}

// SetVolume is Invalid outside 0 to MaxVolume.
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

// Mix has the deck mix the next frames, and answers what was passed on the way,
// soonest first. The markers are the deck's until the next Mix. Invalid without a
// deck.
func (p *Playback) Mix(frames int) ([]Marker, error) {
	const op = "playback: mix"
	if p.deck == nil || frames <= 0 || frames > MostFrames {
		return nil, fail(Invalid, op, fmt.Errorf("%d frames, want 1 to %d and a deck", frames, MostFrames))
	}
	markers, err := p.deck.Mix(frames)
	if err != nil {
		return nil, fail(Unavailable, op, err)
	}
	for _, m := range markers {
		if m.Kind == PassageEndMark {
			p.Passage = 0
		}
		p.Lane.Record("pass "+m.Kind.String(), "", m.Passage, int64(m.Position), int64(m.After))
	}
	return markers, nil
}

// Status is what people see.
func (p *Playback) Status() Status {
	s := Status{State: p.State, Passage: p.Passage, Volume: p.Volume}
	if p.deck != nil {
		s.Position = p.deck.Position()
	}
	return s
}
