package main

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"rubato/orchestrated"
	"rubato/orchestrated/engine"
	"rubato/player"
)

// moduleNames are the player's modules. Each has an engine of its own, as on NATS.
var moduleNames = []string{"ap", "pd", "log", "ui"}

// joined is the player, its modules joined by a rival. It has the shape of natsbus and is much
// smaller: no codec to choose, no sharing, no delivery that keeps, no modules elsewhere. A module
// that is stopped stays joined and refuses, as in the styles of one process.
type joined struct {
	*player.Parts
	engine.Inspection
	network         *network
	ownNetwork      bool // it ends with the player
	ap, pd, log, ui *module
	sender          *sender
	receiver        *receiver
	closed          bool
}

// open makes the parts and the modules, and has the rival join them.
func open(r rival, config player.Config) (player.Player, error) {
	config = config.Defaults()
	if config.Trace.Sink != nil {
		config.Trace.Sink = engine.SharedSink(config.Trace.Sink)
	}
	j := &joined{Parts: player.NewParts(config)}
	given := config.Placement.Network
	if j.network, j.ownNetwork = newNetwork(r), true; given != nil {
		n, ours := given.(*network)
		if !ours || n.rival.name != r.name {
			return nil, &player.Error{Code: player.Invalid, Op: r.name, Err: fmt.Errorf("a %T joins no modules here", given)}
		}
		j.network, j.ownNetwork = n, false
	}
	if err := j.join(config); err != nil {
		return nil, errors.Join(err, j.leave())
	}
	return j, nil
}

// join makes the modules and a door for each action and for the two events that cross, and opens
// the carrier with them.
func (j *joined) join(config player.Config) (err error) {
	concepts := append(orchestrated.Concepts(j.Parts), orchestrated.PaddingConcept())
	rules := orchestrated.Padded(append(orchestrated.Rules(), orchestrated.FilterRules(j.Filters.Count())...), config.Rules)
	p := plan{ends: j.network.ends, most: config.Window + 8, timeout: config.Timeout} // 8: requests to commit
	modules := map[string]*module{}
	for i, e := range p.ends {
		modules[e.name] = &module{end: e, network: j.network, timeout: config.Timeout,
			engine: engine.New(engine.Settings{Module: e.name, Trace: config.Trace, Member: uint8(i + 1), Stall: config.Planted.In("rules")})}
	}
	doors := map[string]*door{}
	add := func(d door) *door {
		d.id = len(p.doors)
		p.doors = append(p.doors, &d)
		doors[d.topic] = &d
		return &d
	}
	for _, c := range concepts {
		for _, a := range c.Actions {
			d := add(door{topic: c.URI(a.Name), owner: modules[c.Module].end, in: a.In, out: a.Out})
			d.answer = modules[c.Module].answerer(d)
		}
	}
	for _, e := range p.ends {
		m := modules[e.name]
		if err := m.register(concepts, doors, rules); err != nil {
			return err
		}
		j.Inspection = append(j.Inspection, m.engine)
	}
	j.ap, j.pd, j.log, j.ui = modules["ap"], modules["pd"], modules["log"], modules["ui"]
	said := add(door{topic: saidEvent, owner: j.log.end, in: orchestrated.ChatConcept().Events[0].Fields})
	done := add(door{topic: doneEvent, owner: j.ui.end})
	j.receiver = newReceiver(j.log, done, j.Batch)
	j.sender = newSender(j.ui, said, config)
	said.hear, done.hear = j.receiver.hear, j.sender.hear
	j.network.carrier, err = j.network.rival.open(p)
	return err
}

// Do starts a flow and returns when it has run. For a message it waits for the outcome.
func (j *joined) Do(s player.Stimulus) error {
	if j.closed {
		return player.ErrClosed
	}
	if s.Kind == player.MessageSaid {
		return j.sender.do(s)
	}
	return j.converse(s)
}

// Post returns when a message is published. Any other stimulus is done by then.
func (j *joined) Post(s player.Stimulus, done player.Done) error {
	if j.closed {
		return player.ErrClosed
	}
	if s.Kind == player.MessageSaid {
		return j.sender.send(s, done)
	}
	done(s.Seq, j.converse(s))
	return nil
}

// Settle has module log commit a batch that is not full and waits for all outcomes.
func (j *joined) Settle() error {
	if j.closed {
		return nil
	}
	return j.sender.settle()
}

// converse calls the concept that the stimulus concerns; rules do the rest.
func (j *joined) converse(s player.Stimulus) error {
	switch s.Kind {
	case player.Period:
		return j.period(s)
	case player.ModuleStopped:
		return j.change(j.StopModule, s.Module)
	case player.ModuleStarted:
		return j.change(j.StartModule, s.Module)
	}
	return orchestrated.Converse(j.ap.engine, j.ui.engine, j.Parts, s)
}

