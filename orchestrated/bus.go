package orchestrated

import (
	"slices"
	"sync"
	"sync/atomic"
)

// An Envelope carries an event, with its flow token and its cause. They travel
// here and never in a global, so that they can travel in headers, too.
type Envelope struct {
	Flow   uint64 // token
	Cause  uint64 // id of the record that emitted it, 0 for none
	Event  string // URI
	Fields []Value
	topic  int   // the event's trigger number
	flow   *flow // for the engine on this bus: the flow to go on in
}

// bus is the in-process bus: publish and subscribe by topic, a small number.
// Handlers run in the publisher's goroutine, in order of subscription; envelope
// and fields are theirs only until they return. One that may be slow has a
// listener between. Subscribing copies, so that publishing takes no lock.
type bus struct {
	mu       sync.Mutex
	handlers atomic.Pointer[[][]*handler]
}

// handler has an identity, so that it can be taken off again.
type handler struct{ handle func(*Envelope) }

func newBus() *bus {
	b := &bus{}
	b.handlers.Store(&[][]*handler{})
	return b
}

// subscribe adds a handler of one topic and returns what takes it off.
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
