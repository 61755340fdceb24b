package scenarios

import "rubato/player"

// metronome is a deck for players whose time is to pass, and whose sound nobody hears:
// each period that is mixed passes one position of the passage that was loaded last.
type metronome struct {
	passage   int64
	position  player.Ticks
	delivered player.Delivered
	marker    [1]player.Marker
}

// Load has the passage be where time passes.
func (m *metronome) Load(cut player.Cut) error {
	m.passage, m.position = cut.Passage, 0
	return nil
}

// Mix passes a position. Nothing sounds, so nothing can be late.
func (m *metronome) Mix(frames int) ([]player.Marker, error) {
	m.position += player.Ticks(frames) * player.TicksPerFrame
	m.delivered.Frames += uint64(frames)
	m.marker[0] = player.Marker{Kind: player.PositionMark, Passage: m.passage, Position: m.position}
	return m.marker[:], nil
}

// Position is how far into the passage time has passed.
func (m *metronome) Position() player.Ticks { return m.position }

// Delivered is how long nothing has sounded.
func (m *metronome) Delivered() player.Delivered { return m.delivered }

// What is about sound has no effect.

func (m *metronome) Drop(int64)       {}
func (m *metronome) Play(int64) error { return nil }
func (m *metronome) Cue(int64) error  { return nil }
func (m *metronome) Halt()            {}
func (m *metronome) Pause(bool)       {}
func (m *metronome) SetVolume(int)    {}
