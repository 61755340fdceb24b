package natsbus

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

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
	_ = w.Settle() // what has no outcome by the time-out has failed
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
