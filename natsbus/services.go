package natsbus

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"rubato/orchestrated"
	"rubato/player"
)

// module is one module of the player: its concepts, its share of the rules, its
// own connection. Concepts of other modules are reached by request.
type module struct {
	name    string
	conn    atomic.Pointer[nats.Conn] // of now: a module may leave and join again
	timeout time.Duration
	service micro.Service // nil while it has left
	own     []orchestrated.Concept

	engine *orchestrated.Engine

	// mu guards the module's parts: an action or query has them to itself, and lets
	// go before anything follows from it, so that two modules may ask each other.
	mu sync.Mutex
}

// newModule registers the module's own concepts, those of the others as remote,
// and the rules that run here. It is alone until it joins.
func newModule(name string, member uint8, config player.Config, all []orchestrated.Concept) (*module, error) {
	m := &module{name: name, timeout: config.Timeout,
		engine: orchestrated.NewEngine(orchestrated.Settings{Module: name, Trace: config.Trace, Member: member})}
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
	if err := m.engine.AddRules(orchestrated.RulesOf(name, orchestrated.Padded(orchestrated.Rules(), config.Rules))...); err != nil {
		return nil, err
	}
	m.engine.Start()
	return m, nil
}

// join offers the actions of the module's concepts as a service on this connection,
// which is the module's from then on.
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
			subject := micro.WithEndpointSubject(actionSubject(uri))
			if err := service.AddEndpoint(c.Name+"-"+a.Name, m.answer(uri, a), subject); err != nil {
				return fmt.Errorf("serve %s: %w", uri, err)
			}
		}
	}
	return conn.Flush() // the server must know them all before another module asks
}

// answer runs an action for another module.
func (m *module) answer(uri string, a orchestrated.Action) micro.Handler {
	return micro.HandlerFunc(func(r micro.Request) {
		data, err := m.invoke(uri, a, r)
		if err != nil {
			err = r.Error(string(player.CodeOf(err)), err.Error(), nil)
		} else {
			err = r.Respond(data)
		}
		_ = err // the connection is gone: so is whoever asked
	})
}

func (m *module) invoke(uri string, a orchestrated.Action, r micro.Request) ([]byte, error) {
	in, out := make([]orchestrated.Value, len(a.In)), make([]orchestrated.Value, len(a.Out))
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

// guard lets one of a concept's functions run at a time, and none beside those of
// the module's other concepts: they may share a store.
func (m *module) guard(c orchestrated.Concept) orchestrated.Concept {
	actions, queries := slices.Clone(c.Actions), slices.Clone(c.Queries)
	for i, a := range actions {
		run := a.Run
		actions[i].Run = func(call *orchestrated.Call) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			return run(call)
		}
	}
	for i, q := range queries {
		ask := q.Ask
		queries[i].Ask = func(call *orchestrated.Call) (bool, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return ask(call)
		}
	}
	c.Actions, c.Queries = actions, queries
	return c
}

// remote is a concept of another module, as this one sees it: its actions are
// requests. Its queries are not offered; a rule runs where its queries are.
func (m *module) remote(c orchestrated.Concept) orchestrated.Concept {
	actions := make([]orchestrated.Action, len(c.Actions))
	for i, a := range c.Actions {
		uri := c.URI(a.Name)
		subject, fields, outputs := actionSubject(uri), a.In, a.Out
		a.Run = func(call *orchestrated.Call) error { return m.request(uri, subject, fields, outputs, call) }
		actions[i] = a
	}
	c.Actions, c.Queries = actions, nil
	return c
}

func (m *module) request(uri, subject string, in, out []orchestrated.Field, call *orchestrated.Call) error {
	data, err := encode(in, call.In)
	if err != nil {
		return &player.Error{Code: player.Invalid, Op: uri, Err: err}
	}
	reply, err := m.conn.Load().RequestMsg(message(subject, "", call.Flow(), call.Cause(), call.Depth(), data), m.timeout)
	if err != nil {
		return &player.Error{Code: player.Unavailable, Op: uri, Err: err}
	}
	if code := reply.Header.Get(micro.ErrorCodeHeader); code != "" {
		return &player.Error{Code: player.Code(code), Op: uri, Err: errors.New(reply.Header.Get(micro.ErrorHeader))}
	}
	if err := decode(reply.Data, out, call.Out); err != nil {
		return &player.Error{Code: player.Unavailable, Op: uri, Err: err}
	}
	return nil
}

// message puts the envelope into headers.
func message(subject, reply string, flow, cause uint64, depth int, data []byte) *nats.Msg {
	return &nats.Msg{Subject: subject, Reply: reply, Data: data, Header: nats.Header{
		flowHeader:  {strconv.FormatUint(flow, 10)},
		causeHeader: {strconv.FormatUint(cause, 10)},
		depthHeader: {strconv.Itoa(depth)},
	}}
}

// number reads a header; one that is missing or no number is 0, which is nobody's
// token.
func number(h nats.Header, key string) uint64 {
	n, err := strconv.ParseUint(h.Get(key), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// leave stops serving and returns when the connection is gone.
func (m *module) leave() {
	if m.service != nil {
		_ = m.service.Stop() // it fails only when the connection is gone, as it will be
		m.service = nil
	}
	if conn := m.conn.Load(); conn != nil {
		conn.Close()
	}
}

// close leaves for good.
func (m *module) close() {
	m.leave()
	m.engine.Close()
}
