package natsbus

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"rubato/orchestrated"
	"rubato/player"
)

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

// counter is a dialer whose connections count how often they are written to.
type counter struct{ writes atomic.Int64 }

type countedConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c *counter) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address)
	return countedConn{conn, &c.writes}, err
}

func (c countedConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// TestFlush: each message is a write of its own, or many share one.
func TestFlush(t *testing.T) {
	t.Parallel()
	const messages = 10_000
	users := rungUsers()
	s, err := startServer("tcp", server.RANDOM_PORT, users...)
	if err != nil {
		t.Fatal(err)
	}
	defer stopServer(s)
	for flush, fits := range map[string]func(writes int64) bool{
		flushEach: func(n int64) bool { return n >= messages },
		flushAuto: func(n int64) bool { return n < messages/2 },
	} {
		c := &counter{}
		conn, err := connect(s, "tcp", users[0], never, append(flushing(flush), nats.SetCustomDialer(c))...)
		if err != nil {
			t.Fatal(err)
		}
		for range messages {
			if err := conn.Publish(rungEvent, make([]byte, 128)); err != nil {
				t.Fatal(err)
			}
		}
		if err := conn.FlushTimeout(never); err != nil || !fits(c.writes.Load()) || flushOf(conn) != flush {
			t.Errorf("%s: %d messages in %d writes, %v", flush, messages, c.writes.Load(), err)
		}
		conn.Close()
	}
	w, _ := open(t, player.Config{Placement: player.Placement{Transport: "pipe", Flush: flushEach}})
	for _, m := range []*module{w.ap, w.pd, w.log, w.ui} {
		if got := flushOf(m.conn.Load()); got != flushEach {
			t.Errorf("module %s flushes %s", m.name, got)
		}
	}
	if _, err := Open(player.Config{Store: &memory{}, Placement: player.Placement{Flush: "never", Network: w.network}}); player.CodeOf(err) != player.Invalid {
		t.Errorf("an unknown flush: %v", err)
	}
}

// TestLostServer: when the server goes while messages are under way, each is reported once and
// closing leaves nothing behind.
func TestLostServer(t *testing.T) {
	t.Parallel()
	w, _ := openLedger(t, player.Config{Timeout: never, Placement: placed(t, deliveryFile)})
	const messages = 100
	told := make(chan uint64, 2*messages)
	for seq := range uint64(messages) {
		if err := w.Post(utter(seq+1), func(seq uint64, _ error) { told <- seq }); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.network.Close(); err != nil {
		t.Error(err)
	}
	seen := map[uint64]int{}
	for range messages {
		seen[<-told]++
	}
	if err := w.Do(utter(messages + 1)); player.CodeOf(err) != player.Unavailable {
		t.Errorf("without a server: %v", err)
	}
	if err := w.Close(); player.CodeOf(err) != player.Unavailable {
		t.Errorf("close without a server: %v", err)
	}
	if len(told) != 0 || len(seen) != messages {
		t.Errorf("%d of %d were reported, %d twice", len(seen), messages, len(told))
	}
}

// TestNoJetStream: a server without JetStream says what to do.
func TestNoJetStream(t *testing.T) {
	t.Parallel()
	users := map[string]*server.User{}
	for _, module := range modules {
		users[module] = newUser(module, streamRights(module, rightsOf(module, orchestrated.Rules())))
	}
	e, err := startEmbedded(player.Placement{Transport: "pipe", Delivery: deliveryCore}, users)
	if err != nil {
		t.Fatal(err)
	}
	n := &network{carrier: e, users: users, transport: "pipe", delivery: deliveryMemory}
	t.Cleanup(func() { _ = n.Close() })
	_, err = Open(player.Config{Store: &memory{}, Timeout: never, Placement: player.Placement{Transport: "pipe", Delivery: deliveryMemory, Network: n}})
	if player.CodeOf(err) != player.Unavailable || !strings.Contains(err.Error(), "has no JetStream: start it with -js, or use delivery=core") {
		t.Errorf("%v", err)
	}
}

// TestStreamOfAProcess: the server in a process of its own keeps messages, too, in a folder that ends
// with the player.
func TestStreamOfAProcess(t *testing.T) {
	t.Parallel()
	for _, delivery := range kept {
		placement := player.Placement{Transport: "process", Delivery: delivery, Dir: t.TempDir()}
		w, l := openLedger(t, player.Config{Timeout: never, Placement: placement})
		for seq := range uint64(3) {
			if err := w.Do(utter(seq + 1)); err != nil {
				t.Error(err)
			}
		}
		if got := w.receiver.stream.describe()[0].Value; got != delivery || len(l.stored()) != 3 {
			t.Errorf("%s: it is %s, and stored %v", delivery, got, l.stored())
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(placement.Dir); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	}
}
