package natsbus

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

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
	service micro.Service // nil while it has left
	own     []engine.Concept

	engine *engine.Engine

	// mu guards the module's parts while one action or query runs. It is free again
	// before rules follow, so two modules may ask each other.
	mu sync.Mutex
}

// newModule registers the module's own concepts, the concepts of other modules as
// remote ones, and the rules that run here. It has no connection until it joins.
func newModule(name string, member uint8, config player.Config, apart space, all []engine.Concept) (*module, error) {
	m := &module{name: name, space: apart, timeout: config.Timeout,
		engine: engine.New(engine.Settings{Module: name, Trace: config.Trace, Member: member})}
	for _, c := range all {
		if c.Module == name {
			c = m.guard(c)
			m.own = append(m.own, c)
		} else {
			c = m.remote(c)
		}
		if err := m.engine.AddConcepts(c); err != nil {
			return nil, err
		}
	}
	rules := orchestrated.Padded(orchestrated.Rules(), config.Rules)
	if err := m.engine.AddRules(orchestrated.RulesOf(name, rules)...); err != nil {
		return nil, err
	}
	m.engine.Start()
	return m, nil
}

// join offers the actions of the module's concepts as a service on this connection. The
// module closes the connection.
func (m *module) join(conn *nats.Conn) error {
	m.conn.Store(conn)
	service, err := micro.AddService(conn, micro.Config{Name: "rubato-" + m.name, Version: "1.0.0"})
	if err != nil {
		return err
	}
	m.service = service
	for _, c := range m.own {
		for _, a := range c.Actions {
			uri := c.URI(a.Name)
			subject := micro.WithEndpointSubject(m.space.of(actionSubject(uri)))
			if err := service.AddEndpoint(c.Name+"-"+a.Name, m.answer(uri, a), subject); err != nil {
				return fmt.Errorf("serve %s: %w", uri, err)
			}
		}
	}
	return conn.Flush() // the server must know every subject before another module asks
}

// answer runs an action for another module.
func (m *module) answer(uri string, a engine.Action) micro.Handler {
	return micro.HandlerFunc(func(r micro.Request) {
		data, err := m.invoke(uri, a, r)
		if err != nil {
			err = r.Error(string(player.CodeOf(err)), err.Error(), nil)
		} else {
			err = r.Respond(data)
		}
		_ = err // fails only without a connection, and then the asker times out
	})
}

func (m *module) invoke(uri string, a engine.Action, r micro.Request) ([]byte, error) {
	in, out := make([]engine.Value, len(a.In)), make([]engine.Value, len(a.Out))
	if err := decode(r.Data(), a.In, in); err != nil {
		return nil, &player.Error{Code: player.Invalid, Op: uri, Err: err}
	}
	headers := nats.Header(r.Headers())
	err := m.engine.Serve(number(headers, flowHeader), number(headers, causeHeader), int(number(headers, depthHeader)), uri, in, out)
	if err != nil {
		return nil, err
	}
	return encode(a.Out, out)
}

// guard lets only one function of the module's concepts run at a time, since they may
// share a store.
func (m *module) guard(c engine.Concept) engine.Concept {
	actions, queries := slices.Clone(c.Actions), slices.Clone(c.Queries)
	for i, a := range actions {
		run := a.Run
		actions[i].Run = func(call *engine.Call) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			return run(call)
		}
	}
	for i, q := range queries {
		ask := q.Ask
		queries[i].Ask = func(call *engine.Call) (bool, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return ask(call)
		}
	}
	c.Actions, c.Queries = actions, queries
	return c
}

// remote is a concept of another module. Its actions send requests. It has no queries,
// since a rule runs in the module of its queries.
func (m *module) remote(c engine.Concept) engine.Concept {
	actions := make([]engine.Action, len(c.Actions))
	for i, a := range c.Actions {
		uri := c.URI(a.Name)
		subject, fields, outputs := m.space.of(actionSubject(uri)), a.In, a.Out
		a.Run = func(call *engine.Call) error { return m.request(uri, subject, fields, outputs, call) }
		actions[i] = a
	}
	c.Actions, c.Queries = actions, nil
	return c
}

