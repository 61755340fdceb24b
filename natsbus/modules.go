package natsbus

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated"
	"rubato/orchestrated/engine"
	"rubato/player"
)

// module is one module of the player, with its concepts, its share of the rules and a
// connection of its own. It reaches concepts of other modules by request.
type module struct {
	name    string
	space   space
	conn    atomic.Pointer[nats.Conn] // the current one: a module may leave and join again
	timeout time.Duration
	codec   codec
	// overlaps: a flow goes on while an action runs that nothing in it depends on.
	overlaps bool
	// flavorsOnce: a flavor that another module knows is named to it.
	flavorsOnce bool
	inBody      bool // envelopes
	known       sentFlavors
	inbox       atomic.Pointer[inbox] // of that connection
	served      []*nats.Subscription  // of its own actions
	own         []engine.Concept

	engine   *engine.Engine
	rejected atomic.Uint64 // messages that did not fit their schema

	// mu guards the module's parts while one action or query runs. It is free again
	// before rules follow, so two modules may ask each other.
	mu sync.Mutex
	// whole keeps requests, each of which may commit, from between the writes of a message and of its
	// receipt. nil: there are none.
	whole *sync.Mutex
}

// newModule registers the module's own concepts, the concepts of other modules as
// remote ones, and the rules that run here. It has no connection until it joins.
func newModule(name string, member uint8, config player.Config, apart space, c codec, all []engine.Concept) (*module, error) {
	m := &module{name: name, space: apart, timeout: config.Timeout, codec: c, overlaps: config.Placement.Broadcast == overlappedBroadcast,
		flavorsOnce: config.Placement.Flavor == flavorOnce, inBody: config.Placement.Envelope == envelopeInBody, known: sentFlavors{ring: make([]engine.Value, flavorsKept)},
		engine: engine.New(engine.Settings{Module: name, Trace: config.Trace, Member: member, Stall: config.Planted.In("rules")})}
	if name == "log" && config.Receipts != nil {
		m.whole = new(sync.Mutex)
	}
	for _, c := range all {
		if c.Module == name {
			c = c.Guarded(&m.mu)
			m.own = append(m.own, c)
		} else {
			c = m.remote(c)
		}
		if err := m.engine.AddConcepts(c); err != nil {
			return nil, err
		}
	}
	rules := orchestrated.Padded(append(orchestrated.Rules(), orchestrated.FilterRules(len(config.Filters))...), config.Rules)
	if err := m.engine.AddRules(orchestrated.RulesOf(name, rules)...); err != nil {
		return nil, err
	}
	m.engine.Start()
	return m, nil
}

// join offers the actions of the module's concepts on this connection. The module closes
// the connection.
func (m *module) join(conn *nats.Conn) error {
	m.conn.Store(conn)
	m.inbox.Store(newInbox(conn, m.timeout, m.inBody))
	for _, c := range m.own {
		for _, a := range c.Actions {
			if err := m.offer(conn, c.URI(a.Name), a); err != nil {
				return err
			}
		}
	}
	return conn.Flush() // the server must know every subject before another module asks
}

// alone waits until nothing is between its writes, and keeps all else from coming between.
func (m *module) alone() (done func()) {
	if m.whole == nil {
		return func() {}
	}
	m.whole.Lock()
	return m.whole.Unlock
}

// remote is a concept of another module. Its actions send requests. It has no queries,
// since a rule runs in the module of its queries.
func (m *module) remote(c engine.Concept) engine.Concept {
	actions := make([]engine.Action, len(c.Actions))
	for i, a := range c.Actions {
		uri := c.URI(a.Name)
		subject, in, out := m.space.of(actionSubject(uri)), all(a.In), all(a.Out)
		a.Run = func(call *engine.Call) error { return m.request(uri, subject, in, out, call) }
		actions[i] = a
	}
	c.Actions, c.Queries = actions, nil
	return c
}

// leave stops serving and closes the connection. Once it returns, the server knows that
// nobody answers here.
func (m *module) leave() {
	conn := m.conn.Load()
	if conn == nil {
		return
	}
	for _, s := range m.served {
		_ = s.Unsubscribe() // fails only without a connection, as Flush does
	}
	_ = conn.FlushTimeout(m.timeout)
	m.served = nil
	conn.Close()
}

// join starts the server, if it was not given one, and all modules. If it fails, the caller has to call leave.
func (w *wired) join() (err error) {
	if w.codec, err = newCodec(w.config.Placement, w.config.Window); err != nil {
		return err
	}
	if stall := w.config.Planted.In("codec"); stall != nil {
		w.codec = plantedCodec{w.codec, stall}
	}
	if w.network, w.ownNetwork, err = networkOf(w.config.Placement); err != nil {
		return err
	}
	if w.only == "" && w.config.Placement.Transport == "split" {
		if err := w.spawnMates(); err != nil {
			return err
		}
	}
	concepts := append(orchestrated.Concepts(w.Parts), orchestrated.PaddingConcept())
	for i, m := range []struct {
		name string
		to   **module
	}{{"ap", &w.ap}, {"pd", &w.pd}, {"log", &w.log}, {"ui", &w.ui}} {
		if !w.holds(m.name) {
			continue
		}
		if *m.to, err = newModule(m.name, uint8(i+1), w.config, w.network.space, w.codec, concepts); err != nil {
			return err
		}
		w.Inspection = append(w.Inspection, (*m.to).engine)
	}
	for _, m := range w.here() {
		if m == w.log && w.config.Placement.Away {
			continue
		}
		if err := w.joinModule(m); err != nil {
			return err
		}
	}
	if err := w.joinEnds(); err != nil {
		return err
	}
	w.watchMates()
	w.collectMates()
	return w.network.known(w.heard())
}

