package natsbus

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"rubato/player"
)

// TestServerSchedules: the server dies at drawn moments, while messages are under way, and another
// takes its place. Each message is reported once. What was reported durable is stored, and nothing
// is stored twice, whatever was kept by the server or said again. One schedule replays alone:
// -run TestServerSchedules/jetstream-file/17.
func TestServerSchedules(t *testing.T) {
	t.Parallel()
	schedules := map[string]int{deliveryCore: 10, deliveryMemory: 10, deliveryFile: 100}
	if testing.Short() {
		schedules = map[string]int{deliveryCore: 4, deliveryMemory: 2, deliveryFile: 5}
	}
	for delivery, n := range schedules {
		for seed := range uint64(n) {
			t.Run(fmt.Sprintf("%s/%d", delivery, seed), func(t *testing.T) {
				t.Parallel()
				serverSchedule(t, player.Placement{Transport: "tcp", Delivery: delivery}, seed)
			})
		}
	}
}

// TestNodeSchedules: the same with one of three nodes, which is drawn, too. Each of them has every
// message; modules that were connected to the one that died go to another.
func TestNodeSchedules(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("after a node's death the others may take 9 s to vote: go test runs it without -short")
	}
	for _, delivery := range kept {
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("%s/%d", delivery, seed), func(t *testing.T) {
				serverSchedule(t, player.Placement{Transport: "cluster", Delivery: delivery, Replicas: nodes}, seed)
			})
		}
	}
}

// breaking is what dies: the server, or one node of a cluster.
func breaking(shared player.Network, seed uint64) player.Breakable {
	b := shared.(breakable)
	if c, is := b.Breakable.(*cluster); is {
		return node{c.nodes[seed%nodes], c}
	}
	return b
}

type node struct {
	*embedded
	cluster *cluster
}

func (n node) Revive() error { return errors.Join(n.embedded.Revive(), n.cluster.whole()) }

