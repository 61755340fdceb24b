package scenarios

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"rubato/openloop"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/web"
)

// httpRequest sends real HTTP requests to the player's API on loopback, one after the other
// over one connection that stays open.
//
// Of ten requests of the mix four ask for the status, two for the queue, two pause or play in
// turn, so that each changes something, one enqueues a passage, and one logs a message. The
// seed determines their order. So that the queue never fills, a stimulus of its own plays it
// down before every tenth passage that is enqueued: inside the block, outside every request,
// a few microseconds.
//
// The client sends prepared requests and reads the answers. It checks them outside the clock:
// status and body must be the same in all styles, byte by byte. Nothing in them depends on
// time.
func (s styles) httpRequest() runner.Scenario {
	return runner.Scenario{
		Name:    "http-request",
		Answers: "What does a request to the player's HTTP API cost at the client: a question, a change, a command?",
		Op:      "request",
		Keys: []runner.Key{
			{Name: "mix", Default: "mixed", Values: mixes,
				Doc: "mixed: 40 % status, 20 % queue, 20 % control, 10 % change, 10 % said; or one kind alone: status and queue read, change enqueues a passage, control pauses and plays, said logs a message"},
			workload.SyncKey, workload.TraceKey, workload.RulesKey, workload.DispatchKey, workload.TransportKey,
		},
		Script:   300,
		Claims:   httpRequestClaims,
		Measures: httpRequestMeasures,
		Size:     sizes(runner.Size{Ops: 400}, runner.Size{Ops: 1000}),                   // at least 20 of the rarest kind, for its percentiles
		Prepare:  func(setup runner.Setup) error { return workload.Prepare(setup, 200) }, // two selections, before the clock
		Open:     s.openHTTPRequest,
	}
}

func (s styles) openHTTPRequest(setup runner.Setup) (runner.Workload, error) {
	hub := web.NewHub(web.HubConfig{})
	d, err := s.openUI(setup, hub, hub)
	if err != nil {
		return nil, err
	}
	return &requesting{servedPlayer: d, client: newKeepAlive(d.served.URL),
		writer: requestWriter{mix: setup.Options["mix"], seed: setup.Seed, passages: others(d.queued, 200)}, verbatim: setup.Verbatim}, nil
}

// others returns the ids of all passages that are not queued.
func others(queued []player.Entry, passages int64) (all []int64) {
	for id := int64(1); id <= passages; id++ {
		if !slices.ContainsFunc(queued, func(e player.Entry) bool { return e.Passage == id }) {
			all = append(all, id)
		}
	}
	return all
}

var httpRequestMeasures = []runner.Measure{
	{Name: "status-p50", Unit: "ns", Better: "less", Doc: "median of questions: GET /api/status and /api/queue"},
	{Name: "status-p95", Unit: "ns", Better: "less", Doc: "the same, 95th percentile"},
	{Name: "change-p50", Unit: "ns", Better: "less", Doc: "median of POST /api/queue: find the passage, enqueue it, request its decoding, count the queue"},
	{Name: "change-p95", Unit: "ns", Better: "less", Doc: "the same, 95th percentile"},
	{Name: "control-p50", Unit: "ns", Better: "less", Doc: "median of POST /api/pause and /api/play: check permission, execute, announce and store, one commit"},
	{Name: "control-p95", Unit: "ns", Better: "less", Doc: "the same, 95th percentile"},
	{Name: "said-p50", Unit: "ns", Better: "less", Doc: "median of POST /api/messages: a row, a user's counter, one commit"},
	{Name: "said-p95", Unit: "ns", Better: "less", Doc: "the same, 95th percentile"},
	{Name: "dials", Better: "less", Doc: "connections opened in a block beside the one that stays open: 0, unless the machine is overloaded"},
}

var httpRequestClaims = []runner.Claim{
	{Text: "HTTP request: base operation 10–100 ms", Source: workload.BudgetDocument, Kind: "estimate",
		Style: "direct", Quantity: "ns_op", Lo: workload.Us(10_000), Hi: workload.Us(100_000)},
	workload.Times("HTTP request: overhead at most 10 %", workload.BudgetDocument, 1.10).On("bus"),
	workload.Estimate("HTTP on localhost 100–500 µs (here with what is asked for)", 100, 500).On("direct"),
	workload.Estimate("orchestration adds 12.5–44.5 µs, typically 25 (here of a mix of which four in ten change something)", 12.5, 44.5).Added("bus"),
	workload.Budget("HTTP request under 100 ms", workload.BudgetDocument, 100_000).Of("", "p99_ns"),
	workload.Budget("state queries: median under 10 ms", workload.PlayerDocument, 10_000).Of("", "figure:status-p50"),
	workload.Budget("state queries: 95 in 100 under 50 ms", workload.PlayerDocument, 50_000).Of("", "figure:status-p95"),
	workload.Budget("queue changes: median under 50 ms", workload.PlayerDocument, 50_000).Of("", "figure:change-p50"),
	workload.Budget("queue changes: 95 in 100 under 150 ms", workload.PlayerDocument, 150_000).Of("", "figure:change-p95"),
	workload.Budget("controls: median under 20 ms", workload.PlayerDocument, 20_000).Of("", "figure:control-p50"),
	workload.Budget("controls: 95 in 100 under 100 ms", workload.PlayerDocument, 100_000).Of("", "figure:control-p95"),
	workload.UnderTwice("bus"),
	workload.UnderTwice("nats"),
}

