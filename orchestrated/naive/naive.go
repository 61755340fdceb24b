// Package naive is the engine that the published estimates of orchestration describe.
// It compares every rule with every event as text, passes bindings through JSON, gives
// every record a random UUID, and keeps all traces in maps behind one lock. It exists so
// that one run can measure the estimates and package engine.
//
// It is not a style and not meant for use, but it is not slow on purpose: each choice is
// the obvious one. Its rules mean what those of package engine mean (when, where, then in
// order, named outputs that are bound, a completed action as a trigger). The test
// compares the two engines.
package naive

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"
)

// MaxActions bounds a flow, so that rules that trigger each other end.
const MaxActions = 1000

// Bindings are a rule's values by variable, and inputs and outputs by field.
type Bindings map[string]any

// Action changes its concept; Query reads it.
type (
	Action func(in Bindings) (out Bindings, err error)
	Query  func(in Bindings) (holds bool, err error)
)

// A Rule is a synchronization. It binds the trigger's fields to variables of the same
// names.
type Rule struct {
	Name  string
	When  string // event or completed action
	Where []Ask  // all must hold; asked in order
	Then  []Step
}

// An Ask asks a query, a Step runs an action. With maps input fields to variables, Gives
// maps outputs to variables.
type (
	Ask struct {
		Query string
		With  map[string]string
	}
	Step struct {
		Do          string
		With, Gives map[string]string
	}
)

// Engine runs rules. Fill it before the first Emit.
type Engine struct {
	Actions map[string]Action
	Queries map[string]Query
	Rules   []Rule
	Trace   *Trace // nil: off

	mu      sync.Mutex
	actions int   // of the current flow
	err     error // its first failure
}

// Emit runs the rules of an event, depth first, and returns the first failure. A failure
// ends its own rule only.
func (e *Engine) Emit(flow, event string, fields Bindings) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.actions, e.err = 0, nil
	e.happen(flow, "", event, fields)
	return e.err
}

// happen compares the trigger with every rule. cause is the record of the completed
// action, "" for an event from outside.
func (e *Engine) happen(flow, cause, trigger string, fields Bindings) {
	for i := range e.Rules {
		rule := &e.Rules[i]
		if rule.When != trigger {
			continue
		}
		if err := e.activate(flow, cause, rule, fields); err != nil && e.err == nil {
			e.err = fmt.Errorf("rule %s: %w", rule.Name, err)
		}
	}
}

func (e *Engine) activate(flow, cause string, rule *Rule, fields Bindings) error {
	bound, err := through(fields)
	if err != nil {
		return err
	}
	for _, ask := range rule.Where {
		query, ok := e.Queries[ask.Query]
		if !ok {
			return fmt.Errorf("unknown query %q", ask.Query)
		}
		if holds, err := query(pick(bound, ask.With)); err != nil || !holds {
			return err
		}
	}
	for _, step := range rule.Then {
		if err := e.invoke(flow, cause, rule, step, bound); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) invoke(flow, cause string, rule *Rule, step Step, bound Bindings) error {
	action, ok := e.Actions[step.Do]
	if !ok {
		return fmt.Errorf("unknown action %q", step.Do)
	}
	if e.actions++; e.actions > MaxActions {
		return fmt.Errorf("flow aborted after %d actions", MaxActions)
	}
	in := pick(bound, step.With)
	started := time.Now()
	out, failed := action(in)
	id, err := e.Trace.add(flow, cause, rule.Name, step.Do, in, out, started, failed)
	if failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	if out, err = through(out); err != nil {
		return err
	}
	for field, variable := range step.Gives {
		bound[variable] = out[field]
	}
	maps.Copy(out, in)
	e.happen(flow, id, step.Do, out)
	return nil
}

// through copies bindings by way of JSON. Numbers come back as float64.
func through(fields Bindings) (Bindings, error) {
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	bound := Bindings{}
	if err := json.Unmarshal(text, &bound); err != nil {
		return nil, err
	}
	if bound == nil { // of an action without outputs
		bound = Bindings{}
	}
	return bound, nil
}

// pick gathers inputs from the bindings.
func pick(bound Bindings, with map[string]string) Bindings {
	in := make(Bindings, len(with))
	for field, variable := range with {
		in[field] = bound[variable]
	}
	return in
}

// keepFlows is how many flows a trace keeps, as many as package engine. The oldest go
// first.
const keepFlows = 1000

// A Record is one action that ran, formatted at once.
type Record struct {
	ID, Flow string
	Action   string
	In, Out  string // JSON
	Started  time.Time
	Took     time.Duration
	Err      string
}

// An Edge says which record led to an action.
type Edge struct {
	From, To string // ids of records; From is "" for an event from outside
	Rule     string
}

// Trace holds records by id, edges by the id they lead to, and ids by flow.
type Trace struct {
	mu      sync.Mutex
	records map[string]Record
	edges   map[string]Edge
	flows   map[string][]string
	order   []string // flows, oldest first
}

// NewTrace returns an empty trace.
func NewTrace() *Trace {
	return &Trace{records: map[string]Record{}, edges: map[string]Edge{}, flows: map[string][]string{}}
}

// add keeps an action and its edge. A nil trace keeps nothing.
func (t *Trace) add(flow, cause, rule, action string, in, out Bindings, started time.Time, failed error) (id string, err error) {
	if t == nil {
		return "", nil
	}
	took := time.Since(started)
	record := Record{ID: newID(), Flow: flow, Action: action, Started: started, Took: took}
	if failed != nil {
		record.Err = failed.Error()
	}
	for _, side := range []struct {
		to   *string
		from Bindings
	}{{&record.In, in}, {&record.Out, out}} {
		text, err := json.Marshal(side.from)
		if err != nil {
			return "", err
		}
		*side.to = string(text)
	}
	t.keep(record, Edge{From: cause, To: record.ID, Rule: rule})
	return record.ID, nil
}

func (t *Trace) keep(r Record, e Edge) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.flows[r.Flow]; !known {
		t.order = append(t.order, r.Flow)
		if len(t.order) > keepFlows {
			t.forget(t.order[0])
			t.order = t.order[1:]
		}
	}
	t.flows[r.Flow] = append(t.flows[r.Flow], r.ID)
	t.records[r.ID] = r
	t.edges[r.ID] = e
}

func (t *Trace) forget(flow string) {
	for _, id := range t.flows[flow] {
		delete(t.records, id)
		delete(t.edges, id)
	}
	delete(t.flows, flow)
}

// newID is a random UUID, version 4 (RFC 9562).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // documented to never fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
