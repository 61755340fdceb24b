// Package direct is the baseline: the player's parts joined by function calls, as
// fast as an expert would write it. It adds nothing, so what another style costs more
// is the cost of that style.
//
// It has the shape of its siblings, orchestrated and natsbus: type, open, stimuli,
// conversation, close. refill.go and playing.go hold the calls that the rules of
// orchestrated replace.
package direct

import "rubato/player"

// Style is direct calls.
var Style = player.Style{
	Name: "direct",
	Doc:  "function calls between the parts: the baseline, which adds nothing",
	Open: Open, Plain: true,
}

// wired is the player, joined by direct calls.
type wired struct {
	*player.Parts
	closed bool
}

// Open makes the parts.
func Open(config player.Config) (player.Player, error) {
	return &wired{Parts: player.NewParts(config.Defaults())}, nil
}

// Do makes the calls and returns when they have.
func (w *wired) Do(s player.Stimulus) error {
	if w.closed {
		return player.ErrClosed
	}
	if s.Kind == player.MessageSaid {
		return w.Batch.Do(w.messageSaid(s))
	}
	return w.converse(s)
}

// Post is done when it returns. Only a message may wait for its batch.
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

// Settle commits a batch that is not full.
func (w *wired) Settle() error { return w.Batch.Flush() }

// converse starts the calls that answer a stimulus.
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
	case player.DraftWritten:
		return w.draftWritten(s)
	case player.FlavorWanted:
		return w.Timeslots.Override(s.Passage, s.Until)
	case player.ModuleStopped:
		return w.StopModule(s.Module)
	case player.ModuleStarted:
		return w.StartModule(s.Module)
	}
	return player.Unknown(s)
}

// period mixes one audio period and then handles the markers that it passed.
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

// pass handles one marker.
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
	case player.IdleMark:
		return w.review(s)
	}
	return nil
}

// messageSaid logs a message and counts its user.
func (w *wired) messageSaid(s player.Stimulus) error {
	if err := w.Messages.Append(s.Message); err != nil {
		return err
	}
	return w.Users.Count(s.Message.Username)
}

// draftWritten has every filter look at a draft. One that fails keeps no other from it.
func (w *wired) draftWritten(s player.Stimulus) (err error) {
	if w.Filters == nil {
		return player.Unknown(s)
	}
	for i := range w.Filters.Count() {
		if failed := w.Filters.Check(i, s.Message.Text); err == nil {
			err = failed
		}
	}
	return err
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

// Close commits a batch that is not full. Nothing else is open.
func (w *wired) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	return w.Batch.Flush()
}
