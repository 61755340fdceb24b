package main

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
)

// Watermill's contract is bytes with metadata from a Publisher to the channels of a Subscriber. What
// its two rivals share is here: a request is a message on the topic of its action, its reply one on a
// topic of who asked. Watermill's own package requestreply makes a subscription for each request, which
// would be slower.

const watermillModule = "github.com/ThreeDotsLabs/watermill"

// askedBy is the metadata of a request that names the module that waits for the reply.
const askedBy = "from"

// line is how one module publishes and subscribes.
type line interface {
	message.Publisher
	message.Subscriber
}

// watermilled is a carrier over Watermill.
type watermilled struct {
	lines   map[*end]line
	waiting map[*end]*waiting
	shut    func() error // ends what the lines stand on
	cancel  context.CancelFunc
	readers sync.WaitGroup
}

// waiting are the requests of one module without a reply.
type waiting struct {
	mu   sync.Mutex
	next uint64
	of   map[string]*exchange
}

// take returns who waits under this id and no longer does; nil: nobody.
func (w *waiting) take(id string) *exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	x := w.of[id]
	delete(w.of, id)
	return x
}

func (w *waiting) add(x *exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	x.id = strconv.FormatUint(w.next, 10)
	w.of[x.id] = x
}

// openWatermill subscribes each module to its actions, events and replies. ready returns when
// whoever publishes reaches them.
func openWatermill(p plan, lines map[*end]line, ready, shut func() error) (carrier, error) {
	ctx, cancel := context.WithCancel(context.Background())
	c := &watermilled{lines: lines, waiting: map[*end]*waiting{}, shut: shut, cancel: cancel}
	var failed []error
	for _, e := range p.ends {
		c.waiting[e] = &waiting{of: map[string]*exchange{}}
		failed = append(failed, c.read(ctx, lines[e], replyTopic(e), func(m *message.Message) { c.replied(e, m) }))
	}
	for _, d := range p.doors {
		handle := func(m *message.Message) { c.asked(d, p, m) }
		if d.hear != nil {
			handle = func(m *message.Message) { heard(d, m) }
		}
		failed = append(failed, c.read(ctx, lines[d.owner], d.topic, handle))
	}
	if err := errors.Join(append(failed, ready())...); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func replyTopic(e *end) string { return "reply::" + e.name }

// read has one goroutine handle the messages of a topic and acknowledge each.
func (c *watermilled) read(ctx context.Context, from message.Subscriber, topic string, handle func(*message.Message)) error {
	messages, err := from.Subscribe(ctx, topic)
	if err != nil {
		return err
	}
	c.readers.Go(func() {
		for m := range messages {
			handle(m)
			m.Ack()
		}
	})
	return nil
}

// heard has an event heard. One that cannot be read has no effect: its publisher times out.
func heard(d *door, m *message.Message) {
	e := &envelope{}
	if e.decodeFor(d.owner, m.Payload, d.in) == nil {
		d.hear(e)
	}
}

// asked answers a request.
func (c *watermilled) asked(d *door, p plan, m *message.Message) {
	x := &exchange{}
	if x.reply.err = x.ask.decodeFor(d.owner, m.Payload, d.in); x.reply.err == nil {
		x.room(d)
		d.answer(x)
	}
	payload, err := x.reply.encodeFor(d.owner, nil, d.out)
	to := m.Metadata.Get(askedBy)
	for _, e := range p.ends {
		if e.name == to && err == nil {
			_ = c.lines[d.owner].Publish(replyTopic(e), message.NewMessage(m.UUID, payload)) // who asked times out
		}
	}
}

// replied gives a reply to who waits for it.
func (c *watermilled) replied(e *end, m *message.Message) {
	x := c.waiting[e].take(m.UUID)
	if x == nil {
		return // it was given up
	}
	if err := x.reply.decodeFor(e, m.Payload, x.door.out); err != nil {
		x.reply.err = err
	}
	x.answered <- struct{}{}
}

func (c *watermilled) ask(from *end, d *door, x *exchange) error {
	payload, err := x.ask.encodeFor(from, nil, d.in)
	if err != nil {
		return err
	}
	c.waiting[from].add(x)
	m := message.NewMessage(x.id, payload)
	m.Metadata.Set(askedBy, from.name)
	if err := c.lines[from].Publish(d.topic, m); err != nil {
		c.forget(x)
		return err
	}
	return nil
}

// forget gives a request up.
func (c *watermilled) forget(x *exchange) { c.waiting[x.from.end].take(x.id) }

func (c *watermilled) publish(from *end, d *door, e *envelope) error {
	payload, err := e.encodeFor(from, nil, d.in)
	if err != nil {
		return err
	}
	return c.lines[from].Publish(d.topic, message.NewMessage(strconv.FormatUint(e.flow, 10), payload))
}

func (c *watermilled) close() error {
	c.cancel()
	err := c.shut()
	c.readers.Wait()
	return err
}