// period mixes one audio period, outside the rules, and then handles the markers that it passed.
func (j *joined) period(s player.Stimulus) error {
	j.ap.mu.Lock()
	markers, err := j.Playback.Mix(s.Frames)
	j.ap.mu.Unlock()
	for _, m := range markers {
		if failed := orchestrated.Pass(j.ap.engine, s, m); err == nil {
			err = failed
		}
	}
	return err
}

// change stops or starts a module while nothing is under way.
func (j *joined) change(to func(string) error, module string) error {
	settled := j.sender.settle()
	j.log.mu.Lock()
	defer j.log.mu.Unlock()
	return errors.Join(to(module), settled)
}

// Status asks ap::Playback from module ui.
func (j *joined) Status(seq uint64) (player.Status, error) {
	if j.closed {
		return player.Status{}, player.ErrClosed
	}
	return orchestrated.Status(j.ui.engine, seq)
}

// Waiting asks ap::Queue from module ui.
func (j *joined) Waiting(seq uint64) ([]player.Entry, error) {
	if j.closed {
		return nil, player.ErrClosed
	}
	return orchestrated.Waiting(j.ui.engine, seq)
}

// Describe lists the facts of the parts, of the engines, and of what joins them.
func (j *joined) Describe() []player.Fact {
	carries := "values"
	if j.network.rival.json {
		carries = "JSON"
	}
	return append(append(j.Parts.Describe(), j.Facts()...),
		player.Fact{Name: "window", Value: strconv.Itoa(cap(j.sender.window)), Own: true},
		player.Fact{Name: "carries", Value: carries, Own: true},
		player.Fact{Name: "guarantees", Value: j.network.rival.guarantees.String(), Own: true})
}

// Observe reads back every part and the store while no module works. Messages without an outcome
// count as dropped.
func (j *joined) Observe() (player.Observation, error) {
	for _, m := range []*module{j.ap, j.pd, j.log, j.ui} {
		m.mu.Lock()
		defer m.mu.Unlock()
	}
	seen, err := j.Parts.Observe()
	seen.Dropped = j.sender.lost()
	return seen, err
}

// Close settles, then ends the carrier and the engines.
func (j *joined) Close() error {
	if j.closed {
		return nil
	}
	err := j.Settle()
	j.closed = true
	return errors.Join(err, j.leave())
}

// leave ends what join started.
func (j *joined) leave() (err error) {
	if j.ownNetwork {
		err = j.network.Close()
	}
	for _, e := range j.Inspection {
		e.Close()
	}
	return err
}

// A module has its own concepts, and those of other modules as requests.
type module struct {
	*end
	network *network
	timeout time.Duration
	engine  *engine.Engine
	// mu guards the module's parts while one action or query runs. It is free again before rules
	// follow, so two modules may ask each other.
	mu sync.Mutex
}

// register gives the module's engine all concepts and the rules that run here.
func (m *module) register(concepts []engine.Concept, doors map[string]*door, rules []engine.Rule) error {
	for _, c := range concepts {
		if c.Module == m.name {
			c = c.Guarded(&m.mu)
		} else {
			c = m.remote(c, doors)
		}
		if err := m.engine.AddConcepts(c); err != nil {
			return err
		}
	}
	if err := m.engine.AddRules(orchestrated.RulesOf(m.name, rules)...); err != nil {
		return err
	}
	m.engine.Start()
	return nil
}

// remote is a concept of another module: its actions ask.
func (m *module) remote(c engine.Concept, doors map[string]*door) engine.Concept {
	actions := make([]engine.Action, len(c.Actions))
	for i, a := range c.Actions {
		d := doors[c.URI(a.Name)]
		a.Run = func(call *engine.Call) error { return m.request(d, call) }
		actions[i] = a
	}
	c.Actions, c.Queries = actions, nil
	return c
}

// request runs an action of another module, or has it run while the flow goes on.
func (m *module) request(d *door, call *engine.Call) error {
	x := exchanges.Get().(*exchange)
	x.from, x.door, x.to = m, d, call.Out
	x.ask.flow, x.ask.cause, x.ask.depth = call.Flow(), call.Cause(), call.Depth()
	x.ask.values = append(x.ask.values[:0], call.In...)
	x.reply.values = append(x.reply.values[:0], call.Out...) // empty, one for each output
	if err := m.network.ask(d, x); err != nil {
		return refused(d.topic, err)
	}
	if call.Later() {
		call.Await(x)
		return nil
	}
	return x.Wait()
}

// refused keeps the code of what could not be sent because of what it is.
func refused(op string, err error) error {
	if player.CodeOf(err) == player.Invalid {
		return err
	}
	return unavailable(op, err)
}

// answerer runs an action of this module for another one.
func (m *module) answerer(d *door) func(*exchange) {
	return func(x *exchange) {
		m.received.Add(1)
		x.reply.err = m.engine.Serve(x.ask.flow, x.ask.cause, x.ask.depth, d.topic, x.ask.values, x.reply.values)
		m.sent.Add(1)
	}
}
