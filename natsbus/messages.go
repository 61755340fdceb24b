package natsbus

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// The path of a message: module ui publishes it, module log runs the rules, makes it
// durable and reports the outcome.

// outcome reports that a message is durable, or why it is not.
type outcome struct {
	Seq  uint64      `json:"seq"`
	Code player.Code `json:"code,omitempty"`
	Text string      `json:"text,omitempty"`
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
	timeout time.Duration
	batched bool
	fields  []engine.Field // of ui::Chat::said
	window  chan struct{}  // one token for each pending message

	mu        sync.Mutex
	pending   map[uint64]player.Done
	abandoned map[uint64]struct{} // failed without an outcome, which may still come
	invalid   error               // the first outcome that was unreadable or belongs to no message

	results chan result // for do
	report  player.Done // sends to results; made once
}

type result struct {
	seq uint64
	err error
}

func newSender(conn *nats.Conn, config player.Config, apart space, fields []engine.Field) (*sender, error) {
	s := &sender{conn: conn, space: apart, timeout: config.Timeout, batched: config.Batch > 1, fields: fields,
		window: make(chan struct{}, config.Window), pending: make(map[uint64]player.Done, config.Window),
		abandoned: map[uint64]struct{}{}, results: make(chan result, config.Window)}
	s.report = func(seq uint64, err error) { s.results <- result{seq, err} }
	if _, err := conn.Subscribe(apart.of(doneSubject), s.receive); err != nil {
		return nil, err
	}
	// It does not come back, so no outcome can come.
	conn.SetClosedHandler(func(*nats.Conn) { s.abandon(unavailable(saidEvent, nats.ErrConnectionClosed)) })
	return s, conn.Flush()
}

// do publishes one message and waits for its outcome. Nothing follows it, so a batch
// that is not full is committed.
func (s *sender) do(stimulus player.Stimulus) error {
	if err := s.post(stimulus, s.report); err != nil {
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
	m := stimulus.Message
	data, err := encode(s.fields, []engine.Value{engine.String(m.Username), engine.String(m.Text), engine.Int(m.At)})
	if err != nil {
		return &player.Error{Code: player.Invalid, Op: saidEvent, Err: err}
	}
	if err := s.reserve(stimulus.Seq, done); err != nil {
		return err
	}
	if err := s.conn.PublishMsg(message(s.space.of(eventSubject(saidEvent)), stimulus.Seq, 0, 0, data)); err != nil {
		if pending, _ := s.remove(stimulus.Seq); pending == nil {
			return nil // the end of the connection has failed it already
		}
		<-s.window
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
	var outcomes []outcome
	if err := json.Unmarshal(msg.Data, &outcomes); err != nil {
		s.invalidate(fmt.Errorf("outcomes: %w", err))
		return
	}
	for _, o := range outcomes {
		done, abandoned := s.remove(o.Seq)
		switch {
		case done != nil:
			done(o.Seq, o.err())
			<-s.window
		case !abandoned:
			s.invalidate(fmt.Errorf("an outcome for stimulus %d, which is not pending", o.Seq))
		}
	}
}

func (s *sender) invalidate(err error) {
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
	return errors.Join(err, s.invalid)
}

// maxAbandoned bounds how many abandoned messages are remembered.
const maxAbandoned = 1 << 16

// abandon fails every pending message.
func (s *sender) abandon(err error) {
	s.mu.Lock()
	pending := s.pending
	s.pending = make(map[uint64]player.Done, cap(s.window))
	for seq := range pending {
		if len(s.abandoned) < maxAbandoned {
			s.abandoned[seq] = struct{}{}
		}
	}
	s.mu.Unlock()
	for seq, done := range pending {
		done(seq, err)
		<-s.window
	}
}

// receiver is module log's end. It makes what the rules wrote durable, alone or in
// batches, and reports the outcomes.
type receiver struct {
	module   *module
	mu       sync.Mutex // one message at a time, also across a stop and a start of the module
	batch    *player.Batch
	fields   []engine.Field // of ui::Chat::said
	outcomes []outcome      // of the current commit
	group    string         // that shares the messages; empty: all of them come here
}

// subscribe makes one subscription for messages and for requests to commit, so that
// they arrive in the order they were sent. In a group there are no such requests.
func (r *receiver) subscribe() (subscription *nats.Subscription, err error) {
	conn := r.module.conn.Load()
	if r.group != "" {
		subscription, err = conn.QueueSubscribe(r.module.space.of(eventSubject(saidEvent)), r.group, r.receive)
	} else {
		subscription, err = conn.Subscribe(r.module.space.of(chatSubjects), r.receive)
	}
	if err != nil {
		return nil, err
	}
	return subscription, conn.Flush() // the server must know it before anything is said
}

// receive runs the rules for one message, or commits what waits. The module's lock
// guards the store against the module's services.
func (r *receiver) receive(msg *nats.Msg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if msg.Subject == r.module.space.of(settleSubject) {
		r.module.mu.Lock()
		_ = r.batch.Flush() // every outcome has the error
		r.module.mu.Unlock()
	} else {
		seq := number(msg.Header, flowHeader)
		err := r.emit(seq, msg)
		r.module.mu.Lock()
		r.batch.Add(seq, err, r.done)
		r.module.mu.Unlock()
	}
	r.report()
}

func (r *receiver) emit(seq uint64, msg *nats.Msg) error {
	values := make([]engine.Value, len(r.fields))
	if err := decode(msg.Data, r.fields, values); err != nil {
		return &player.Error{Code: player.Invalid, Op: saidEvent, Err: err}
	}
	return r.module.engine.Emit(seq, number(msg.Header, causeHeader), saidEvent, values...)
}

// done is called by the batch for each message of a commit.
func (r *receiver) done(seq uint64, err error) {
	o := outcome{Seq: seq}
	if err != nil {
		o.Code, o.Text = player.CodeOf(err), shortened(err.Error())
	}
	r.outcomes = append(r.outcomes, o)
}

// mostOutcomes fit into a message, with errors as long as longestText.
const (
	mostOutcomes = 100
	longestText  = 300
)

// report sends the outcomes of a commit, in one message if they fit.
func (r *receiver) report() {
	for part := range slices.Chunk(r.outcomes, mostOutcomes) {
		data, err := json.Marshal(part)
		if err == nil {
			err = r.module.conn.Load().Publish(r.module.space.of(doneSubject), data)
		}
		if err != nil {
			break // without a connection the sender fails what is pending
		}
	}
	r.outcomes = r.outcomes[:0]
}

// shortened cuts a text, at a whole character, to what an outcome may hold.
func shortened(text string) string {
	if len(text) <= longestText {
		return text
	}
	return strings.ToValidUTF8(text[:longestText], "") + "…"
}

func unavailable(op string, err error) error {
	return &player.Error{Code: player.Unavailable, Op: op, Err: err}
}
