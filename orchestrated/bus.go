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
// and fields are theirs only until they return. Subscribing copies, so that
// publishing takes no lock.
type bus struct {
	mu       sync.Mutex
	handlers atomic.Pointer[[][]func(*Envelope)]
}

func newBus() *bus {
	b := &bus{}
	b.handlers.Store(&[][]func(*Envelope){})
	return b
}

func (b *bus) subscribe(topic int, handle func(*Envelope)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := slices.Clone(*b.handlers.Load())
	for len(next) <= topic {
		next = append(next, nil)
	}
	next[topic] = append(slices.Clone(next[topic]), handle)
	b.handlers.Store(&next)
}

func (b *bus) publish(e *Envelope) {
	handlers := *b.handlers.Load()
	if e.topic >= len(handlers) {
		return
	}
	for _, handle := range handlers[e.topic] {
		handle(e)
	}
}
