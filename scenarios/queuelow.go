package scenarios

import (
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// queueLow is the pipeline's longest conversation: one refill of the queue.
//
// Stimuli are an hour apart in the player's time. A library of 1 000 passages would
// be used up by cooldowns in three days of playing without a break, and then there
// would be nothing to choose from; at one an hour it is in a steady state, with a
// sixth of the songs barred and a third ramping.
func (s styleSet) queueLow() runner.Scenario {
	return runner.Scenario{
		Name:    "queue-low",
		Answers: "What does a refill of the queue cost, from the queue being low to the cooldown recorded?",
		Op:      "refill",
		Keys:    []runner.Key{passagesKey, syncKey, traceKey, rulesKey, dispatchKey, transportKey},
		Script:  60,
		Stages:  []string{stageDirector},
		Claims:  queueLowClaims,
		Prepare: func(setup runner.Setup) error { return prepare(setup, number(setup.Options, "passages")) },
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &workload{script: lowAt, drive: closedLoop, count: refills, each: 8, commit: true}
			return s.start(setup, w, func(*player.Config) {})
		},
	}
}

func lowAt(seed uint64, i int) player.Stimulus {
	return player.Stimulus{Kind: player.QueueLow, Seq: uint64(i) + 1,
		At: sqlite.Epoch + player.Ticks(i+1)*player.Hour, Seed: stir(seed, i)}
}

// refills counts what every part did: the queue played down and enqueued, a flavor
// was found, a passage selected, its decoding asked for, its cooldown recorded, the
// queue's depth told to everybody and the pace of that marked. That the cooldown is durable
// is in the digest, which reads it from the database.
func refills(seen player.Observation) (effects int64) {
	for _, lane := range seen.Lanes {
		effects += int64(lane.Count)
	}
	return effects
}

const (
	overheadDocument = "overhead analysis of event-driven orchestration for the player (an estimate, never measured)"
	budgetDocument   = "overhead budgets of the same analysis"
	playerDocument   = "the player's own performance targets"
)

var queueLowClaims = []runner.Claim{
	{Text: "base operation 200–1 700 µs, taken as 700", Source: overheadDocument, Kind: "estimate",
		Style: "direct", Quantity: "ns_op", Lo: us(200), Hi: us(1700)},
	{Text: "orchestration adds 12.5–44.5 µs, typically 25", Source: overheadDocument, Kind: "estimate",
		Style: "bus", Quantity: "overhead_ns", Lo: us(12.5), Hi: us(44.5)},
	{Text: "orchestration adds 1.7–6.4 %, typically 3.5", Source: overheadDocument, Kind: "estimate",
		Style: "bus", Quantity: "ratio", Lo: 1.017, Hi: 1.064},
	{Text: "passage selection: overhead at most 10 %", Source: budgetDocument, Kind: "budget",
		Style: "bus", Quantity: "ratio", Hi: 1.10},
	{Text: "auto-enqueue takes 200–1 000 µs", Source: budgetDocument, Kind: "estimate",
		Style: "direct", Quantity: "ns_op", Lo: us(200), Hi: us(1000)},
	{Text: "whole operation under twice direct", Source: budgetDocument, Kind: "budget",
		Style: "bus", Quantity: "ratio", Hi: 2},
	{Text: "whole operation under twice direct", Source: budgetDocument, Kind: "budget",
		Style: "nats", Quantity: "ratio", Hi: 2},
	{Text: "selection under 10 ms with 1 000 passages", Source: playerDocument, Kind: "budget",
		Style: "direct", Options: map[string]string{"passages": "1000"}, Quantity: "ns_op", Hi: us(10_000)},
}

// us is microseconds in nanoseconds, the unit of claims.
func us(v float64) float64 { return v * float64(time.Microsecond) }
