package natsbus

import (
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// What may share one message on the wire. Alone, each message that is said, and the outcomes of
// each commit, have one of their own. Under load, the client, the server and the headers then cost
// more than the rules.
const (
	shareNothing  = "nothing"
	shareOutcomes = "outcomes" // while messages wait for module log, outcomes wait with it
	shareAll      = "all"      // and messages said while an outcome is to come are sent together
)

// What is published waits in a buffer of the connection. By default a goroutine of the client
// writes it out as soon as it runs, with what was published meanwhile. A wait for more, by
// time, was measured and left out: under load the buffer fills anyway.
const (
	flushAuto = "auto"
	flushEach = "each" // whoever publishes writes each message out
)

// flushing are the options of a connection that flushes so.
func flushing(flush string) []nats.Option {
	if flush == flushEach {
		return []nats.Option{nats.WriteBufferSize(1)} // it is full with each message
	}
	return nil
}

// flushOf is how a connection flushes.
func flushOf(conn *nats.Conn) string {
	if conn.Opts.WriteBufferSize == 1 {
		return flushEach
	}
	return flushAuto
}

// mostBytes bounds a list of messages, for its worst encoding: JSON writes six bytes for some.
// A message that is longer alone is sent alone.
const mostBytes = maxPayload - 1<<10

// inList is the schema of messages in a list. Each begins its flow, so the token is all of its
// envelope, and no header is needed.
func inList(fields schema) schema {
	return all(append([]engine.Field{{Name: "flow", Type: engine.Natural}}, fields.fields...))
}

// A gathering is what will be sent together. The sender's lock guards it.
type gathering struct {
	on     bool
	most   int // messages
	schema schema
	seqs   []uint64
	bytes  int // at most, when they are encoded
	values []engine.Value
	body   []byte
}

func newGathering(config player.Config, fields schema) gathering {
	g := gathering{on: config.Placement.Share == shareAll, most: player.MostShared, schema: inList(fields)}
	if config.Batch > 1 {
		g.most = min(g.most, config.Batch) // module log may wait for a batch that is full
	}
	return g
}

// gather takes a message and sends it with what waits: at once if no outcome is to come, or with
// now; otherwise when the next outcome has been handled, or when the list is full. As with Nagle's
// algorithm, nobody waits for a timer.
func (s *sender) gather(seq uint64, m player.Message, done player.Done, now bool) error {
	if !utf8.ValidString(m.Username) || !utf8.ValidString(m.Text) {
		return &player.Error{Code: player.Invalid, Op: saidEvent, Err: errText}
	}
	if err := s.acquire(); err != nil {
		return err
	}
	longest := 6*(len(m.Username)+len(m.Text)) + 128
	g := &s.gathering
	s.mu.Lock()
	if err := s.enter(seq, done); err != nil {
		s.mu.Unlock()
		return err
	}
	var lost []uint64
	var failed error
	if g.bytes+longest > mostBytes {
		lost, failed = s.sendGathered()
	}
	g.seqs, g.bytes = append(g.seqs, seq), g.bytes+longest
	g.values = append(g.values, engine.Nat(seq), engine.String(m.Username), engine.String(m.Text), engine.Int(m.At))
	if now || len(g.seqs) >= g.most || len(s.pending) <= len(g.seqs) {
		more, err := s.sendGathered()
		lost, failed = append(lost, more...), errors.Join(failed, err)
	}
	s.mu.Unlock()
	s.failAll(lost, failed)
	return nil
}

// sendWaiting sends what waits to be sent together.
func (s *sender) sendWaiting() {
	if !s.gathering.on {
		return
	}
	s.mu.Lock()
	lost, err := s.sendGathered()
	s.mu.Unlock()
	s.failAll(lost, err)
}

// sendGathered returns the messages that could not be sent. The caller holds the lock, and fails them
// without it.
func (s *sender) sendGathered() (lost []uint64, err error) {
	g := &s.gathering
	if len(g.seqs) == 0 {
		return nil, nil
	}
	g.body, err = s.codec.encodeList(g.body[:0], g.schema, g.values)
	if err == nil {
		err = s.conn.Publish(s.subject, g.body)
	}
	if err != nil {
		lost = slices.Clone(g.seqs)
	}
	clear(g.values)
	g.seqs, g.bytes, g.values = g.seqs[:0], 0, g.values[:0]
	return lost, err
}

func (s *sender) failAll(lost []uint64, err error) {
	for _, seq := range lost {
		s.fail(seq, unavailable(saidEvent, err))
	}
}

// receiveList runs the rules for each message of a list. If it cannot be read, nobody knows
// whose outcomes these would be.
func (r *receiver) receiveList(msg *nats.Msg) {
	var err error
	if r.rows, err = r.codec.decodeList(msg.Data, r.listed, r.rows[:0]); err == nil && len(r.rows) == 0 {
		err = errors.New("decode: no message")
	}
	n := len(r.listed.fields)
	for row := r.rows; len(row) > 0 && err == nil; row = row[n:] {
		if row[0].Nat() == 0 {
			err = errors.New("decode: 0 is no flow's token")
		}
	}
	if err != nil {
		_ = r.module.reject(saidEvent, err)
		return
	}
	for row := r.rows; len(row) > 0; row = row[n:] {
		seq := row[0].Nat()
		r.add(seq, r.module.engine.Emit(seq, 0, saidEvent, row[1:n]...))
	}
}

// waits reports whether outcomes can wait for those of messages that are here already.
func (r *receiver) waits(msg *nats.Msg) bool {
	if r.share == shareNothing || len(r.outcomes) >= player.MostShared {
		return false
	}
	more, _, err := msg.Sub.Pending()
	return err == nil && more > 1 // the client counts this one until it is handled
}
