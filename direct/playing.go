package direct

import (
	"strconv"

	"rubato/player"
)

// Playing: from one passage to the next.

// position reports the position. Time has passed, so it also reviews the queue.
func (w *wired) position(s player.Stimulus, m player.Marker) error {
	if err := w.Broadcast.Send(player.PositionChanged, "", m.Position.Duration().Milliseconds()); err != nil {
		return err
	}
	return w.review(s)
}

// review refills the queue if that is due by now, and reports a depth that was held back.
func (w *wired) review(s player.Stimulus) error {
	if level := w.Queue.Review(s.At); level.Refill {
		if err := w.depthChanged(s, level); err != nil {
			return err
		}
	}
	if depth, due := w.Pace.Owed(s.At); due {
		return w.sendDepth(s, depth)
	}
	return nil
}

// passageEnd advances the queue and records what was played.
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

// moveUp runs after an entry has left the queue: it plays the new first passage and
// cues the second. Each step runs even if another fails.
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

// startReady plays the first passage of the queue if it is decoded.
func (w *wired) startReady(head int64) error {
	if !w.Decoder.IsReady(head) || w.Playback.Passage == head {
		return nil
	}
	return w.start(head)
}

// cueReady cues the second passage of the queue if it is decoded.
func (w *wired) cueReady(next int64) error {
	if w.Queue.Next() != next || !w.Decoder.IsReady(next) {
		return nil
	}
	return w.Playback.Cue(next)
}

// bufferReady starts the passage if it is the first of the queue, and cues it if it is
// the second.
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

// bufferFailed drops a passage that cannot be played.
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

// start plays a passage and reports it.
func (w *wired) start(passage int64) error {
	if err := w.Playback.Start(passage); err != nil {
		return err
	}
	if err := w.stateChanged(); err != nil {
		return err
	}
	return w.Broadcast.Send(player.SongChanged, "", passage)
}

// stateChanged reports and stores the state.
func (w *wired) stateChanged() error {
	state := string(w.Playback.State)
	if err := w.Broadcast.Send(player.StateChanged, state, 0); err != nil {
		return err
	}
	return w.Settings.Put("playback", state)
}

// control runs a command if the session may.
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

// volumeSet sets and stores the volume.
func (w *wired) volumeSet(s player.Stimulus) error {
	if err := w.Playback.SetVolume(s.Volume); err != nil {
		return err
	}
	return w.Settings.Put("volume", strconv.Itoa(s.Volume))
}
