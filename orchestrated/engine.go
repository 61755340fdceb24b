// Package orchestrated is the second style: the player's parts as concepts, joined
// by synchronizations, which are rules declared as data, on an in-process bus. An
// engine runs them, traces every action with its flow and cause, and bounds what
// rules can do to one another.
//
// The style follows Meng and Jackson, "What You See Is What It Does" (Onward!
// 2025, arXiv 2508.14511). natsbus is the same concepts and rules on another bus,
// and uses this package's engine, one a module.
//
// The package has the shape of its siblings in orchestrated.go; value, concept and
// rule are what is declared, registry, compile and condition read it, engine and
// flow run it.
package orchestrated

import (
	"fmt"
	"slices"
	"sync/atomic"

	"rubato/player"
)

// Engine runs rules over concepts. Register everything first; then Emit and
// Invoke, from any goroutine: a flow belongs to one, and it is for the concepts to
// be guarded if several flows may reach them at once.
type Engine struct {
	settings Settings
	registry registry
	concepts []Concept
	rules    map[string]*compiled
	index    [][]hook // by trigger number: rules that cannot match cost nothing
	hooks    []hook   // all of them, for LinearScan
	bus      *bus
	trace    *trace // nil: off
	records  atomic.Uint64
	idle     atomic.Pointer[flow] // the one to use next; nil while it runs

	queue      *queue     // queued dispatch only
	persister  *persister // with a sink only
	lostEvents lossCounter
}

// Settings of an engine. The zero value traces nothing and dispatches inline.
type Settings struct {
	Module   string // whose engine it is, where modules have one each; "": all of them
	Trace    player.Tracing
	Dispatch player.Dispatch
	// LinearScan looks at every rule for every trigger instead of the index.
	LinearScan bool
	// CacheWhere remembers a query's answer within a flow until an action runs, for
	// rules that ask the same. Inline only: queued, another flow may act between.
	CacheWhere bool
	// Member keeps record ids of engines that share flows apart: their high byte.
	Member uint8
}

// NewEngine returns an engine without concepts or rules.
func NewEngine(s Settings) *Engine {
	e := &Engine{settings: s, registry: newRegistry(), rules: map[string]*compiled{}, bus: newBus()}
	e.records.Store(uint64(s.Member) << 56)
	if s.Trace.On && !slices.Contains(s.Trace.Without, s.Module) {
		e.trace = newTrace(s.Trace)
	}
	return e
}

// Start starts what runs beside the emitter: the queue, and the trace's way to its
// sink. Call it when all is registered; an inline engine without a sink needs none.
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

// Close ends what Start has started, and flushes the trace.
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

// AddRules checks rules and registers them all, or none. The error names rule and
// field.
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
		if len(e.index[h.trigger]) == 0 && e.isEvent(h.trigger) {
			e.bus.subscribe(h.trigger, e.hear)
		}
		e.index[h.trigger] = append(e.index[h.trigger], h)
		e.hooks = append(e.hooks, h)
	}
}

func (e *Engine) isEvent(trigger int) bool {
	return e.registry.events[e.registry.triggers[trigger].uri] != nil
}

// hear goes on in the flow that published.
func (e *Engine) hear(envelope *Envelope) {
	envelope.flow.happen(envelope.topic, envelope.Cause, envelope.Fields)
}

// Subscribe lets handle hear an event, in the emitter's goroutine: it must not
// wait. The envelope is its own only until it returns.
func (e *Engine) Subscribe(event string, handle func(*Envelope)) error {
	known := e.registry.events[event]
	if known == nil {
		return fmt.Errorf("subscribe: unknown event %q", event)
	}
	e.bus.subscribe(known.trigger, handle)
	return nil
}

func (e *Engine) nextRecord() uint64 { return e.records.Add(1) }
