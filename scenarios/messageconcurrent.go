package scenarios

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// messageConcurrent is many senders at once. Stimuli are posted to a player one at a time,
// so senders take turns under a mutex, the same in every style. Each then waits without
// the mutex until its own message is durable before it sends the next. Direct does all of
// the work under the mutex. The others only hand it over there, so writing one message and
// sending the next can overlap.
//
// Which sender comes first is chance. So the check does not compare the order in lanes. It
// compares their lengths, the messages per sender, and a sum over all committed rows that
// does not depend on their order.
func (s styles) messageConcurrent() runner.Scenario {
	return messages(runner.Scenario{
		Name:    "message-concurrent",
		Answers: "What does a message cost with 1, 10 or 50 senders at once?",
		Keys:    []runner.Key{{Name: "senders", Default: "1,10,50", Check: workload.Between(1, mostSenders), Doc: "senders at once, each with one message under way; 1 to 256"}},
		Script:  500,
		Fits:    notSplit,
		Stages:  []string{workload.StageLog},
		Claims:  messageConcurrentClaims,
		Bare:    true, // the profile of message-log contains the same work
		// Senders start together and end one by one. With four messages each, all of them
		// are busy for most of the time.
		Unit: func(options runner.Options) int { return 4 * workload.Number(options, "senders") },
		Open: func(setup runner.Setup) (runner.Workload, error) {
			c := newConcurrentSenders(workload.Number(setup.Options, "senders"))
			c.Workload = &workload.Workload{Script: c.say, Drive: c.drive, Count: workload.Stored, Each: 2, Crosses: workload.MessageCrosses}
			_, err := s.Start(setup, c.Workload, func(config *player.Config) {
				config.Window = mostSenders
				c.commits = workload.NewCommitLog(config.Store)
				config.Store = c.commits
			})
			if setup.Verbatim { // the transcript: one after the other, so that lanes have one order
				c.Workload.Drive = workload.ClosedLoop
				return c.Workload, err
			}
			return c, err
		},
	})
}

const (
	// mostSenders is the room for messages under way.
	mostSenders = 256
	// unheard is how long a sender waits for its own message: longer than any time-out of a
	// style. A message without an outcome ends the run with an error that names it.
	unheard = 30 * time.Second
)

// concurrentSenders is a workload with many senders.
type concurrentSenders struct {
	*workload.Workload
	commits *workload.CommitLog
	senders int
	turns   sync.Mutex
	answers []chan error // one per sender, with room for its one message under way
}

func newConcurrentSenders(senders int) *concurrentSenders {
	c := &concurrentSenders{senders: senders, answers: make([]chan error, senders)}
	for i := range c.answers {
		c.answers[i] = make(chan error, 1)
	}
	return c
}

// say makes the i-th message; senders take turns.
func (c *concurrentSenders) say(seed uint64, i int) player.Stimulus {
	s := workload.Say(seed, i)
	s.Message.Username = fmt.Sprintf("sender-%03d", i%c.senders)
	return s
}

// drive lets every sender send its share. The position in the script says who sends, so a
// sender has the same messages in parts as in one go.
func (c *concurrentSenders) drive(p player.Player, stimuli []player.Stimulus, latency func(time.Duration)) error {
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

// talk sends the share of sender k. Latency includes the wait for the mutex.
func (c *concurrentSenders) talk(p player.Player, stimuli []player.Stimulus, k int, late <-chan struct{}, latency func(time.Duration)) error {
	done := func(_ uint64, err error) { c.answers[k] <- err }
	for i := c.turn(stimuli[0].Seq, k); i < len(stimuli); i += c.senders {
		start := time.Now()
		c.turns.Lock()
		err := p.Post(stimuli[i], done)
		c.turns.Unlock()
		if err != nil {
			return err
		}
		select {
		case err = <-c.answers[k]:
		case <-late:
			err = fmt.Errorf("sender %d: no answer for message %d", k, stimuli[i].Seq)
		}
		if err != nil {
			return err
		}
		latency(time.Since(start))
	}
	return nil
}

// turn is the index of the first stimulus of sender k, in stimuli that start at seq.
func (c *concurrentSenders) turn(seq uint64, k int) int {
	return (k + c.senders - int((seq-1)%uint64(c.senders))) % c.senders
}

// Prepare resets the commit log.
func (c *concurrentSenders) Prepare(first, n int) error {
	c.commits.Forget()
	return c.Workload.Prepare(first, n)
}

// Work has a digest that does not depend on order.
func (c *concurrentSenders) Work() (runner.Work, error) {
	work, err := c.Workload.Work()
	if err != nil {
		return work, err
	}
	seen, err := c.Player.Observe()
	if err != nil {
		return work, err
	}
	h := player.DigestWord(c.commits.Sum(), uint64(seen.Stored.Messages))
	h = player.DigestWord(h, uint64(seen.Stored.Said))
	for _, lane := range seen.Lanes {
		h = player.DigestWord(player.DigestText(h, lane.Name), lane.Count)
	}
	work.Digest, work.Lanes = fmt.Sprintf("%016x", h), nil
	return work, nil
}

var messageConcurrentClaims = []runner.Claim{
	workload.Budget("50 at once: an event takes under 5 ms", workload.NatsDocument, 5000).With("senders", "50").Of("nats", "p99_ns"),
	workload.AtLeast("50 at once: at least 100 events a second", workload.NatsDocument, 100).With("senders", "50").Of("nats", "ops_per_second"),
	workload.Measured("NATS is 4.03 % faster", 0.9597).With("senders", "50").Of("nats", "ratio"),
	workload.Times("whole operation under twice direct", workload.BudgetDocument, 2).With("senders", "50").On("bus"),
}
