package orchestrated

import "fmt"

// A Field is a named, typed place in the input or output of an action or query,
// or in an event.
type Field struct {
	Name string
	Type Type
}

// A Concept is a part with its doors: actions that change it, queries that read
// it, events it emits. It never imports, calls or holds another concept; what
// joins concepts are rules. Its functions are called one at a time.
type Concept struct {
	Module  string // "pd"
	Name    string // "Director"
	Actions []Action
	Queries []Query
	Events  []Event
}

// URI names a door of the concept: module::Concept::name.
func (c Concept) URI(name string) string { return c.Module + "::" + c.Name + "::" + name }

// An Action changes its concept. Its completion is a trigger, with inputs and
// outputs as fields. Its URI is module::Concept::name.
type Action struct {
	Name    string
	In, Out []Field
	Emits   []string // names of the concept's events that it may emit
	Run     func(*Call) error
}

// A Query reads its concept and has no side effect. It holds when Ask says so.
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

// A Call is one invocation of an action or query. In and Out are in the order of
// the declared fields, and are the callee's only until it returns.
type Call struct {
	In, Out []Value
	flow    *flow
	action  *action
	record  uint64 // id of this invocation: the cause of what it emits
	emitted []emission
	// envelope is where the event being published lies.
	envelope Envelope
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

// Cause is the id of this invocation's record.
func (c *Call) Cause() uint64 { return c.record }

// Emit announces the i-th event that the action declares in Emits, with its
// fields in order. It is published when the action has completed, so that whoever
// hears it finds the action done.
func (c *Call) Emit(i int, fields ...Value) {
	if want := len(c.action.emits[i].Fields); len(fields) != want {
		panic(fmt.Sprintf("emits %s with %d fields, want %d", c.action.emits[i].uri, len(fields), want)) // the action's failure
	}
	held := c.flow.push(len(fields))
	copy(held, fields)
	c.emitted = append(c.emitted, emission{c.action.emits[i], held})
}

type emission struct {
	event  *event
	fields []Value
}
