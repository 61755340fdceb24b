package scenarios

import (
	"rubato/player"
	"rubato/runner"
	"rubato/web"
)

// httpRequest is what people do to a player from outside: they ask it over HTTP, real
// requests to its API on loopback, one after the other over one connection that stays
// open.
//
// Of ten requests of the mix four ask for the status, two for the queue, two command (by
// turns pause and play, so that each changes something), one enqueues a passage, one says
// something; their order is drawn from the seed. So that the queue never fills, a
// stimulus of its own has it played down before every tenth passage that is enqueued:
// inside the block, outside of every request, and worth a few microseconds.
//
// The client sends what was prepared and reads the answers; what they say is looked at
// outside the clock. Each has to be the same in all styles, status and body, byte by
// byte: nothing in them depends on the time.
func (s styleSet) httpRequest() runner.Scenario {
	return runner.Scenario{
		Name:    "http-request",
		Answers: "What does a request to the player's HTTP API cost, from the client's side: a question, a change, a command?",
		Op:      "request",
		Keys: []runner.Key{
			{Name: "mix", Default: "mixed", Values: mixes,
				Doc: "mixed: 40 % status, 20 % queue, 20 % control, 10 % change, 10 % said; or one kind alone: status and queue are read, change enqueues a passage, control pauses and plays, said logs a message"},
			syncKey, traceKey, rulesKey, dispatchKey, transportKey,
		},
		Script:   300,
		Claims:   httpRequestClaims,
		Measures: httpRequestMeasures,
		Size:     httpRequestSize,
		Prepare:  func(setup runner.Setup) error { return prepare(setup, 200) }, // two selections, before the clock
		Open:     s.openHTTPRequest,
	}
}

// httpRequestSize has 20 of the rarest kind in a block, and more, as its percentiles do.
func httpRequestSize(effort string, _ runner.Options) runner.Size {
	if effort == "quick" {
		return runner.Size{Ops: 400}
	}
	return runner.Size{Ops: 1000}
}

func (s styleSet) openHTTPRequest(setup runner.Setup) (runner.Workload, error) {
	d, err := s.openUI(setup, web.HubConfig{}, func(h *web.Hub) player.Audience { return h })
	if err != nil {
		return nil, err
	}
	return &requesting{uiDesk: d, client: newKeepAlive(d.served.URL),
		writer: requestWriter{mix: setup.Options["mix"], seed: setup.Seed, passages: others(d.queued, 200)}, verbatim: setup.Verbatim}, nil
}

// others are the numbers of all passages of a library but those that are queued.
func others(queued []player.Entry, passages int64) (all []int64) {
	waits := map[int64]bool{}
	for _, e := range queued {
		waits[e.Passage] = true
	}
	for id := int64(1); id <= passages; id++ {
		if !waits[id] {
			all = append(all, id)
		}
	}
	return all
}

var httpRequestMeasures = []runner.Measure{
	{Name: "status-p50", Unit: "ns", Better: "less", Doc: "median of what only asks: GET /api/status and /api/queue"},
	{Name: "status-p95", Unit: "ns", Better: "less", Doc: "the same, 95th percentile"},
	{Name: "change-p50", Unit: "ns", Better: "less", Doc: "median of POST /api/queue: the passage found, enqueued, its decoding asked for, the queue counted"},
	{Name: "change-p95", Unit: "ns", Better: "less", Doc: "the same, 95th percentile"},
	{Name: "control-p50", Unit: "ns", Better: "less", Doc: "median of POST /api/pause and /api/play: permitted, obeyed, told to everybody and kept, one commit"},
	{Name: "control-p95", Unit: "ns", Better: "less", Doc: "the same, 95th percentile"},
	{Name: "said-p50", Unit: "ns", Better: "less", Doc: "median of POST /api/messages: a row, a user's count, one commit"},
	{Name: "said-p95", Unit: "ns", Better: "less", Doc: "the same, 95th percentile"},
	{Name: "dials", Better: "less", Doc: "connections opened in a block beside the one that stays open: 0, unless the machine has too much else to do"},
}

var httpRequestClaims = []runner.Claim{
	{Text: "HTTP request: base operation 10–100 ms", Source: budgetDocument, Kind: "estimate",
		Style: "direct", Quantity: "ns_op", Lo: us(10_000), Hi: us(100_000)},
	{Text: "HTTP request: overhead at most 10 %", Source: budgetDocument, Kind: "budget", Style: "bus", Quantity: "ratio", Hi: 1.10},
	{Text: "HTTP on localhost 100–500 µs (here with what is asked for)", Source: overheadDocument, Kind: "estimate",
		Style: "direct", Quantity: "ns_op", Lo: us(100), Hi: us(500)},
	{Text: "orchestration adds 12.5–44.5 µs, typically 25 (here of a mix of which four in ten change something)", Source: overheadDocument, Kind: "estimate",
		Style: "bus", Quantity: "overhead_ns", Lo: us(12.5), Hi: us(44.5)},
	{Text: "HTTP request under 100 ms", Source: budgetDocument, Kind: "budget", Quantity: "p99_ns", Hi: us(100_000)},
	{Text: "state queries: median under 10 ms", Source: playerDocument, Kind: "budget", Quantity: "figure:status-p50", Hi: us(10_000)},
	{Text: "state queries: 95 in 100 under 50 ms", Source: playerDocument, Kind: "budget", Quantity: "figure:status-p95", Hi: us(50_000)},
	{Text: "queue changes: median under 50 ms", Source: playerDocument, Kind: "budget", Quantity: "figure:change-p50", Hi: us(50_000)},
	{Text: "queue changes: 95 in 100 under 150 ms", Source: playerDocument, Kind: "budget", Quantity: "figure:change-p95", Hi: us(150_000)},
	{Text: "controls: median under 20 ms", Source: playerDocument, Kind: "budget", Quantity: "figure:control-p50", Hi: us(20_000)},
	{Text: "controls: 95 in 100 under 100 ms", Source: playerDocument, Kind: "budget", Quantity: "figure:control-p95", Hi: us(100_000)},
	{Text: "whole operation under twice direct", Source: budgetDocument, Kind: "budget", Style: "bus", Quantity: "ratio", Hi: 2},
	{Text: "whole operation under twice direct", Source: budgetDocument, Kind: "budget", Style: "nats", Quantity: "ratio", Hi: 2},
}
