package natsbus

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// receiver is module log's end. It makes what the rules wrote durable, alone or in
// batches, and reports the outcomes.
type receiver struct {
	module   *module
	mu       sync.Mutex // one message at a time, also across a stop and a start of the module
	batch    *player.Batch
	codec    outcomeCodec
	fields   schema // of ui::Chat::said
	values   []engine.Value
	outcomes []outcome                         // to report
	finished player.Done                       // is done; made once
	stream   *stream                           // nil: core NATS
	receipts *receipts                         // nil: core NATS
	renewed  atomic.Pointer[nats.Subscription] // made since subscribe, when the connection had come back
	earlier  atomic.Int64                      // messages that those before it have dropped
	group    string                            // that shares the messages; empty: all of them come here
	ended    bool
	to       string // where the next outcomes go
	pending  int    // messages that may wait here; 0: the client's own limit
	share    string
	listed   schema // of messages in a list
	rows     []engine.Value
}

func newReceiver(m *module, batch *player.Batch, fields schema, s *stream, config player.Config) *receiver {
	r := &receiver{module: m, batch: batch, codec: outcomeCodec{codec: m.codec}, fields: fields,
		values: make([]engine.Value, len(fields.fields)), stream: s, to: m.space.of(doneSubject), share: config.Placement.Share,
		listed: inList(fields)}
	r.finished = r.done
	if s != nil {
		r.receipts = newReceipts(s.consumer.MaxAckPending, config.Receipts)
	}
	return r
}

// subscribe makes one subscription for messages and for requests to commit, so that
// they arrive in the order they were sent. In a group there are no such requests.
func (r *receiver) subscribe() (subscription *nats.Subscription, err error) {
	conn := r.module.conn.Load()
	if r.stream != nil {
		conn.SetReconnectHandler(r.reconnected)
		r.mu.Lock() // one of both at a time
		defer r.mu.Unlock()
		r.renew(nil)
		return r.stream.listen(conn, r.receive, r.stream.wait)
	}
	if r.group != "" {
		subscription, err = conn.QueueSubscribe(r.module.space.of(saidSubject), r.group, r.receive)
	} else {
		subscription, err = conn.Subscribe(r.module.space.of(chatSubjects), r.receive)
	}
	if err != nil {
		return nil, err
	}
	if err := limited(subscription, r.pending); err != nil {
		return nil, err
	}
	return subscription, conn.Flush() // the server must know it before anything is said
}

// reconnected is called when a connection that was lost is back.
func (r *receiver) reconnected(conn *nats.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	if next := r.stream.back(conn, r.receive); next != nil {
		r.renew(next)
	}
}

// end removes the stream, for good: a connection that comes back now makes no other.
func (r *receiver) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended = true; r.stream != nil {
		r.stream.remove()
	}
}

// droppedSince is what subscriptions that were renewed have dropped. It needs no lock: modules may
// be locked.
func (r *receiver) droppedSince() int {
	n := int(r.earlier.Load())
	if last := r.renewed.Load(); last != nil {
		n += dropped(last)
	}
	return n
}

// renew takes another subscription, or none, in place of the last one.
func (r *receiver) renew(next *nats.Subscription) {
	last := r.renewed.Swap(next)
	if last == nil {
		return
	}
	r.earlier.Add(int64(dropped(last)))
	_ = last.Unsubscribe() // fails only without a connection
}

// dropped is how many messages a subscription has dropped because its buffer was full.
func dropped(s *nats.Subscription) int {
	n, err := s.Dropped()
	if err != nil {
		return 0 // it has ended
	}
	return n
}

