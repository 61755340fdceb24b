package natsbus

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"rubato/player"
)

var kept = []string{deliveryMemory, deliveryFile}

func placed(t *testing.T, delivery string) player.Placement {
	return player.Placement{Transport: "pipe", Delivery: delivery, Dir: t.TempDir()}
}

// ledger is a store that knows which messages are committed, and can strike: it calls a
// function at one moment of module log's work.
type ledger struct {
	memory
	mu                 sync.Mutex
	waiting, committed []string
	noted, keys        []string // receipts: of those waiting, and of the committed
	left               int      // appends until it may strike
	when               moment
	strike             func()
}

type moment int

const (
	beforeAppend moment = iota
	afterAppend
	beforeCommit
	afterCommit
	moments
)

func (l *ledger) Log() player.LogStore { return l }

func (l *ledger) AppendMessage(m player.Message) error {
	l.left--
	l.at(beforeAppend)
	l.waiting = append(l.waiting, m.Text)
	l.at(afterAppend)
	return nil
}

func (l *ledger) Commit() error {
	l.at(beforeCommit)
	l.mu.Lock()
	l.committed, l.keys = append(l.committed, l.waiting...), append(l.keys, l.noted...)
	l.mu.Unlock()
	l.waiting, l.noted = nil, nil
	l.at(afterCommit)
	return nil
}

func (l *ledger) Rollback() error {
	l.waiting, l.noted = nil, nil
	return nil
}

func (l *ledger) Note(key string) (bool, error) {
	first := !slices.Contains(l.keys, key) && !slices.Contains(l.noted, key)
	if first {
		l.noted = append(l.noted, key)
	}
	return first, nil
}

func (l *ledger) Drop(key string) error {
	l.noted = slices.DeleteFunc(l.noted, func(k string) bool { return k == key })
	return nil
}

func (l *ledger) at(m moment) {
	if m == l.when && l.left <= 0 && l.strike != nil {
		strike := l.strike
		l.strike = nil
		strike()
	}
}

func (l *ledger) stored() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.committed)
}

func openLedger(t *testing.T, config player.Config) (*wired, *ledger) {
	t.Helper()
	l := &ledger{}
	config.Store = l
	if config.Receipts != nil {
		config.Receipts = l
	}
	p, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p.(*wired), l
}

// crash ends what module log has begun, as if its process had gone: its transaction, its
// batch, and what it was about to send. Its connection is closed.
func crash(w *wired) {
	w.log.conn.Load().Close()
	w.receiver.mu.Lock()
	defer w.receiver.mu.Unlock()
	_ = w.config.Store.Log().Rollback()
	w.Batch = player.NewBatch(w.config.Store.Log(), w.config.Batch)
	w.receiver.batch, w.receiver.outcomes = w.Batch, nil
	if r := w.receiver.receipts; r.shared() { // what is in memory goes with the process, too
		w.receiver.receipts = newReceipts(len(r.order), r.stored)
	} else if r != nil {
		clear(r.held)
		r.acks = nil
	}
	w.subscription = nil
}

func utter(seq uint64) player.Stimulus {
	return player.Stimulus{Kind: player.MessageSaid, Seq: seq, Message: player.Message{Username: "ada", Text: fmt.Sprint(seq)}}
}

// schedule says messages while module log's connection is lost again and again, each time
// at a moment of its work that is drawn, and returns the codes that were reported.
func schedule(t *testing.T, w *wired, l *ledger, seed uint64) map[uint64][]player.Code {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex
	reported, seq := map[uint64][]player.Code{}, uint64(0)
	say := func(n int) {
		for range n {
			seq++
			err := w.Post(utter(seq), func(seq uint64, err error) {
				mu.Lock()
				defer mu.Unlock()
				reported[seq] = append(reported[seq], player.CodeOf(err))
			})
			if err != nil {
				t.Fatalf("seed %d: post %d: %v", seed, seq, err)
			}
		}
	}
	for range 1 + random.IntN(3) {
		n, struck := 1+random.IntN(12), make(chan struct{})
		w.receiver.mu.Lock()
		conn := w.log.conn.Load()
		l.left, l.when = 1+random.IntN(n), moment(random.IntN(int(moments)))
		l.strike = func() { conn.Close(); close(struck) }
		w.receiver.mu.Unlock()
		say(n)
		if err := w.sender.conn.Publish(settleSubject, nil); err != nil { // so that there is a commit
			t.Fatal(err)
		}
		<-struck
		crash(w)
		say(1 + random.IntN(4)) // nobody hears them
		if err := w.startModule("log"); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	say(1)
	if w.receiver.stream == nil {
		w.sender.timeout = 5 * soon
	}
	if err := w.Settle(); err != nil && w.receiver.stream != nil {
		t.Fatalf("seed %d: settle: %v", seed, err)
	}
	mu.Lock()
	defer mu.Unlock()
	return reported
}

// TestSchedules: whenever module log's connection is lost, JetStream loses nothing that was
// accepted, applies nothing twice and keeps the order; with receipts in the store also when module log
// loses its memory. Core NATS applies nothing twice and
// reports nothing that it lost as stored, but it loses.
func TestSchedules(t *testing.T) {
	t.Parallel()
	schedules := uint64(30)
	if testing.Short() {
		schedules = 5
	}
	for name, receipts := range map[string]player.Receipts{deliveryCore: nil, deliveryMemory: nil, deliveryFile: nil, deliveryFile + "/database": &ledger{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			delivery, _, _ := strings.Cut(name, "/")
			lost := 0
			for seed := range schedules {
				w, l := openLedger(t, player.Config{Batch: 1 + int(seed%4), Timeout: never, Receipts: receipts, Placement: placed(t, delivery)})
				reported := schedule(t, w, l, seed)
				stored, want := l.stored(), []string(nil)
				for seq := range uint64(len(reported)) {
					codes := reported[seq+1]
					if len(codes) != 1 {
						t.Errorf("seed %d: message %d was reported %q", seed, seq+1, codes)
					}
					text := fmt.Sprint(seq + 1)
					if found := slices.Contains(stored, text); found || delivery != deliveryCore {
						want = append(want, text)
					} else if lost++; codes[0] != player.Unavailable {
						t.Errorf("seed %d: message %d is lost and was reported %q", seed, seq+1, codes)
					}
					if delivery != deliveryCore && codes[0] != "" {
						t.Errorf("seed %d: message %d was reported %q", seed, seq+1, codes)
					}
				}
				if !slices.Equal(stored, want) {
					t.Errorf("seed %d: stored %v, want %v", seed, stored, want)
				}
				if delivery != deliveryCore {
					empty(t, w)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			}
			if (lost > 0) != (delivery == deliveryCore) {
				t.Errorf("%d messages lost", lost)
			}
		})
	}
}

// state asks the server itself about the stream and its consumer.
func state(t *testing.T, w *wired) (messages uint64, redelivered int) {
	t.Helper()
	seen, err := embeddedOf(w).Jsz(&server.JSzOptions{Streams: true, Consumer: true, Accounts: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range seen.AccountDetails {
		for _, s := range a.Streams {
			messages += s.State.Msgs
			for _, c := range s.Consumer {
				redelivered += c.NumRedelivered
			}
		}
	}
	return messages, redelivered
}

// until waits for what the server does by and by.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(never); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("in vain: ", what)
		}
	}
}

// empty waits until everything in the stream is acknowledged.
func empty(t *testing.T, w *wired) {
	t.Helper()
	until(t, "the stream is empty", func() bool { n, _ := state(t, w); return n == 0 })
}