func (m *module) request(uri, subject string, in, out []engine.Field, call *engine.Call) error {
	data, err := encode(in, call.In)
	if err != nil {
		return &player.Error{Code: player.Invalid, Op: uri, Err: err}
	}
	conn := m.conn.Load()
	reply, err := conn.RequestMsg(message(subject, call.Flow(), call.Cause(), call.Depth(), data), m.timeout)
	if err != nil {
		if last := conn.LastError(); errors.Is(last, nats.ErrPermissionViolation) {
			err = last // and the time-out followed from it
		}
		return unavailable(uri, err)
	}
	if code := reply.Header.Get(micro.ErrorCodeHeader); code != "" {
		return &player.Error{Code: player.Code(code), Op: uri, Err: errors.New(reply.Header.Get(micro.ErrorHeader))}
	}
	if err := decode(reply.Data, out, call.Out); err != nil {
		return unavailable(uri, err)
	}
	return nil
}

// leave stops serving and closes the connection.
func (m *module) leave() {
	if m.service != nil {
		_ = m.service.Stop() // fails only without a connection
		m.service = nil
	}
	if conn := m.conn.Load(); conn != nil {
		conn.Close()
	}
}

// join starts the server, if it was not given one, and all modules. If it fails, the caller has to call leave.
func (w *wired) join() (err error) {
	if w.network, w.ownNetwork, err = networkOf(w.config.Placement); err != nil {
		return err
	}
	concepts := append(orchestrated.Concepts(w.Parts), orchestrated.PaddingConcept())
	for i, m := range []struct {
		name string
		to   **module
	}{{"ap", &w.ap}, {"pd", &w.pd}, {"log", &w.log}, {"ui", &w.ui}} {
		if *m.to, err = newModule(m.name, uint8(i+1), w.config, w.network.space, concepts); err != nil {
			return err
		}
		w.Inspection = append(w.Inspection, (*m.to).engine)
	}
	here := []*module{w.ap, w.pd, w.log, w.ui}
	if w.config.Placement.Away {
		here = []*module{w.ap, w.pd, w.ui}
	}
	for _, m := range here {
		if err := w.joinModule(m); err != nil {
			return err
		}
	}
	fields := orchestrated.ChatConcept().Events[0].Fields
	w.receiver = &receiver{module: w.log, batch: w.Batch, fields: fields}
	if !w.config.Placement.Away {
		if w.subscription, err = w.receiver.subscribe(); err != nil {
			return err
		}
	}
	w.sender, err = newSender(w.ui.conn.Load(), w.config, w.network.space, fields)
	return err
}

// joinModule gives a module a connection of its own.
func (w *wired) joinModule(m *module) error {
	conn, err := w.network.connect(m.name, w.config.Timeout, w.config.Placement.Reconnects)
	if err != nil {
		return err
	}
	return m.join(conn)
}

// stopModule has module log commit what waits and leave. Messages on their way to its
// connection are lost.
func (w *wired) stopModule(module string) error {
	if w.subscription == nil {
		return w.Parts.StopModule(module) // it has left, so this only checks the name
	}
	settled := w.sender.settle()
	w.log.mu.Lock()
	stopped := w.Parts.StopModule(module)
	w.log.mu.Unlock()
	if player.CodeOf(stopped) == player.Invalid {
		return stopped
	}
	dropped, err := w.lost()
	w.dropped, w.subscription = dropped, nil
	w.log.leave()
	return errors.Join(settled, stopped, err)
}

// startModule has module log join again.
func (w *wired) startModule(module string) error {
	if w.config.Placement.Away {
		return &player.Error{Code: player.Invalid, Op: "start a module", Err: errors.New("it is in other processes: start it there")}
	}
	w.log.mu.Lock()
	err := w.Parts.StartModule(module)
	w.log.mu.Unlock()
	if err != nil || w.subscription != nil {
		return err
	}
	if err := w.joinModule(w.log); err != nil {
		return err
	}
	w.subscription, err = w.receiver.subscribe()
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
	return w.dropped + now, nil
}

// leave ends what join started.
func (w *wired) leave() {
	for _, m := range []*module{w.ui, w.ap, w.pd, w.log} {
		if m != nil {
			m.leave()
			m.engine.Close()
		}
	}
	if w.ownNetwork && w.network != nil {
		_ = w.network.Close() // cannot fail
	}
}

// sharedSink lets the modules' engines, each with a writer of its own, append one at a
// time.
type sharedSink struct {
	mu   sync.Mutex
	sink player.TraceSink
}

func (s *sharedSink) Append(rows []player.TraceRow) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sink.Append(rows)
}
