package main

import (
	"sync"

	"github.com/cskr/pubsub/v2"
)

const pubsubModule = "github.com/cskr/pubsub/v2"

// pubsubRival is cskr/pubsub: one goroutine takes all that is published and passes it on to the
// channels of its subscribers. It waits for a full channel, and everybody with it, so no channel
// may be full while its reader publishes: each has room for all that can be under way. Its TryPub,
// which drops what finds a full channel, is not used. It has no replies: they come back over a
// channel of the request's own.
var pubsubRival = rival{
	name: "pubsub", doc: "a goroutine that passes on to channels", library: pubsubModule,
	guarantees: guarantees{delivered: true, inOrder: true, how: "Pub, which waits for full channels; TryPub would drop"},
	open:       openPubsub,
}

// A parcel is a request or an event.
type parcel struct {
	x *exchange
	e *envelope
}

type pubsubCarrier struct {
	bus     *pubsub.PubSub[string, parcel]
	readers sync.WaitGroup
}

func openPubsub(p plan) (carrier, error) {
	c := &pubsubCarrier{bus: pubsub.New[string, parcel](p.most)}
	for _, d := range p.doors {
		from := c.bus.Sub(d.topic)
		c.readers.Go(func() {
			for m := range from {
				if m.x == nil {
					d.hear(m.e)
					continue
				}
				d.answer(m.x)
				m.x.answered <- struct{}{}
			}
		})
	}
	return c, nil
}

func (c *pubsubCarrier) ask(_ *end, d *door, x *exchange) error {
	c.bus.Pub(parcel{x: x}, d.topic)
	return nil
}

func (c *pubsubCarrier) publish(_ *end, d *door, e *envelope) error {
	c.bus.Pub(parcel{e: e}, d.topic)
	return nil
}

func (c *pubsubCarrier) close() error {
	c.bus.Shutdown()
	c.readers.Wait()
	return nil
}