// joinEnds joins the two ends of the path of a message, as far as they are here. Module log comes
// first, wherever it is: a message that is said before is lost.
func (w *wired) joinEnds() (err error) {
	fields := all(orchestrated.ChatConcept().Events[0].Fields)
	if w.log != nil {
		w.receiver = newReceiver(w.log, w.Batch, fields, newStream(w.config, w.network.space), w.config)
		w.receiver.pending = w.config.Placement.Pending
	}
	if w.log != nil && !w.config.Placement.Away {
		if w.subscription, err = w.receiver.subscribe(); err != nil {
			return err
		}
	}
	if len(w.mates) > 0 {
		if err := w.joinMates(); err != nil {
			return err
		}
	}
	if w.ui == nil {
		return nil
	}
	if w.sender, err = newSender(w.ui.conn.Load(), w.config, w.network.space, w.codec, fields); err == nil && len(w.mates) > 0 {
		w.ui.conn.Load().SetClosedHandler(func(*nats.Conn) { w.sender.abandon(w.named(unavailable(saidEvent, nats.ErrConnectionClosed))) })
	}
	return err
}

// holds tells whether a module is in this process.
func (w *wired) holds(module string) bool {
	apart := w.config.Placement.Transport == "split" && slices.Contains(apartModules, module)
	return w.only == module || w.only == "" && !apart
}

// here are the modules in this process.
func (w *wired) here() (here []*module) {
	for _, m := range []*module{w.ap, w.pd, w.log, w.ui} {
		if m != nil {
			here = append(here, m)
		}
	}
	return here
}

// joinModule gives a module a connection of its own.
func (w *wired) joinModule(m *module) error {
	conn, err := w.network.connect(m.name, w.config.Timeout, w.config.Placement.Reconnects, flushing(w.config.Placement.Flush)...)
	if err != nil {
		return err
	}
	return m.join(conn)
}

// stopModule has module log commit what waits and leave. Messages on their way to its
// connection are lost.
func (w *wired) stopModule(module string) error {
	if len(w.mates) > 0 {
		return w.stopApart(module)
	}
	if w.subscription == nil {
		return w.Parts.StopModule(module) // it has left, so this only checks the name
	}
	var settled error
	if w.sender != nil { // otherwise the player's process has done it
		settled = w.sender.settle()
	}
	done := w.log.alone()
	w.log.mu.Lock()
	stopped := w.Parts.StopModule(module)
	w.log.mu.Unlock()
	done()
	if player.CodeOf(stopped) == player.Invalid {
		return stopped
	}
	dropped, err := w.lost()
	w.dropped, w.subscription = dropped, nil
	w.log.leave()
	return errors.Join(settled, stopped, err)
}

// stopApart is stopModule where module log is in another process.
func (w *wired) stopApart(module string) (settled error) {
	if !w.stopped {
		settled = w.sender.settle()
	}
	err := w.askLog(doStop, module)
	w.stopped = w.stopped || player.CodeOf(err) != player.Invalid
	return errors.Join(settled, err)
}

// startModule has module log join again.
func (w *wired) startModule(module string) error {
	if len(w.mates) > 0 {
		err := w.askLog(doStart, module)
		w.stopped = w.stopped && err != nil
		return err
	}
	if w.config.Placement.Away {
		return &player.Error{Code: player.Invalid, Op: "start a module", Err: errors.New("it is in other processes: start it there")}
	}
	w.log.mu.Lock()
	err := w.Parts.StartModule(module)
	w.log.mu.Unlock()
	if err != nil || w.subscription != nil {
		return err
	}
	if err = w.joinModule(w.log); err == nil {
		w.subscription, err = w.receiver.subscribe()
	}
	if err == nil {
		err = w.network.known(w.heard())
	}
	if err != nil {
		w.subscription = nil
		w.log.leave()
	}
	return err
}

// lost is how many messages module log's subscriptions dropped because their buffer was
// full.
func (w *wired) lost() (int, error) {
	if w.subscription == nil {
		return w.dropped, nil
	}
	now, err := w.subscription.Dropped()
	if err != nil {
		return 0, unavailable("module log", fmt.Errorf("it has lost its connection: %w", err))
	}
	return w.dropped + now + w.receiver.droppedSince(), nil
}

// leave ends what join started.
func (w *wired) leave() (err error) {
	w.leaving.Store(true)
	if w.sender != nil {
		w.sender.close()
	}
	if w.receiver != nil {
		w.receiver.end()
	}
	for _, m := range slices.Backward(w.here()) {
		m.leave()
		m.engine.Close()
	}
	w.collector.close()
	err = w.endMates()
	if w.receiver != nil { // a closed connection does not wait for who reads from it
		w.receiver.mu.Lock()
		defer w.receiver.mu.Unlock()
	}
	if w.ownNetwork && w.network != nil {
		return errors.Join(err, w.network.Close())
	}
	return err
}
