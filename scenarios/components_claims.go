package scenarios

import "rubato/runner"

// The estimates of the pieces. A piece holds what comes before it, so what it adds
// is the difference to the piece without it; where a claim stands on a whole piece,
// it is held to more than it promised.
var componentClaims = []runner.Claim{
	estimate("event emission 1.5–7 µs", 1.5, 7).on("emission"),
	target("event emission under 5 µs", 5).on("emission"),
	estimate("matching 20 rules 0.5–2 µs", 0.5, 2).less("match-20", "emission"),
	target("matching under 2 µs", 2).less("match-20", "emission"),
	estimate("100 rules add about 1 µs", 1, 1).less("match-100", "match-20"),
	estimate("where, 2 queries, 0.5–1.5 µs", 0.5, 1.5).less("where-2", "where-0"),
	target("where under 5 µs", 5).less("where-2", "where-0"),
	estimate("invoking three actions 3–9 µs", 3, 9).less("invoke-3", "match-20"),
	target("invocation under 10 µs", 10).less("invoke-3", "match-20"),
	estimate("tracing three actions in memory 6–21 µs", 6, 21).less("activation", "activation-untraced"),
	target("tracing an action under 10 µs, in memory", 10).less("trace-memory", "invoke-1"),
	estimate("tracing an action, persisted, 12–57 µs", 12, 57).less("trace-persisted", "invoke-1"),
	target("tracing an action under 10 µs, persisted", 10).less("trace-persisted", "invoke-1"),
	target("tracing an action, batched, at most 10 µs", 10).less("trace-batched", "invoke-1"),
	estimate("two edges 1–4 µs (here: one edge and two records)", 1, 4).less("edge", "edge-untraced"),
	target("an edge under 5 µs (here: with two records)", 5).less("edge", "edge-untraced"),
	estimate("whole activation 12.5–44.5 µs, typically 25", 12.5, 44.5).on("activation"),
	estimate("whole activation 12.5–44.5 µs, typically 25", 12.5, 44.5).on("naive-activation"),
	times("orchestration under 10 times direct (here: of actions that do nothing)", budgetDocument, 10).less("activation", "direct-activation"),
	ours("an activation takes at most 2.5 channel round trips", 2.5).on("activation"),
	ours("untraced at most 1", 1).on("activation-untraced"),
	ours("1 000 rules match in at most 1.2 times the time of 20", 1.2).less("match-1000", "match-20"),
	cpu("batched persistence takes at most 3 µs of CPU a record, in all", 3).on("trace-batched"),
	atMost("batched persistence adds at most 0.3 µs a record to the emitter (here beside a writer that never rests, an upper bound; most flows come faster than it writes, and are lost and counted)", 0.3).less("trace-beside", "trace-memory"),
	perSecond("at least 1 000 000 activations a second", 1e6).on("activation"),
	estimate("async await 0.1–0.5 µs", 0.1, 0.5).on("channel-round-trip"),
	estimate("HTTP on localhost 100–500 µs", 100, 500).on("http-request"),
}

// published are claims that still need a piece.
type published struct{ claim runner.Claim }

func estimate(text string, lo, hi float64) published {
	return published{runner.Claim{Text: text, Source: overheadDocument, Kind: "estimate", Lo: us(lo), Hi: us(hi)}}
}

func target(text string, hi float64) published {
	return published{runner.Claim{Text: text, Source: budgetDocument, Kind: "budget", Hi: us(hi)}}
}

// The limits that this project sets itself.
const own = "ours, speed and size"

func ours(text string, ratio float64) published { return times(text, own, ratio) }

func times(text, source string, ratio float64) published {
	return published{runner.Claim{Text: text, Source: source, Kind: "budget", Quantity: "ratio", Hi: ratio}}
}

func atMost(text string, hi float64) published {
	return published{runner.Claim{Text: text, Source: own, Kind: "budget", Hi: us(hi)}}
}

func cpu(text string, hi float64) published {
	return published{runner.Claim{Text: text, Source: own, Kind: "budget", Quantity: "cpu_ns_op", Hi: us(hi)}}
}

func perSecond(text string, lo float64) published {
	return published{runner.Claim{Text: text, Source: own, Kind: "budget", Quantity: "ops_per_second", Lo: lo}}
}

// on compares the claim with the whole piece.
func (p published) on(piece string) runner.Claim {
	p.claim.Style = piece
	if p.claim.Quantity == "" {
		p.claim.Quantity = "ns_op"
	}
	return p.claim
}

// less compares it with what the piece takes more than another.
func (p published) less(piece, other string) runner.Claim {
	p.claim.Style, p.claim.Less = piece, other
	if p.claim.Quantity == "" {
		p.claim.Quantity = "overhead_ns"
	}
	return p.claim
}
