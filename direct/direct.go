// Package direct is the baseline: the player's parts joined by function calls, as
// fast as an expert would write it. It adds nothing, so that whatever another
// style costs more is that style's.
//
// It has the shape of its siblings, orchestrated and natsbus: type, open, stimuli,
// conversation, close.
package direct

import "rubato/player"

// Style is direct calls.
var Style = player.Style{
	Name: "direct",
	Doc:  "function calls between the parts: the baseline, which adds nothing",
	Open: Open,
}

// wired is the player as direct calls join it.
type wired struct {
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

// Open joins the parts over the store.
func Open(config player.Config) (player.Player, error) {
	config = config.Defaults()
	library, log := config.Store.Director(), config.Store.Log()
	return &wired{
		queue:     player.NewQueue(config.Verbatim),
		timeslots: player.NewTimeslots(library, config.Verbatim),
		director:  player.NewDirector(library, config.Verbatim),
		cooldowns: player.NewCooldowns(library, config.Verbatim),
		messages:  player.NewMessages(log, config.Verbatim),
		users:     player.NewUsers(log, config.Verbatim),
		batch:     player.NewBatch(log, config.Batch),
		store:     config.Store,
	}, nil
}

// Do calls, and what it calls has happened when it returns.
func (w *wired) Do(s player.Stimulus) error {
	if w.closed {
		return player.ErrClosed
	}
	switch s.Kind {
	case player.QueueLow:
		return w.queueLow(s)
	case player.MessageSaid:
		return w.batch.Do(w.messageSaid(s.Message))
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
		w.batch.Add(s.Seq, w.messageSaid(s.Message), done)
	default:
		return player.Unknown(s)
	}
	return nil
}

// Settle commits the batch that has not filled.
func (w *wired) Settle() error { return w.batch.Flush() }

// queueLow refills the queue by one passage.
func (w *wired) queueLow(s player.Stimulus) error {
	level := w.queue.PlayDown(s.At)
	if !w.queue.AutoPlay || !w.queue.RefillDue() {
		return nil
	}
	wanted, err := w.timeslots.FlavorAt(level.Target)
	if err != nil {
		return err
	}
	passage, err := w.director.Select(level.Target, wanted, s.Seed)
	if err != nil {
		return err
	}
	if err := w.queue.Enqueue(passage.ID, passage.Length()); err != nil {
		return err
	}
	return w.cooldowns.Record(passage.ID, level.Target)
}

// messageSaid logs a message and counts its user.
func (w *wired) messageSaid(m player.Message) error {
	if err := w.messages.Append(m); err != nil {
		return err
	}
	return w.users.Count(m.Username)
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

// Close commits what waits. There is nothing else to leave behind.
func (w *wired) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	return w.batch.Flush()
}
