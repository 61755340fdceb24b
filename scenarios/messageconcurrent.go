package scenarios

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"rubato/player"
	"rubato/runner"
)

// messageConcurrent is many people who talk at once. A player has one door: stimuli are
// posted one at a time, so senders take turns at it, under a mutex that is the same in
// every style. Each then waits outside for its own message to be durable before it says
// the next. Direct does all of the work at the door; the others only hand it over there,
// so that what one writes and what the next says may overlap.
//
// Who comes to the door first is chance. So the order of lanes is not compared here, but
// how much there is in them, how much each sender has said, and a sum over all rows that
// were committed, which does not depend on their order.
func (s styleSet) messageConcurrent() runner.Scenario {
	return runner.Scenario{
		Name:    "message-concurrent",
		Answers: "What does a message cost when 1, 10 or 50 people talk at once?",
		Op:      "message",
		Keys: []runner.Key{
			{Name: "senders", Default: "1,10,50", Check: between(1, mostSenders), Doc: "people who talk at once, each with one message under way; 1 to 256"},
			syncKey, traceKey, rulesKey, dispatchKey, transportKey,
		},
		Script:  500,
		Stages:  []string{stageLog},
		Claims:  messageConcurrentClaims,
		Bare:    true,                                                          // message-log's profile has the same work in it
		Prepare: func(setup runner.Setup) error { return prepare(setup, 200) }, // nobody selects here
		Open: func(setup runner.Setup) (runner.Workload, error) {
			c := newCrowded(number(setup.Options, "senders"))
			c.workload = &workload{script: c.say, drive: c.drive, count: stored, each: 2}
			_, err := s.start(setup, c.workload, func(config *player.Config) {
				config.Window = mostSenders
				c.ledger = newLedger(config.Store)
				config.Store = c.ledger
			})
			if setup.Verbatim { // the transcript: one after the other, so that lanes have one order
				c.workload.drive = closedLoop
				return c.workload, err
			}
			return c, err
		},
	}
}

const (
	// mostSenders is as many as there is room for under way.
	mostSenders = 256
	// unheard is how long a sender waits for its own message: longer than any time-out
	// of a style, so that a message without an outcome ends the run with its name.
	unheard = 30 * time.Second
)

// crowded is a workload with many senders.
type crowded struct {
	*workload
	ledger  *ledger
	senders int
	door    sync.Mutex
	answers []chan error // one a sender, with room for the one message it has under way
}

func newCrowded(senders int) *crowded {
	c := &crowded{senders: senders, answers: make([]chan error, senders)}
	for i := range c.answers {
		c.answers[i] = make(chan error, 1)
	}
	return c
}

// say makes the i-th message, by the sender whose turn it is.
func (c *crowded) say(seed uint64, i int) player.Stimulus {
	s := say(seed, i)
	s.Message.Username = fmt.Sprintf("sender-%03d", i%c.senders)
	return s
}

// drive has every sender say its share.
func (c *crowded) drive(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) error {
	late := make(chan struct{})
	alarm := time.AfterFunc(unheard, func() { close(late) })
	defer alarm.Stop()
	wrong := make([]error, c.senders)
	var talking sync.WaitGroup
	for k := range c.senders {
		talking.Go(func() { wrong[k] = c.talk(p, stimuli, k, late, latency) })
	}
	talking.Wait()
	return errors.Join(append(wrong, p.Settle())...)
}

// talk says what is sender k's of the stimuli. Latency counts from the wish to speak,
// the wait at the door in it.
func (c *crowded) talk(p player.Player, stimuli []player.Stimulus, k int, late <-chan struct{}, latency func(time.Duration)) error {
	done := func(_ uint64, err error) { c.answers[k] <- err }
	for i := c.turn(stimuli[0].Seq, k); i < len(stimuli); i += c.senders {
		start := time.Now()
		c.door.Lock()
		err := p.Post(stimuli[i], done)
		c.door.Unlock()
		if err != nil {
			return err
		}
		select {
		case err = <-c.answers[k]:
		case <-late:
			err = fmt.Errorf("sender %d has heard nothing of message %d", k, stimuli[i].Seq)
		}
		if err != nil {
			return err
		}
		latency(time.Since(start))
	}
	return nil
}

// turn is where among stimuli from seq on the first of sender k's is.
func (c *crowded) turn(seq uint64, k int) int {
	return (k + c.senders - int((seq-1)%uint64(c.senders))) % c.senders
}

// Prepare forgets what the ledger has seen.
func (c *crowded) Prepare(first, n int) error {
	c.ledger.forget()
	return c.workload.Prepare(first, n)
}

// Work has a digest in which order does not matter.
func (c *crowded) Work() (runner.Work, error) {
	work, err := c.workload.Work()
	if err != nil {
		return work, err
	}
	seen, err := c.player.Observe()
	if err != nil {
		return work, err
	}
	h := player.DigestWord(c.ledger.sum(), uint64(seen.Stored.Messages))
	h = player.DigestWord(h, uint64(seen.Stored.Said))
	for _, lane := range seen.Lanes {
		h = player.DigestWord(player.DigestText(h, lane.Name), lane.Count)
	}
	work.Digest, work.Lanes = fmt.Sprintf("%016x", h), nil
	return work, nil
}

var messageConcurrentClaims = []runner.Claim{
	{Text: "50 at once: an event takes under 5 ms", Source: natsDocument, Kind: "budget",
		Style: "nats", Options: senders("50"), Quantity: "p99_ns", Hi: us(5000)},
	{Text: "50 at once: at least 100 events a second", Source: natsDocument, Kind: "budget",
		Style: "nats", Options: senders("50"), Quantity: "ops_per_second", Lo: 100},
	{Text: "NATS is 4.03 % faster", Source: natsDocument, Kind: "measured elsewhere",
		Style: "nats", Options: senders("50"), Quantity: "ratio", Lo: 0.9597, Hi: 0.9597},
	{Text: "whole operation under twice direct", Source: budgetDocument, Kind: "budget",
		Style: "bus", Options: senders("50"), Quantity: "ratio", Hi: 2},
}

func senders(n string) map[string]string { return map[string]string{"senders": n} }
