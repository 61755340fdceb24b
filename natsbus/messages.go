package natsbus

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// The path of a message: module ui publishes it, module log runs the rules, makes it
// durable and reports the outcome.

// outcome reports that a message is durable, or why it is not.
type outcome struct {
	Seq  uint64
	Code player.Code
	Text string
	// Again: it was sent before, but may have been lost with a connection.
	Again bool
}

func (o outcome) err() error {
	if o.Code == "" {
		return nil
	}
	return &player.Error{Code: o.Code, Op: saidEvent, Err: errors.New(o.Text)}
}

// sender is module ui's end. It publishes messages and keeps those without an outcome.
type sender struct {
	conn    *nats.Conn
	space   space
	subject string // of messages
	timeout time.Duration
	batched bool
	codec   outcomeCodec
	fields  schema // of ui::Chat::said
	out     *outgoing
	values  []engine.Value // of out
	window  chan struct{}  // one token for each pending message

	mu        sync.Mutex
	pending   map[uint64]player.Done
	abandoned map[uint64]struct{} // failed without an outcome, which may still come
	invalid   error               // the first outcome since Settle that was unreadable or belongs to no message
	rejected  atomic.Uint64       // such outcomes, in all

	results chan result // for do
	report  player.Done // sends to results; made once

	publish, publishAsync func(*nats.Msg) error
	stream                *publisher // nil: core NATS
}

type result struct {
	seq uint64
	err error
}

func newSender(conn *nats.Conn, config player.Config, apart space, c codec, fields schema) (*sender, error) {
	s := &sender{conn: conn, space: apart, subject: apart.of(saidSubject), timeout: config.Timeout, batched: config.Batch > 1,
		codec: outcomeCodec{codec: c}, fields: fields, out: newOutgoing(),
		window: make(chan struct{}, config.Window), pending: make(map[uint64]player.Done, config.Window),
		abandoned: map[uint64]struct{}{}, results: make(chan result, config.Window)}
	s.report = func(seq uint64, err error) { s.results <- result{seq, err} }
	s.publish, s.publishAsync = conn.PublishMsg, conn.PublishMsg
	if _, err := conn.Subscribe(apart.of(doneSubject), s.receive); err != nil {
		return nil, err
	}
	// It does not come back, so no outcome can come.
	conn.SetClosedHandler(func(*nats.Conn) { s.abandon(unavailable(saidEvent, nats.ErrConnectionClosed)) })
	if err := conn.Flush(); err != nil || config.Placement.Delivery == deliveryCore {
		return s, err
	}
	return s, s.keep(config)
}

// do publishes one message and waits for its outcome. Nothing follows it, so a batch
// that is not full is committed.
func (s *sender) do(stimulus player.Stimulus) error {
	if err := s.send(stimulus, s.report, s.publish); err != nil {
		return err
	}
	if s.batched {
		if err := s.settle(); err != nil {
			return err
		}
	}
	timer := time.NewTimer(s.timeout)
	defer timer.Stop()
	for {
		select {
		case r := <-s.results:
			if r.seq == stimulus.Seq { // otherwise its own do has timed out
				return r.err
			}
		case <-timer.C:
			return unavailable(saidEvent, fmt.Errorf("no outcome within %v", s.timeout))
		}
	}
}

// post publishes one message and returns. It waits only while the window is full.
func (s *sender) post(stimulus player.Stimulus, done player.Done) error {
	return s.send(stimulus, done, s.publishAsync)
}

func (s *sender) send(stimulus player.Stimulus, done player.Done, publish func(*nats.Msg) error) error {
	m := stimulus.Message
	said, err := s.out, error(nil) // kept: publishing copies it
	s.values = append(s.values[:0], engine.String(m.Username), engine.String(m.Text), engine.Int(m.At))
	if said.Data, err = s.codec.encode(said.Data[:0], s.fields, s.values); err != nil {
		return &player.Error{Code: player.Invalid, Op: saidEvent, Err: err}
	}
	said.address(s.subject, stimulus.Seq, 0, 0)
	if err := s.reserve(stimulus.Seq, done); err != nil {
		return err
	}
	msg := &said.Msg
	if s.stream != nil { // it keeps the message until the server has acknowledged it
		msg = message(s.subject, stimulus.Seq, 0, 0, slices.Clone(said.Data))
	}
	if err := publish(msg); err != nil {
		if s.giveUp(stimulus.Seq) == nil {
			return nil // the end of the connection has failed it already
		}
		<-s.window
		switch {
		case player.CodeOf(err) == player.Invalid:
			return err
		case errors.Is(err, nats.ErrMaxPayload): // it will never fit
			return &player.Error{Code: player.Invalid, Op: saidEvent, Err: err}
		}
		return unavailable(saidEvent, err)
	}
	return nil
}

// reserve takes a token of the window for a message.
func (s *sender) reserve(seq uint64, done player.Done) error {
	if err := s.acquire(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending[seq] != nil {
		<-s.window
		return &player.Error{Code: player.Invalid, Op: saidEvent, Err: fmt.Errorf("stimulus %d is pending already", seq)}
	}
	s.pending[seq] = done
	return nil
}

// acquire waits for a token of the window, at most for the timeout.
func (s *sender) acquire() error {
	select {
	case s.window <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(s.timeout)
	defer timer.Stop()
	select {
	case s.window <- struct{}{}:
		return nil
	case <-timer.C:
		return unavailable(saidEvent, fmt.Errorf("module log sent no outcome for %v", s.timeout))
	}
}

// remove returns what to call for a pending message, nil if it is not pending, and whether
// the message was abandoned instead. Each has only one outcome.
func (s *sender) remove(seq uint64) (done player.Done, abandoned bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done = s.pending[seq]
	delete(s.pending, seq)
	if done == nil {
		_, abandoned = s.abandoned[seq]
		delete(s.abandoned, seq)
	}
	return done, abandoned
}

// receive handles the outcomes of one commit. It returns the token after calling done,
// so that holding all tokens means that every done has been called.
func (s *sender) receive(msg *nats.Msg) {
	outcomes, err := s.codec.read(msg.Data)
	if err != nil {
		s.invalidate(fmt.Errorf("outcomes: %w", err))
		return
	}
	for _, o := range outcomes {
		done, abandoned := s.take(o)
		switch {
		case done != nil:
			done(o.Seq, o.err())
			<-s.window
		case !abandoned && !o.Again:
			s.invalidate(fmt.Errorf("an outcome for stimulus %d, which is not pending", o.Seq))
		}
	}
}

func (s *sender) invalidate(err error) {
	s.rejected.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.invalid == nil {
		s.invalid = err
	}
}

// settle asks module log to commit what waits and takes every token of the window, so
// that nothing is pending. Messages without an outcome within the timeout fail.
func (s *sender) settle() error {
	if err := s.conn.Publish(s.space.of(settleSubject), nil); err != nil {
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
	err, s.invalid = errors.Join(err, s.invalid), nil
	return err
}

// maxAbandoned bounds how many abandoned messages are remembered.
const maxAbandoned = 1 << 16

// abandon fails every pending message.
func (s *sender) abandon(err error) {
	s.mu.Lock()
	pending := s.pending
	s.pending = make(map[uint64]player.Done, cap(s.window))
	for seq := range pending {
		s.forget(seq)
	}
	s.mu.Unlock()
	for seq, done := range pending {
		done(seq, err)
		<-s.window
	}
}

func unavailable(op string, err error) error {
	return &player.Error{Code: player.Unavailable, Op: op, Err: err}
}
