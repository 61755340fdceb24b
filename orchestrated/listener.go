package orchestrated

import (
	"context"
	"slices"
	"sync"
	"time"

	"rubato/player"
)

// listener is a bounded, ordered queue between the bus and one who may be slow.
// The bus never waits for it: when it is full, the oldest goes and is counted.
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

// heard is an event that waits: its fields are copied, and written out when read.
type heard struct {
	flow, cause uint64
	event       *event
	fields      []Value
}

// lossCounter adds up what all listeners lost.
type lossCounter struct {
	mu sync.Mutex
	n  uint64
}

func (c *lossCounter) add(n uint64) {
	c.mu.Lock()
	c.n += n
	c.mu.Unlock()
}

// listen hears events of these engines from now on.
func listen(options player.ListenOptions, engines ...*Engine) *listener {
	if options.Capacity <= 0 {
		options.Capacity = 256
	}
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

// hear takes an event from the bus, in the publisher's goroutine.
func (l *listener) hear(known *event, v *Envelope, total *lossCounter) {
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
		total.add(1)
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

// Next waits for an event, and for the interval since the one before. What comes
// meanwhile is coalesced if so wished, so that the last value is always delivered.
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

// take returns the oldest event, or how long it is until one may be delivered: 0
// for until there is one.
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

// pause waits for the interval to pass, or for something new.
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

// Close ends the listening; whoever waits in Next without an interval wakes up.
func (l *listener) Close() {
	for _, cancel := range l.cancel {
		cancel()
	}
	l.mu.Lock()
	l.closed, l.queue = true, nil
	l.mu.Unlock()
	l.signal()
}
