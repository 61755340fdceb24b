package scenarios

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"rubato/openloop"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// restart breaks something while users send messages and mends it a tenth of a second later:
// restart_faults.go says what. Messages come at a fixed rate in an open loop. It breaks after a
// third of the block.
//
// The styles differ here by nature: that is the question. Direct calls and the bus answer
// at once that the module is stopped, and have no server or line that could fail; core NATS publishes to
// nobody and finds out by timeout. What it publishes while its server is away waits in the
// client, but what was under way is lost. So neither transcript nor effects are compared with the baseline's. Instead
// each style's own outcomes must add up: a message is stored or lost, and a lost one was
// reported as lost; one that can never be stored is refused. A message that was reported durable and is not in the database makes
// the block invalid. Nothing may be stored twice, unless it was sent twice.
//
// The sender waits as long as the style's timeout. With retry=yes it then sends again what
// was not reported durable. An early report of the failure does not make it retry sooner,
// so all styles get the same traffic. A message that was stored without a report is stored
// twice then, and counted.
func (s styles) restart() runner.Scenario {
	return messages(runner.Scenario{
		Name:    "restart",
		Answers: "What is lost, doubled or late when a module, the network or the disk fails under load?",
		Keys: []runner.Key{
			faultKey, pendingKey, restartReceiptsKey,
			{Name: "retry", Default: "no,yes", Values: []string{"no", "yes"}, Doc: "whether the sender sends again what was not reported durable in time"},
			{Name: "rate", Default: "500", Check: workload.Between(100, 2000), Doc: "messages a second, in an open loop; a block lasts a second or two"},
		},
		Script:   100,
		Fits:     notSplit,
		Claims:   restartClaims,
		Measures: restartMeasures,
		Paced:    true,
		Together: true,
		Bare:     true,
		Size:     restartSize,
		Open: func(setup runner.Setup) (runner.Workload, error) {
			w := &workload.Workload{Script: workload.Say, Drive: workload.ClosedLoop, Count: workload.Stored, Each: 2, Loose: true, Accounts: true}
			r := &restarting{Workload: w, fault: setup.Options["fault"], rate: float64(workload.Number(setup.Options, "rate")), retry: setup.Options["retry"] == "yes", seq: aside}
			if killable(setup) {
				return s.openProcesses(setup, r)
			}
			_, err := s.Start(setup, w, func(c *player.Config) {
				r.commits = workload.NewCommitLog(c.Store)
				c.Store, c.Timeout, c.Placement.Reconnects = r.commits, patient, true
				c.Placement.Pending = pending(setup)
			})
			r.quiet = func() error { r.commits.Quiet(patient, mostTries*patient); return nil }
			if err != nil {
				return nil, err
			}
			if err := r.breakable(); err != nil {
				return nil, errors.Join(err, w.Close())
			}
			if setup.Verbatim {
				return w, nil // the transcript is without the restart
			}
			return r, nil
		},
	})
}

const (
	patient = 200 * time.Millisecond // the styles' time-out, and the time before a sender sends again
	outage  = 100 * time.Millisecond // between stop and start
	soon    = 100 * time.Millisecond // the module should be back within this time
)

func restartSize(effort string, options runner.Options) runner.Size {
	size := runner.Size{Ops: workload.Number(options, "rate"), Rounds: 2, Warmup: -1}
	if effort != "quick" {
		size.Ops, size.Rounds = 2*size.Ops, 10
	}
	return size
}

// restarting is a workload with an outage.
type restarting struct {
	*workload.Workload
	commits *workload.CommitLog
	fault   string
	rate    float64
	retry   bool
	seq     uint64 // of the last stimulus
	due     []time.Duration
	stored  player.Stored   // before the last Prepare
	sendLog *sendLog        // of the last Run
	held    time.Duration   // of the sender by its calls, in the last Run
	late    []time.Duration // of the generator in the last Run, where it was free to post
	outage  disturbance
	poison  map[int]bool // messages that can never be stored
	kill    func() error // module log's process, or one of them; nil: there is none
	start   func() error // another one; nil: there is none
	quiet   func() error // returns when what a stream has is stored
	started chan error   // what start said; nil: it was not called, or was waited for
	hearing *hearing     // of the new subscriber; nil: there is none
	dropped uint64       // before the last Prepare
}

