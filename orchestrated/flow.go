package orchestrated

import (
	"errors"
	"fmt"
	"time"

	"rubato/player"
)

// Bounds of one flow. Rules that feed each other end here, counted and traced.
const (
	MaxActions = 1000
	MaxDepth   = 64
)

// ErrAborted is in the chain of the error of a flow that met a bound.
var ErrAborted = errors.New("flow aborted")

// errStopped ends what is left of an aborted flow. The abort is the failure of the
// rule that met the bound, and is counted once.
var errStopped = errors.New("flow stopped")

// stackSize is how many values a flow holds without allocating; the player's own
// rules need some 60.
const stackSize = 512

// flow is one stimulus on its way through the rules: its token, its stack of
// values, its trace. It belongs to one goroutine, and is used again when done.
type flow struct {
	engine     *Engine
	token      uint64
	actions    int
	depth      int
	stack      []Value
	high       int // how much of the stack this flow has used
	calls      [MaxDepth + 1]Call
	joins      []join
	answers    []answer // CacheWhere only
	remembered []Value  // inputs and outputs of answers
	err        error    // the first failure
	aborted    bool     // a bound was met: nothing more happens in this flow
	segment    segment
	last       time.Duration // the newest reading of the trace's clock
	pending    int           // queued dispatch: what of this flow waits, or runs
	done       chan struct{} // queued dispatch: nothing does any more
}

// join is an all-of rule that waits, in this flow, for the rest of its triggers.
type join struct {
	rule  *compiled
	seen  uint64
	frame []Value
}

func newFlow(e *Engine) *flow {
	return &flow{engine: e, stack: make([]Value, 0, stackSize), done: make(chan struct{}, 1)}
}

// push returns n values on top of the stack, or beside it when it is full: the
// bounds of a flow bound that, too. They hold what was left there: a frame's
// variables are bound before they are read, inputs are filled, and outputs have to
// be cleared.
func (f *flow) push(n int) []Value {
	i := len(f.stack)
	if i+n > cap(f.stack) {
		return make([]Value, n)
	}
	f.stack = f.stack[:i+n]
	f.high = max(f.high, i+n)
	return f.stack[i : i+n : i+n]
}

// release drops all above mark.
func (f *flow) release(mark int) { f.stack = f.stack[:mark] }

// empty drops everything, zeroed so that nothing is kept alive between flows.
func (f *flow) empty() {
	clear(f.stack[:f.high])
	f.stack, f.high = f.stack[:0], 0
}

// happen sets off the rules of a trigger now, or queues it. cause is the record
// that the trigger comes from, 0 for none.
func (f *flow) happen(trigger int, cause uint64, fields []Value) {
	if q := f.engine.queue; q != nil {
		q.later(f, trigger, cause, fields)
		return
	}
	f.set(trigger, cause, fields)
}

// set sets off the rules of a trigger, in order of registration.
func (f *flow) set(trigger int, cause uint64, fields []Value) {
	hooks := f.engine.index[trigger]
	if f.engine.settings.LinearScan {
		hooks = f.engine.hooks
	}
	for i := range hooks {
		if h := &hooks[i]; h.trigger == trigger && !f.aborted {
			f.match(h, cause, fields)
		}
	}
}

// match binds a trigger's fields for a rule and runs it.
func (f *flow) match(h *hook, cause uint64, fields []Value) {
	if h.rule.all != 0 {
		f.gather(h, cause, fields)
		return
	}
	mark := len(f.stack)
	frame := f.push(h.rule.slots)
	for _, m := range h.bind {
		frame[m.to] = fields[m.from]
	}
	f.activate(h, cause, frame)
	f.release(mark)
}

// gather keeps what an all-of rule has seen in this flow, and runs it once when
// that is all.
func (f *flow) gather(h *hook, cause uint64, fields []Value) {
	i := 0
	for i < len(f.joins) && f.joins[i].rule != h.rule {
		i++
	}
	if i == len(f.joins) {
		f.joins = append(f.joins, join{rule: h.rule, frame: make([]Value, h.rule.slots)})
	}
	j := &f.joins[i]
	for _, m := range h.bind {
		j.frame[m.to] = fields[m.from]
	}
	j.seen |= h.bit
	if j.seen != h.rule.all {
		return
	}
	frame := j.frame
	f.joins = append(f.joins[:i], f.joins[i+1:]...)
	f.activate(h, cause, frame)
}

