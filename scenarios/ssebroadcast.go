package scenarios

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rubato/openloop"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/web"
)

// sseBroadcast pauses the player or lets it play, and each client hears of it: a server-sent
// event over a connection of its own on loopback, read by a goroutine of its own. One
// broadcast is under way at a time. It ends when the last client has read it and the command
// is stored.
//
// Clients are in the same process as server and player, so every figure includes their
// cost, which is the same in all styles. Key deaf adds a client that reads nothing, which must
// not affect the others.
func (s styles) sseBroadcast() runner.Scenario {
	return runner.Scenario{
		Name:    "sse-broadcast",
		Answers: "How long does it take until the last of 1, 10 or 100 clients has received a broadcast?",
		Op:      "broadcast",
		Keys: []runner.Key{
			{Name: "clients", Default: "1,10,100", Check: workload.Between(1, mostListeners), Doc: "number of clients, each with its own connection; 1 to 400"},
			{Name: "deaf", Default: "0", Values: []string{"0", "1"},
				Doc: "1: one more client, which connects and then reads nothing; only it loses events, its oldest, which are counted"},
			workload.SyncKey, workload.TraceKey, workload.RulesKey, workload.DispatchKey, workload.TransportKey,
		},
		Script:   40,
		Claims:   sseBroadcastClaims,
		Measures: sseBroadcastMeasures,
		Size:     sseBroadcastSize,
		Prepare:  func(setup runner.Setup) error { return workload.Prepare(setup, 200) }, // two selections, before the clock
		Open:     s.openSSEBroadcast,
	}
}

// mostListeners is well below the number of connections that the server accepts.
const mostListeners = 400

// sseBroadcastSize has at least 100 broadcasts in a block, which a 99th percentile needs.
func sseBroadcastSize(_ string, options runner.Options) runner.Size {
	return runner.Size{Ops: max(100, 500/workload.Number(options, "clients"))}
}

func (s styles) openSSEBroadcast(setup runner.Setup) (runner.Workload, error) {
	n := workload.Number(setup.Options, "clients")
	timed := &timedHub{Hub: web.NewHub(web.HubConfig{Clients: n + 1, Patience: deafPatience}), began: time.Now()}
	d, err := s.openUI(setup, timed.Hub, timed)
	if err != nil {
		return nil, err
	}
	w := &broadcasting{servedPlayer: d, timed: timed, verbatim: setup.Verbatim, patience: unheard,
		client: web.NewClient(d.served.URL, "")}
	var ctx context.Context
	ctx, w.stop = context.WithCancel(context.Background())
	if setup.Options["deaf"] == "1" {
		err = w.listenDeaf(ctx)
	}
	if err == nil {
		w.clients, err = connectClients(ctx, w.client, n, timed.began)
	}
	if err != nil {
		return nil, fmt.Errorf("before the first broadcast: %w", errors.Join(err, w.Close()))
	}
	return w, nil
}

// timedHub is the hub with a clock: it records when the hub was last informed.
type timedHub struct {
	*web.Hub
	began time.Time
	heard lastTime
}

// Hear records the time and passes the announcement on.
func (b *timedHub) Hear(a player.Announcement) {
	b.heard.note(time.Since(b.began))
	b.Hub.Hear(a)
}

const (
	// deafPatience is how long the hub waits for one write: longer than a run, so that the
	// hub never disconnects the client that reads nothing.
	deafPatience = 24 * time.Hour
	// deafening is the size of a text that fills a connection: sockets buffer 4 MB by
	// default. Of usual events tens of thousands would fit into the buffers.
	deafening = 8 << 20
)

// listenDeaf connects the client that reads nothing, before the others, and fills its
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
	{Name: "first-p50", Unit: "ns", Better: "less", Doc: "from the command until the first client has read the event, median"},
	{Name: "first-p99", Unit: "ns", Better: "less", Doc: "the same, 99th percentile"},
	{Name: "last-p50", Unit: "ns", Better: "less", Doc: "from the command until the last client has read the event, median"},
	{Name: "last-p99", Unit: "ns", Better: "less", Doc: "the same, 99th percentile"},
	{Name: "last-max", Unit: "ns", Better: "less", Doc: "the same, the longest of a block"},
	{Name: "fan-out", Unit: "ns", Better: "less", Doc: "from when module ui announced it until the last client has read the event, median, while the command is still being stored: the share of HTTP, the same code in all styles"},
	{Name: "bytes", Unit: "bytes", Doc: "JSON of a broadcast for all clients, without the framing of events and HTTP"},
	{Name: "deaf-lost", Doc: "events of a block that the client that reads nothing has lost, as the hub counts"},
}

