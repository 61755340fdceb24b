// Package orchestrated is the second style: the player's parts as concepts, joined
// by synchronizations, which are rules declared as data, on an in-process bus. It
// adds orchestration to direct and nothing else. Package engine below it runs the
// rules.
//
// The style follows Meng and Jackson, "What You See Is What It Does" (Onward!
// 2025, arXiv 2508.14511). natsbus is the same concepts and rules on another bus.
//
// It has the shape of its siblings, direct and natsbus: type, open, stimuli,
// conversation, close. concepts.go wraps the parts; rules.go holds the rules.
package orchestrated

import (
	"rubato/orchestrated/engine"
	"rubato/player"
)

// Style is orchestration on the in-process bus.
var Style = player.Style{
	Name: "bus",
	Doc:  "concepts and synchronizations on an in-process bus: adds orchestration",
	Open: Open,
}

// wired is the player, joined by rules.
type wired struct {
	*player.Parts
	engine.Inspection // shows the engine
	engine            *engine.Engine
	closed            bool
}

// Open makes the parts and registers concepts and rules.
func Open(config player.Config) (player.Player, error) {
	config = config.Defaults()
	e := engine.New(engine.Settings{Trace: config.Trace, Dispatch: config.Dispatch, Stall: config.Planted.In("rules")})
	w := &wired{Parts: player.NewParts(config), Inspection: engine.Inspection{e}, engine: e}
	if err := e.AddConcepts(append(Concepts(w.Parts), PaddingConcept())...); err != nil {
		return nil, err
	}
	if err := e.AddRules(Padded(append(Rules(), FilterRules(w.Filters.Count())...), config.Rules)...); err != nil {
		return nil, err
	}
	e.Start()
	return w, nil
}

// Do starts a flow and returns when it has run.
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

// converse calls the concept that the stimulus concerns; rules do the rest.
func (w *wired) converse(s player.Stimulus) error {
	switch s.Kind {
	case player.Period:
		return w.period(s)
	case player.ModuleStopped:
		return w.StopModule(s.Module)
	case player.ModuleStarted:
		return w.StartModule(s.Module)
	}
	return Converse(w.engine, w.engine, w.Parts, s)
}

// Converse calls the concept that the stimulus concerns, in the engine of the module where the
// stimulus arises. Where one engine runs all modules, both are that one.
func Converse(ap, ui *engine.Engine, parts *player.Parts, s player.Stimulus) error {
	switch s.Kind {
	case player.QueueLow:
		return ap.Invoke(s.Seq, 0, "ap::Queue::playDown", []engine.Value{engine.Int(s.At), engine.Nat(s.Seed)}, nil)
	case player.PassageEnd:
		return ap.Emit(s.Seq, 0, "ap::Playback::passageEnded", engine.Int(s.At), engine.Nat(s.Seed))
	case player.BufferReady:
		return ap.Invoke(s.Seq, 0, "ap::Decoder::ready", []engine.Value{engine.Int(s.Passage)}, nil)
	case player.BufferFailed:
		return ap.Invoke(s.Seq, 0, "ap::Decoder::fail", []engine.Value{engine.Int(s.Passage), engine.Int(s.At), engine.Nat(s.Seed)}, nil)
	case player.Control:
		return ui.Emit(s.Seq, 0, "ui::Sessions::commanded", engine.String(s.Command), engine.String(s.Token), engine.Int(s.At), engine.Nat(s.Seed))
	case player.VolumeSet:
		return ui.Invoke(s.Seq, 0, "ap::Playback::setVolume", []engine.Value{engine.Int(s.Volume)}, nil)
	case player.Wanted:
		return ui.Emit(s.Seq, 0, "ui::Sessions::wanted", engine.Int(s.Passage), engine.Int(s.At))
	case player.Suggestion:
		return ui.Emit(s.Seq, 0, "ui::Sessions::suggestionWanted", engine.Int(s.At), engine.Nat(s.Seed))
	case player.DraftWritten:
		if parts.Filters == nil {
			return player.Unknown(s)
		}
		return ui.Emit(s.Seq, 0, "ui::Drafts::written", engine.String(s.Message.Text))
	case player.FlavorWanted:
		return ui.Emit(s.Seq, 0, "ui::Sessions::flavorWanted", engine.Int(s.Passage), engine.Int(s.Until))
	}
	return player.Unknown(s)
}

