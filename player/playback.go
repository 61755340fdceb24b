package player

import "fmt"

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
	Stop  = "stop"
)

// MaxVolume is the loudest; 0 is silence.
const MaxVolume = 100

// Playback is what plays, and how loud. Part of module ap. It starts stopped, at
// half volume.
type Playback struct {
	Lane    Lane
	State   State
	Passage int64 // what plays, 0 for nothing
	Volume  int
}

// NewPlayback returns the part.
func NewPlayback(verbatim bool) *Playback {
	return &Playback{Lane: NewLane("playback", verbatim), State: Stopped, Volume: MaxVolume / 2}
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
		return false, fail(Invalid, "playback: command", fmt.Errorf("%q is none of play, pause, stop", command))
	}
	changed = next != p.State
	p.State = next
	p.Lane.Record("command "+command, string(next))
	return changed, nil
}

// Start plays a passage whose buffer is ready.
func (p *Playback) Start(passage int64) error {
	if passage <= 0 {
		return fail(Invalid, "playback: start", fmt.Errorf("passage %d", passage))
	}
	p.Passage, p.State = passage, Playing
	p.Lane.Record("start", "", passage)
	return nil
}

// SetVolume is Invalid outside 0 to MaxVolume.
func (p *Playback) SetVolume(volume int) error {
	if volume < 0 || volume > MaxVolume {
		return fail(Invalid, "playback: volume", fmt.Errorf("%d, want 0 to %d", volume, MaxVolume))
	}
	p.Volume = volume
	p.Lane.Record("volume", "", int64(volume))
	return nil
}