// askedKind is a kind of request.
type askedKind int

const (
	askStatus askedKind = iota
	askQueue
	askChange
	askControl
	askSay
	askedKinds
)

// mixes are the values of key mix: all kinds, then one value for each kind.
var mixes = []string{"mixed", "status", "queue", "change", "control", "said"}

// deal holds ten requests of the mix before they are shuffled.
var deal = [10]askedKind{askStatus, askStatus, askStatus, askStatus, askQueue, askQueue, askControl, askControl, askChange, askSay}

// playDownEvery is the number of enqueued passages after which the queue is played down, so
// that two to twelve wait at any time.
const playDownEvery = 10

// A uiRequest is a request to the API with its expected status and effects.
type uiRequest struct {
	kind         askedKind
	method, path string
	body         []byte
	status       int
	effects      int64 // without the answer
	playDown     bool  // play the queue down first
}

// requestWriter writes the requests of a script.
type requestWriter struct {
	mix      string
	seed     uint64
	passages []int64 // to enqueue, in turn
}

// at returns the i-th request.
func (w requestWriter) at(i int) uiRequest {
	kind, nth := w.draw(i)
	switch kind {
	case askStatus:
		return uiRequest{kind: kind, method: http.MethodGet, path: "/api/status", status: http.StatusOK}
	case askQueue:
		return uiRequest{kind: kind, method: http.MethodGet, path: "/api/queue", status: http.StatusOK}
	case askControl:
		return uiRequest{kind: kind, method: http.MethodPost, path: "/api/" + playPause(nth),
			status: http.StatusNoContent, effects: commandLines + commandAnnounced}
	case askSay:
		said := workload.Say(w.seed, nth).Message
		return uiRequest{kind: kind, method: http.MethodPost, path: "/api/messages", status: http.StatusNoContent, effects: 4, // appended, counted, and both in the database
			body: content(map[string]any{"username": said.Username, "message": said.Text})}
	}
	a := uiRequest{kind: kind, method: http.MethodPost, path: "/api/queue", status: http.StatusCreated, effects: 4, // found, enqueued, the depth held, asked for
		body: content(map[string]any{"passage": w.passages[nth%len(w.passages)]})}
	if nth%playDownEvery == 0 {
		a.playDown = true
		a.effects += 2 // played down, the depth held
	}
	return a
}

// draw returns the kind of the i-th request, and how many of its kind came before. Every ten
// requests have the shares of the mix.
func (w requestWriter) draw(i int) (kind askedKind, nth int) {
	if k := slices.Index(mixes, w.mix); k > 0 {
		return askedKind(k - 1), i
	}
	order := rand.New(rand.NewPCG(w.seed, uint64(i/len(deal)))).Perm(len(deal))
	kind = deal[order[i%len(deal)]]
	for _, k := range deal {
		if k == kind {
			nth += i / len(deal)
		}
	}
	for _, k := range order[:i%len(deal)] {
		if deal[k] == kind {
			nth++
		}
	}
	return kind, nth
}

func content(body map[string]any) []byte {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // texts and numbers can always be encoded
	}
	return text
}

// playedDown plays the queue down. It comes too soon after the last refill to cause another.
var playedDown = player.Stimulus{Kind: player.QueueLow}

// requesting is a served player with one client.
type requesting struct {
	*servedPlayer
	client   *keepAlive
	writer   requestWriter
	verbatim bool

	asks     []uiRequest  // all that were prepared
	received []received   // the answers to these so far
	bodies   bytes.Buffer // of the same
	answers  uint64       // digest of all answers so far, in order
	took     [askedKinds][]time.Duration
}

// received is the status of an answer, and where its body ends in bodies.
type received struct{ status, end int }

// Prepare writes the requests.
func (w *requesting) Prepare(first, n int) error {
	w.asks, w.received = w.asks[:0], w.received[:0]
	w.bodies.Reset()
	for i := first; i < first+n; i++ {
		w.asks = append(w.asks, w.writer.at(i))
	}
	for k := range w.took {
		w.took[k] = w.took[k][:0]
	}
	if err := w.client.connect(); err != nil {
		return err
	}
	return w.servedPlayer.Prepare(first, 0)
}