// Prepare makes the messages and counts what is stored.
func (w *restarting) Prepare(first, n int) error {
	w.due = openloop.Arrivals(w.Seed, first, n, w.rate)
	w.commits.Forget()
	if err := w.Workload.Prepare(first, n); err != nil {
		return err
	}
	seen, err := w.Player.Observe()
	w.stored, w.dropped = seen.Stored, seen.Dropped
	w.poison = map[int]bool{}
	if w.fault == faultPoison {
		w.poisons()
	}
	return err
}

// Work accounts for every message. Its effects are messages whose outcome is known: stored,
// or reported lost.
func (w *restarting) Work() (runner.Work, error) {
	checked, err := w.Workload.Work()
	if err != nil {
		return runner.Work{}, err
	}
	seen, err := w.Player.Observe()
	if err == nil {
		err = w.commits.Audit(w.stored, seen.Stored)
	}
	t := w.sendLog.outcomes(w.Stimuli, w.commits.Rows())
	t.dropped = int(seen.Dropped - w.dropped)
	switch {
	case err != nil:
		return runner.Work{}, err
	case t.duplicated > 0 && !w.retry:
		return runner.Work{}, fmt.Errorf("%d messages that were sent once are stored twice", t.duplicated)
	case t.unknown > 0:
		return runner.Work{}, errors.New("rows are stored that were not sent in this block")
	}
	return runner.Work{
		Stimuli:  int64(len(w.Stimuli)),
		Effects:  int64(t.stored + t.lost + t.rejected),
		Expected: int64(len(w.Stimuli)),
		Wrong:    checked.Wrong,
		Settings: checked.Settings,
		Figures:  w.figures(t),
	}, nil
}

var restartMeasures = []runner.Measure{
	{Name: "struck", Doc: "1: the fault struck; 0: the style cannot have it (docs/nats.md), and nothing more is said of it"},
	{Name: "lost", Better: "less", Doc: "messages that are not stored and were reported so"},
	{Name: "unsure", Better: "less", Doc: "messages that are stored although they were reported failed, or not reported"},
	{Name: "duplicated", Better: "less", Doc: "rows of a message beyond its first"},
	{Name: "refused", Better: "less", Doc: "times that a sender learned at once that the module was unavailable"},
	{Name: "unanswered", Better: "less", Doc: "times that a sender learned it by time-out, at the end"},
	{Name: "disordered", Better: "less", Doc: "messages stored after a message that the same user said later"},
	{Name: "late", Better: "less", Doc: "messages that are stored, but were not durable within 100 ms of being due"},
	{Name: "dropped", Better: "less", Doc: "messages that a full buffer between modules dropped"},
	{Name: "held", Unit: "ns", Better: "less", Doc: "how long the sender's calls kept it in a block, in all: it can do nothing else then"},
	{Name: "again", Better: "less", Doc: "times that a message was sent again"},
	{Name: "recover", Unit: "ns", Better: "less", Doc: "from the order to start (disk, slow, poison: from the end of the outage; instance: from the kill) until the first message sent after it was durable"},
	{Name: "recovered", Unit: "%", Better: "more", Doc: "of the messages due within 100 ms of the order to start, the share that was durable within 100 ms of being due"},
	{Name: "stopping", Unit: "ns", Better: "less", Doc: "how long the order to stop took, including work to finish first"},
	{Name: "starting", Unit: "ns", Better: "less", Doc: "how long the order to start, or to join, took"},
	{Name: "rejected", Doc: "fault=poison: messages that can never be stored, and were refused for good"},
	{Name: "missed", Better: "less", Doc: "fault=subscriber: messages said since the new subscriber joined that it did not hear"},
	{Name: "heard-twice", Better: "less", Doc: "fault=subscriber: messages that the new subscriber heard again"},
	{Name: "heard-late", Better: "less", Doc: "fault=subscriber: messages that the new subscriber heard after one that was said later"},
	{Name: "gen-p99", Unit: "ns", Better: "less", Doc: "how late the generator itself was, 99th percentile over what it was free to post"},
}

var restartClaims = []runner.Claim{
	workload.AtLeast("after a restart at least 75 % are recovered within 100 ms", workload.NatsDocument, 75).With("fault", faultModule).With("retry", "no").Of("nats", "figure:recovered"),
	workload.AtMost("a sender that retries loses nothing", workload.Own, 0).With("retry", "yes").Of("", "figure:lost"),
	workload.AtMost("a message sent once is stored at most once", workload.Own, 0).With("retry", "no").Of("", "figure:duplicated"),
}

