// Package naive is the engine that the published estimates of orchestration
// describe: every rule is looked at for every event and compared as text, bindings
// are maps that go through JSON, every record has a random UUID, and all traces lie
// in maps behind one lock. It exists so that estimate and engine can be measured in
// one run.
//
// It is not a style and not meant to be used, nor is it slow on purpose: each
// choice is the plain one. Its rules mean what those of package orchestrated mean
// (when, where, then in order, named outputs that join the bindings, a completed
// action as a trigger); engine_test holds the two against each other.
package naive

import (
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"
)

// MaxActions bounds a flow: rules that feed each other end there.
const MaxActions = 1000

// Bindings are what a rule knows, by variable; inputs and outputs, by field.
type Bindings map[string]any

// Action changes its concept; Query reads it.
type (
	Action func(in Bindings) (out Bindings, err error)
	Query  func(in Bindings) (holds bool, err error)
)

// A Rule is a synchronization. Fields of the trigger are bound to variables of
// their own names.
type Rule struct {
	Name  string
	When  string // event or completed action
	Where []Ask  // all must hold; asked in order
	Then  []Step
}

// An Ask asks a query, a Step runs an action: With gives inputs, field → variable;
// Gives binds outputs, output → variable.
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
	actions int   // of the flow under way
	err     error // its first failure
}

// Emit runs the rules of an event, depth first, and returns when they have run: the
// first failure, which ended its own rule and no other.
func (e *Engine) Emit(flow, event string, fields Bindings) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.actions, e.err = 0, nil
	e.happen(flow, "", event, fields)
	return e.err
}

// happen looks through all rules. cause is the record of the action that was
// completed, "" for an event from outside.
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

// through makes bindings of what may hold anything, by way of JSON. Numbers come
// back as float64.
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
