// Package direct is the baseline: the player's parts joined by function calls, as
// fast as an expert would write it. It adds nothing, so that whatever another
// style costs more is that style's.
//
// It has the shape of its siblings, orchestrated and natsbus: type, open, stimuli,
// conversation, close.
package direct

import (
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
	case player.Period:
		return w.period(s)
	case player.QueueLow:
		return w.queueLow(s)
	case player.PassageEnd:
		return w.passageEnd(s)
	case player.BufferReady:
		return w.bufferReady(s)
	case player.BufferFailed:
		return w.bufferFailed(s)
	case player.Control:
		return w.control(s)
	case player.VolumeSet:
		return w.volumeSet(s)
	case player.Wanted:
		return w.wanted(s)
	case player.Suggestion:
		return w.suggestion(s)
	case player.FlavorWanted:
		return w.Timeslots.Override(s.Passage, s.Until)
	case player.ModuleStopped:
		return w.StopModule(s.Module)
	case player.ModuleStarted:
		return w.StartModule(s.Module)
	}
	return player.Unknown(s)
}

// Status asks the part.
func (w *wired) Status(uint64) (player.Status, error) {
	if w.closed {
		return player.Status{}, player.ErrClosed
	}
	return w.Playback.Status(), nil
}

// Waiting asks the part.
func (w *wired) Waiting(uint64) ([]player.Entry, error) {
	if w.closed {
		return nil, player.ErrClosed
	}
	return w.Queue.Entries(), nil
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
