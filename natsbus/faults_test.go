package natsbus

import (
	"fmt"
	"math/rand/v2"
	"sync"
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
		schedules = map[string]int{deliveryFile: 5}
	}
	for delivery, n := range schedules {
		for seed := range uint64(n) {
			t.Run(fmt.Sprintf("%s/%d", delivery, seed), func(t *testing.T) {
				t.Parallel()
				serverSchedule(t, delivery, seed)
			})
		}
	}
}

func serverSchedule(t *testing.T, delivery string, seed uint64) {
	placement := player.Placement{Transport: "tcp", Delivery: delivery, Dir: t.TempDir(), Reconnects: true}
	shared, err := Network(placement)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shared.Close() }) // after the player
	placement.Network = shared
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
		_ = shared.(player.Breakable).Kill()
		close(struck)
	}
	revive := func() {
		if err := shared.(player.Breakable).Revive(); err != nil {
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
		_ = shared.(player.Breakable).Kill()
		say(random.IntN(5))
		revive()
	}
	say(1)
	_ = w.Settle() // what has no outcome by the time-out has failed
	if delivery != deliveryCore {
		emptied(t, shared.(breakable).embedded.now())
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

// emptied waits until the server keeps no message: none waits to be sent again, to be stored
// long after the server had come back.
func emptied(t *testing.T, s *server.Server) {
	t.Helper()
	kept := uint64(0)
	for end := time.Now().Add(redeliverWait / 2); time.Now().Before(end); <-time.After(10 * time.Millisecond) {
		seen, err := s.Jsz(nil)
		if err != nil {
			t.Fatal(err)
		}
		if kept = seen.Messages; kept == 0 {
			return
		}
	}
	t.Errorf("the server still keeps %d messages", kept)
}
