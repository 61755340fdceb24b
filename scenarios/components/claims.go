package components

import (
	"rubato/runner"
	"rubato/scenarios/workload"
)

// componentClaims are the published estimates of the pieces. A piece contains the pieces
// before it, so its own cost is the difference to the piece without it. A claim that is
// compared with a whole piece is stricter than published.
var componentClaims = []runner.Claim{
	workload.Estimate("event emission 1.5–7 µs", 1.5, 7).On("emission"),
	target("event emission under 5 µs", 5).On("emission"),
	workload.Estimate("matching 20 rules 0.5–2 µs", 0.5, 2).Less("match-20", "emission"),
	target("matching under 2 µs", 2).Less("match-20", "emission"),
	workload.Estimate("100 rules add about 1 µs", 1, 1).Less("match-100", "match-20"),
	workload.Estimate("where, 2 queries, 0.5–1.5 µs", 0.5, 1.5).Less("where-2", "where-0"),
	target("where under 5 µs", 5).Less("where-2", "where-0"),
	workload.Estimate("invoking three actions 3–9 µs", 3, 9).Less("invoke-3", "match-20"),
	target("invocation under 10 µs", 10).Less("invoke-3", "match-20"),
	workload.Estimate("tracing three actions in memory 6–21 µs", 6, 21).Less("activation", "activation-untraced"),
	target("tracing an action under 10 µs, in memory", 10).Less("trace-memory", "invoke-1"),
	workload.Estimate("tracing an action, persisted, 12–57 µs", 12, 57).Less("trace-persisted", "invoke-1"),
	target("tracing an action under 10 µs, persisted", 10).Less("trace-persisted", "invoke-1"),
	target("tracing an action, batched, at most 10 µs", 10).Less("trace-batched", "invoke-1"),
	workload.Estimate("two edges 1–4 µs (here: one edge and two records)", 1, 4).Less("edge", "edge-untraced"),
	target("an edge under 5 µs (here: with two records)", 5).Less("edge", "edge-untraced"),
	workload.Estimate("whole activation 12.5–44.5 µs, typically 25", 12.5, 44.5).On("activation"),
	workload.Estimate("whole activation 12.5–44.5 µs, typically 25", 12.5, 44.5).On("naive-activation"),
	workload.Times("orchestration under 10 times direct (here: of actions that do nothing)", workload.BudgetDocument, 10).Less("activation", "direct-activation"),
	ours("an activation takes at most 2.5 channel round trips", 2.5).On("activation"),
	ours("untraced at most 1", 1).On("activation-untraced"),
	ours("1 000 rules match in at most 1.2 times the time of 20", 1.2).Less("match-1000", "match-20"),
	workload.Budget("batched persistence takes at most 3 µs of CPU a record, in all", workload.Own, 3).Of("trace-batched", "cpu_ns_op"),
	workload.Budget("batched persistence adds at most 0.3 µs a record to the emitter (here beside a writer that never rests, an upper bound; most flows come faster than it writes, and are lost and counted)", workload.Own, 0.3).Less("trace-beside", "trace-memory"),
	{Text: "at least 1 000 000 activations a second", Source: workload.Own, Kind: "budget", Style: "activation", Quantity: "ops_per_second", Lo: 1e6},
	workload.Budget("an event takes under 5 ms (here: cold)", workload.NatsDocument, 5000).Less("nats-publish-tcp-cold", "walk"),
	workload.Budget("request and reply under 10 ms (here: cold)", workload.NatsDocument, 10_000).Less("nats-request-tcp-cold", "walk"),
	workload.Budget("request and reply under 10 ms (here: cold, in one process)", workload.NatsDocument, 10_000).Less("nats-request-pipe-cold", "walk"),
	workload.Estimate("async await 0.1–0.5 µs", 0.1, 0.5).On("channel-round-trip"),
	workload.Estimate("HTTP on localhost 100–500 µs", 100, 500).On("http-request"),
}

func target(text string, hi float64) workload.Published {
	return workload.Budget(text, workload.BudgetDocument, hi)
}

func ours(text string, ratio float64) workload.Published {
	return workload.Times(text, workload.Own, ratio)
}
