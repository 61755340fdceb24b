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
	*player.Parts
	orchestrated.Inspection // of the modules' engines
	config                  player.Config
	server                  *server.Server
	ap, pd, log, ui         *module
	chat                    *chatSide
	logSide                 *logSide
	said                    *nats.Subscription // nil while module log has left
	dropped                 int                // messages that earlier subscriptions lost

	answer player.Done // for Do: made once
	result chan outcomeOf
	closed bool
}

// outcomeOf is what Do waits for.
type outcomeOf struct {
	seq uint64
	err error
}

// Open makes the parts, starts the server and the modules, and joins them.
func Open(config player.Config) (player.Player, error) {
	config = config.Defaults()
	if config.Trace.Sink != nil {
		config.Trace.Sink = &sharedSink{sink: config.Trace.Sink}
	}
	w := &wired{Parts: player.NewParts(config), config: config, result: make(chan outcomeOf, config.Window)}
	w.answer = func(seq uint64, err error) { w.result <- outcomeOf{seq, err} }
	if err := w.join(); err != nil {
		w.leave()
		return nil, err
	}
	return w, nil
}

// join starts everything; whoever calls it stops what was started if it fails.
func (w *wired) join() (err error) {
	if w.server, err = startServer(w.config.Placement.Transport); err != nil {
		return err
	}
	concepts := append(orchestrated.Concepts(w.Parts), orchestrated.PaddingConcept())
	for i, m := range []struct {
		name string
		to   **module
	}{{"ap", &w.ap}, {"pd", &w.pd}, {"log", &w.log}, {"ui", &w.ui}} {
		if *m.to, err = newModule(m.name, uint8(i+1), w.config, concepts); err != nil {
			return err
		}
		w.Inspection = append(w.Inspection, (*m.to).engine)
		if err := w.joinModule(*m.to); err != nil {
			return err
		}
	}
	fields := orchestrated.ChatConcept().Events[0].Fields
	w.logSide = &logSide{module: w.log, batch: w.Batch, fields: fields}
	if w.said, err = w.logSide.listen(); err != nil {
		return err
	}
	w.chat, err = newChat(w.ui.conn.Load(), w.config, fields)
	return err
}

// Do sets off a flow and waits for its last effect: that is when the flow has run,
// since its requests have been answered; for a message it is the outcome.
func (w *wired) Do(s player.Stimulus) error {
	if w.closed {
		return player.ErrClosed
	}
	if s.Kind == player.MessageSaid {
		if err := w.messageSaid(s, w.answer); err != nil {
			return err
		}
		return w.await(s.Seq)
	}
	return w.converse(s)
}

// Post returns when a message is on its way; anything else is done by then, as in
// the other styles.
func (w *wired) Post(s player.Stimulus, done player.Done) error {
	if w.closed {
		return player.ErrClosed
	}
	if s.Kind == player.MessageSaid {
		return w.messageSaid(s, done)
	}
	done(s.Seq, w.converse(s))
	return nil
}

// Settle asks log to commit the batch that has not filled, and waits for all
// outcomes.
func (w *wired) Settle() error {
	if w.closed {
		return nil
	}
	return w.chat.settle()
}

// await waits for the outcome of one message. A batch that waits for more is told
// that there is none.
func (w *wired) await(seq uint64) error {
	if w.config.Batch > 1 {
		if err := w.chat.settle(); err != nil {
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

// converse tells the concept where the stimulus arises, in its own module; rules do
// the rest, by request where a concept is in another.
func (w *wired) converse(s player.Stimulus) error {
	switch s.Kind {
	case player.Period:
		return w.period(s)
	case player.QueueLow:
		return w.ap.engine.Invoke(s.Seq, 0, "ap::Queue::playDown", values(orchestrated.Int(s.At), orchestrated.Nat(s.Seed)), nil)
	case player.PassageEnd:
		return w.ap.engine.Emit(s.Seq, 0, "ap::Playback::passageEnded", orchestrated.Int(s.At), orchestrated.Nat(s.Seed))
	case player.BufferReady:
		return w.ap.engine.Invoke(s.Seq, 0, "ap::Decoder::ready", values(orchestrated.Int(s.Passage)), nil)
	case player.BufferFailed:
		return w.ap.engine.Invoke(s.Seq, 0, "ap::Decoder::fail",
			values(orchestrated.Int(s.Passage), orchestrated.Int(s.At), orchestrated.Nat(s.Seed)), nil)
	case player.Control:
		return w.ui.engine.Emit(s.Seq, 0, "ui::Sessions::commanded", orchestrated.String(s.Command), orchestrated.String(s.Token),
			orchestrated.Int(s.At), orchestrated.Nat(s.Seed))
	case player.VolumeSet:
		return w.ui.engine.Invoke(s.Seq, 0, "ap::Playback::setVolume", values(orchestrated.Int(s.Volume)), nil)
	case player.Wanted:
		return w.ui.engine.Emit(s.Seq, 0, "ui::Sessions::wanted", orchestrated.Int(s.Passage))
	case player.Suggestion:
		return w.ui.engine.Emit(s.Seq, 0, "ui::Sessions::suggestionWanted", orchestrated.Int(s.At), orchestrated.Nat(s.Seed))
	case player.FlavorWanted:
		return w.ui.engine.Emit(s.Seq, 0, "ui::Sessions::flavorWanted", orchestrated.Int(s.Passage), orchestrated.Int(s.Until))
	case player.ModuleStopped:
		return w.stopModule(s.Module)
	case player.ModuleStarted:
		return w.startModule(s.Module)
	}
	return player.Unknown(s)
}

// Status has module ui ask module ap.
func (w *wired) Status(seq uint64) (player.Status, error) {
	if w.closed {
		return player.Status{}, player.ErrClosed
	}
	return w.ui.engine.Status(seq)
}

// Waiting has module ui ask module ap.
func (w *wired) Waiting(seq uint64) ([]player.Entry, error) {
	if w.closed {
		return nil, player.ErrClosed
	}
	return w.ui.engine.Waiting(seq)
}

// period mixes, outside of all rules, and tells what was passed on the way.
func (w *wired) period(s player.Stimulus) error {
	w.ap.mu.Lock()
	markers, err := w.Playback.Mix(s.Frames)
	w.ap.mu.Unlock()
	for _, m := range markers {
		if failed := w.ap.engine.Pass(s, m); err == nil {
			err = failed
		}
	}
	return err
}

func values(in ...orchestrated.Value) []orchestrated.Value { return in }

// messageSaid publishes what was said; LogMessageWhenSaid and CountUserWhenSaid do
// the rest in log.
func (w *wired) messageSaid(s player.Stimulus, done player.Done) error { return w.chat.say(s, done) }

// Observe reads back every part and the store, with all modules held still.
func (w *wired) Observe() (player.Observation, error) {
	for _, m := range []*module{w.ap, w.pd, w.log, w.ui} {
		m.mu.Lock()
		defer m.mu.Unlock()
	}
	dropped, err := w.lost()
	if err != nil {
		return player.Observation{}, err
	}
	seen, err := w.Parts.Observe()
	seen.Dropped = uint64(dropped)
	return seen, err
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
