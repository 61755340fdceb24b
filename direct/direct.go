// Package direct is the baseline: the player's parts joined by function calls, as
// fast as an expert would write it. It adds nothing, so that whatever another
// style costs more is that style's.
//
// It has the shape of its siblings, orchestrated and natsbus: type, open, stimuli,
// conversation, close.
package direct

import (
	"strconv"

	"rubato/player"
)

// Style is direct calls.
var Style = player.Style{
	Name: "direct",
	Doc:  "function calls between the parts: the baseline, which adds nothing",
	Open: Open,
}

// wired is the player as direct calls join it.
type wired struct {
	*player.Parts
	closed bool
}

// Open makes the parts. Who calls whom is below.
func Open(config player.Config) (player.Player, error) {
	return &wired{Parts: player.NewParts(config.Defaults())}, nil
}

// Do calls, and what it calls has happened when it returns.
func (w *wired) Do(s player.Stimulus) error {
	if w.closed {
		return player.ErrClosed
	}
	if s.Kind == player.MessageSaid {
		return w.Batch.Do(w.messageSaid(s))
	}
	return w.converse(s)
}

// Post is done when it returns, but for a message that waits for its batch.
func (w *wired) Post(s player.Stimulus, done player.Done) error {
	if w.closed {
		return player.ErrClosed
	}
	if s.Kind == player.MessageSaid {
		w.Batch.Add(s.Seq, w.messageSaid(s), done)
	} else {
		done(s.Seq, w.converse(s))
	}
	return nil
}

// Settle commits the batch that has not filled.
func (w *wired) Settle() error { return w.Batch.Flush() }

// converse holds the conversation that a stimulus starts.
func (w *wired) converse(s player.Stimulus) error {
	switch s.Kind {
	case player.QueueLow:
		return w.queueLow(s)
	case player.PassageEnd:
		return w.passageEnd(s)
	case player.BufferReady:
		return w.bufferReady(s)
	case player.Control:
		return w.control(s)
	case player.VolumeSet:
		return w.volumeSet(s)
	}
	return player.Unknown(s)
}

// queueLow refills the queue by one passage.
func (w *wired) queueLow(s player.Stimulus) error {
	return w.depthChanged(s, w.Queue.PlayDown(s.At))
}

// passageEnd advances the queue and remembers what was played.
func (w *wired) passageEnd(s player.Stimulus) error {
	ended, began, level, err := w.Queue.Advance(s.At)
	if err != nil {
		return err
	}
	next := w.Queue.Head()
	err = w.depthChanged(s, level)
	if recorded := w.History.Record(ended.Passage, began, s.At); err == nil {
		err = recorded
	}
	if w.Decoder.IsReady(next) {
		if started := w.start(next); err == nil {
			err = started
		}
	}
	return err
}

// depthChanged tells how many wait, at most ten times a second, and refills.
func (w *wired) depthChanged(s player.Stimulus, level player.Level) error {
	if w.Pace.Due(s.At) {
		if err := w.Broadcast.Send(player.DepthChanged, "", int64(level.Depth)); err != nil {
			return err
		}
		if err := w.Pace.Mark(s.At); err != nil {
			return err
		}
	}
	if !w.Queue.AutoPlay || !w.Queue.RefillDue() {
		return nil
	}
	return w.refill(s, level)
}

// refill chooses a passage and enqueues it.
func (w *wired) refill(s player.Stimulus, level player.Level) error {
	wanted, err := w.Timeslots.FlavorAt(level.Target)
	if err != nil {
		return err
	}
	passage, err := w.Director.Select(level.Target, wanted, s.Seed)
	if err != nil {
		_ = w.Broadcast.Send(player.Notice, string(player.CodeOf(err)), 0) // the selection's error is the one to tell
		return err
	}
	if err := w.Queue.Enqueue(passage.ID, passage.Length()); err != nil {
		return err
	}
	if err := w.Decoder.Request(passage.ID); err != nil {
		return err
	}
	return w.Cooldowns.Record(passage.ID, level.Target)
}

// bufferReady starts the passage if it is the one to play.
func (w *wired) bufferReady(s player.Stimulus) error {
	if err := w.Decoder.Ready(s.Passage); err != nil {
		return err
	}
	if w.Queue.Head() != s.Passage || w.Playback.Passage == s.Passage {
		return nil
	}
	return w.start(s.Passage)
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

// messageSaid logs a message and counts its user.
func (w *wired) messageSaid(s player.Stimulus) error {
	if err := w.Messages.Append(s.Message); err != nil {
		return err
	}
	return w.Users.Count(s.Message.Username)
}

// Close commits what waits. There is nothing else to leave behind.
func (w *wired) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	return w.Batch.Flush()
}
