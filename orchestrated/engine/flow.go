package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"rubato/player"
)

// Bounds of one flow. They end rules that trigger each other; the abort is counted
// and traced.
const (
	MaxActions = 1000
	MaxDepth   = 64
)

// ErrAborted is wrapped by the error of a flow that met a bound.
var ErrAborted = errors.New("flow aborted")

// errStopped ends what is left of an aborted flow. Only the rule that met the bound
// counts the abort as its failure.
var errStopped = errors.New("flow stopped")

// stackSize is how many values a flow holds without allocating. The player's rules
// need about 60.
const stackSize = 512

// flow is one stimulus on its way through the rules, with its token, its stack of
// values and its trace. It belongs to one goroutine and is reused when it ends.
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
	awaited    []awaited
	err        error // the first failure
	aborted    bool  // a bound was met; no more rules run
	segment    segment
	last       time.Duration // latest reading of the trace's clock
	pending    int           // queued dispatch: pieces of work that wait or run
	done       chan struct{} // queued dispatch: receives when none does
}

// join is an all-of rule that waits in this flow for the rest of its triggers.
type join struct {
	rule  *compiled
	seen  uint64
	frame []Value
}

func newFlow(e *Engine) *flow {
	return &flow{engine: e, stack: make([]Value, 0, stackSize), done: make(chan struct{}, 1)}
}

// push returns n values on top of the stack, or allocates them when the stack is full.
// The values are not cleared: a frame's variables are bound before they are read and
// inputs are filled, but the caller has to clear outputs.
func (f *flow) push(n int) []Value {
	i := len(f.stack)
	if i+n > cap(f.stack) {
		return make([]Value, n)
	}
	f.stack = f.stack[:i+n]
	f.high = max(f.high, i+n)
	return f.stack[i : i+n : i+n]
}

// release drops everything above mark.
func (f *flow) release(mark int) { f.stack = f.stack[:mark] }

// happen runs the rules of a trigger now, or queues it. cause is the id of the trace
// record that the trigger comes from, 0 for none.
func (f *flow) happen(trigger int, cause uint64, fields []Value) {
	if q := f.engine.queue; q != nil {
		q.later(f, trigger, cause, fields)
		return
	}
	f.runRules(trigger, cause, fields)
}

// runRules runs the rules of a trigger in order of registration.
func (f *flow) runRules(trigger int, cause uint64, fields []Value) {
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

// gather records a trigger of an all-of rule and runs the rule once all have happened
// in this flow.
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

// activate runs one rule on a filled frame. A failure ends this rule only.
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

// follow asks the rule's condition, then runs its steps or its else steps.
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

// read reads the trace's clock. The end of an action and the start of the next share
// one reading, since only the engine runs in between.
func (f *flow) read() {
	if f.engine.trace != nil {
		f.last = f.engine.trace.now()
	}
}

// fail counts a rule's failure and keeps the first one as the flow's error.
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
	if s.later && len(f.engine.index[s.action.completed]) == 0 && len(f.engine.index[s.action.failed]) == 0 {
		call.later = h
	}
	call.known = s.known
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

// wait waits for actions that run elsewhere. A failure is that of the rule, whose later steps
// have run.
func (f *flow) wait() {
	for _, a := range f.awaited {
		if err := a.Wait(); err != nil {
			f.note(a.hook, a.record, err)
			f.fail(a.hook.rule, err)
		}
	}
	clear(f.awaited)
	f.awaited = f.awaited[:0]
}

// failed runs the rules that wait for this action's failure.
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

// call goes one level deeper and returns that level's call.
func (f *flow) call(a *action) *Call {
	f.depth++
	call := &f.calls[f.depth]
	call.flow, call.action, call.emitted, call.later, call.known = f, a, call.emitted[:0], nil, false
	return call
}

// after publishes what an action emitted, in order, then its completion.
func (f *flow) after(call *Call, fields []Value) {
	for _, e := range call.emitted {
		f.publish(call, e.event, e.fields)
	}
	f.happen(call.action.completed, call.record, fields)
}

// publish puts an event on the bus. The envelope is part of the call: a local one
// would escape through the handlers and be allocated.
func (f *flow) publish(call *Call, e *event, fields []Value) {
	call.envelope = Envelope{Flow: f.token, Cause: call.record, Event: e.uri, Fields: fields, topic: e.trigger, flow: f}
	f.engine.bus.publish(&call.envelope)
	call.envelope = Envelope{}
}

func (c andCondition) holds(f *flow, frame []Value) (bool, error) {
	for _, one := range c {
		if ok, err := one.holds(f, frame); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (c orCondition) holds(f *flow, frame []Value) (bool, error) {
	for _, one := range c {
		if ok, err := one.holds(f, frame); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

func (c notCondition) holds(f *flow, frame []Value) (bool, error) {
	ok, err := c.condition.holds(f, frame)
	return !ok && err == nil, err
}

func (c askCondition) holds(f *flow, frame []Value) (bool, error) {
	mark := len(f.stack)
	call := &f.calls[f.depth]
	call.flow = f
	call.In, call.Out = f.push(len(c.in)), f.push(len(c.query.Out))
	clear(call.Out)
	fill(call.In, c.in, frame)
	ask := protectQuery
	if f.engine.settings.CacheWhere && f.engine.queue == nil {
		ask = f.remember
	}
	holds, err := ask(c.query, call)
	for _, m := range c.out {
		frame[m.to] = call.Out[m.from]
	}
	f.release(mark)
	return holds, err
}

// fill gathers inputs from the frame.
func fill(in []Value, from []operand, frame []Value) {
	for i, o := range from {
		if o.slot < 0 {
			in[i] = o.constant
		} else {
			in[i] = frame[o.slot]
		}
	}
}

// answer is a query's answer in this flow, after so many actions.
type answer struct {
	query   *query
	actions int
	in, out []Value
	holds   bool
}

// remember asks a query, or repeats its answer to the same inputs if no action has run
// since. It does not keep errors.
func (f *flow) remember(q *query, call *Call) (bool, error) {
	if len(f.answers) > 0 && f.answers[0].actions != f.actions {
		f.answers, f.remembered = f.answers[:0], f.remembered[:0]
	}
	for _, a := range f.answers {
		if a.query == q && slices.Equal(a.in, call.In) {
			copy(call.Out, a.out)
			return a.holds, nil
		}
	}
	holds, err := protectQuery(q, call)
	if err == nil {
		f.answers = append(f.answers, answer{q, f.actions, f.retain(call.In), f.retain(call.Out), holds})
	}
	return holds, err
}

// retain copies values into the answers' memory. When that grows, earlier answers keep
// the old memory.
func (f *flow) retain(values []Value) []Value {
	i := len(f.remembered)
	f.remembered = append(f.remembered, values...)
	return f.remembered[i:len(f.remembered):len(f.remembered)]
}
