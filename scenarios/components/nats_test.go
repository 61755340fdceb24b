package components

import (
	"path/filepath"
	"testing"
	"time"

	"rubato/natsbus"
	"rubato/player"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// TestPayloads: the rungs carry what the player itself sends, as a NATS server counts it:
// the first refill of queue-low, and ten messages of message-log.
func TestPayloads(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(filepath.Join(sharedLibrary(t), workload.LibraryFile), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	refill, err := refillPayloads(store)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := messagePayloads(store)
	if err != nil {
		t.Fatal(err)
	}

	placement := player.Placement{Transport: "tcp"}
	network, err := natsbus.Network(placement)
	if err != nil {
		t.Fatal(err)
	}
	defer network.Close()
	placement.Network = network
	p, err := natsbus.Open(player.Config{Store: store, Placement: placement, Trace: player.Tracing{On: true}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()

	var there, back int64
	for _, c := range refill {
		there, back = there+int64(c.There), back+int64(c.Back)
	}
	if err := p.Do(workload.LowAt(1, 0)); err != nil {
		t.Fatal(err)
	}
	// ui answers the broadcast with an empty object, and pd the other three.
	crossed(t, network, map[string]player.Link{"ap": {Sent: 4, SentBytes: there}, "pd": {Sent: 3, SentBytes: back - 2}})

	var said int64
	for i, c := range messages {
		said += int64(c.There)
		if err := p.Do(workload.Say(1, i)); err != nil {
			t.Fatal(err)
		}
	}
	crossed(t, network, map[string]player.Link{"ui": {Sent: 1 + 10, SentBytes: 2 + said}})
}

// crossed waits until the server has counted these messages, and bytes within 2 %: flow
// tokens and numbers of records have a digit more or less.
func crossed(t *testing.T, network player.Network, want map[string]player.Link) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; <-time.After(time.Millisecond) {
		links, err := network.Links()
		if err != nil {
			t.Fatal(err)
		}
		right := 0
		for _, l := range links {
			w, asked := want[l.Module]
			if off := l.SentBytes - w.SentBytes; asked && l.Sent == w.Sent && max(off, -off) <= w.SentBytes/50 {
				right++
			}
		}
		if right == len(want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server counts %+v, want %+v", links, want)
		}
	}
}
