package natsbus

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"rubato/player"
)

// Where receipts are.
const (
	receiptsInMemory = "memory"
	receiptsInStore  = "database"
)

// receipts are what module log remembers of messages from the stream: each is applied once and
// acknowledged when it has its outcome. Memory is asked first. It outlives module log's connection,
// not its process, which may be killed between a commit and its acknowledgement. So the store can keep
// keys, too, each in its message's own transaction: what the next process, or another that shares the
// store, is sent again is found there.
type receipts struct {
	held   map[uint64]*nats.Msg // handled, without an outcome yet, by the sequence numbers of stimuli
	known  map[uint64]outcome   // the newest outcomes, as many as can be unacknowledged
	order  []uint64             // of known, as a ring
	next   int
	acks   []*nats.Msg     // to send after the commit
	stored player.Receipts // nil: in memory only
}

func newReceipts(n int, stored player.Receipts) *receipts {
	return &receipts{held: map[uint64]*nats.Msg{}, known: make(map[uint64]outcome, n), order: make([]uint64, n), stored: stored}
}

// again takes note of a message. If it has been handled before, it is only acknowledged and
// its outcome, if it has one, is sent again.
func (r *receipts) again(seq uint64, msg *nats.Msg, report func(outcome)) bool {
	if o, known := r.known[seq]; known {
		o.Again = true
		report(o)
		r.acks = append(r.acks, msg)
		return true
	}
	_, held := r.held[seq]
	r.held[seq] = msg
	return held
}

// keyOf is by what the store knows a message: the session of the player that said it, from the id
// by which the server drops repeats, and its flow token.
func keyOf(seq uint64, msg *nats.Msg) string {
	id := msg.Header.Get(jetstream.MsgIDHeader)
	return id[:max(0, strings.LastIndexByte(id, '.'))] + "." + strconv.FormatUint(seq, 10)
}

// first has the store note a message that memory does not know. If it is there, it is durable,
// and its outcome is sent again.
func (r *receiver) first(seq uint64, msg *nats.Msg) (bool, error) {
	if !r.receipts.shared() {
		return true, nil
	}
	r.module.mu.Lock()
	defer r.module.mu.Unlock()
	first, err := r.receipts.stored.Note(keyOf(seq, msg))
	if err != nil {
		return false, unavailable("log: note a receipt", err)
	}
	if !first {
		o := outcome{Seq: seq, Again: true}
		r.note(o)
		r.receipts.finish(o)
	}
	return first, nil
}

// shared reports whether other processes can have had the same messages.
func (r *receipts) shared() bool { return r != nil && r.stored != nil }

// finish takes note of an outcome. Nothing was written for a message that was refused, so its key
// is not kept either: it would be refused again.
func (r *receipts) finish(o outcome) {
	if o.Code == player.Invalid && r.shared() {
		_ = r.stored.Drop(keyOf(o.Seq, r.held[o.Seq])) // if it fails, so does the next commit
	}
	r.acks = append(r.acks, r.held[o.Seq])
	delete(r.held, o.Seq)
	delete(r.known, r.order[r.next])
	r.known[o.Seq], r.order[r.next] = o, o.Seq
	r.next = (r.next + 1) % len(r.order)
}

// checkReceipts refuses receipts of what never comes again.
func checkReceipts(config player.Config) error {
	if config.Receipts == nil || config.Placement.Delivery != deliveryCore {
		return nil
	}
	return &player.Error{Code: player.Invalid, Op: "nats: receipts",
		Err: fmt.Errorf("receipts=%s does not go with delivery=%s, which sends nothing again: use delivery=%s", receiptsInStore, deliveryCore, deliveryFile)}
}

// describe is where they are, as a fact of the player.
func (r *receipts) describe() []player.Fact {
	where := receiptsInMemory
	switch {
	case r == nil:
		return nil
	case r.shared():
		where = receiptsInStore
	}
	return []player.Fact{{Name: "receipts", Value: where, Own: true}}
}

// acknowledge sends the acknowledgements of a commit. Without a connection, the server
// delivers those messages again.
func (r *receipts) acknowledge() {
	for _, msg := range r.acks {
		_ = msg.Ack()
	}
	clear(r.acks)
	r.acks = r.acks[:0]
}