// activate runs one rule on a filled frame. A failure ends this rule alone.
func (f *flow) activate(h *hook, cause uint64, frame []Value) {
	start := f.last
	h.rule.meter.activations.Add(1)
	if err := f.follow(h, cause, frame); err != nil && err != errStopped {
		f.fail(h.rule, err)
	}
	if f.engine.trace != nil {
		h.rule.meter.record(f.last - start)
	}
}

// follow asks the rule's where and takes its steps, or its other steps.
func (f *flow) follow(h *hook, cause uint64, frame []Value) error {
	rule := h.rule
	steps := rule.then
	if rule.where != nil {
		holds, err := rule.where.holds(f, frame)
		if err != nil {
			f.note(h, cause, err)
			return err
		}
		if !holds {
			rule.meter.rejections.Add(1)
			steps = rule.els
		}
		f.read()
	}
	for i := range steps {
		if err := f.invoke(&steps[i], frame, cause, h); err != nil {
			return err
		}
	}
	return nil
}

// read takes a new reading of the trace's clock. Between the end of an action and
// the start of the next lies nothing but the engine, so they share one.
func (f *flow) read() {
	if f.engine.trace != nil {
		f.last = f.engine.trace.now()
	}
}

// fail keeps the first failure of the flow, for whoever set it off.
func (f *flow) fail(rule *compiled, err error) {
	rule.meter.fail(err)
	if f.err == nil {
		f.err = fmt.Errorf("rule %s: %w", rule.Name, err)
	}
}

// invoke runs one action, then publishes what it emitted and its completion.
func (f *flow) invoke(s *step, frame []Value, cause uint64, h *hook) error {
	if f.aborted {
		return errStopped
	}
	if f.actions >= MaxActions || f.depth >= MaxDepth {
		f.aborted = true
		err := &player.Error{Code: player.Invalid, Op: s.action.uri,
			Err: fmt.Errorf("%w after %d actions at depth %d", ErrAborted, f.actions, f.depth)}
		f.note(h, cause, err)
		return err
	}
	f.actions++
	mark := len(f.stack)
	call := f.call(s.action)
	fields := f.push(len(s.action.fields))
	call.In, call.Out = fields[:len(s.in):len(s.in)], fields[len(s.in):]
	clear(call.Out)
	fill(call.In, s.in, frame)
	err := f.run(call, cause, h)
	if err == nil {
		for _, m := range s.out {
			frame[m.to] = call.Out[m.from]
		}
		f.after(call, fields)
	} else {
		f.failed(call, err)
	}
	f.depth--
	f.release(mark)
	return err
}

// failed sets off the rules that wait for this action's failure.
func (f *flow) failed(call *Call, err error) {
	trigger := call.action.failed
	if len(f.engine.index[trigger]) == 0 {
		return
	}
	fields := f.push(len(call.In) + 2)
	copy(fields, call.In)
	fields[len(call.In)], fields[len(call.In)+1] = String(string(player.CodeOf(err))), String(err.Error())
	f.happen(trigger, call.record, fields)
}

// call takes the place of this depth, one deeper than its caller's.
func (f *flow) call(a *action) *Call {
	f.depth++
	call := &f.calls[f.depth]
	call.flow, call.action, call.emitted = f, a, call.emitted[:0]
	return call
}

// after publishes what an action emitted, in order, then that it is complete.
func (f *flow) after(call *Call, fields []Value) {
	for _, e := range call.emitted {
		f.publish(call, e.event, e.fields)
	}
	f.happen(call.action.completed, call.record, fields)
}

// publish puts an event on the bus. The envelope lies in the call, so that
// handlers behind a function value do not make it escape.
func (f *flow) publish(call *Call, e *event, fields []Value) {
	call.envelope = Envelope{Flow: f.token, Cause: call.record, Event: e.uri, Fields: fields, topic: e.trigger, flow: f}
	f.engine.bus.publish(&call.envelope)
	call.envelope = Envelope{}
}
