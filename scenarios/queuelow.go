package scenarios

import (
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// queueLow is the longest conversation of the player: one refill of the queue.
//
// Stimuli are an hour apart in the player's time. Played without a break, a library of
// 1 000 passages would have nothing left to select after three days, because of
// cooldowns. At one passage an hour it is in a steady state: a sixth of the songs are
// barred and a third are ramping.
func (s styles) queueLow() runner.Scenario {
	return runner.Scenario{
		Name:     "queue-low",
		Anywhere: true,
		Answers:  "What does a refill of the queue cost, from the queue being low to the cooldown recorded?",
		Op:       "refill",
		Keys:     []runner.Key{workload.PassagesKey, workload.SyncKey, workload.TraceKey, workload.RulesKey, workload.DispatchKey, workload.TransportKey, workload.CodecKey, workload.PlantedKey, workload.EnvelopeKey, workload.BroadcastKey, workload.FlavorKey},
		Script:   60,
		Cold:     "the queue becomes low once per track, every three minutes or so, so a refill finds the caches cold",
		Stages:   []string{workload.StageDirector},
		Claims:   queueLowClaims,
		Prepare: func(setup runner.Setup) error {
			return workload.Prepare(setup, workload.Number(setup.Options, "passages"))
		},
		Floor: func(setup runner.Setup) (runner.Workload, error) {
			return workload.OpenFloor(setup, workload.RefillCalls)
		},
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &workload.Workload{Script: workload.LowAt, Drive: workload.ClosedLoop, Count: workload.Refills, Each: 9, Commit: true, Crosses: workload.RefillCrosses}
			return s.Start(setup, w, func(*player.Config) {})
		},
	}
}

var queueLowClaims = append([]runner.Claim{
	workload.Estimate("base operation 200–1 700 µs, taken as 700", 200, 1700).On("direct"),
	workload.Estimate("orchestration adds 12.5–44.5 µs, typically 25", 12.5, 44.5).Added("bus"),
	{Text: "orchestration adds 1.7–6.4 %, typically 3.5", Source: workload.OverheadDocument, Kind: "estimate",
		Style: "bus", Quantity: "ratio", Lo: 1.017, Hi: 1.064},
	workload.Times("passage selection: overhead at most 10 %", workload.BudgetDocument, 1.10).On("bus"),
	{Text: "auto-enqueue takes 200–1 000 µs", Source: workload.BudgetDocument, Kind: "estimate",
		Style: "direct", Quantity: "ns_op", Lo: workload.Us(200), Hi: workload.Us(1000)},
	workload.UnderTwice("bus"),
	workload.UnderTwice("nats"),
	workload.Budget("selection under 10 ms with 1 000 passages", workload.PlayerDocument, 10_000).With("passages", "1000").On("direct"),
}, workload.EventDriven("passages", "1000")...)
