package scenarios

import (
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// manyRules is a conversation so short that the cost of rules shows: the depth of the queue
// changes, the where of the refill rule does not hold, and the broadcast waits because it
// comes too soon. No other rule matches.
//
// All stimuli have the same time of the player, so only the first refills the queue. The
// others use neither the database nor, in nats, the network.
func (s styles) manyRules() runner.Scenario {
	rules := workload.RulesKey
	rules.Default = "20,100,1000"
	return runner.Scenario{
		Name:    "many-rules",
		Answers: "What do rules cost that do not match?",
		Op:      "event",
		Keys:    []runner.Key{rules, workload.TraceKey, workload.DispatchKey, workload.TransportKey},
		Script:  20,
		// For bus: direct takes a tenth of the time, so a size for direct would take the others seconds.
		Size:    sizes(runner.Size{Ops: 20_000}, runner.Size{Ops: 100_000}),
		Claims:  manyRulesClaims,
		Prepare: func(setup runner.Setup) error { return workload.Prepare(setup, 200) }, // one selection
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &workload.Workload{Script: workload.SameMoment, Drive: workload.ClosedSampled, Count: workload.Refills, Expect: depthHeld}
			return s.Start(setup, w, func(*player.Config) {})
		},
	}
}

// depthHeld is the number of effects of a stimulus: the queue is played down and the
// broadcast of its depth waits. The first stimulus is a refill.
func depthHeld(s player.Stimulus) int64 {
	if s.Seq == 1 {
		return 9
	}
	return 2
}

var manyRulesClaims = []runner.Claim{
	workload.Estimate("orchestration adds 12.5–44.5 µs with 20 rules, typically 25 (there with three actions, here with two)", 12.5, 44.5).
		With("rules", "20").Added("bus"),
	workload.Estimate("100 rules add about 1 µs to that (alone: components, match-100)", 13.5, 45.5).With("rules", "100").Added("bus"),
	workload.Times("orchestration under 10 times direct (here of next to no work)", workload.BudgetDocument, 10).On("bus"),
}
