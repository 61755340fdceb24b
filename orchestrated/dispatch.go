package orchestrated

import (
	"fmt"
	"slices"
	"sync"

	"rubato/player"
)

// QueueLimit bounds the triggers that wait in queued dispatch. A flow that would
// exceed it is aborted: the one goroutine that empties the queue also fills it,
// so waiting for room would wait for ever.
const QueueLimit = 4096

// queue is queued dispatch: triggers wait in a bounded channel, and one goroutine
// runs their rules, breadth first.
type queue struct {
	work    chan work
	stopped chan struct{}

	mu     sync.Mutex
	closed bool
	flows  sync.WaitGroup // flows under way
}

// work is a trigger that waits, or the start of a flow.
type work struct {
	flow    *flow
	trigger int
	cause   uint64
	fields  []Value
	depth   int
	start   func() // not nil: sets a flow off
}

func newQueue() *queue {
	q := &queue{work: make(chan work, QueueLimit), stopped: make(chan struct{})}
	go q.run()
	return q
}

func (q *queue) run() {
	defer close(q.stopped)
	for w := range q.work {
		w.flow.read() // the wait is nobody's work
		if w.start != nil {
			w.start()
		} else {
			w.flow.depth = w.depth
			w.flow.set(w.trigger, w.cause, w.fields)
			w.flow.depth = 0
		}
		w.flow.settle()
	}
}

// enter counts a flow in, unless the queue has been closed.
func (q *queue) enter() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.flows.Add(1)
	}
	return !q.closed
}

// close lets the flows under way end, and takes no more.
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

// later puts a trigger of this flow into the queue, with a copy of its fields.
func (q *queue) later(f *flow, trigger int, cause uint64, fields []Value) {
	if len(f.engine.index[trigger]) == 0 {
		return
	}
	select {
	case q.work <- work{flow: f, trigger: trigger, cause: cause, fields: slices.Clone(fields), depth: f.depth}:
		f.pending++
	default:
		f.abort(&player.Error{Code: player.Unavailable, Op: "dispatch",
			Err: fmt.Errorf("%w: %d triggers wait", ErrAborted, QueueLimit)}, trigger, cause)
	}
}

// settle ends a flow of which nothing waits any more.
func (f *flow) settle() {
	f.pending--
	if f.pending == 0 {
		f.done <- struct{}{}
	}
}

// abort ends the flow, as the failure of the first rule that the trigger would have
// set off.
func (f *flow) abort(err error, trigger int, cause uint64) {
	if f.aborted {
		return
	}
	h := &f.engine.index[trigger][0]
	f.aborted = true
	f.note(h, cause, err)
	f.fail(h.rule, err)
}

// through runs start at the head of the queue, and returns when all that follows
// from it has run.
func (f *flow) through(start func()) {
	q := f.engine.queue
	if !q.enter() {
		f.err = player.ErrClosed
		return
	}
	defer q.flows.Done()
	f.pending = 1
	q.work <- work{flow: f, start: start}
	<-f.done
}
