package engine

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"

	"rubato/player"
)

// A Field is a named, typed place in the input or output of an action or query,
// or in an event.
type Field struct {
	Name string
	Type Type
}

// A Concept is a part and its interface: actions that change it, queries that read
// it, events that it emits. A concept never imports, calls or holds another; rules
// join them. The engine calls its functions one at a time.
type Concept struct {
	Module  string // "pd"
	Name    string // "Director"
	Actions []Action
	Queries []Query
	Events  []Event
}

// URI names an action, query or event of the concept: module::Concept::name.
func (c Concept) URI(name string) string { return c.Module + "::" + c.Name + "::" + name }

// Guarded lets only one function of the concepts that share mu run at a time, since they may share
// a store. It is free again before rules follow.
func (c Concept) Guarded(mu *sync.Mutex) Concept {
	actions, queries := slices.Clone(c.Actions), slices.Clone(c.Queries)
	for i, a := range actions {
		run := a.Run
		actions[i].Run = func(call *Call) error {
			mu.Lock()
			defer mu.Unlock()
			return run(call)
		}
	}
	for i, q := range queries {
		ask := q.Ask
		queries[i].Ask = func(call *Call) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			return ask(call)
		}
	}
	c.Actions, c.Queries = actions, queries
	return c
}

// An Action changes its concept. Its completion is a trigger whose fields are the
// inputs and the outputs.
type Action struct {
	Name    string
	In, Out []Field
	Emits   []string // names of the concept's events that it may emit
	Run     func(*Call) error
}

// A Query reads its concept and changes nothing.
type Query struct {
	Name    string
	In, Out []Field
	Ask     func(*Call) (holds bool, err error)
}

// An Event is something that happened, with fields.
type Event struct {
	Name   string
	Fields []Field
}

// A Call is one invocation of an action or query. In and Out are in the order of the
// declared fields. The callee must not keep them after it returns.
type Call struct {
	In, Out  []Value
	flow     *flow
	action   *action
	record   uint64 // id of this invocation: the cause of what it emits
	emitted  []emission
	envelope Envelope // of the event being published
	later    *hook    // of the step, if the flow may go on before the action has ended
	known    bool     // see Step
}

// An Awaited is the end of an action that runs elsewhere.
type Awaited interface{ Wait() error }

// Later reports whether Run may return before the action has ended. It must pass the end
// to Await then.
func (c *Call) Later() bool { return c.later != nil }

// Known reports whether the module that is called knows the flavors among the inputs.
func (c *Call) Known() bool { return c.known }

// Await has the flow wait for a before it ends.
func (c *Call) Await(a Awaited) {
	c.flow.awaited = append(c.flow.awaited, awaited{a, c.later, c.record})
}

type awaited struct {
	Awaited
	hook   *hook
	record uint64
}

// Flow is the token of the flow that the call belongs to, 0 outside any.
func (c *Call) Flow() uint64 {
	if c.flow == nil {
		return 0
	}
	return c.flow.token
}

// Depth is how deep in its flow the call is.
func (c *Call) Depth() int {
	if c.flow == nil {
		return 0
	}
	return c.flow.depth
}

// Cause is the id of this invocation's trace record.
func (c *Call) Cause() uint64 { return c.record }

// Emit announces the i-th event of the action's Emits, with the event's fields in
// order. The event is published after the action has completed.
func (c *Call) Emit(i int, fields ...Value) {
	if want := len(c.action.emits[i].Fields); len(fields) != want {
		panic(fmt.Sprintf("emits %s with %d fields, want %d", c.action.emits[i].uri, len(fields), want)) // recovered as a failure of the action
	}
	held := c.flow.push(len(fields))
	copy(held, fields)
	c.emitted = append(c.emitted, emission{c.action.emits[i], held})
}

type emission struct {
	event  *event
	fields []Value
}

// Type says what a field holds. Types are checked when rules are registered, so a
// Value carries none at run time.
type Type uint8

const (
	Integer Type = iota + 1 // int64, and player.Ticks
	Natural                 // uint64: seeds, tokens
	Real                    // float64
	Truth                   // bool
	Text                    // string
	Flavor                  // *player.Flavor, never changed once bound
)

func (t Type) String() string {
	names := [...]string{"?", "integer", "natural", "real", "truth", "text", "flavor"}
	if int(t) >= len(names) {
		return "?"
	}
	return names[t]
}

// A Value is the value of a variable. It is a struct of 32 bytes and not an
// interface, because putting a number into an interface allocates.
type Value struct {
	number uint64
	text   string
	flavor *player.Flavor
}

// One constructor and one reader for each type.
func Int[I ~int64 | ~int](v I) Value   { return Value{number: uint64(v)} }
func Nat(v uint64) Value               { return Value{number: v} }
func Float(v float64) Value            { return Value{number: math.Float64bits(v)} }
func String(v string) Value            { return Value{text: v} }
func FlavorOf(v *player.Flavor) Value  { return Value{flavor: v} }
func (v Value) Int() int64             { return int64(v.number) }
func (v Value) Nat() uint64            { return v.number }
func (v Value) Ticks() player.Ticks    { return player.Ticks(v.number) }
func (v Value) Float() float64         { return math.Float64frombits(v.number) }
func (v Value) Bool() bool             { return v.number != 0 }
func (v Value) Text() string           { return v.text }
func (v Value) Flavor() *player.Flavor { return v.flavor }

// Bool makes a truth value.
func Bool(v bool) Value {
	if v {
		return Value{number: 1}
	}
	return Value{}
}

// Format writes v, a value of type t, as readable text.
func (v Value) Format(t Type) string { return string(v.append(nil, t)) }

func (v Value) append(b []byte, t Type) []byte {
	switch t {
	case Integer:
		return strconv.AppendInt(b, v.Int(), 10)
	case Natural:
		return strconv.AppendUint(b, v.Nat(), 10)
	case Real:
		return strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
	case Truth:
		return strconv.AppendBool(b, v.Bool())
	case Text:
		return strconv.AppendQuote(b, v.Text())
	case Flavor:
		if v.flavor == nil {
			return append(b, "flavor none"...)
		}
		return fmt.Appendf(b, "flavor %016x", v.flavor.Digest())
	}
	return append(b, '?')
}
