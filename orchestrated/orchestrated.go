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
	Inspection // of the one engine
	engine     *Engine

	queue *player.Queue // module ap

	timeslots *player.Timeslots // module pd
	director  *player.Director
	cooldowns *player.Cooldowns

	messages *player.Messages // module log
	users    *player.Users
	batch    *player.Batch

	store  player.Store
	closed bool
}

// Open makes the parts over the store and registers them, and the rules.
func Open(config player.Config) (player.Player, error) {
	config = config.Defaults()
	library, log := config.Store.Director(), config.Store.Log()
	w := &wired{
		engine:    NewEngine(Settings{Trace: config.Trace, Dispatch: config.Dispatch}),
		queue:     player.NewQueue(config.Verbatim),
		timeslots: player.NewTimeslots(library, config.Verbatim),
		director:  player.NewDirector(library, config.Verbatim),
		cooldowns: player.NewCooldowns(library, config.Verbatim),
		messages:  player.NewMessages(log, config.Verbatim),
		users:     player.NewUsers(log, config.Verbatim),
		batch:     player.NewBatch(log, config.Batch),
		store:     config.Store,
	}
	w.Inspection = Inspection{w.engine}
	err := w.engine.AddConcepts(QueueConcept(w.queue), TimeslotsConcept(w.timeslots), DirectorConcept(w.director),
		CooldownsConcept(w.cooldowns), ChatConcept(), MessagesConcept(w.messages), UsersConcept(w.users))
	if err != nil {
		return nil, err
	}
	if err := w.engine.AddRules(Rules()...); err != nil {
		return nil, err
	}
	w.engine.Start()
	return w, nil
}

// Do sets off a flow, which has run when it returns.
func (w *wired) Do(s player.Stimulus) error {
	if w.closed {
		return player.ErrClosed
	}
	switch s.Kind {
	case player.QueueLow:
		return w.queueLow(s)
	case player.MessageSaid:
		return w.batch.Do(w.messageSaid(s))
	}
	return player.Unknown(s)
}

// Post is done when it returns, but for a message that waits for its batch.
func (w *wired) Post(s player.Stimulus, done player.Done) error {
	if w.closed {
		return player.ErrClosed
	}
	switch s.Kind {
	case player.QueueLow:
		done(s.Seq, w.queueLow(s))
	case player.MessageSaid:
		w.batch.Add(s.Seq, w.messageSaid(s), done)
	default:
		return player.Unknown(s)
	}
	return nil
}

// Settle commits the batch that has not filled.
func (w *wired) Settle() error { return w.batch.Flush() }

// queueLow lets the queue play down; AutoSelectWhenQueueLow does the rest.
func (w *wired) queueLow(s player.Stimulus) error {
	return w.engine.Invoke(s.Seq, 0, "ap::Queue::playDown", []Value{Int(s.At), Nat(s.Seed)}, nil)
}

// messageSaid says a message; LogMessageWhenSaid and CountUserWhenSaid do the rest.
func (w *wired) messageSaid(s player.Stimulus) error {
	m := s.Message
	return w.engine.Emit(s.Seq, 0, "ui::Chat::said", String(m.Username), String(m.Text), Int(m.At))
}

// Observe reads back every part and the store.
func (w *wired) Observe() (player.Observation, error) {
	stored, err := w.store.Stored()
	return player.Observation{
		Queue: w.queue.Entries(),
		Lanes: player.Lanes(w.queue.Lane, w.timeslots.Lane, w.director.Lane, w.cooldowns.Lane,
			w.messages.Lane, w.users.Lane),
		Stored: stored,
	}, err
}

// Close commits what waits, and ends what the engine runs beside.
func (w *wired) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	err := w.batch.Flush()
	w.engine.Close()
	return err
}