// period mixes one audio period, outside the rules, and then handles the markers that
// it passed.
func (w *wired) period(s player.Stimulus) error {
	markers, err := w.Playback.Mix(s.Frames)
	for _, m := range markers {
		if failed := Pass(w.engine, s, m); err == nil {
			err = failed
		}
	}
	return err
}

// Pass emits the event of one marker, or reviews an idle queue; rules do the rest.
func Pass(e *engine.Engine, s player.Stimulus, m player.Marker) error {
	at := s.At + m.After
	switch m.Kind {
	case player.PositionMark:
		return e.Emit(s.Seq, 0, "ap::Playback::position", engine.Int(m.Position.Duration().Milliseconds()), engine.Int(at), engine.Nat(s.Seed))
	case player.CrossfadeMark:
		return e.Emit(s.Seq, 0, "ap::Playback::crossfadeStarted", engine.String(player.Crossfading))
	case player.BoundaryMark:
		return e.Emit(s.Seq, 0, "ap::Playback::songBoundary", engine.Int(m.Passage))
	case player.PassageEndMark:
		return e.Emit(s.Seq, 0, "ap::Playback::passageEnded", engine.Int(at), engine.Nat(s.Seed))
	case player.IdleMark:
		err := e.Invoke(s.Seq, 0, "ap::Queue::review", []engine.Value{engine.Int(at), engine.Nat(s.Seed)}, nil)
		if released := e.Invoke(s.Seq, 0, "ap::Pace::release", []engine.Value{engine.Int(at)}, nil); err == nil {
			err = released
		}
		return err
	}
	return nil
}

// messageSaid emits the message; LogMessageWhenSaid and CountUserWhenSaid do the rest.
func (w *wired) messageSaid(s player.Stimulus) error {
	m := s.Message
	return w.engine.Emit(s.Seq, 0, "ui::Chat::said", engine.String(m.Username), engine.String(m.Text), engine.Int(m.At))
}

// Subscribe has one more subscriber hear what is said. The bus takes it while the engine runs.
func (w *wired) Subscribe(hear func(seq uint64)) (leave func(), err error) {
	return w.engine.Subscribe("ui::Chat::said", func(e *engine.Envelope) { hear(e.Flow) })
}

// Describe lists the facts of the parts and of the engine.
func (w *wired) Describe() []player.Fact { return append(w.Parts.Describe(), w.Facts()...) }

// Status asks ap::Playback.
func (w *wired) Status(seq uint64) (player.Status, error) {
	if w.closed {
		return player.Status{}, player.ErrClosed
	}
	return Status(w.engine, seq)
}

// Status asks ap::Playback, in whatever module that is.
func Status(e *engine.Engine, seq uint64) (player.Status, error) {
	var out [4]engine.Value
	err := e.Invoke(seq, 0, "ap::Playback::status", nil, out[:])
	return player.Status{State: player.State(out[0].Text()), Passage: out[1].Int(), Position: out[2].Ticks(), Volume: int(out[3].Int())}, err
}

// Waiting asks ap::Queue.
func (w *wired) Waiting(seq uint64) ([]player.Entry, error) {
	if w.closed {
		return nil, player.ErrClosed
	}
	return Waiting(w.engine, seq)
}

// Waiting asks ap::Queue, in whatever module that is.
func Waiting(e *engine.Engine, seq uint64) ([]player.Entry, error) {
	var out [1]engine.Value
	if err := e.Invoke(seq, 0, "ap::Queue::list", nil, out[:]); err != nil {
		return nil, err
	}
	return parseEntries(out[0].Text())
}

// Close commits a batch that is not full and stops the engine.
func (w *wired) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	err := w.Batch.Flush()
	w.engine.Close()
	return err
}
