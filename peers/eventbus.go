package main

import EventBus "github.com/asaskevich/EventBus"

const eventBusModule = "github.com/asaskevich/EventBus"

// eventBusRival is asaskevich/EventBus with synchronous handlers: it calls them by reflection, in
// the publisher's goroutine. It holds its lock while they run, so one that publishes on the same
// bus would wait forever: each module has a bus of its own, on which others publish.
var eventBusRival = rival{
	name: "eventbus", doc: "handlers called by reflection, a bus for each module", library: eventBusModule,
	guarantees: guarantees{delivered: true, inOrder: true, beforeReturn: true, how: "Subscribe, in the publisher's goroutine under a lock"},
	open:       openEventBus,
}

type eventBusCarrier map[*end]EventBus.Bus

func openEventBus(p plan) (carrier, error) {
	c := eventBusCarrier{}
	for _, e := range p.ends {
		c[e] = EventBus.New()
	}
	for _, d := range p.doors {
		var handler any = d.hear
		if d.answer != nil {
			handler = func(x *exchange) { d.answer(x); x.answered <- struct{}{} }
		}
		if err := c[d.owner].Subscribe(d.topic, handler); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c eventBusCarrier) ask(_ *end, d *door, x *exchange) error {
	c[d.owner].Publish(d.topic, x)
	return nil
}

func (c eventBusCarrier) publish(_ *end, d *door, e *envelope) error {
	c[d.owner].Publish(d.topic, e)
	return nil
}

func (c eventBusCarrier) close() error { return nil }
