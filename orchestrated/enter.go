package orchestrated

import (
	"errors"
	"fmt"

	"rubato/player"
)

// Emit publishes an event from outside, as the root of a flow or with a cause in
// another engine, and returns when its rules have run. The error is the first
// failure of the flow; what did not depend on it has happened.
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
	if e.queue == nil {
		f.publish(call, known, held)
	} else {
		f.through(func() { f.publish(call, known, held) })
	}
	return e.end(f)
}

// Invoke runs an action from outside, as the root of a flow, and the rules that
// follow from it. out receives the outputs.
func (e *Engine) Invoke(token, cause uint64, uri string, in, out []Value) error {
	known, err := e.door(uri, in, out)
	if err != nil {
		return err
	}
	f := e.begin(token)
	if e.queue == nil {
		f.root(known, cause, in, out)
	} else {
		f.through(func() { f.root(known, cause, in, out) })
	}
	return e.end(f)
}

// Serve runs an action that a rule of another engine has asked for, depth levels
// deep in its flow. The asker's record is the action's record, so that there is one
// and not two, and what follows from the action here has it as its cause.
func (e *Engine) Serve(token, record uint64, depth int, uri string, in, out []Value) error {
	known, err := e.door(uri, in, out)
	if err != nil {
		return err
	}
	if depth < 0 || depth >= MaxDepth {
		return &player.Error{Code: player.Invalid, Op: uri, Err: fmt.Errorf("%w at depth %d", ErrAborted, depth)}
	}
	f := e.begin(token)
	f.depth = depth
	f.serve(known, record, in, out)
	return e.end(f)
}

func (e *Engine) door(uri string, in, out []Value) (*action, error) {
	known := e.registry.actions[uri]
	if known == nil {
		return nil, &player.Error{Code: player.NotFound, Op: "invoke", Err: fmt.Errorf("unknown action %q", uri)}
	}
	if len(in) != len(known.In) || len(out) != len(known.Out) {
		return nil, &player.Error{Code: player.Invalid, Op: "invoke " + uri, Err: errors.New("wrong number of inputs or outputs")}
	}
	return known, nil
}

// root is invoke without a rule.
func (f *flow) root(a *action, cause uint64, in, out []Value) {
	call, fields := f.enter(a, in)
	f.leave(call, fields, out, f.run(call, cause, nil))
}

// serve is root without a record of its own.
func (f *flow) serve(a *action, record uint64, in, out []Value) {
	call, fields := f.enter(a, in)
	call.record = record
	err := protectAction(a, call)
	f.read()
	f.leave(call, fields, out, err)
}

func (f *flow) enter(a *action, in []Value) (*Call, []Value) {
	f.actions++
	call := f.call(a)
	fields := f.push(len(a.fields))
	call.In, call.Out = fields[:len(in):len(in)], fields[len(in):]
	clear(call.Out)
	copy(call.In, in)
	return call, fields
}

func (f *flow) leave(call *Call, fields, out []Value, err error) {
	if f.err = err; err == nil {
		copy(out, call.Out)
		f.after(call, fields)
	} else {
		f.failed(call, err)
	}
	f.depth--
}

func (e *Engine) begin(token uint64) *flow {
	f := e.idle.Swap(nil)
	if f == nil {
		f = newFlow(e)
	}
	f.token, f.segment.token = token, token
	f.read()
	return f
}

// end hands over the trace and makes the flow ready for the next.
func (e *Engine) end(f *flow) error {
	if e.trace != nil {
		e.trace.keep(&f.segment)
		if e.persister != nil && e.settings.Trace.PerFlow {
			e.persister.flush()
		}
	}
	err := f.err
	f.empty()
	clear(f.remembered)
	f.joins, f.answers, f.remembered = f.joins[:0], f.answers[:0], f.remembered[:0]
	f.actions, f.depth, f.err, f.aborted = 0, 0, nil, false
	e.idle.Store(f)
	return err
}
