package scenarios

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/web"
)

// sseBroadcast is news for everybody who looks: somebody pauses the player or lets it go
// on, and each client that listens hears so, as a server-sent event over a connection of
// its own on loopback, read by a goroutine of its own. One broadcast is under way at a
// time, and its time ends when the last client has read it and the command is kept.
//
// Clients are in the same process as server and player: what they take is in every
// figure, the same in all styles. A client that reads nothing can be added; the others
// must not notice.
func (s styleSet) sseBroadcast() runner.Scenario {
	return runner.Scenario{
		Name:    "sse-broadcast",
		Answers: "How long until the last of 1, 10 or 100 clients has heard what was broadcast?",
		Op:      "broadcast",
		Keys: []runner.Key{
			{Name: "clients", Default: "1,10,100", Check: between(1, mostListeners), Doc: "that listen, each over its own connection; 1 to 400"},
			{Name: "deaf", Default: "0", Values: []string{"0", "1"},
				Doc: "1: one more client, which reads nothing once it is connected; it loses its own oldest events, counted, and nobody else's"},
			syncKey, traceKey, rulesKey, dispatchKey, transportKey,
		},
		Script:   40,
		Claims:   sseBroadcastClaims,
		Measures: sseBroadcastMeasures,
		Size:     sseBroadcastSize,
		Prepare:  func(setup runner.Setup) error { return prepare(setup, 200) }, // two selections, before the clock
		Open:     s.openSSEBroadcast,
	}
}

// mostListeners keeps clear of how many connections the server takes.
const mostListeners = 400

// sseBroadcastSize has 100 in a block, as its percentiles do, and more where they are
// short.
func sseBroadcastSize(_ string, options runner.Options) runner.Size {
	return runner.Size{Ops: max(100, 500/number(options, "clients"))}
}

func (s styleSet) openSSEBroadcast(setup runner.Setup) (runner.Workload, error) {
	n := number(setup.Options, "clients")
	bell := &doorbell{began: time.Now()}
	d, err := s.openUI(setup, web.HubConfig{Clients: n + 1, Patience: deafPatience}, bell.on)
	if err != nil {
		return nil, err
	}
	w := &broadcasting{uiDesk: d, bell: bell, verbatim: setup.Verbatim, patience: unheard,
		client: web.NewClient(d.served.URL, web.ClientConfig{})}
	var ctx context.Context
	ctx, w.stop = context.WithCancel(context.Background())
	if setup.Options["deaf"] == "1" {
		err = w.listenDeaf(ctx)
	}
	if err == nil {
		w.crowd, err = gather(ctx, w.client, n, bell.began)
	}
	if err != nil {
		return nil, fmt.Errorf("before the first broadcast: %w", errors.Join(err, w.Close()))
	}
	return w, nil
}

// doorbell is the hub's audience side with a clock: it knows when the hub heard.
type doorbell struct {
	hub   *web.Hub
	began time.Time
	heard lastTime
}

func (b *doorbell) on(hub *web.Hub) player.Audience {
	b.hub = hub
	return b
}

// Hear notes when, and passes it on.
func (b *doorbell) Hear(a player.Announcement) {
	b.heard.note(time.Since(b.began))
	b.hub.Hear(a)
}

const (
	// deafPatience is how long the hub waits for one write: longer than a run, so that
	// who is deaf is not cut off in the middle of it.
	deafPatience = 24 * time.Hour
	// deafening is text that no connection takes in whole: more than sockets buffer, by
	// default 4 MB. Events are so short that tens of thousands would pass before a
	// client that does not read is noticed.
	deafening = 8 << 20
)

// listenDeaf connects the client that reads nothing, before all others, and fills its
// connection.
func (w *broadcasting) listenDeaf(ctx context.Context) error {
	events, err := w.client.Listen(ctx)
	if err != nil {
		return err
	}
	w.deaf = events
	if _, err := events.Next(); err != nil {
		return err
	}
	w.hub.Hear(player.Announcement{Kind: "deafening", Text: strings.Repeat("x", deafening)})
	return nil
}

var sseBroadcastMeasures = []runner.Measure{
	{Name: "first-p50", Unit: "ns", Better: "less", Doc: "from the command until the first client has read it, in the median"},
	{Name: "first-p99", Unit: "ns", Better: "less", Doc: "the same, 99th percentile"},
	{Name: "last-p50", Unit: "ns", Better: "less", Doc: "from the command until the last client has read it, in the median"},
	{Name: "last-p99", Unit: "ns", Better: "less", Doc: "the same, 99th percentile"},
	{Name: "last-max", Unit: "ns", Better: "less", Doc: "the same, the longest of a block"},
	{Name: "fan-out", Unit: "ns", Better: "less", Doc: "from when module ui told its audience until the last client has read it, in the median, while the command is still being kept: HTTP's share, which is the same code in all styles"},
	{Name: "bytes", Unit: "bytes", Doc: "of JSON that a broadcast is, for all clients together, without the frame of event and HTTP"},
	{Name: "deaf-lost", Doc: "events of a block that the client that reads nothing has lost, its oldest first, counted by the hub"},
}

var sseBroadcastClaims = []runner.Claim{
	{Text: "SSE broadcast: base operation 50–200 µs (here with the command that it tells of)", Source: budgetDocument, Kind: "estimate",
		Style: "direct", Quantity: "ns_op", Lo: us(50), Hi: us(200)},
	{Text: "SSE broadcast: overhead at most 10 %", Source: budgetDocument, Kind: "budget", Style: "bus", Quantity: "ratio", Hi: 1.10},
	{Text: "SSE: median under 5 ms (here until the command is kept, too)", Source: playerDocument, Kind: "budget", Quantity: "p50_ns", Hi: us(5000)},
	{Text: "SSE: 95 in 100 under 20 ms (here until the command is kept, too)", Source: playerDocument, Kind: "budget", Quantity: "p95_ns", Hi: us(20_000)},
	{Text: "all clients within 100 ms", Source: playerDocument, Kind: "budget", Quantity: "figure:last-max", Hi: us(100_000)},
	{Text: "whole operation under twice direct", Source: budgetDocument, Kind: "budget", Style: "bus", Quantity: "ratio", Hi: 2},
	{Text: "whole operation under twice direct", Source: budgetDocument, Kind: "budget", Style: "nats", Quantity: "ratio", Hi: 2},
}
