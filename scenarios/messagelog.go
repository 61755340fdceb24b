package scenarios

import (
	"fmt"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// messageLog is the work of the chat bot whose database writes were moved behind
// NATS and came out "4 % faster": one insert and one upsert a message. Batching is
// a switch in all styles, so that "faster because it batches" can be told from
// "faster".
func (s styleSet) messageLog() runner.Scenario {
	return runner.Scenario{
		Name:    "message-log",
		Answers: "What does a logged message cost, one at a time, pipelined, and pipelined with shared commits?",
		Op:      "message",
		Keys: []runner.Key{
			{Name: "mode", Default: "closed,pipelined,batched", Values: []string{"closed", "pipelined", "batched"},
				Doc: "closed: one under way, a commit each; pipelined: many under way, a commit each; batched: many share a commit"},
			{Name: "batch", Default: "100", Check: between(2, 10_000), Doc: "messages a commit at most, when batched"},
			syncKey, traceKey, rulesKey, dispatchKey, transportKey,
		},
		Script:  1000,
		Stages:  []string{stageLog},
		Claims:  messageLogClaims,
		Prepare: func(setup runner.Setup) error { return prepare(setup, 100) }, // nobody selects here
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &workload{script: say, drive: pipelined, count: stored, each: 2}
			if setup.Options["mode"] == "closed" {
				w.drive = closedLoop
			}
			return s.start(setup, w, func(c *player.Config) {
				if setup.Options["mode"] == "batched" {
					c.Batch = number(setup.Options, "batch")
				}
			})
		},
	}
}

// chatters is how many users talk.
const chatters = 50

// say makes the i-th message: 20 to 120 bytes from one of the chatters.
func say(seed uint64, i int) player.Stimulus {
	h := stir(seed, i)
	text := fmt.Sprintf("message %d, which says %016x and so on, at some length, as people do when the song is a long one and nobody minds at all", i, h)
	return player.Stimulus{Kind: player.MessageSaid, Seq: uint64(i) + 1, Message: player.Message{
		Username: fmt.Sprintf("listener-%02d", h%chatters),
		Text:     text[:20+int((h>>32)%101)],
		At:       sqlite.Epoch + player.Ticks(i)*player.Second,
	}}
}

// stored counts rows of messages and what users' counters add up to, as the
// database has them.
func stored(seen player.Observation) int64 { return seen.Stored.Messages + seen.Stored.Said }

const natsDocument = "analysis of a chat bot's database writes behind NATS (one run, clock stopped with some 41 % of the work done)"

var messageLogClaims = []runner.Claim{
	{Text: "NATS takes 0.524 s where direct takes 0.546 s: 4.03 % faster", Source: natsDocument, Kind: "measured elsewhere",
		Style: "nats", Options: mode("pipelined"), Quantity: "ratio", Lo: 0.9597, Hi: 0.9597},
	{Text: "NATS stores 2 061 messages a second", Source: natsDocument, Kind: "measured elsewhere",
		Style: "nats", Options: mode("pipelined"), Quantity: "ops_per_second", Lo: 2061, Hi: 2061},
	{Text: "direct stores 1 867 messages a second", Source: natsDocument, Kind: "measured elsewhere",
		Style: "direct", Options: mode("closed"), Quantity: "ops_per_second", Lo: 1867, Hi: 1867},
	{Text: "an event takes under 5 ms", Source: natsDocument, Kind: "budget",
		Style: "nats", Options: mode("closed"), Quantity: "p99_ns", Hi: us(5000)},
	{Text: "orchestration under 10 times direct", Source: budgetDocument, Kind: "budget",
		Style: "bus", Options: mode("closed"), Quantity: "ratio", Hi: 10},
}

func mode(name string) map[string]string { return map[string]string{"mode": name} }
