// Package engine runs synchronizations: rules declared as data that join concepts.
// It finds the rules that a trigger starts, runs their actions, traces each action
// with its flow and cause, and bounds what one flow can do. It names no concept of the
// player, keeps no state of theirs and knows no network: natsbus runs one engine in
// each module and joins them.
//
// concept.go and rule.go hold what is declared. compile.go checks rules and turns
// names into numbers. dispatch.go starts flows and flow.go runs them. bus.go, trace.go
// and inspect.go are how a developer sees what happened.
package engine

import (
	"fmt"
	"slices"
	"sync/atomic"

	"rubato/player"
)

// Engine runs rules over concepts. Register everything first. Then call Emit and
// Invoke from any goroutine. A flow belongs to one goroutine; concepts that several
// flows may reach at once must guard themselves.
type Engine struct {
	settings Settings
	registry registry
	concepts []Concept
	rules    map[string]*compiled
	index    [][]hook // by trigger number, so rules that cannot match cost nothing
	hooks    []hook   // all of them, for LinearScan
	bus      *bus
	trace    *trace // nil: off
	records  atomic.Uint64
	idle     atomic.Pointer[flow] // the flow to use next; nil while it runs

	queue      *queue        // queued dispatch only
	persister  *persister    // with a sink only
	lostEvents atomic.Uint64 // by all listeners
}

// Settings of an engine. The zero value traces nothing and dispatches inline.
type Settings struct {
	Module   string // the module that the engine runs; "": all of them
	Trace    player.Tracing
	Dispatch player.Dispatch
	// LinearScan compares every rule with every trigger instead of using the index.
	LinearScan bool
	// CacheWhere reuses a query's answer within a flow until an action runs. It has no
	// effect in queued dispatch, where another flow may act in between.
	CacheWhere bool
	// Member is the high byte of trace record ids. Engines that share flows need
	// different ones.
	Member uint8
	// Stall is called when a flow begins, or goes on here. nil: nothing is.
	Stall func()
}

// New returns an engine without concepts or rules.
func New(s Settings) *Engine {
	e := &Engine{settings: s, registry: newRegistry(), rules: map[string]*compiled{}, bus: newBus()}
	e.records.Store(uint64(s.Member) << 56)
	if s.Trace.On && !slices.Contains(s.Trace.Without, s.Module) {
		e.trace = newTrace(s.Trace)
	}
	return e
}

// Start starts the goroutines: of the queue, and of the trace's writer. Call it after
// everything is registered. An inline engine without a sink needs no Start.
func (e *Engine) Start() {
	if e.settings.Dispatch == player.Queued {
		e.queue = newQueue()
	}
	if sink := e.settings.Trace.Sink; e.trace != nil && sink != nil {
		e.persister = newPersister(e.trace, e.registry.triggers, sink)
		if !e.settings.Trace.PerFlow {
			go e.persister.run()
		}
	}
}

// Close ends what Start started and flushes the trace.
func (e *Engine) Close() {
	if e.queue != nil {
		e.queue.close()
	}
	if p := e.persister; p != nil {
		if e.settings.Trace.PerFlow {
			p.flush()
		} else {
			p.close()
		}
		e.persister = nil
	}
}

// AddConcepts registers concepts. A name that is taken is an error.
func (e *Engine) AddConcepts(concepts ...Concept) error {
	for _, c := range concepts {
		if err := e.registry.add(c); err != nil {
			return err
		}
		e.concepts = append(e.concepts, c)
		for _, a := range c.Actions {
			e.registry.actions[c.URI(a.Name)].untraced = slices.Contains(e.settings.Trace.Without, c.Module)
		}
	}
	for len(e.index) < len(e.registry.triggers) {
		e.index = append(e.index, nil)
	}
	return nil
}

// AddRules checks rules and registers all of them or none. The error names the rule
// and the field.
func (e *Engine) AddRules(rules ...Rule) error {
	var added []*compiled
	names := map[string]bool{}
	for _, r := range rules {
		if e.rules[r.Name] != nil || names[r.Name] {
			return fmt.Errorf("rule %q: name: is taken", r.Name)
		}
		c, err := e.registry.compile(r)
		if err != nil {
			return err
		}
		names[r.Name] = true
		added = append(added, c)
	}
	if err := e.cycle(added); err != nil {
		return err
	}
	for _, c := range added {
		e.register(c)
	}
	return nil
}