var sseBroadcastClaims = []runner.Claim{
	{Text: "SSE broadcast: base operation 50–200 µs (here with the command that it reports)", Source: workload.BudgetDocument, Kind: "estimate",
		Style: "direct", Quantity: "ns_op", Lo: workload.Us(50), Hi: workload.Us(200)},
	workload.Times("SSE broadcast: overhead at most 10 %", workload.BudgetDocument, 1.10).On("bus"),
	workload.Budget("SSE: median under 5 ms (here until the command is stored, too)", workload.PlayerDocument, 5000).Of("", "p50_ns"),
	workload.Budget("SSE: 95 in 100 under 20 ms (here until the command is stored, too)", workload.PlayerDocument, 20_000).Of("", "p95_ns"),
	workload.Budget("all clients within 100 ms", workload.PlayerDocument, 100_000).Of("", "figure:last-max"),
	workload.UnderTwice("bus"),
	workload.UnderTwice("nats"),
}

// broadcasting is a served player with clients that listen.
type broadcasting struct {
	*servedPlayer
	timed    *timedHub
	client   *web.Client
	stop     context.CancelFunc
	clients  *clientSet
	deaf     *web.Events // of the client that reads nothing; nil: there is none
	verbatim bool
	patience time.Duration // for a Run

	first, n             int   // the prepared broadcasts
	sent                 int   // of these
	heard, bytes         int64 // by all clients before this block
	lost                 uint64
	fast, slow, fannedTo []time.Duration // first, last, fan-out of each broadcast
}

// Prepare counts what was received before the block.
func (w *broadcasting) Prepare(first, n int) error {
	w.first, w.n, w.sent = first, n, 0
	w.fast, w.slow, w.fannedTo = w.fast[:0], w.slow[:0], w.fannedTo[:0]
	w.heard, w.bytes, _ = w.clients.counts()
	w.lost = w.losses()
	return w.servedPlayer.Prepare(first, 0)
}

// Run sends the next n broadcasts, one after the other.
func (w *broadcasting) Run(n int, latency func(time.Duration)) error {
	late := make(chan struct{})
	alarm := time.AfterFunc(w.patience, func() { close(late) })
	defer alarm.Stop()
	for range n {
		i := w.sent
		w.sent++
		w.clients.await()
		start := time.Since(w.timed.began)
		if err := w.do(player.Stimulus{Kind: player.Control, Command: playPause(w.first + i)}); err != nil {
			return err
		}
		kept := time.Since(w.timed.began)
		if err := w.clients.hear(late); err != nil {
			return fmt.Errorf("broadcast %d of the block: %w", i+1, err)
		}
		first, last := w.clients.first.is(), w.clients.last.is()
		latency(max(last, kept) - start)
		w.fast, w.slow = append(w.fast, first-start), append(w.slow, last-start)
		w.fannedTo = append(w.fannedTo, last-w.timed.heard.is())
	}
	return nil
}

// Work counts the events that clients have read beside the player's effects, and digests both.
func (w *broadcasting) Work() (runner.Work, error) {
	work, err := w.servedPlayer.Work()
	if err != nil {
		return work, err
	}
	if err := w.audit(w.hub.Counts()); err != nil {
		return work, err
	}
	heard, bytes, digest := w.clients.counts()
	work.Stimuli = int64(w.n)
	work.Effects += heard - w.heard
	work.Expected = int64(w.n) * int64(commandLines+commandAnnounced+len(w.clients.listeners))
	work.Digest += fmt.Sprintf("-%016x", digest)
	work.Figures = w.figures()
	work.Figures["bytes"] = float64(bytes-w.bytes) / float64(max(w.n, 1))
	if w.deaf != nil {
		work.Figures["deaf-lost"] = float64(w.losses() - w.lost)
	}
	if w.verbatim {
		for i, l := range w.clients.listeners {
			_, _, digest := l.counts()
			work.Lanes["clients"] = append(work.Lanes["clients"], fmt.Sprintf("client %d heard %016x", i+1, digest))
		}
	}
	return work, nil
}

// audit checks that all clients are connected, and that none of those that read has lost an
// event.
func (w *broadcasting) audit(counts web.HubCounts) error {
	deaf := 0
	if w.deaf != nil {
		deaf = 1
	}
	if there := len(counts.Clients) - deaf; there != len(w.clients.listeners) {
		return fmt.Errorf("%d clients are connected, want %d", there, len(w.clients.listeners))
	}
	for _, c := range counts.Clients[deaf:] {
		if c.Lost > 0 {
			return fmt.Errorf("client %d has lost %d events, though it reads all of them", c.Client, c.Lost)
		}
	}
	return nil
}

// losses counts the events lost by the client that reads nothing, which is the first.
func (w *broadcasting) losses() uint64 {
	if w.deaf == nil {
		return 0
	}
	return w.hub.Counts().Clients[0].Lost
}

