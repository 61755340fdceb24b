// Package natsbus is the third style: the concepts and rules of orchestrated, on
// NATS. Modules ap, pd and log each have a connection of their own to an embedded
// server; a concept in another module is reached by request and reply, an event
// crosses by publish, flow token and cause travel in headers.
//
// It adds the network to orchestrated and nothing else. It has the shape of its
// siblings, direct and orchestrated: type, open, stimuli, conversation, close.
package natsbus

import (
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"rubato/orchestrated"
	"rubato/player"
)

// Style is orchestration on NATS.
var Style = player.Style{
	Name: "nats",
	Doc:  "the same concepts and synchronizations on NATS: adds the network",
	Open: Open,
}

// saidEvent is the one event that crosses between modules.
const saidEvent = "ui::Chat::said"

// wired is the player as NATS joins it.
type wired struct {
	orchestrated.Inspection // of the modules' engines
	server                  *server.Server
	ap, pd, log             *module
	ui                      *uiSide
	said                    *nats.Subscription
	logSide                 *logSide

	queue *player.Queue // module ap

	timeslots *player.Timeslots // module pd
	director  *player.Director
	cooldowns *player.Cooldowns

	messages *player.Messages // module log
	users    *player.Users

	config player.Config
	answer player.Done // for Do: made once
	result chan outcomeOf
	closed bool
}

// outcomeOf is what Do waits for.
type outcomeOf struct {
	seq uint64
	err error
}

// Open starts the server and the modules, and joins them.
func Open(config player.Config) (player.Player, error) {
	config = config.Defaults()
	library, log := config.Store.Director(), config.Store.Log()
	w := &wired{
		queue:     player.NewQueue(config.Verbatim),
		timeslots: player.NewTimeslots(library, config.Verbatim),
		director:  player.NewDirector(library, config.Verbatim),
		cooldowns: player.NewCooldowns(library, config.Verbatim),
		messages:  player.NewMessages(log, config.Verbatim),
		users:     player.NewUsers(log, config.Verbatim),
		config:    config,
		result:    make(chan outcomeOf, config.Window),
	}
	w.answer = func(seq uint64, err error) { w.result <- outcomeOf{seq, err} }
	if err := w.join(player.NewBatch(log, config.Batch)); err != nil {
		w.leave()
		return nil, err
	}
	return w, nil
}

// join starts everything; whoever calls it stops what was started if it fails.
func (w *wired) join(batch *player.Batch) (err error) {
	if w.server, err = startServer(w.config.Placement.Transport); err != nil {
		return err
	}
	concepts := []orchestrated.Concept{
		orchestrated.QueueConcept(w.queue), orchestrated.TimeslotsConcept(w.timeslots),
		orchestrated.DirectorConcept(w.director), orchestrated.CooldownsConcept(w.cooldowns),
		orchestrated.ChatConcept(), orchestrated.MessagesConcept(w.messages), orchestrated.UsersConcept(w.users),
	}
	for i, m := range []struct {
		name string
		to   **module
	}{{"ap", &w.ap}, {"pd", &w.pd}, {"log", &w.log}} {
		conn, err := w.connect(m.name)
		if err != nil {
			return err
		}
		if *m.to, err = newModule(m.name, uint8(i+1), conn, w.config, concepts); err != nil {
			conn.Close()
			return err
		}
		w.Inspection = append(w.Inspection, (*m.to).engine)
	}
	fields := orchestrated.ChatConcept().Events[0].Fields
	w.logSide = &logSide{module: w.log, batch: batch, fields: fields}
	if w.said, err = w.logSide.listen(); err != nil {
		return err
	}
	conn, err := w.connect("ui")
	if err != nil {
		return err
	}
	if w.ui, err = newUI(conn, w.config, fields); err != nil {
		conn.Close()
	}
	return err
}

func (w *wired) connect(module string) (*nats.Conn, error) {
	return connect(w.server, w.config.Placement.Transport, module, w.config.Timeout)
}

// Do sets off a flow and waits for its last effect: in ap that is when the flow
// has run, since its requests have been answered; in log it is the outcome.
func (w *wired) Do(s player.Stimulus) error {
	if w.closed {
		return player.ErrClosed
	}
	switch s.Kind {
	case player.QueueLow:
		return w.queueLow(s)
	case player.MessageSaid:
		if err := w.messageSaid(s, w.answer); err != nil {
			return err
		}
		return w.await(s.Seq)
	}
	return player.Unknown(s)
}

// Post returns when a message is on its way; a queue that is low is refilled by
// the time it returns, as in the other styles.
func (w *wired) Post(s player.Stimulus, done player.Done) error {
	if w.closed {
		return player.ErrClosed
	}
	switch s.Kind {
	case player.QueueLow:
		done(s.Seq, w.queueLow(s))
	case player.MessageSaid:
		return w.messageSaid(s, done)
	default:
		return player.Unknown(s)
	}
	return nil
}

// Settle asks log to commit the batch that has not filled, and waits for all
// outcomes.
func (w *wired) Settle() error {
	if w.closed {
		return nil
	}
	return w.ui.settle()
}

// await waits for the outcome of one message. A batch that waits for more is told
// that there is none.
func (w *wired) await(seq uint64) error {
	if w.config.Batch > 1 {
		if err := w.ui.settle(); err != nil {
			return err
		}
	}
	timer := time.NewTimer(w.config.Timeout)
	defer timer.Stop()
	for {
		select {
		case o := <-w.result:
			if o.seq == seq {
				return o.err
			} // else it is late: its Do has given up
		case <-timer.C:
			return &player.Error{Code: player.Unavailable, Op: saidEvent, Err: fmt.Errorf("no outcome within %v", w.config.Timeout)}
		}
	}
}

// queueLow lets the queue play down in ap; AutoSelectWhenQueueLow does the rest,
// with three requests to pd.
func (w *wired) queueLow(s player.Stimulus) error {
	w.ap.mu.Lock()
	defer w.ap.mu.Unlock()
	return w.ap.engine.Invoke(s.Seq, 0, "ap::Queue::playDown",
		[]orchestrated.Value{orchestrated.Int(s.At), orchestrated.Nat(s.Seed)}, nil)
}

// messageSaid publishes what was said; LogMessageWhenSaid and CountUserWhenSaid do
// the rest in log.
func (w *wired) messageSaid(s player.Stimulus, done player.Done) error { return w.ui.say(s, done) }

// Observe reads back every part and the store.
func (w *wired) Observe() (player.Observation, error) {
	for _, m := range []*module{w.ap, w.pd, w.log} {
		m.mu.Lock()
		defer m.mu.Unlock()
	}
	dropped, err := w.said.Dropped()
	if err != nil {
		return player.Observation{}, err
	}
	stored, err := w.config.Store.Stored()
	return player.Observation{
		Queue: w.queue.Entries(),
		Lanes: player.Lanes(w.queue.Lane, w.timeslots.Lane, w.director.Lane, w.cooldowns.Lane,
			w.messages.Lane, w.users.Lane),
		Stored:  stored,
		Dropped: uint64(dropped),
	}, err
}

// Close settles, then ends the modules and the server.
func (w *wired) Close() error {
	if w.closed {
		return nil
	}
	err := w.Settle()
	w.closed = true
	w.leave()
	return err
}

// leave ends whatever was started.
func (w *wired) leave() {
	if w.ui != nil {
		w.ui.conn.Close()
	}
	for _, m := range []*module{w.ap, w.pd, w.log} {
		if m != nil {
			m.close()
		}
	}
	if w.server != nil {
		stopServer(w.server)
	}
}