func (e *Engine) register(c *compiled) {
	e.rules[c.Name] = c
	for _, h := range c.hooks {
		if event := e.registry.events[e.registry.triggers[h.trigger].uri]; len(e.index[h.trigger]) == 0 && event != nil {
			e.bus.subscribe(h.trigger, continueFlow)
		}
		e.index[h.trigger] = append(e.index[h.trigger], h)
		e.hooks = append(e.hooks, h)
	}
}

// continueFlow runs the rules of an event in the flow that published it.
func continueFlow(v *Envelope) { v.flow.happen(v.topic, v.Cause, v.Fields) }

// Subscribe has handle called for each event, in the emitter's goroutine. It must not
// wait and must not keep the envelope. It may be called while the engine runs, as may cancel.
func (e *Engine) Subscribe(event string, handle func(*Envelope)) (cancel func(), err error) {
	known := e.registry.events[event]
	if known == nil {
		return nil, fmt.Errorf("subscribe: unknown event %q", event)
	}
	return e.bus.subscribe(known.trigger, handle), nil
}

func (e *Engine) nextRecord() uint64 { return e.records.Add(1) }

// action, query and event are registered declarations: names are resolved and
// triggers have numbers.
type (
	action struct {
		Action
		uri       string
		emits     []*event
		completed int     // trigger number of its completion
		failed    int     // trigger number of its failure
		fields    []Field // In, then Out: the fields of its completion
		untraced  bool
	}
	query struct {
		Query
		uri string
	}
	event struct {
		Event
		uri     string
		trigger int
	}
)

// registry holds the actions, queries and events of all concepts, by URI.
type registry struct {
	actions  map[string]*action
	queries  map[string]*query
	events   map[string]*event
	triggers []trigger // by number
}

// trigger is what a number stands for.
type trigger struct {
	uri    string
	fields []Field
}

func newRegistry() registry {
	return registry{
		actions: map[string]*action{}, queries: map[string]*query{}, events: map[string]*event{},
		triggers: []trigger{{}}, // number 0 is no trigger
	}
}

// add registers a concept. It refuses a name that is taken, and an action that emits
// an event which its concept does not declare.
func (r *registry) add(c Concept) error {
	for _, e := range c.Events {
		uri := c.URI(e.Name)
		if r.knows(uri) {
			return fmt.Errorf("%s is declared twice", uri)
		}
		r.events[uri] = &event{Event: e, uri: uri, trigger: r.number(uri, e.Fields)}
	}
	for _, a := range c.Actions {
		if err := r.addAction(c, a); err != nil {
			return err
		}
	}
	for _, q := range c.Queries {
		uri := c.URI(q.Name)
		if r.knows(uri) {
			return fmt.Errorf("%s is declared twice", uri)
		}
		if q.Ask == nil {
			return fmt.Errorf("query %s: Ask is not set", uri)
		}
		r.queries[uri] = &query{Query: q, uri: uri}
	}
	return nil
}

func (r *registry) addAction(c Concept, a Action) error {
	uri := c.URI(a.Name)
	if r.knows(uri) {
		return fmt.Errorf("%s is declared twice", uri)
	}
	if a.Run == nil {
		return fmt.Errorf("action %s: Run is not set", uri)
	}
	fields := append(append([]Field(nil), a.In...), a.Out...)
	registered := &action{Action: a, uri: uri, fields: fields, completed: r.number(uri, fields),
		failed: r.number(uri+" failed", append(append([]Field(nil), a.In...), Field{"code", Text}, Field{"error", Text}))}
	for _, name := range a.Emits {
		e, ok := r.events[c.URI(name)]
		if !ok {
			return fmt.Errorf("action %s: emits %q, which its concept does not declare", uri, name)
		}
		registered.emits = append(registered.emits, e)
	}
	r.actions[uri] = registered
	return nil
}

func (r *registry) knows(uri string) bool {
	return r.actions[uri] != nil || r.queries[uri] != nil || r.events[uri] != nil
}

func (r *registry) number(uri string, fields []Field) int {
	r.triggers = append(r.triggers, trigger{uri, fields})
	return len(r.triggers) - 1
}

// find returns the trigger number of an event, or of an action's completion or
// failure.
func (r *registry) find(t Trigger) (int, bool) {
	a := r.actions[t.URI]
	switch e := r.events[t.URI]; {
	case e != nil && !t.Failed:
		return e.trigger, true
	case a != nil && t.Failed:
		return a.failed, true
	case a != nil:
		return a.completed, true
	}
	return 0, false
}
