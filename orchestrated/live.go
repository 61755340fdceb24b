package orchestrated

import "rubato/player"

// What module ap's sound sets off, and what module ui asks of it, for every bus alike.

// Pass tells the concept where it arises what was passed while mixing; rules do the
// rest.
func (e *Engine) Pass(s player.Stimulus, m player.Marker) error {
	at := s.At + m.After
	switch m.Kind {
	case player.PositionMark:
		return e.Emit(s.Seq, 0, "ap::Playback::position", Int(m.Position.Duration().Milliseconds()), Int(at), Nat(s.Seed))
	case player.CrossfadeMark:
		return e.Emit(s.Seq, 0, "ap::Playback::crossfadeStarted", String(player.Crossfading))
	case player.BoundaryMark:
		return e.Emit(s.Seq, 0, "ap::Playback::songBoundary", Int(m.Passage))
	case player.PassageEndMark:
		return e.Emit(s.Seq, 0, "ap::Playback::passageEnded", Int(at), Nat(s.Seed))
	}
	return nil
}

// Status asks ap::Playback, wherever that is.
func (e *Engine) Status(seq uint64) (player.Status, error) {
	var out [4]Value
	err := e.Invoke(seq, 0, "ap::Playback::status", nil, out[:])
	return player.Status{State: player.State(out[0].Text()), Passage: out[1].Int(), Position: out[2].Ticks(), Volume: int(out[3].Int())}, err
}

// Waiting asks ap::Queue, wherever that is.
func (e *Engine) Waiting(seq uint64) ([]player.Entry, error) {
	var out [1]Value
	if err := e.Invoke(seq, 0, "ap::Queue::list", nil, out[:]); err != nil {
		return nil, err
	}
	return parseEntries(out[0].Text())
}
