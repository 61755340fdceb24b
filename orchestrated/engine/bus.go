package engine

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rubato/player"
)

// An Envelope carries an event with its flow token and its cause. They are never in a
// global, so that another bus can carry them in headers.
type Envelope struct {
	Flow   uint64 // token
	Cause  uint64 // id of the trace record that emitted it, 0 for none
	Event  string // URI
	Fields []Value
	topic  int   // the event's trigger number
	flow   *flow // the flow that the engine on this bus continues
}

// bus is the in-process bus. A topic is a small number. Handlers run in the
// publisher's goroutine in order of subscription, and must not keep the envelope or
// its fields. A handler that may be slow sits behind a listener. Subscribing copies
// the table, so publishing takes no lock.
type bus struct {
	mu       sync.Mutex
	handlers atomic.Pointer[[][]*handler]
}

// handler is a pointer type, so that one subscription can be cancelled.
type handler struct{ handle func(*Envelope) }

func newBus() *bus {
	b := &bus{}
	b.handlers.Store(&[][]*handler{})
	return b
}

// subscribe adds a handler of one topic; cancel removes it.
func (b *bus) subscribe(topic int, handle func(*Envelope)) (cancel func()) {
	h := &handler{handle}
	b.change(topic, func(list []*handler) []*handler { return append(slices.Clone(list), h) })
	return func() {
		b.change(topic, func(list []*handler) []*handler {
			return slices.DeleteFunc(slices.Clone(list), func(o *handler) bool { return o == h })
		})
	}
}

func (b *bus) change(topic int, to func([]*handler) []*handler) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := slices.Clone(*b.handlers.Load())
	for len(next) <= topic {
		next = append(next, nil)
	}
	next[topic] = to(next[topic])
	b.handlers.Store(&next)
}

func (b *bus) publish(e *Envelope) {
	handlers := *b.handlers.Load()
	if e.topic >= len(handlers) {
		return
	}
	for _, h := range handlers[e.topic] {
		h.handle(e)
	}
}

// listener is a bounded, ordered queue between the bus and a reader that may be slow.
// The bus never waits for it: a full queue drops its oldest event and counts it.
type listener struct {
	options player.ListenOptions
	cancel  []func()

	mu     sync.Mutex
	queue  []heard
	lost   uint64
	closed bool
	last   time.Time     // of the last delivery
	wake   chan struct{} // holds a token when there is something new
}

// heard is an event that waits. Its fields are copied now and formatted when read.
type heard struct {
	flow, cause uint64
	event       *event
	fields      []Value
}

// listen receives events of these engines from now on.
func listen(options player.ListenOptions, engines ...*Engine) *listener {
	options.Capacity = cmp.Or(max(options.Capacity, 0), 256)
	l := &listener{options: options, wake: make(chan struct{}, 1)}
	for _, e := range engines {
		for uri, known := range e.registry.events {
			if len(options.Events) == 0 || slices.Contains(options.Events, uri) {
				hear := func(v *Envelope) { l.hear(known, v, &e.lostEvents) }
				l.cancel = append(l.cancel, e.bus.subscribe(known.trigger, hear))
			}
		}
	}
	return l
}

// hear runs in the publisher's goroutine.
func (l *listener) hear(known *event, v *Envelope, total *atomic.Uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if l.options.Coalesce {
		l.queue = slices.DeleteFunc(l.queue, func(h heard) bool { return h.event == known })
	}
	if len(l.queue) >= l.options.Capacity {
		l.queue = slices.Delete(l.queue, 0, 1)
		l.lost++
		total.Add(1)
	}
	l.queue = append(l.queue, heard{v.Flow, v.Cause, known, slices.Clone(v.Fields)})
	l.signal()
}

func (l *listener) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Next waits for an event, and until the interval since the previous one has passed.
// With Coalesce, events that come meanwhile replace one another, so the reader always
// gets the last value.
func (l *listener) Next(ctx context.Context) (player.Heard, error) {
	for {
		wait, out, ok, err := l.take()
		if ok || err != nil {
			return out, err
		}
		if err := l.pause(ctx, wait); err != nil {
			return player.Heard{}, err
		}
	}
}

// take returns the oldest event, or how long to wait before one may be delivered. A
// wait of 0 means: until an event comes.
func (l *listener) take() (wait time.Duration, out player.Heard, ok bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return 0, out, false, player.ErrClosed
	case len(l.queue) == 0:
		return 0, out, false, nil
	}
	now := time.Now()
	if wait := l.options.Interval - now.Sub(l.last); !l.last.IsZero() && wait > 0 {
		return wait, out, false, nil
	}
	h := l.queue[0]
	out = player.Heard{Flow: h.flow, Cause: h.cause, Event: h.event.uri, Fields: format(h.event.Fields, h.fields), Lost: l.lost}
	l.queue = slices.Delete(l.queue, 0, 1)
	l.lost, l.last = 0, now
	return 0, out, true, nil
}

// pause waits for the interval, or without one for an event.
func (l *listener) pause(ctx context.Context, wait time.Duration) error {
	var passed <-chan time.Time
	wake := l.wake
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		passed, wake = timer.C, nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-passed:
	case <-wake:
	}
	return nil
}

// Close stops the listener and wakes a Next that waits for an event.
func (l *listener) Close() {
	for _, cancel := range l.cancel {
		cancel()
	}
	l.mu.Lock()
	l.closed, l.queue = true, nil
	l.mu.Unlock()
	l.signal()
}
