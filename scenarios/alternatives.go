package scenarios

import (
	"slices"

	"rubato/runner"
)

// alternatives are the other ways to reach what one needs, side by side: from a call to
// a request over a network, each with nothing else to do. The rungs are those of
// components. Two arms have work to do, and the same: a selection from 1 000 passages,
// asked of module pd by a call, and over HTTP as the original player asks it.
func alternatives() runner.Scenario {
	return withPieces(runner.Scenario{
		Name:    "alternatives",
		Answers: "What do other ways of joining two modules cost: goroutine and channel, database, HTTP, bus, NATS?",
		Op:      "exchange",
		ArmKey:  "way",
		Script:  10,
		Claims:  alternativeClaims,
		Pairs: []runner.Pair{
			{Switch: "a call in place of HTTP between modules", Without: "select-http", With: "select-call", Note: "a selection from 1 000 passages"},
			{Switch: "a call in place of a channel", Without: "channel-round-trip", With: "call"},
			{Switch: "a channel in place of HTTP", Without: "http-request", With: "channel-round-trip"},
			{Switch: "NATS in place of HTTP", Without: "http-request", With: "nats-request-tcp"},
		},
		Prepare: func(setup runner.Setup) error { return prepare(setup, 1000) },
	}, ways)
}

// ways are rungs and pieces of components, the cheapest first, and the two selections.
func ways() []piece {
	chosen := []string{"call", "channel-round-trip", "emission", "activation", "sqlite-read", "sqlite-write",
		"nats-request-pipe", "nats-request-tcp", "http-request"}
	var out []piece
	for _, name := range chosen {
		all := pieces()
		out = append(out, all[slices.IndexFunc(all, func(p piece) bool { return p.name == name })])
	}
	return append(out, selectionPieces()...)
}

var alternativeClaims = []runner.Claim{
	estimate("async await 0.1–0.5 µs", 0.1, 0.5).on("channel-round-trip"),
	estimate("HTTP on localhost 100–500 µs", 100, 500).on("http-request"),
	estimate("HTTP on localhost 100–500 µs (here between modules, with what is asked and answered as JSON)", 100, 500).less("select-http", "select-call"),
	estimate("event emission 1.5–7 µs", 1.5, 7).on("emission"),
	estimate("whole activation 12.5–44.5 µs, typically 25", 12.5, 44.5).on("activation"),
	estimate("flavor query 100 µs and selection 500 µs", 600, 600).on("select-call"),
	{Text: "request and reply under 10 ms", Source: natsDocument, Kind: "budget", Style: "nats-request-tcp", Quantity: "ns_op", Hi: us(10_000)},
}
