package natsbus

import (
	"encoding/json"
	"sync"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated"
	"rubato/player"
)

// outcome tells ui that a message is durable, or why it is not.
type outcome struct {
	Seq  uint64      `json:"seq"`
	Code player.Code `json:"code,omitempty"`
	Text string      `json:"text,omitempty"`
}

// logSide is what module log does for messages beyond its rules: it makes what
// they wrote durable, alone or in batches, and then tells whoever said it.
type logSide struct {
	module   *module
	hearing  sync.Mutex // one message at a time, also when a module has left and joined again
	batch    *player.Batch
	fields   []orchestrated.Field // of ui::Chat::said
	outcomes []outcome            // of the commit under way
}

// listen subscribes once to all of ui::Chat, so that what is said and the request
// to commit it arrive in the order they were sent.
func (l *logSide) listen() (*nats.Subscription, error) {
	conn := l.module.conn.Load()
	chat, err := conn.Subscribe(chatSubjects, l.hear)
	if err != nil {
		return nil, err
	}
	return chat, conn.Flush() // the subscription must stand before anything is said
}

// hear runs the rules for one message, or commits what waits. One subscription
// calls it, so that only the store has to be guarded against the module's services.
func (l *logSide) hear(msg *nats.Msg) {
	l.hearing.Lock()
	defer l.hearing.Unlock()
	if msg.Subject == settled {
		l.module.mu.Lock()
		_ = l.batch.Flush() // its failure is in every outcome
		l.module.mu.Unlock()
	} else {
		seq := number(msg.Header, flowHeader)
		err := l.emit(seq, msg)
		l.module.mu.Lock()
		l.batch.Add(seq, err, l.done)
		l.module.mu.Unlock()
	}
	l.report()
}

func (l *logSide) emit(seq uint64, msg *nats.Msg) error {
	values := make([]orchestrated.Value, len(l.fields))
	if err := decode(msg.Data, l.fields, values); err != nil {
		return &player.Error{Code: player.Invalid, Op: saidEvent, Err: err}
	}
	return l.module.engine.Emit(seq, number(msg.Header, causeHeader), saidEvent, values...)
}

// done is called by the batch for each stimulus of a commit.
func (l *logSide) done(seq uint64, err error) {
	o := outcome{Seq: seq}
	if err != nil {
		o.Code, o.Text = player.CodeOf(err), err.Error()
	}
	l.outcomes = append(l.outcomes, o)
}

// report sends one message a commit, however many stimuli shared it.
func (l *logSide) report() {
	if len(l.outcomes) == 0 {
		return
	}
	data, err := json.Marshal(l.outcomes)
	if err == nil {
		_ = l.module.conn.Load().Publish(doneSubject, data) // ui's time-out tells if the connection is gone
	}
	l.outcomes = l.outcomes[:0]
}