func serverSchedule(t *testing.T, placement player.Placement, seed uint64) {
	placement.Dir, placement.Reconnects = t.TempDir(), true
	switch {
	case placement.Delivery == deliveryCore && seed%4 == 3:
		placement.Share = shareAll
	case seed%2 == 1:
		placement.Share = shareOutcomes
	}
	shared, err := Network(placement)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shared.Close() }) // after the player
	placement.Network = shared
	dies := breaking(shared, seed)
	w, l := openLedger(t, player.Config{Batch: 1 + int(seed%3), Timeout: 5 * time.Second, Placement: placement})
	w.sender.timeout = 200 * time.Millisecond
	random := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	reported := map[uint64][]player.Code{}
	done := func(seq uint64, err error) {
		mu.Lock()
		defer mu.Unlock()
		reported[seq] = append(reported[seq], player.CodeOf(err))
	}
	deaths := 1 + random.IntN(2)
	l.left, l.when = 1+random.IntN(20), moment(random.IntN(int(moments)))
	struck := make(chan struct{})
	l.strike = func() { // in the middle of module log's work
		_ = dies.Kill()
		close(struck)
	}
	revive := func() {
		if err := dies.Revive(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	seq := uint64(0)
	say := func(n int) {
		for range n {
			seq++
			if err := w.Post(utter(seq), done); err != nil {
				done(seq, err)
			}
		}
	}
	say(20 + random.IntN(20))
	_ = w.sender.conn.Publish(settleSubject, nil)
	<-struck
	say(random.IntN(5))
	revive()
	for range deaths {
		say(1 + random.IntN(20))
		_ = dies.Kill()
		say(random.IntN(5))
		revive()
	}
	say(1)
	_ = w.Settle()                                                // what has no outcome by the time-out has failed
	if of, one := shared.(breakable).Breakable.(*embedded); one { // in a cluster a vote, or two, comes first
		emptied(t, w, of)
	}
	mu.Lock()
	defer mu.Unlock()
	stored := l.stored()
	for n := uint64(1); n <= seq; n++ {
		codes, times := reported[n], 0
		for _, text := range stored {
			if text == fmt.Sprint(n) {
				times++
			}
		}
		if len(codes) != 1 || times > 1 || codes[0] == "" && times != 1 {
			t.Errorf("message %d was reported %q and is stored %d times", n, codes, times)
		}
	}
}

// emptied settles until the server keeps no message: none waits to be sent again, to be stored long
// after the server had come back. Once is not enough. The client says a message again to a server
// that has no streams yet, and so it may come after the first Settle, into a batch that has room.
func emptied(t *testing.T, w *wired, s *embedded) {
	t.Helper()
	kept := uint64(0)
	for end := time.Now().Add(redeliverWait / 2); time.Now().Before(end); _ = w.Settle() {
		for range 10 {
			seen, err := s.now().Jsz(nil)
			if err != nil {
				t.Fatal(err)
			}
			if kept = seen.Messages; kept == 0 {
				return
			}
			<-time.After(10 * time.Millisecond)
		}
	}
	t.Errorf("the server still keeps %d messages", kept)
}

// TestPoison: a message that module log refuses, and one that fits no connection, are refused once
// and for good, and those beside them are stored. The server holds and sends none of them again, by
// its own account.
func TestPoison(t *testing.T) {
	t.Parallel()
	w, l := openLedger(t, player.Config{Timeout: never, Placement: placed(t, deliveryFile)})
	nobody, endless := utter(2), utter(3)
	nobody.Message.Username, endless.Message.Text = "", strings.Repeat("x", 2*maxPayload)
	for want, s := range map[player.Code][]player.Stimulus{"": {utter(1), utter(4)}, player.Invalid: {nobody, endless}} {
		for _, s := range s {
			if err := w.Do(s); player.CodeOf(err) != want {
				t.Errorf("message %d: %v, want %q", s.Seq, err, want)
			}
		}
	}
	if got := slices.Sorted(slices.Values(l.stored())); !slices.Equal(got, []string{"1", "4"}) {
		t.Errorf("stored: %q", got)
	}
	// An acknowledgement follows its outcome, and waits in a queue of the server's.
	var s server.StreamDetail
	var c *server.ConsumerInfo
	for end := time.Now().Add(redeliverWait / 2); ; <-time.After(10 * time.Millisecond) {
		seen, err := w.network.carrier.(*embedded).now().Jsz(&server.JSzOptions{Accounts: true, Streams: true, Consumer: true})
		if err != nil {
			t.Fatal(err)
		}
		s = seen.AccountDetails[0].Streams[0]
		if c = s.Consumer[0]; s.State.Msgs == 0 && c.NumAckPending == 0 || time.Now().After(end) {
			break
		}
	}
	if s.State.LastSeq < 3 || s.State.Msgs != 0 || c.NumRedelivered != 0 || c.NumAckPending != 0 {
		t.Errorf("the stream holds %d of %d, of which %d are sent again and %d wait for an acknowledgement", s.State.Msgs, s.State.LastSeq, c.NumRedelivered, c.NumAckPending)
	}
}

// TestPending: with less room than messages, core NATS drops and says so, and JetStream waits. The
// limit is that of the subscription, or of the consumer at the server.
func TestPending(t *testing.T) {
	t.Parallel()
	for _, delivery := range []string{deliveryCore, deliveryMemory} {
		placement := placed(t, delivery)
		placement.Pending = 5
		w, l := openLedger(t, player.Config{Timeout: time.Second, Placement: placement})
		var told atomic.Int64
		w.log.mu.Lock() // it is busy
		for seq := range uint64(20) {
			if err := w.Post(utter(seq+1), func(_ uint64, err error) {
				if err == nil {
					told.Add(1)
				}
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.ui.conn.Load().Flush(); err != nil {
			t.Fatal(err)
		}
		if err := w.log.conn.Load().Flush(); err != nil { // what the server has sent has arrived
			t.Fatal(err)
		}
		w.log.mu.Unlock()
		err := w.Settle()
		dropped, _ := w.lost()
		stored := len(l.stored())
		if core := delivery == deliveryCore; core != (err != nil) || core != (dropped > 0) || stored+dropped < 20 || int64(stored) != told.Load() || w.receiver.most(w.subscription) != "5" {
			t.Errorf("%s: %d stored, %d reported so, %d dropped, at most %s wait: %v", delivery, stored, told.Load(), dropped, w.receiver.most(w.subscription), err)
		}
	}
}

// TestSubscribe: another subscriber hears what is said while it is there, once, in order, and nobody
// notices.
func TestSubscribe(t *testing.T) {
	t.Parallel()
	for _, delivery := range []string{deliveryCore, deliveryFile} {
		w, l := openLedger(t, player.Config{Timeout: never, Placement: placed(t, delivery)})
		say := func(from, to uint64) {
			for seq := from; seq <= to; seq++ {
				if err := w.Do(utter(seq)); err != nil {
					t.Fatal(err)
				}
			}
		}
		heard := make(chan uint64, 100)
		say(1, 5)
		leave, err := w.Subscribe(func(seq uint64) { heard <- seq })
		if err != nil {
			t.Fatal(err)
		}
		say(6, 10)
		for want := uint64(6); want <= 10; want++ {
			if got := <-heard; got != want {
				t.Errorf("%s: heard %d, want %d", delivery, got, want)
			}
		}
		leave()
		say(11, 12)
		if len(heard) > 0 || len(l.stored()) != 12 {
			t.Errorf("%s: heard %d more, %d of 12 are stored", delivery, len(heard), len(l.stored()))
		}
	}
}
