package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// The path of a message: module ui publishes it, module log runs the rules, makes it durable and
// publishes the outcome.
const (
	saidEvent = "ui::Chat::said"
	doneEvent = "ui::Chat::done"
)

// sender is module ui's end. It keeps the messages without an outcome.
type sender struct {
	module  *module
	said    *door
	batched bool
	window  chan struct{} // one token for each pending message
	results chan outcome  // for do
	report  player.Done   // sends to results; made once

	mu      sync.Mutex
	pending map[uint64]player.Done
	late    int   // messages that were given up, whose outcomes may still come
	stray   error // the first outcome of no message since the last settle
	dropped uint64
}

func newSender(m *module, said *door, config player.Config) *sender {
	s := &sender{module: m, said: said, batched: config.Batch > 1, window: make(chan struct{}, config.Window),
		results: make(chan outcome, config.Window), pending: make(map[uint64]player.Done, config.Window)}
	s.report = func(seq uint64, err error) {
		select {
		case s.results <- outcome{seq, err}:
		default: // nobody has waited for as many outcomes as a window holds
		}
	}
	return s
}

// do publishes one message and waits for its outcome. Nothing follows it, so a batch that is not
// full is committed.
func (s *sender) do(stimulus player.Stimulus) error {
	if err := s.send(stimulus, s.report); err != nil {
		return err
	}
	if s.batched {
		if err := s.settle(); err != nil {
			return err
		}
	}
	var expired <-chan time.Time
	for {
		select {
		case r := <-s.results:
			if r.seq == stimulus.Seq { // otherwise its own do has timed out
				return r.err
			}
			continue
		default:
		}
		if expired == nil {
			timer := time.NewTimer(s.module.timeout)
			defer timer.Stop()
			expired = timer.C
		}
		select {
		case r := <-s.results:
			if r.seq == stimulus.Seq {
				return r.err
			}
		case <-expired:
			return unavailable(saidEvent, fmt.Errorf("no outcome within %v", s.module.timeout))
		}
	}
}

// send publishes one message. It waits only while the window is full.
func (s *sender) send(stimulus player.Stimulus, done player.Done) error {
	if err := s.acquire(); err != nil {
		return err
	}
	s.mu.Lock()
	twice := s.pending[stimulus.Seq] != nil
	if !twice {
		s.pending[stimulus.Seq] = done
	}
	s.mu.Unlock()
	if twice {
		<-s.window
		return &player.Error{Code: player.Invalid, Op: saidEvent, Err: fmt.Errorf("stimulus %d is pending already", stimulus.Seq)}
	}
	m := stimulus.Message
	e := &envelope{flow: stimulus.Seq, values: []engine.Value{engine.String(m.Username), engine.String(m.Text), engine.Int(m.At)}}
	err := s.module.network.publish(s.module.end, s.said, e)
	if err != nil {
		s.mu.Lock()
		delete(s.pending, stimulus.Seq)
		s.mu.Unlock()
		<-s.window
		return refused(saidEvent, err)
	}
	return nil
}

// acquire waits for a token of the window, at most for the timeout.
func (s *sender) acquire() error {
	select {
	case s.window <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(s.module.timeout)
	defer timer.Stop()
	select {
	case s.window <- struct{}{}:
		return nil
	case <-timer.C:
		return unavailable(saidEvent, fmt.Errorf("module log sent no outcome for %v", s.module.timeout))
	}
}

// hear handles the outcomes of one commit. It returns the token after calling done, so that
// holding all tokens means that every done has been called.
func (s *sender) hear(e *envelope) {
	s.module.received.Add(1)
	for _, o := range e.outcomes {
		s.mu.Lock()
		done := s.pending[o.seq]
		delete(s.pending, o.seq)
		switch {
		case done != nil:
		case s.late > 0:
			s.late--
		case s.stray == nil:
			s.stray = fmt.Errorf("an outcome for stimulus %d, which is not pending", o.seq)
		}
		s.mu.Unlock()
		if done != nil {
			done(o.seq, o.err)
			<-s.window
		}
	}
}

// settle asks module log to commit what waits and takes every token of the window, so that
// nothing is pending. Messages without an outcome within the timeout fail.
func (s *sender) settle() error {
	if err := s.module.network.publish(s.module.end, s.said, &envelope{}); err != nil {
		return unavailable("settle", err)
	}
	var err error
	taken := 0
	for taken < cap(s.window) && err == nil {
		if err = s.acquire(); err == nil {
			taken++
		}
	}
	if err != nil {
		s.abandon(err)
	}
	for range taken {
		<-s.window
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err, s.stray = errors.Join(err, s.stray), nil
	return err
}

// abandon fails every pending message.
func (s *sender) abandon(err error) {
	s.mu.Lock()
	pending := s.pending
	s.pending = make(map[uint64]player.Done, cap(s.window))
	s.late += len(pending)
	s.dropped += uint64(len(pending))
	s.mu.Unlock()
	for seq, done := range pending {
		done(seq, err)
		<-s.window
	}
}

// lost is how many messages had no outcome in time.
func (s *sender) lost() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// receiver is module log's end. It makes what the rules wrote durable, alone or in batches, and
// publishes the outcomes, those of a commit together.
type receiver struct {
	module   *module
	done     *door
	batch    *player.Batch
	outcomes []outcome
	finished player.Done // adds an outcome; made once
}

func newReceiver(m *module, done *door, batch *player.Batch) *receiver {
	r := &receiver{module: m, done: done, batch: batch}
	r.finished = func(seq uint64, err error) { r.outcomes = append(r.outcomes, outcome{seq, err}) }
	return r
}

// hear runs the rules for one message, or commits what waits. Carriers call it one at a time.
func (r *receiver) hear(e *envelope) {
	r.module.received.Add(1)
	var err error
	said := len(e.values) > 0 // otherwise nothing follows for now
	if said {
		err = r.module.engine.Emit(e.flow, e.cause, saidEvent, e.values...)
	}
	r.module.mu.Lock()
	if said {
		r.batch.Add(e.flow, err, r.finished)
	} else {
		_ = r.batch.Flush() // every outcome has the error
	}
	r.module.mu.Unlock()
	if len(r.outcomes) == 0 {
		return
	}
	outcomes := r.outcomes
	r.outcomes = nil
	_ = r.module.network.publish(r.module.end, r.done, &envelope{outcomes: outcomes}) // what has no outcome times out
}
