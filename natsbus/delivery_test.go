package natsbus

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"rubato/orchestrated"
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
	left               int // appends until it may strike
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
	l.committed = append(l.committed, l.waiting...)
	l.mu.Unlock()
	l.waiting = nil
	l.at(afterCommit)
	return nil
}

func (l *ledger) Rollback() error {
	l.waiting = nil
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
	if w.receiver.receipts != nil {
		clear(w.receiver.receipts.held)
		w.receiver.receipts.acks = nil
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
// accepted, applies nothing twice and keeps the order. Core NATS applies nothing twice and
// reports nothing that it lost as stored, but it loses.
func TestSchedules(t *testing.T) {
	t.Parallel()
	for _, delivery := range append(kept, deliveryCore) {
		t.Run(delivery, func(t *testing.T) {
			t.Parallel()
			lost := 0
			for seed := range uint64(30) {
				w, l := openLedger(t, player.Config{Batch: 1 + int(seed%4), Timeout: never, Placement: placed(t, delivery)})
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
	seen, err := w.network.server.Jsz(&server.JSzOptions{Streams: true, Consumer: true, Accounts: true})
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

// TestRepeats: a message that is sent twice is stored once: by the same id, which the server
// drops, or by another, which module log recognises.
func TestRepeats(t *testing.T) {
	t.Parallel()
	for _, delivery := range kept {
		w, l := openLedger(t, player.Config{Timeout: never, Placement: placed(t, delivery)})
		if err := w.Do(utter(1)); err != nil {
			t.Fatal(err)
		}
		if err := w.Do(utter(1)); player.CodeOf(err) != player.Invalid || !strings.Contains(err.Error(), "stimulus 1 was said before") {
			t.Errorf("%s: said twice: %v", delivery, err)
		}
		var posted error
		if err := w.Post(utter(1), func(_ uint64, err error) { posted = err }); err != nil {
			t.Fatal(err)
		}
		if err := w.Settle(); err != nil || player.CodeOf(posted) != player.Invalid {
			t.Errorf("%s: posted again: %v, %v", delivery, posted, err)
		}
		for _, id := range []string{"one", "one", "another"} {
			msg := message(eventSubject(saidEvent), 1, 0, 0, []byte(`{"user":"ada","text":"1","at":0}`))
			msg.Header.Set(jetstream.MsgIDHeader, id)
			if err := w.sender.conn.PublishMsg(msg); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Do(utter(2)), w.Settle()); err != nil {
			t.Error(err)
		}
		empty(t, w)
		if got := l.stored(); !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("%s: stored %v", delivery, got)
		}
	}
}

// TestRedelivery: what the server delivers again while module log is slow is applied once.
func TestRedelivery(t *testing.T) {
	t.Parallel()
	for _, batch := range []int{1, 3} {
		w, l := openLedger(t, player.Config{Batch: batch, Timeout: never, Placement: placed(t, deliveryMemory)})
		crash(w)
		w.receiver.stream.consumer.AckWait = soon
		if err := w.startModule("log"); err != nil {
			t.Fatal(err)
		}
		w.receiver.mu.Lock()
		want := []string{"1", "2", "3", "4"}
		for i := range want {
			if err := w.Post(utter(uint64(i+1)), func(_ uint64, err error) {
				if err != nil {
					t.Error(err)
				}
			}); err != nil {
				t.Fatal(err)
			}
		}
		until(t, "all are delivered again", func() bool { _, again := state(t, w); return again >= len(want) })
		w.receiver.mu.Unlock()
		if err := w.Settle(); err != nil {
			t.Error(err)
		}
		empty(t, w)
		if got := l.stored(); !slices.Equal(got, want) {
			t.Errorf("batch %d: stored %v", batch, got)
		}
	}
}

// TestFullStream: a stream that is full refuses what comes and keeps what it has.
func TestFullStream(t *testing.T) {
	t.Parallel()
	w, l := openLedger(t, player.Config{Timeout: never, Placement: placed(t, deliveryFile)})
	crash(w)
	w.receiver.stream.config.MaxMsgs, w.receiver.stream.kept = 3, nil
	if err := w.startModule("log"); err != nil {
		t.Fatal(err)
	}
	crash(w)
	codes := make(chan player.Code, 5)
	for seq := range uint64(5) {
		if err := w.Post(utter(seq+1), func(_ uint64, err error) { codes <- player.CodeOf(err) }); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if code := <-codes; code != player.Unavailable {
			t.Errorf("refused with %q", code)
		}
	}
	if err := errors.Join(w.startModule("log"), w.Settle()); err != nil {
		t.Error(err)
	}
	if got := l.stored(); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("stored %v", got)
	}
}

// TestLeftover: what a player that ended badly left in a server that goes on is not the next
// one's.
func TestLeftover(t *testing.T) {
	t.Parallel()
	placement := placed(t, deliveryFile)
	shared, err := Network(placement)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shared.Close() })
	placement.Network = shared
	first, _ := openLedger(t, player.Config{Timeout: never, Placement: placement})
	crash(first)
	if err := first.Post(utter(1), func(uint64, error) {}); err != nil {
		t.Fatal(err)
	}
	until(t, "it is kept", func() bool { n, _ := state(t, first); return n == 1 })
	for _, m := range []*module{first.ui, first.ap, first.pd} {
		m.leave()
	}
	second, l := openLedger(t, player.Config{Timeout: never, Placement: placement})
	if err := second.Do(utter(1)); err != nil { // the same flow token, in another session
		t.Error(err)
	}
	if got := l.stored(); !slices.Equal(got, []string{"1"}) {
		t.Errorf("stored %v", got)
	}
}

// TestFolder: the server's folder is the player's own, and gone after it.
func TestFolder(t *testing.T) {
	t.Parallel()
	placement := placed(t, deliveryFile)
	list := func() []string {
		found, err := filepath.Glob(filepath.Join(placement.Dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	w, _ := openLedger(t, player.Config{Placement: placement})
	if found := list(); len(found) != 1 {
		t.Errorf("folders: %v", found)
	}
	if err := w.Close(); err != nil || len(list()) != 0 {
		t.Errorf("left: %v, %v", list(), err)
	}
	placement.Dir = filepath.Join(placement.Dir, "file")
	if err := os.WriteFile(placement.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(player.Config{Store: &memory{}, Placement: placement}); err == nil || !strings.Contains(err.Error(), "turn on JetStream for delivery=jetstream-file: ") {
		t.Errorf("a folder that cannot be made: %v", err)
	}
	placement.Delivery = "pigeon"
	if _, err := Open(player.Config{Store: &memory{}, Placement: placement}); player.CodeOf(err) != player.Invalid || !strings.Contains(err.Error(), `"pigeon" is none of core, jetstream-memory, jetstream-file`) {
		t.Errorf("an unknown delivery: %v", err)
	}
}

// TestNoJetStream: a server without JetStream says what to do.
func TestNoJetStream(t *testing.T) {
	t.Parallel()
	n := &network{users: map[string]*server.User{}, transport: "pipe", delivery: deliveryMemory}
	for _, module := range []string{"ap", "pd", "log", "ui"} {
		n.users[module] = newUser(module, streamRights(module, rightsOf(module, orchestrated.Rules())))
	}
	var err error
	if n.server, err = startServer("pipe", server.RANDOM_PORT, slices.Collect(maps.Values(n.users))...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	_, err = Open(player.Config{Store: &memory{}, Timeout: never, Placement: player.Placement{Transport: "pipe", Delivery: deliveryMemory, Network: n}})
	if player.CodeOf(err) != player.Unavailable || !strings.Contains(err.Error(), "has no JetStream: start it with -js, or use delivery=core") {
		t.Errorf("%v", err)
	}
}