// disturbance is when the module was stopped and started, and how long that took.
type disturbance struct {
	stopping, starting time.Duration
	asked              time.Time // to start
	due                time.Duration
}

// sending is the state of one run.
type sending struct {
	*restarting
	times  *openloop.Scheduler
	waits  []int   // attempts, in the order of their time-outs
	orders []order // still to give
}

// order breaks or mends something, at a time.
type order struct {
	due time.Duration
	do  func(seq uint64) error
}

// Run sends the messages, with the outage in between, then settles. Latency covers what was
// reported durable, from the intended time.
func (w *restarting) Run(_ int, latency func(time.Duration)) error {
	n := len(w.due)
	stop := w.due[n/3]
	end := stop + w.lasts()
	w.outage, w.late, w.held = disturbance{due: end}, nil, 0
	s := &sending{restarting: w, times: openloop.NewScheduler(time.Now(), openloop.SpinBefore),
		orders: []order{{stop, w.breaks}, {end, w.mends}}}
	w.sendLog = &sendLog{start: s.times.Start, first: w.seq, poison: w.poison}
	for i := 0; i < n; {
		i += s.step(i)
		if err := w.sendLog.failed(); err != nil {
			return err
		}
	}
	for len(s.orders) > 0 { // the block may be shorter than the outage
		s.step(n)
	}
	if err := s.finish(); err != nil {
		return err
	}
	w.sendLog.latencies(w.due, latency)
	return nil
}

// step does what is due next: an order to the module, a retry, or message i. It returns how
// many messages of the script that was.
func (s *sending) step(i int) int {
	due, retry := s.again()
	message := time.Duration(math.MaxInt64)
	if i < len(s.due) {
		message = s.due[i]
	}
	switch {
	case len(s.orders) > 0 && s.orders[0].due <= min(due, message):
		s.at(s.orders[0].due, func() { s.give(s.orders[0]) })
		s.orders = s.orders[1:]
		return 0
	case retry >= 0 && due <= message:
		s.waits = s.waits[1:]
		s.at(due, func() {
			if !s.sendLog.final(retry) {
				s.say(s.sendLog.tries[retry].message)
			}
		})
		return 0
	}
	s.at(message, func() { s.say(i) })
	return 1
}

// again is the next attempt whose time-out ends and that was not reported durable; -1
// without one, or without retry.
func (s *sending) again() (due time.Duration, attempt int) {
	for s.retry && len(s.waits) > 0 {
		a := s.waits[0]
		if !s.sendLog.final(a) {
			return s.sendLog.tries[a].posted + patient, a
		}
		s.waits = s.waits[1:]
	}
	return math.MaxInt64, -1
}

// at calls do when it is due, and records how late the generator itself was.
func (s *sending) at(due time.Duration, do func()) {
	if late, held := s.times.At(due, do); !held {
		s.late = append(s.late, late)
	}
}

// say posts a message.
func (s *sending) say(i int) {
	attempt, seq := s.sendLog.begin(i)
	stimulus := s.Stimuli[i]
	stimulus.Seq = seq
	defer func(began time.Time) { s.held += time.Since(began) }(time.Now())
	if err := s.Player.Post(stimulus, s.sendLog.done); err != nil {
		s.sendLog.done(seq, err)
	}
	s.waits = append(s.waits, attempt)
}

// give carries an order out.
func (s *sending) give(o order) {
	_, seq := s.sendLog.begin(-1)
	s.sendLog.done(seq, o.do(seq))
}

// mostTries limits the retries after the last message.
const mostTries = 10

// finish settles and sends failed messages again. A failed message is not a failed run: the
// sendLog must account for each.
func (s *sending) finish() error {
	if err := s.waitStarted(); err != nil {
		return err
	}
	for range mostTries {
		s.sendLog.settles()
		err := s.Player.Settle()
		failed := slices.DeleteFunc(slices.Clone(s.waits), s.sendLog.final)
		if err != nil && player.CodeOf(err) != player.Unavailable {
			return err
		}
		if s.waits = nil; len(failed) == 0 || !s.retry {
			break
		}
		for _, attempt := range failed {
			s.say(s.sendLog.tries[attempt].message)
		}
	}
	s.seq += uint64(len(s.sendLog.tries))
	if s.sendLog.unanswered() {
		if err := s.quiet(); err != nil {
			return err
		}
	}
	s.hearing.wait(s.sendLog)
	return s.sendLog.complete()
}
