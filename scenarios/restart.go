package scenarios

import (
	"errors"
	"fmt"
	"time"

	"rubato/player"
	"rubato/runner"
)

// restart takes module log away while people talk, and brings it back a tenth of a
// second later. Messages come at a fixed rate in an open loop; at a third of the block
// the module is stopped.
//
// Here the styles differ by nature, and that is what is asked. Direct calls and the bus
// answer at once that nobody is there; core NATS publishes into the void and finds out by
// time-out. So neither transcript nor effects are held against the baseline's: each
// style's own books must balance instead. What was said is stored or lost, and what is
// lost was told to be lost: a message that was reported durable and is not in the
// database voids the block. Nothing may be stored twice, unless it was said twice.
//
// The sender's patience is the style's time-out. With retry=yes it says again what it has
// not heard to be durable by then; whether the failure was told at once or not makes no
// difference to when, so that all styles meet the same traffic. What was stored although
// the sender did not hear of it is then stored twice, and counted.
func (s styleSet) restart() runner.Scenario {
	return runner.Scenario{
		Name:    "restart",
		Answers: "What is lost, or doubled, when a module is stopped and started under load, and how soon is it back?",
		Op:      "message",
		Keys: []runner.Key{
			{Name: "retry", Default: "no,yes", Values: []string{"no", "yes"}, Doc: "whether the sender says again what was not reported durable in time"},
			{Name: "rate", Default: "500", Check: between(100, 2000), Doc: "messages a second, in an open loop; a block lasts a second or two"},
			syncKey, traceKey, rulesKey, dispatchKey, transportKey,
		},
		Script:   100,
		Claims:   restartClaims,
		Measures: restartMeasures,
		Paced:    true,
		Together: true,
		Bare:     true,
		Size:     restartSize,
		Prepare:  func(setup runner.Setup) error { return prepare(setup, 200) }, // nobody selects here
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &workload{script: say, drive: pipelined, count: stored, each: 2}
			r := &restarting{workload: w, rate: float64(number(setup.Options, "rate")), retry: setup.Options["retry"] == "yes", seq: aside}
			_, err := s.start(setup, w, func(c *player.Config) {
				r.ledger = newLedger(c.Store)
				c.Store, c.Timeout = r.ledger, patient
			})
			if setup.Verbatim {
				return w, err // the transcript is of an undisturbed module
			}
			return r, err
		},
	}
}

const (
	patient = 200 * time.Millisecond // the styles' time-out, and how long a sender waits before it says something again
	outage  = 100 * time.Millisecond // from the order to stop to the order to start
	soon    = 100 * time.Millisecond // within this the module should be back
)

func restartSize(effort string, options runner.Options) runner.Size {
	size := runner.Size{Ops: number(options, "rate"), Rounds: 2, Warmup: -1}
	if effort != "quick" {
		size.Ops, size.Rounds = 2*size.Ops, 10
	}
	return size
}

// restarting is a workload with an outage in it.
type restarting struct {
	*workload
	ledger *ledger
	rate   float64
	retry  bool
	seq    uint64 // of the last stimulus
	due    []time.Duration
	stored player.Stored // before the last Prepare
	book   *book         // of the last Run
	outage disturbance
}

// Prepare makes the messages, and notes what is stored.
func (w *restarting) Prepare(first, n int) error {
	w.due = arrivals(w.seed, first, n, w.rate)
	w.ledger.forget()
	if err := w.workload.Prepare(first, n); err != nil {
		return err
	}
	seen, err := w.player.Observe()
	w.stored = seen.Stored
	return err
}

// Work balances the books. Its effects are messages whose end is known: stored, or told
// to be lost.
func (w *restarting) Work() (runner.Work, error) {
	witnessed, err := w.workload.Work()
	if err != nil {
		return runner.Work{}, err
	}
	seen, err := w.player.Observe()
	if err != nil {
		return runner.Work{}, err
	}
	if err := w.ledger.audit(w.stored, seen.Stored); err != nil {
		return runner.Work{}, err
	}
	t := w.book.balance(w.ledger.rows())
	if t.duplicated > 0 && !w.retry {
		return runner.Work{}, fmt.Errorf("%d messages that were said once are stored twice", t.duplicated)
	}
	if t.unknown > 0 {
		return runner.Work{}, errors.New("rows are stored that nobody has said in this block")
	}
	return runner.Work{
		Stimuli:  int64(len(w.stimuli)),
		Effects:  int64(t.stored + t.lost),
		Expected: int64(len(w.stimuli)),
		Wrong:    witnessed.Wrong,
		Settings: witnessed.Settings,
		Figures:  w.figures(t),
	}, nil
}

var restartMeasures = []runner.Measure{
	{Name: "lost", Better: "less", Doc: "messages that are not stored, and were told so"},
	{Name: "unsure", Better: "less", Doc: "messages that are stored though the sender was told that they had failed, or was told nothing"},
	{Name: "duplicated", Better: "less", Doc: "rows that are there beyond the first of a message"},
	{Name: "refused", Better: "less", Doc: "times that a sender was told at once that the module was not there"},
	{Name: "unanswered", Better: "less", Doc: "times that a sender found out by time-out, at the end"},
	{Name: "again", Better: "less", Doc: "times that something was said again"},
	{Name: "recover", Unit: "ns", Better: "less", Doc: "from the order to start until the first message that was said after it was durable"},
	{Name: "recovered", Unit: "%", Better: "more", Doc: "of the messages due within 100 ms of the order to start, the share that was durable within 100 ms of being due"},
	{Name: "stopping", Unit: "ns", Better: "less", Doc: "how long the order to stop took, with what had to be finished first"},
	{Name: "starting", Unit: "ns", Better: "less", Doc: "how long the order to start took"},
	{Name: "gen-p99", Unit: "ns", Better: "less", Doc: "how late the generator itself was in 99 of 100, where it was free to post"},
}

var restartClaims = []runner.Claim{
	{Text: "after a restart at least 75 % are recovered within 100 ms", Source: natsDocument, Kind: "budget",
		Style: "nats", Options: retrying("no"), Quantity: "figure:recovered", Lo: 75},
	{Text: "who says it again loses nothing", Source: own, Kind: "budget", Options: retrying("yes"), Quantity: "figure:lost", Lo: 0, Hi: 0},
	{Text: "what is said once is stored once at most", Source: own, Kind: "budget", Options: retrying("no"), Quantity: "figure:duplicated", Lo: 0, Hi: 0},
}

func retrying(word string) map[string]string { return map[string]string{"retry": word} }