// Run sends the next n requests, one after the other.
func (w *requesting) Run(n int, latency func(time.Duration)) error {
	for range n {
		i := len(w.received)
		a := &w.asks[i]
		if a.playDown {
			if err := w.do(playedDown); err != nil {
				return fmt.Errorf("play the queue down: %w", err)
			}
		}
		start := time.Now()
		status, err := w.client.ask(a, &w.bodies)
		took := time.Since(start)
		if err != nil {
			return fmt.Errorf("request %d of the block: %w", i+1, err)
		}
		latency(took)
		w.took[a.kind] = append(w.took[a.kind], took)
		w.received = append(w.received, received{status, w.bodies.Len()})
	}
	return nil
}

// Work counts the correct answers beside the player's effects, and digests all answers.
func (w *requesting) Work() (runner.Work, error) {
	work, err := w.servedPlayer.Work()
	if err != nil {
		return work, err
	}
	work.Stimuli, work.Expected = int64(len(w.asks)), 0
	var lines []string
	from := 0
	for i, a := range w.asks {
		work.Expected += a.effects + 1
		if i >= len(w.received) {
			continue
		}
		got := w.received[i]
		body := string(w.bodies.Bytes()[from:got.end])
		from = got.end
		if got.status == a.status && (len(body) > 0) == (a.status != http.StatusNoContent) {
			work.Effects++
		}
		w.answers = player.DigestText(player.DigestWord(w.answers, uint64(got.status)), body)
		if w.verbatim {
			lines = append(lines, fmt.Sprintf("%s %s: %d %s", a.method, a.path, got.status, body))
		}
	}
	work.Digest += fmt.Sprintf("-%016x", w.answers)
	work.Figures = w.figures()
	if w.verbatim {
		work.Lanes["answers"] = lines
	}
	return work, nil
}

// fewest is the number of requests that a 95th percentile needs.
const fewest = 20

func (w *requesting) figures() map[string]float64 {
	figures := map[string]float64{"dials": float64(w.client.dials.Load())}
	add := func(name string, took []time.Duration) {
		if len(took) > 0 {
			figures[name+"-p50"] = openloop.Percentile(took, 50)
		}
		if len(took) >= fewest {
			figures[name+"-p95"] = openloop.Percentile(took, 95)
		}
	}
	add("status", slices.Concat(w.took[askStatus], w.took[askQueue]))
	add("change", w.took[askChange])
	add("control", w.took[askControl])
	add("said", w.took[askSay])
	return figures
}

// Close closes the client, then the player.
func (w *requesting) Close() error {
	w.client.close()
	return w.servedPlayer.Close()
}

// keepAlive is a client with one connection, which stays open. Go's client drops a connection
// over which an answer came 50 ms before it knew that the whole request was written, which
// happens on an overloaded machine. So it counts the connections that it opens.
type keepAlive struct {
	base  string
	http  *http.Client
	dials atomic.Int64 // since connect
}

// requestPatience is the longest wait for an answer.
const requestPatience = 30 * time.Second

func newKeepAlive(base string) *keepAlive {
	c := &keepAlive{base: base}
	var dialer net.Dialer
	c.http = &http.Client{Timeout: requestPatience, Transport: &http.Transport{
		MaxConnsPerHost: 1, DisableCompression: true, // and no proxy, which would be measured, too
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c.dials.Add(1)
			return dialer.DialContext(ctx, network, address)
		},
	}}
	return c
}

// connect sends a request, because the server may have closed an idle connection.
func (c *keepAlive) connect() error {
	var forgotten bytes.Buffer
	_, err := c.ask(&uiRequest{method: http.MethodGet, path: "/api/status"}, &forgotten)
	c.dials.Store(0)
	return err
}

// longestAnswer limits what is read, in bytes; the longest answer has some 600.
const longestAnswer = 1 << 16

// ask sends a request and appends the answer's body.
func (c *keepAlive) ask(a *uiRequest, into *bytes.Buffer) (status int, err error) {
	var body io.Reader
	if a.body != nil {
		body = bytes.NewReader(a.body)
	}
	r, err := http.NewRequest(a.method, c.base+a.path, body)
	if err != nil {
		return 0, err
	}
	if a.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, err
	}
	n, err := into.ReadFrom(io.LimitReader(answer.Body, longestAnswer+1))
	if err == nil && n > longestAnswer {
		err = fmt.Errorf("%s %s: the answer is longer than %d bytes", a.method, a.path, longestAnswer)
	}
	return answer.StatusCode, errors.Join(err, answer.Body.Close())
}

func (c *keepAlive) close() { c.http.CloseIdleConnections() }
