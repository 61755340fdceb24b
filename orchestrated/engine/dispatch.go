package engine

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"rubato/player"
)

// Emit publishes an event from outside the rules and returns when its rules have run.
// It starts a flow, or continues one of another engine with cause. The error is the
// first failure of the flow; rules that did not depend on it have run.
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

// Invoke runs an action from outside the rules, then the rules that it triggers. out
// receives the outputs.
func (e *Engine) Invoke(token, cause uint64, uri string, in, out []Value) error {
	known, err := e.lookUp(uri, in, out)
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

// Serve runs an action for a rule of another engine, which is depth levels deep in its
// flow. That engine has traced the action already, so it is not traced again: record
// is the id of that trace record, and the cause of what the action triggers here.
func (e *Engine) Serve(token, record uint64, depth int, uri string, in, out []Value) error {
	known, err := e.lookUp(uri, in, out)
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

func (e *Engine) lookUp(uri string, in, out []Value) (*action, error) {
	known := e.registry.actions[uri]
	if known == nil {
		return nil, &player.Error{Code: player.NotFound, Op: "invoke", Err: fmt.Errorf("unknown action %q", uri)}
	}
	if len(in) != len(known.In) || len(out) != len(known.Out) {
		return nil, &player.Error{Code: player.Invalid, Op: "invoke " + uri, Err: errors.New("wrong number of inputs or outputs")}
	}
	return known, nil
}

// root runs an action that no rule asked for.
func (f *flow) root(a *action, cause uint64, in, out []Value) {
	call, fields := f.prepare(a, in)
	f.finish(call, fields, out, f.run(call, cause, nil))
}

// serve runs an action whose record another engine keeps.
func (f *flow) serve(a *action, record uint64, in, out []Value) {
	call, fields := f.prepare(a, in)
	call.record = record
	err := protectAction(a, call)
	f.read()
	f.finish(call, fields, out, err)
}

func (f *flow) prepare(a *action, in []Value) (*Call, []Value) {
	f.actions++
	call := f.call(a)
	fields := f.push(len(a.fields))
	call.In, call.Out = fields[:len(in):len(in)], fields[len(in):]
	clear(call.Out)
	copy(call.In, in)
	return call, fields
}

func (f *flow) finish(call *Call, fields, out []Value, err error) {
	if f.err = err; err == nil {
		copy(out, call.Out)
		f.after(call, fields)
	} else {
		f.failed(call, err)
	}
	f.depth--
}

func (e *Engine) begin(token uint64) *flow {
	if e.settings.Stall != nil {
		e.settings.Stall()
	}
	f := e.idle.Swap(nil)
	if f == nil {
		f = newFlow(e)
	}
	f.token, f.segment.token = token, token
	f.read()
	return f
}

// end waits for what runs elsewhere, hands over the flow's trace and resets the flow for its next use.
func (e *Engine) end(f *flow) error {
	f.wait()
	if e.trace != nil {
		e.trace.keep(&f.segment)
		if e.persister != nil && e.settings.Trace.PerFlow {
			e.persister.flush()
		}
	}
	err := f.err
	clear(f.stack[:f.high]) // so that the flow keeps nothing alive
	clear(f.remembered)
	f.stack, f.high = f.stack[:0], 0
	f.joins, f.answers, f.remembered = f.joins[:0], f.answers[:0], f.remembered[:0]
	f.actions, f.depth, f.err, f.aborted = 0, 0, nil, false
	e.idle.Store(f)
	return err
}

// queueLimit bounds the triggers that wait in queued dispatch. A flow that would
// exceed it is aborted: one goroutine both empties and fills the queue, so waiting for
// room would deadlock.
const queueLimit = 4096

// queue is queued dispatch: triggers wait in a bounded channel and one goroutine runs
// their rules, breadth first.
type queue struct {
	work    chan work
	stopped chan struct{}

	mu     sync.Mutex
	closed bool
	flows  sync.WaitGroup // flows that run
}

// work is a trigger that waits, or the start of a flow if start is set.
type work struct {
	flow    *flow
	trigger int
	cause   uint64
	fields  []Value
	depth   int
	start   func()
}

func newQueue() *queue {
	q := &queue{work: make(chan work, queueLimit), stopped: make(chan struct{})}
	go q.run()
	return q
}

func (q *queue) run() {
	defer close(q.stopped)
	for w := range q.work {
		w.flow.read() // waiting counts for no action
		if w.start != nil {
			w.start()
		} else {
			w.flow.depth = w.depth
			w.flow.runRules(w.trigger, w.cause, w.fields)
			w.flow.depth = 0
		}
		w.flow.ran()
	}
}

// admit counts a flow as running. It refuses once the queue is closed.
func (q *queue) admit() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.flows.Add(1)
	}
	return !q.closed
}

// close refuses new flows and waits for those that run.
func (q *queue) close() {
	q.mu.Lock()
	first := !q.closed
	q.closed = true
	q.mu.Unlock()
	q.flows.Wait()
	if first {
		close(q.work)
	}
	<-q.stopped
}

// later queues a trigger of this flow with a copy of its fields.
func (q *queue) later(f *flow, trigger int, cause uint64, fields []Value) {
	if len(f.engine.index[trigger]) == 0 {
		return
	}
	select {
	case q.work <- work{flow: f, trigger: trigger, cause: cause, fields: slices.Clone(fields), depth: f.depth}:
		f.pending++
	default:
		f.abort(&player.Error{Code: player.Unavailable, Op: "dispatch",
			Err: fmt.Errorf("%w: %d triggers wait", ErrAborted, queueLimit)}, trigger, cause)
	}
}

// ran counts one piece of queued work as done. The last one ends the flow.
func (f *flow) ran() {
	f.pending--
	if f.pending == 0 {
		f.done <- struct{}{}
	}
}

// abort ends the flow. It counts as a failure of the first rule that the trigger would
// have run.
func (f *flow) abort(err error, trigger int, cause uint64) {
	if f.aborted {
		return
	}
	h := &f.engine.index[trigger][0]
	f.aborted = true
	f.note(h, cause, err)
	f.fail(h.rule, err)
}

// through queues start and returns when it and all that it triggers has run.
func (f *flow) through(start func()) {
	q := f.engine.queue
	if !q.admit() {
		f.err = player.ErrClosed
		return
	}
	defer q.flows.Done()
	f.pending = 1
	q.work <- work{flow: f, start: start}
	<-f.done
}

// protectAction runs an action. A panic becomes the action's error. It and protectQuery
// each defer a function of their own: a shared one cost 2 ns a call.
func protectAction(a *action, call *Call) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(a.uri, p)
		}
	}()
	return a.Run(call)
}

// protectQuery asks a query. A panic becomes the query's error.
func protectQuery(q *query, call *Call) (holds bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(q.uri, p)
		}
	}()
	return q.Ask(call)
}

func panicked(uri string, p any) error {
	return &player.Error{Code: player.Unavailable, Op: uri, Err: fmt.Errorf("panic: %v", p)}
}
