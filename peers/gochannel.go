package main

import (
	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
)

// gochannelRival is Watermill's gochannel: a goroutine for each message passes it on to the channels
// of its subscribers and waits until they acknowledge it. It keeps the order only if Publish waits for
// that, too. So a request waits twice, for the acknowledgement and for the reply, and no flow goes on
// while module ui broadcasts: without that wait broadcasts overtook each other.
var gochannelRival = rival{
	name: "gochannel", doc: "Watermill's channels", library: watermillModule, json: true,
	guarantees: guarantees{delivered: true, inOrder: true, beforeReturn: true, how: "BlockPublishUntilSubscriberAck; without it messages overtake each other"},
	open:       openGoChannel,
}

func openGoChannel(p plan) (carrier, error) {
	b := gochannel.NewGoChannel(gochannel.Config{BlockPublishUntilSubscriberAck: true}, watermill.NopLogger{})
	lines := map[*end]line{}
	for _, e := range p.ends {
		lines[e] = b
	}
	return openWatermill(p, lines, func() error { return nil }, b.Close)
}
