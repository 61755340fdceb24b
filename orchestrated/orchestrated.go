package orchestrated

import "rubato/player"

// Style is orchestration on the in-process bus.
var Style = player.Style{
	Name: "bus",
	Doc:  "concepts and synchronizations on an in-process bus: adds orchestration",
	Open: Open,
}

// wired is the player as rules join it.
type wired struct {
	*player.Parts
	Inspection // of the one engine
	engine     *Engine
	closed     bool
}

// Open makes the parts and registers them as concepts, and the rules.
func Open(config player.Config) (player.Player, error) {
	config = config.Defaults()
	engine := NewEngine(Settings{Trace: config.Trace, Dispatch: config.Dispatch})
	w := &wired{Parts: player.NewParts(config), Inspection: Inspection{engine}, engine: engine}
	if err := engine.AddConcepts(append(Concepts(w.Parts), PaddingConcept())...); err != nil {
		return nil, err
	}
	if err := engine.AddRules(Padded(Rules(), config.Rules)...); err != nil {
		return nil, err
	}
	engine.Start()
	return w, nil
}

// Do sets off a flow, which has run when it returns.
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

// converse tells the concept where the stimulus arises; rules do the rest.
func (w *wired) converse(s player.Stimulus) error {
	switch s.Kind {
	case player.Period:
		return w.period(s)
	case player.QueueLow:
		return w.engine.Invoke(s.Seq, 0, "ap::Queue::playDown", []Value{Int(s.At), Nat(s.Seed)}, nil)
	case player.PassageEnd:
		return w.engine.Emit(s.Seq, 0, "ap::Playback::passageEnded", Int(s.At), Nat(s.Seed))
	case player.BufferReady:
		return w.engine.Invoke(s.Seq, 0, "ap::Decoder::ready", []Value{Int(s.Passage)}, nil)
	case player.BufferFailed:
		return w.engine.Invoke(s.Seq, 0, "ap::Decoder::fail", []Value{Int(s.Passage), Int(s.At), Nat(s.Seed)}, nil)
	case player.Control:
		return w.engine.Emit(s.Seq, 0, "ui::Sessions::commanded", String(s.Command), String(s.Token), Int(s.At), Nat(s.Seed))
	case player.VolumeSet:
		return w.engine.Invoke(s.Seq, 0, "ap::Playback::setVolume", []Value{Int(s.Volume)}, nil)
	case player.Wanted:
		return w.engine.Emit(s.Seq, 0, "ui::Sessions::wanted", Int(s.Passage))
	case player.Suggestion:
		return w.engine.Emit(s.Seq, 0, "ui::Sessions::suggestionWanted", Int(s.At), Nat(s.Seed))
	case player.FlavorWanted:
		return w.engine.Emit(s.Seq, 0, "ui::Sessions::flavorWanted", Int(s.Passage), Int(s.Until))
	case player.ModuleStopped:
		return w.StopModule(s.Module)
	case player.ModuleStarted:
		return w.StartModule(s.Module)
	}
	return player.Unknown(s)
}

// Status asks the concept.
func (w *wired) Status(seq uint64) (player.Status, error) {
	if w.closed {
		return player.Status{}, player.ErrClosed
	}
	return w.engine.Status(seq)
}

// Waiting asks the concept.
func (w *wired) Waiting(seq uint64) ([]player.Entry, error) {
	if w.closed {
		return nil, player.ErrClosed
	}
	return w.engine.Waiting(seq)
}

// period mixes, outside of all rules, and tells what was passed on the way.
func (w *wired) period(s player.Stimulus) error {
	markers, err := w.Playback.Mix(s.Frames)
	for _, m := range markers {
		if failed := w.engine.Pass(s, m); err == nil {
			err = failed
		}
	}
	return err
}

// messageSaid says a message; LogMessageWhenSaid and CountUserWhenSaid do the rest.
func (w *wired) messageSaid(s player.Stimulus) error {
	m := s.Message
	return w.engine.Emit(s.Seq, 0, "ui::Chat::said", String(m.Username), String(m.Text), Int(m.At))
}

// Close commits what waits, and ends what the engine runs beside.
func (w *wired) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	err := w.Batch.Flush()
	w.engine.Close()
	return err
}
