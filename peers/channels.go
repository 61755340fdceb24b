package main

import "sync"

// channelsRival is what Go itself has: each action and each event has a channel and a goroutine
// that reads it. A reply comes back over a channel of the request's own.
var channelsRival = rival{
	name: "channels", doc: "plain channels, one and a goroutine for each action and event",
	guarantees: guarantees{delivered: true, inOrder: true, how: "a full channel waits"},
	open:       openChannels,
}

type channels struct {
	asked   []chan *exchange // by door
	heard   []chan *envelope
	gone    chan struct{}
	readers sync.WaitGroup
}

func openChannels(p plan) (carrier, error) {
	c := &channels{asked: make([]chan *exchange, len(p.doors)), heard: make([]chan *envelope, len(p.doors)), gone: make(chan struct{})}
	for _, d := range p.doors {
		if d.answer != nil {
			c.asked[d.id] = make(chan *exchange, p.most)
			read(c, c.asked[d.id], func(x *exchange) { d.answer(x); x.answered <- struct{}{} })
		} else {
			c.heard[d.id] = make(chan *envelope, p.most)
			read(c, c.heard[d.id], d.hear)
		}
	}
	return c, nil
}

func read[M any](c *channels, from chan M, handle func(M)) {
	c.readers.Go(func() {
		for {
			select {
			case m := <-from:
				handle(m)
			case <-c.gone:
				return
			}
		}
	})
}

func (c *channels) ask(_ *end, d *door, x *exchange) error { return pass(c, c.asked[d.id], x) }

func (c *channels) publish(_ *end, d *door, e *envelope) error { return pass(c, c.heard[d.id], e) }

func pass[M any](c *channels, to chan M, m M) error {
	select {
	case to <- m:
		return nil
	case <-c.gone:
		return errGone
	}
}

func (c *channels) close() error {
	close(c.gone)
	c.readers.Wait()
	return nil
}
