package direct

import (
	"strconv"

	"rubato/player"
)

// What plays, and what follows as it goes on.

// period mixes, and then follows what was passed on the way.
func (w *wired) period(s player.Stimulus) error {
	markers, err := w.Playback.Mix(s.Frames)
	if err != nil {
		return err
	}
	for _, m := range markers {
		passed := s
		passed.At += m.After
		if failed := w.pass(passed, m); err == nil {
			err = failed
		}
	}
	return err
}

func (w *wired) pass(s player.Stimulus, m player.Marker) error {
	switch m.Kind {
	case player.PositionMark:
		return w.position(s, m)
	case player.CrossfadeMark:
		return w.Broadcast.Send(player.StateChanged, player.Crossfading, 0)
	case player.BoundaryMark:
		return w.Broadcast.Send(player.SongChanged, "", m.Passage)
	case player.PassageEndMark:
		return w.passageEnd(s)
	}
	return nil
}

// position tells where in the passage we are, and as time has passed, looks after
// the queue and what was held back.
func (w *wired) position(s player.Stimulus, m player.Marker) error {
	if err := w.Broadcast.Send(player.PositionTold, "", m.Position.Duration().Milliseconds()); err != nil {
		return err
	}
	if level := w.Queue.Review(s.At); level.Refill {
		if err := w.depthChanged(s, level); err != nil {
			return err
		}
	}
	if depth, due := w.Pace.Owed(s.At); due {
		return w.tellDepth(s, depth)
	}
	return nil
}

// passageEnd advances the queue and remembers what was played.
func (w *wired) passageEnd(s player.Stimulus) error {
	ended, began, level, err := w.Queue.Advance(s.At)
	if err != nil {
		return err
	}
	recorded := w.History.Record(ended.Passage, began, s.At)
	if err := w.moveUp(s, level); err != nil {
		return err
	}
	return recorded
}

// moveUp follows when entries have left the queue: who is first now plays, who is
// second is cued. One that fails does not keep the others from it.
func (w *wired) moveUp(s player.Stimulus, level player.Level) error {
	head, next := w.Queue.Head(), w.Queue.Next()
	err := w.depthChanged(s, level)
	if started := w.startReady(head); err == nil {
		err = started
	}
	if cued := w.cueReady(next); err == nil {
		err = cued
	}
	return err
}

// startReady plays the first in the queue if it has been decoded.
func (w *wired) startReady(head int64) error {
	if !w.Decoder.IsReady(head) || w.Playback.Passage == head {
		return nil
	}
	return w.start(head)
}

// cueReady has the second in the queue follow if it has been decoded.
func (w *wired) cueReady(next int64) error {
	if w.Queue.Next() != next || !w.Decoder.IsReady(next) {
		return nil
	}
	return w.Playback.Cue(next)
}

// bufferReady starts the passage if it is the one to play, and cues it if it is the
// one to follow.
func (w *wired) bufferReady(s player.Stimulus) error {
	if err := w.Decoder.Ready(s.Passage); err != nil {
		return err
	}
	var err error
	if w.Queue.Head() == s.Passage {
		err = w.startReady(s.Passage)
	}
	if cued := w.cueReady(s.Passage); err == nil {
		err = cued
	}
	return err
}

// bufferFailed takes out of the queue what cannot be played.
func (w *wired) bufferFailed(s player.Stimulus) error {
	if err := w.Decoder.Fail(s.Passage); err != nil {
		return err
	}
	level, err := w.Queue.Drop(s.Passage, s.At)
	if err != nil {
		return err
	}
	return w.moveUp(s, level)
}

// start plays a passage, and tells everybody.
func (w *wired) start(passage int64) error {
	if err := w.Playback.Start(passage); err != nil {
		return err
	}
	if err := w.stateChanged(); err != nil {
		return err
	}
	return w.Broadcast.Send(player.SongChanged, "", passage)
}

// stateChanged tells and keeps what the player is doing.
func (w *wired) stateChanged() error {
	state := string(w.Playback.State)
	if err := w.Broadcast.Send(player.StateChanged, state, 0); err != nil {
		return err
	}
	return w.Settings.Put("playback", state)
}

// control commands playback, for whoever may.
func (w *wired) control(s player.Stimulus) error {
	if !w.Sessions.Authorised(s.Token) {
		return w.Sessions.Refuse(s.Command)
	}
	if s.Command == player.Skip {
		if err := w.Playback.Skip(s.At); err != nil {
			return err
		}
		return w.passageEnd(s)
	}
	changed, err := w.Playback.Command(s.Command)
	if err != nil || !changed {
		return err
	}
	return w.stateChanged()
}

// volumeSet sets the volume, and keeps it.
func (w *wired) volumeSet(s player.Stimulus) error {
	if err := w.Playback.SetVolume(s.Volume); err != nil {
		return err
	}
	return w.Settings.Put("volume", strconv.Itoa(s.Volume))
}
