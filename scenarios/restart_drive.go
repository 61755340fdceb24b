package scenarios

import (
	"math"
	"slices"
	"time"

	"rubato/player"
)

// disturbance is when the module was told to stop and to start, and what that took.
type disturbance struct {
	stopping, starting time.Duration
	asked              time.Time // to start
	due                time.Duration
}

// sending is one run's way through its plan.
type sending struct {
	*restarting
	clock  pacing
	late   []time.Duration // of the generator, where it was free
	until  func(time.Time)
	start  time.Time
	free   time.Duration // since when the generator could have posted
	waits  []int         // attempts in the order in which patience with them ends
	orders []order       // yet to be given
}

// order is a word to the module, at a time.
type order struct {
	due  time.Duration
	kind player.Kind
}

// Run says what was prepared, with the outage in between, and settles. Latency is told
// of what was reported durable, from when it was due.
func (w *restarting) Run(latency func(time.Duration)) error {
	n := len(w.due)
	stop := w.due[n/3]
	w.outage = disturbance{due: stop + outage}
	w.book = newBook(w.due, w.stimuli, w.seq)
	s := &sending{restarting: w, until: newAlarm(), start: time.Now(),
		orders: []order{{stop, player.ModuleStopped}, {stop + outage, player.ModuleStarted}}}
	w.book.start = s.start
	for i := 0; i < n; {
		i += s.step(i)
		if err := w.book.failed(); err != nil {
			return err
		}
	}
	for len(s.orders) > 0 { // a block may be shorter than its outage
		s.step(n)
	}
	if err := s.finish(); err != nil {
		return err
	}
	w.book.latencies(latency)
	w.book.late = s.late
	return nil
}

// step does what is due next, and answers how many of the script it was: an order to the
// module, something that is said again, or message i.
func (s *sending) step(i int) int {
	due, retry := s.again()
	message := time.Duration(math.MaxInt64)
	if i < len(s.due) {
		message = s.due[i]
	}
	switch {
	case len(s.orders) > 0 && s.orders[0].due <= min(due, message):
		s.wait(s.orders[0].due)
		s.give(s.orders[0])
		s.orders = s.orders[1:]
		return 0
	case retry >= 0 && due <= message:
		s.wait(due)
		s.waits = s.waits[1:]
		if !s.book.well(retry) {
			s.say(s.book.message(retry))
		}
		return 0
	}
	s.wait(message)
	s.say(i)
	return 1
}

// again is the attempt that patience ends with next and has not been reported well; -1
// when there is none, or nobody would say anything again.
func (s *sending) again() (due time.Duration, attempt int) {
	for s.retry && len(s.waits) > 0 {
		a := s.waits[0]
		if !s.book.well(a) {
			return s.book.posted(a) + patient, a
		}
		s.waits = s.waits[1:]
	}
	return math.MaxInt64, -1
}

// wait waits until something is due, and notes how late it is.
func (s *sending) wait(due time.Duration) {
	s.clock.wait(s.start, due, s.until)
	if s.free <= due {
		s.late = append(s.late, time.Since(s.start)-due)
	}
}

// say posts a message.
func (s *sending) say(i int) {
	attempt, seq := s.book.enter(i)
	stimulus := s.stimuli[i]
	stimulus.Seq = seq
	if err := s.player.Post(stimulus, s.book.done); err != nil {
		s.book.done(seq, err)
	}
	s.free = time.Since(s.start)
	s.waits = append(s.waits, attempt)
}

// give tells the module to stop or to start.
func (s *sending) give(o order) {
	began := time.Now()
	err := s.player.Do(player.Stimulus{Kind: o.kind, Seq: s.book.next(), Module: "log"})
	took := time.Since(began)
	if s.book.blame(err); o.kind == player.ModuleStopped {
		s.outage.stopping = took
	} else {
		s.outage.starting, s.outage.asked = took, began
	}
	s.free = time.Since(s.start)
}

// mostTries is how often something is said again at most once all is over.
const mostTries = 10

// finish settles, and says again what has failed by then. That something has failed is
// no failure of the run: the book knows, and must know of each.
func (s *sending) finish() error {
	for range mostTries {
		s.book.settles()
		err := s.player.Settle()
		failed := slices.DeleteFunc(slices.Clone(s.waits), s.book.well)
		if err != nil && player.CodeOf(err) != player.Unavailable {
			return err
		}
		if s.waits = nil; len(failed) == 0 || !s.retry {
			break
		}
		for _, attempt := range failed {
			s.say(s.book.message(attempt))
		}
	}
	s.seq = s.book.last()
	return s.book.complete()
}
