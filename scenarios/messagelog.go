package scenarios

import (
	"slices"
	"strings"

	"rubato/player"
	"rubato/results"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// messageLog is the work of the chat bot whose database writes were moved behind NATS and
// came out "4 % faster": one insert and one upsert per message. Batching is a switch in
// all styles, which separates "faster because it batches" from "faster".
func (s styles) messageLog() runner.Scenario {
	return messages(runner.Scenario{
		Name:     "message-log",
		Anywhere: true,
		Answers:  "What does a logged message cost, one at a time, pipelined, and pipelined with shared commits?",
		Keys: []runner.Key{
			{Name: "mode", Default: "closed,pipelined,batched", Values: logModes[:],
				Doc: "closed: one under way, a commit each; pipelined: many under way, a commit each; batched: many share a commit; " +
					"closed-batched: may share one, but only one is under way"},
			{Name: "batch", Default: "100", Check: workload.Between(2, 10_000), Doc: "most messages per commit, when batched"},
		},
		Script:  1000,
		Stages:  []string{workload.StageLog},
		Claims:  messageLogClaims,
		Factors: &messageLogFactors,
		Unit:    messageLogUnit,
		Prepare: func(setup runner.Setup) error { return workload.Prepare(setup, 100) }, // as when it was first measured
		Floor: func(setup runner.Setup) (runner.Workload, error) {
			batch := 1
			if setup.Options["mode"] == "batched" {
				batch = workload.Number(setup.Options, "batch")
			}
			return workload.OpenFloor(setup, workload.MessageCalls(batch))
		},
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &workload.Workload{Script: workload.Say, Drive: workload.Pipelined, Count: workload.Stored, Each: 2, Crosses: workload.MessageCrosses}
			if strings.HasPrefix(setup.Options["mode"], "closed") {
				w.Drive, w.Single = workload.ClosedLoop, true
			}
			return s.Start(setup, w, func(c *player.Config) {
				c.Window = logWindow
				if strings.HasSuffix(setup.Options["mode"], "batched") {
					c.Batch = workload.Number(setup.Options, "batch")
				}
			})
		},
	})
}

// logModes are the corners of two factors: with neither, many under way, shared commits, both.
var logModes = [4]string{"closed", "pipelined", "closed-batched", "batched"}

// messageLogFactors are what the modes differ in, and the published figure that they explain:
// the chat bot changed all at once.
var messageLogFactors = results.Factorial{
	Key: "mode", Corners: logModes, Style: "nats",
	Factors: [2]string{"many messages under way", "shared commits"},
	Text:    "NATS takes 0.524 s where direct takes 0.546 s: 4.03 % faster", Source: workload.NatsDocument, Claimed: 0.9597,
}

// logWindow is the most messages under way when pipelined.
const logWindow = 256

// messageLogUnit is a full batch, since a smaller one would be committed early. When
// pipelined it is two windows: with fewer messages, the window would only fill and drain.
func messageLogUnit(options runner.Options) int {
	switch options["mode"] {
	case "batched":
		return workload.Number(options, "batch")
	case "pipelined":
		return 2 * logWindow
	}
	return 1
}

var messageLogClaims = append([]runner.Claim{
	workload.Measured("NATS takes 0.524 s where direct takes 0.546 s: 4.03 % faster", 0.9597).With("mode", "pipelined").Of("nats", "ratio"),
	workload.Measured("NATS makes 10.9 % fewer function calls: 257 738 where direct makes 289 351", 0.8907).With("mode", "pipelined").Of("nats", "calls_ratio"),
	workload.Measured("NATS stores 2 061 messages a second", 2061).With("mode", "pipelined").Of("nats", "ops_per_second"),
	workload.Measured("direct stores 1 867 messages a second", 1867).With("mode", "closed").Of("direct", "ops_per_second"),
	workload.Budget("an event takes under 5 ms", workload.NatsDocument, 5000).With("mode", "closed").Of("nats", "p99_ns"),
	workload.Times("orchestration under 10 times direct", workload.BudgetDocument, 10).With("mode", "closed").On("bus"),
}, workload.EventDriven("mode", "closed")...)

// messages adds what the scenarios of messages share: the keys that every style has, and a
// small library, because nothing is selected.
func messages(s runner.Scenario) runner.Scenario {
	s.Op = "message"
	shared := []runner.Key{workload.SyncKey, workload.TraceKey, workload.RulesKey, workload.DispatchKey, workload.TransportKey, workload.DeliveryKey, workload.ReceiptsKey, workload.ReplicasKey, workload.ShareKey, workload.FlushKey, workload.CodecKey, workload.PlantedKey, workload.EnvelopeKey}
	s.Keys = append(s.Keys, slices.DeleteFunc(shared, func(k runner.Key) bool { // unless it has its own
		return slices.ContainsFunc(s.Keys, func(own runner.Key) bool { return own.Name == k.Name })
	})...)
	if s.Prepare == nil {
		s.Prepare = func(setup runner.Setup) error { return workload.Prepare(setup, 200) }
	}
	return s
}
