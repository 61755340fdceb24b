// Package natsbus is the third style: the concepts and rules of orchestrated, on
// NATS. Modules ap, pd, log and ui each have a connection of their own to an embedded
// server. A module reaches a concept in another one by request and reply; an event
// crosses by publish; a header, or a line before the body, carries flow token and cause.
//
// It adds the network to orchestrated and nothing else. It has the shape of its
// siblings, direct and orchestrated: type, open, stimuli, conversation, close.
// modules.go joins the modules, requests.go is the path of a request, messages.go and receiver.go
// are the two ends of the path of a message, receipts.go knows what comes again, sharing.go sends several as one, delivery.go is JetStream, wire.go is subjects and
// headers, codec.go is the bodies (quickjson.go reads the usual ones), flavors.go names flavors that are known, access.go says who may
// speak. network.go is what carries all that: server.go embeds a server, cluster.go three, process.go starts one,
// url.go finds the user's; faults.go is what may go wrong with it, and rung.go is its floor.
// split.go puts modules pd and log into processes of their own, which apart.go is; worker.go is module log in a process of another player's; elsewhere.go is how a run finds it and asks it.
package natsbus

import (
	"errors"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated"
	"rubato/orchestrated/engine"
	"rubato/player"
)

// Style is orchestration on NATS.
var Style = player.Style{
	Name: "nats",
	Doc:  "the same concepts and synchronizations on NATS: adds the network",
	Open: Open, Network: Network, Join: Join,
}

// saidEvent is the one event that crosses between modules.
const saidEvent = "ui::Chat::said"

// wired is the player, joined by NATS.
type wired struct {
	*player.Parts
	engine.Inspection // shows the modules' engines
	config            player.Config
	network           *network
	ownNetwork        bool // it ends with the player
	codec             codec
	ap, pd, log, ui   *module
	sender            *sender
	receiver          *receiver
	subscription      *nats.Subscription // the receiver's; nil while module log has left
	dropped           int                // by earlier subscriptions
	closed            bool

	only    string  // the module that is here alone, in a process of its own; "": this is the player's process
	mates   []*mate // modules in processes of their own
	stopped bool    // module log is, in its process
	leaving atomic.Bool

	collector *collector            // of their traces; nil: they are not kept
	kept      *keptRows             // of the module that is here alone; nil: the same
	gone      atomic.Pointer[error] // the first of the mates' processes that has ended
}

// Open makes the parts, starts the server and joins the modules.
func Open(config player.Config) (player.Player, error) {
	config = config.Defaults()
	if err := errors.Join(checkReceipts(config), checkFilters(config)); err != nil {
		return nil, err
	}
	if config.Trace.Sink != nil {
		config.Trace.Sink = engine.SharedSink(config.Trace.Sink)
	}
	w := &wired{Parts: player.NewParts(config), config: config}
	if err := w.join(); err != nil {
		return nil, errors.Join(err, w.leave())
	}
	return w, nil
}

// Do starts a flow and returns when it has run, requests included. For a message it
// waits for the outcome.
func (w *wired) Do(s player.Stimulus) error {
	if w.closed {
		return player.ErrClosed
	}
	defer w.traced()
	if s.Kind == player.MessageSaid {
		return w.named(w.sender.do(s))
	}
	return w.named(w.converse(s))
}

// Post returns when a message is published. Any other stimulus is done by then, as in
// the other styles.
func (w *wired) Post(s player.Stimulus, done player.Done) error {
	if w.closed {
		return player.ErrClosed
	}
	if s.Kind == player.MessageSaid {
		return w.named(w.messageSaid(s, w.afterTrace(done)))
	}
	w.afterTrace(done)(s.Seq, w.named(w.converse(s)))
	return nil
}

// Settle has module log commit a batch that is not full and waits for all outcomes.
func (w *wired) Settle() error {
	if w.closed {
		return nil
	}
	err := w.named(w.sender.settle())
	if gone := w.gone.Load(); err == nil && gone != nil {
		err = unavailable("nats", *gone) // what was under way is settled, but one module is no more
	}
	return err
}

// converse calls the concept that the stimulus concerns, in the module where the
// stimulus arises; rules do the rest.
func (w *wired) converse(s player.Stimulus) error {
	switch s.Kind {
	case player.Period:
		return w.period(s)
	case player.ModuleStopped:
		return w.stopModule(s.Module)
	case player.ModuleStarted:
		return w.startModule(s.Module)
	}
	return orchestrated.Converse(w.ap.engine, w.ui.engine, w.Parts, s)
}

// period mixes one audio period, outside the rules, and then handles the markers that
// it passed.
func (w *wired) period(s player.Stimulus) error {
	w.ap.mu.Lock()
	markers, err := w.Playback.Mix(s.Frames)
	w.ap.mu.Unlock()
	for _, m := range markers {
		if failed := orchestrated.Pass(w.ap.engine, s, m); err == nil {
			err = failed
		}
	}
	return err
}

// messageSaid publishes the message; LogMessageWhenSaid and CountUserWhenSaid do the
// rest in module log.
func (w *wired) messageSaid(s player.Stimulus, done player.Done) error {
	return w.sender.post(s, done)
}

// Describe lists the facts of the parts, of the engines, of the connection in use, and
// of what the codec makes of a known value.
func (w *wired) Describe() []player.Fact {
	here := w.here()
	last := here[len(here)-1]
	conn := last.conn.Load()
	facts := slices.Concat(w.Parts.Describe(), w.Facts(), last.switches())
	if w.sender != nil {
		facts = append(facts, player.Fact{Name: "window", Value: strconv.Itoa(cap(w.sender.window)), Own: true})
	}
	if w.receiver != nil {
		facts = append(facts, player.Fact{Name: "pending", Value: w.receiver.most(w.subscription), Own: true},
			player.Fact{Name: "share", Value: w.receiver.share, Own: true})
	}
	facts = append(facts, player.Fact{Name: "flush", Value: flushOf(conn), Own: true},
		player.Fact{Name: "codec", Value: w.config.Placement.Codec, Own: true},
		player.Fact{Name: "codec output", Value: describe(w.codec), Own: true})
	if w.receiver != nil {
		facts = slices.Concat(facts, w.receiver.stream.describe(), w.receiver.receipts.describe())
	}
	if w.only != "" {
		return facts // the rest is the player's
	}
	return w.described(append(facts, w.network.describe(conn)...))
}

// Status asks ap::Playback from module ui.
func (w *wired) Status(seq uint64) (player.Status, error) {
	if w.closed {
		return player.Status{}, player.ErrClosed
	}
	return orchestrated.Status(w.ui.engine, seq)
}

// Waiting asks ap::Queue from module ui.
func (w *wired) Waiting(seq uint64) ([]player.Entry, error) {
	if w.closed {
		return nil, player.ErrClosed
	}
	return orchestrated.Waiting(w.ui.engine, seq)
}

// Observe reads back every part and the store while no module works. Without a connection it
// cannot tell what the client dropped: that is an error beside what it has read.
func (w *wired) Observe() (player.Observation, error) {
	for _, m := range w.here() {
		m.mu.Lock()
		defer m.mu.Unlock()
	}
	dropped, unknown := w.lost()
	seen, err := w.Parts.Observe()
	seen.Dropped = uint64(dropped)
	for _, n := range w.rejected() {
		seen.Rejected += n
	}
	return seen, w.named(errors.Join(unknown, err, w.observeMates(&seen)))
}

// Close settles, then ends the modules and the server.
func (w *wired) Close() error {
	if w.closed {
		return nil
	}
	err := w.Settle()
	w.closed = true
	return errors.Join(err, w.leave())
}