func (w *broadcasting) figures() map[string]float64 {
	figures := map[string]float64{}
	if w.n == 0 {
		return figures
	}
	figures["first-p50"], figures["last-p50"] = openloop.Percentile(w.fast, 50), openloop.Percentile(w.slow, 50)
	figures["fan-out"], figures["last-max"] = openloop.Percentile(w.fannedTo, 50), openloop.Percentile(w.slow, 100)
	if w.n >= 100 {
		figures["first-p99"], figures["last-p99"] = openloop.Percentile(w.fast, 99), openloop.Percentile(w.slow, 99)
	}
	return figures
}

// Close closes the clients, then the player.
func (w *broadcasting) Close() (err error) {
	w.stop()
	if w.deaf != nil {
		err = w.deaf.Close()
	}
	if w.clients != nil {
		err = errors.Join(err, w.clients.leave())
	}
	w.client.Close()
	return errors.Join(err, w.servedPlayer.Close())
}

// lastTime is when something last happened, for many goroutines.
type lastTime struct{ at atomic.Int64 }

func (t *lastTime) note(at time.Duration) { t.at.Store(int64(at)) }
func (t *lastTime) is() time.Duration     { return time.Duration(t.at.Load()) }

// clientSet is the clients that listen. One broadcast is under way at a time: await comes
// before it, and hear waits for all clients.
type clientSet struct {
	listeners []*listener
	began     time.Time
	pending   atomic.Int64 // clients that have not read it
	first     lastTime     // when the first client read it, since began
	last      lastTime
	all       chan struct{} // all clients have read it
	broken    chan error    // of clients that cannot listen any more
	listening sync.WaitGroup
}

// connectClients connects n clients, one after the other, and reads the first event of each.
func connectClients(ctx context.Context, client *web.Client, n int, began time.Time) (*clientSet, error) {
	g := &clientSet{began: began, all: make(chan struct{}, 1), broken: make(chan error, n)}
	for i := range n {
		events, err := client.Listen(ctx)
		if err != nil {
			return g, fmt.Errorf("client %d of %d: %w", i+1, n, err)
		}
		l := &listener{events: events}
		g.listeners = append(g.listeners, l)
		state, err := events.Next()
		if err != nil {
			return g, fmt.Errorf("client %d of %d: %w", i+1, n, err)
		}
		l.take(state)
		l.heard = 0
	}
	for _, l := range g.listeners {
		g.listening.Go(func() { g.broken <- g.listen(l) })
	}
	return g, nil
}

// listen reads until the stream ends.
func (g *clientSet) listen(l *listener) error {
	for {
		event, err := l.events.Next()
		at := time.Since(g.began)
		if err != nil {
			return err
		}
		l.take(event)
		switch g.pending.Add(-1) {
		case int64(len(g.listeners)) - 1:
			g.first.note(at)
			if len(g.listeners) > 1 {
				continue
			}
			fallthrough
		case 0:
			g.last.note(at)
			g.all <- struct{}{}
		}
	}
}

// await starts a broadcast.
func (g *clientSet) await() { g.pending.Store(int64(len(g.listeners))) }

// hear waits until all clients have read it.
func (g *clientSet) hear(late <-chan struct{}) error {
	select {
	case <-g.all:
		return nil
	case err := <-g.broken:
		return fmt.Errorf("a client cannot listen any more: %w", err)
	case <-late:
		return fmt.Errorf("%d of %d clients have not received the broadcast", g.pending.Load(), len(g.listeners))
	}
}

// leave closes all streams, whose context has ended, and waits for their readers.
func (g *clientSet) leave() (err error) {
	for _, l := range g.listeners {
		err = errors.Join(err, l.events.Close())
	}
	g.listening.Wait()
	return err
}

// listener is one client, and what it has received.
type listener struct {
	events *web.Events

	mu     sync.Mutex
	heard  int64
	bytes  int64
	digest uint64 // of all events, in order
}

// take counts an event. It ignores the id, which the hub assigns.
func (l *listener) take(e web.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard++
	l.bytes += int64(len(e.Data))
	l.digest = player.DigestText(player.DigestText(l.digest, e.Name), string(e.Data))
}

// counts returns what all clients have received so far.
func (g *clientSet) counts() (heard, bytes int64, digest uint64) {
	for _, l := range g.listeners {
		h, b, d := l.counts()
		heard, bytes, digest = heard+h, bytes+b, player.DigestWord(digest, d)
	}
	return heard, bytes, digest
}

// counts returns what this client has received so far.
func (l *listener) counts() (heard, bytes int64, digest uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard, l.bytes, l.digest
}