// receive runs the rules for one message, or commits what waits. The module's lock
// guards the store against the module's services.
func (r *receiver) receive(msg *nats.Msg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch seq, cause, _, body, err := opened(msg, r.module.inBody); {
	case r.stream != nil && r.stream.stale(r.module.conn.Load(), msg): // it comes again
	case msg.Subject == r.module.space.of(settleSubject) && len(msg.Data) == 0 && msg.Header.Get(codeHeader) == "": // an answer asks for nothing
		r.settle(msg)
	case r.share == shareAll && msg.Subject == r.module.space.of(saidSubject):
		r.receiveList(msg)
	case err != nil || msg.Subject == r.module.space.of(settleSubject):
		_ = r.module.reject(msg.Subject, err) // nobody knows whose outcome this would be
		if r.receipts != nil {
			r.receipts.acks = append(r.receipts.acks, msg) // it does not get better by coming again
		}
	case r.receipts != nil && r.receipts.again(seq, msg, r.note):
	default:
		r.to = r.outcomesOf(msg)
		r.apply(seq, cause, msg, body)
	}
	if r.waits(msg) {
		return
	}
	r.report()
	if r.receipts != nil {
		r.receipts.acknowledge()
	}
}

// outcomesOf is where the outcome of a message goes: to module ui, or to the generator that said
// it, and nowhere else that it may name. Only workers have generators, and they commit each
// message alone.
func (r *receiver) outcomesOf(msg *nats.Msg) string {
	if r.group != "" && strings.HasPrefix(msg.Reply, r.module.space.of(generatorDone)) {
		return msg.Reply
	}
	return r.module.space.of(doneSubject)
}

// settle commits what waits.
func (r *receiver) settle(msg *nats.Msg) {
	r.module.mu.Lock()
	defer r.module.mu.Unlock()
	_ = r.batch.Flush() // every outcome has the error
	if r.receipts != nil {
		r.receipts.acks = append(r.receipts.acks, msg)
	}
}

// apply runs the rules, unless the database has the message.
func (r *receiver) apply(seq, cause uint64, msg *nats.Msg, body []byte) {
	defer r.module.alone()()
	first, err := r.first(seq, msg)
	if err == nil && first {
		err = r.emit(seq, cause, body)
	}
	if err != nil || first {
		r.add(seq, err)
	}
}

func (r *receiver) emit(seq, cause uint64, body []byte) error {
	if err := r.codec.decode(body, r.fields, r.values); err != nil {
		return r.module.reject(saidEvent, err)
	}
	return r.module.engine.Emit(seq, cause, saidEvent, r.values...)
}

// add makes durable what the rules wrote for a message, alone or with its batch.
func (r *receiver) add(seq uint64, err error) {
	r.module.mu.Lock()
	defer r.module.mu.Unlock()
	r.batch.Add(seq, err, r.finished)
}

// done is called by the batch for each message of a commit.
func (r *receiver) done(seq uint64, err error) {
	o := outcome{Seq: seq}
	if err != nil {
		o.Code, o.Text = player.CodeOf(err), shortened(err.Error())
		o.Again = o.Code == player.Invalid && r.receipts.shared() // a process that is dead may have refused it, too
	}
	r.note(o)
	if r.receipts != nil {
		r.receipts.finish(o)
	}
}

func (r *receiver) note(o outcome) { r.outcomes = append(r.outcomes, o) }

// Limits of a message with outcomes: how many, and how long the text of an error is.
const (
	mostOutcomes = player.MostShared
	longestText  = 300
)

// report sends the outcomes of a commit, in one message if they fit.
func (r *receiver) report() {
	for part := range slices.Chunk(r.outcomes, mostOutcomes) {
		r.send(part)
	}
	r.outcomes = r.outcomes[:0]
}

// send halves what is larger than the server takes: texts can grow when they are written.
func (r *receiver) send(part []outcome) {
	conn := r.module.conn.Load()
	data, err := r.codec.write(part)
	switch half := len(part) / 2; {
	case int64(len(data)) > conn.MaxPayload() && half > 0:
		r.send(part[:half])
		r.send(part[half:])
	case err == nil:
		_ = conn.Publish(r.to, data) // without a connection the sender fails what is pending
	}
}

// shortened cuts a text, at a whole character, to what an outcome may hold.
func shortened(text string) string {
	if len(text) <= longestText {
		return text
	}
	return strings.ToValidUTF8(text[:longestText], "") + "…"
}
