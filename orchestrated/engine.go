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
	"errors"
	"fmt"
	"sync/atomic"

	"rubato/player"
)

// Engine runs rules over concepts. Register everything first; then Emit and
// Invoke, from one goroutine at a time.
type Engine struct {
	registry registry
	rules    map[string]*compiled
	index    [][]hook // by trigger number: rules that cannot match cost nothing
	bus      *bus
	trace    *trace // nil: off
	records  atomic.Uint64
	idle     *flow // the one to use next; nil while it runs
}

// Settings of an engine. The zero value traces nothing.
type Settings struct {
	Trace bool
	// Member keeps record ids of engines that share flows apart: their high byte.
	Member uint8
}

// NewEngine returns an engine without concepts or rules.
func NewEngine(s Settings) *Engine {
	e := &Engine{registry: newRegistry(), rules: map[string]*compiled{}, bus: newBus()}
	e.records.Store(uint64(s.Member) << 56)
	if s.Trace {
		e.trace = newTrace()
	}
	return e
}

// AddConcepts registers concepts. A name that is taken is an error.
func (e *Engine) AddConcepts(concepts ...Concept) error {
	for _, c := range concepts {
		if err := e.registry.add(c); err != nil {
			return err
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
	}
}

func (e *Engine) isEvent(trigger int) bool {
	return e.registry.events[e.registry.triggers[trigger].uri] != nil
}

// hear goes on in the flow that published.
func (e *Engine) hear(envelope *Envelope) {
	envelope.flow.happen(envelope.topic, envelope.Cause, envelope.Fields)
}

// Subscribe lets handle hear an event. The envelope is its own only until it
// returns.
func (e *Engine) Subscribe(event string, handle func(*Envelope)) error {
	known := e.registry.events[event]
	if known == nil {
		return fmt.Errorf("subscribe: unknown event %q", event)
	}
	e.bus.subscribe(known.trigger, handle)
	return nil
}

// Emit publishes an event from outside, as the root of a flow or with a cause in
// another engine, and returns when its rules have run: inline, depth first. The
// error is the first failure of the flow; what did not depend on it has happened.
func (e *Engine) Emit(token, cause uint64, event string, fields ...Value) error {
	known := e.registry.events[event]
	if known == nil {
		return &player.Error{Code: player.Invalid, Op: "emit", Err: fmt.Errorf("unknown event %q", event)}
	}
	if len(fields) != len(known.Fields) {
		return &player.Error{Code: player.Invalid, Op: "emit " + event, Err: errors.New("wrong number of fields")}
	}
	f := e.begin(token)
	call := &f.calls[0]
	call.flow, call.record = f, cause
	held := f.push(len(fields))
	copy(held, fields)
	f.publish(call, known, held)
	return e.end(f)
}

// Invoke runs an action from outside, as the root of a flow or with a cause in
// another engine, and the rules that follow from it. out receives the outputs.
func (e *Engine) Invoke(token, cause uint64, uri string, in, out []Value) error {
	known := e.registry.actions[uri]
	if known == nil {
		return &player.Error{Code: player.NotFound, Op: "invoke", Err: fmt.Errorf("unknown action %q", uri)}
	}
	if len(in) != len(known.In) || len(out) != len(known.Out) {
		return &player.Error{Code: player.Invalid, Op: "invoke " + uri, Err: errors.New("wrong number of inputs or outputs")}
	}
	f := e.begin(token)
	f.root(known, cause, in, out)
	return e.end(f)
}

// root is invoke without a rule.
func (f *flow) root(a *action, cause uint64, in, out []Value) {
	f.actions++
	call := f.call(a)
	fields := f.push(len(a.fields))
	call.In, call.Out = fields[:len(in):len(in)], fields[len(in):]
	copy(call.In, in)
	if f.err = f.run(call, cause, nil); f.err == nil {
		copy(out, call.Out)
		f.after(call, fields)
	}
	f.depth--
}

func (e *Engine) begin(token uint64) *flow {
	f := e.idle
	e.idle = nil
	if f == nil {
		f = newFlow(e)
	}
	f.token, f.segment.token = token, token
	return f
}

// end hands over the trace and makes the flow ready for the next.
func (e *Engine) end(f *flow) error {
	if e.trace != nil {
		e.trace.keep(&f.segment)
	}
	err := f.err
	f.release(0)
	f.joins = f.joins[:0]
	f.actions, f.depth, f.err = 0, 0, nil
	e.idle = f
	return err
}

func (e *Engine) nextRecord() uint64 { return e.records.Add(1) }
