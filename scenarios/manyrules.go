package scenarios

import (
	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// manyRules is a conversation so short that rules can be seen in it: the depth of the
// queue changes, the rule that refills it is asked and its where does not hold, the one
// that tells it to everybody comes too soon and holds it. Whatever else there are in
// rules never match.
//
// All happens at one moment of the player's time, so that only the first stimulus of all
// refills the queue; the database and, in nats, the network have no part in the others.
func (s styleSet) manyRules() runner.Scenario {
	rules := rulesKey
	rules.Default = "20,100,1000"
	return runner.Scenario{
		Name:    "many-rules",
		Answers: "What do rules cost that have nothing to do with what happens?",
		Op:      "event",
		Keys:    []runner.Key{rules, traceKey, dispatchKey, transportKey},
		Script:  20,
		Size:    manyRulesSize,
		Claims:  manyRulesClaims,
		Prepare: func(setup runner.Setup) error { return prepare(setup, 200) }, // one selection
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &workload{script: sameMoment, drive: closedSampled, count: refills, expect: depthHeld}
			return s.start(setup, w, func(*player.Config) {})
		},
	}
}

func sameMoment(seed uint64, i int) player.Stimulus {
	return player.Stimulus{Kind: player.QueueLow, Seq: uint64(i) + 1,
		At: sqlite.Epoch + player.Hour, Seed: stir(seed, i)}
}

// manyRulesSize is set so that a block of bus lasts as long as one should: direct does
// the same in a tenth of the time, and would have the others work for seconds.
func manyRulesSize(effort string, _ runner.Options) runner.Size {
	if effort == "quick" {
		return runner.Size{Ops: 20_000}
	}
	return runner.Size{Ops: 100_000}
}

// depthHeld are the effects of one: the queue played down and its depth held; of the first,
// what a refill has.
func depthHeld(s player.Stimulus) int64 {
	if s.Seq == 1 {
		return 8
	}
	return 2
}

var manyRulesClaims = []runner.Claim{
	{Text: "orchestration adds 12.5–44.5 µs with 20 rules, typically 25 (there with three actions, here with two)", Source: overheadDocument, Kind: "estimate",
		Style: "bus", Options: map[string]string{"rules": "20"}, Quantity: "overhead_ns", Lo: us(12.5), Hi: us(44.5)},
	{Text: "100 rules add about 1 µs to that (alone: components, match-100)", Source: overheadDocument, Kind: "estimate",
		Style: "bus", Options: map[string]string{"rules": "100"}, Quantity: "overhead_ns", Lo: us(13.5), Hi: us(45.5)},
	{Text: "orchestration under 10 times direct (here of next to no work)", Source: budgetDocument, Kind: "budget",
		Style: "bus", Quantity: "ratio", Hi: 10},
}
