package natsbus

import (
	"errors"
	"testing"
	"time"

	"rubato/player"
)

// What crosses a network is counted by its server, message by message. Once it is closed,
// nothing that needs it works.
func TestNetworkCounts(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"tcp", "pipe", "process", "split", "cluster"} {
		placement := player.Placement{Transport: transport}
		shared, err := Network(placement)
		if err != nil {
			t.Fatal(err)
		}
		defer shared.Close()
		placement.Network = shared
		w, _ := open(t, player.Config{Placement: placement, Timeout: time.Minute})
		sent := func(module string) (messages, bytes int64) {
			links, err := shared.Links()
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range links {
				if l.Module == module {
					return l.Sent, l.SentBytes
				}
			}
			t.Fatalf("%s: no link of module %s in %+v", transport, module, links)
			return 0, 0
		}
		uiBefore, bytesBefore := sent("ui")
		logBefore, _ := sent("log")
		const messages, text = 7, "seven times"
		for i := range uint64(messages) {
			if err := w.Do(player.Stimulus{Kind: player.MessageSaid, Seq: i + 1, Message: player.Message{Username: "ada", Text: text}}); err != nil {
				t.Fatal(err)
			}
		}
		deadline := time.Now().Add(10 * time.Second) // the server adds up after it has passed on
		for {
			ui, bytes := sent("ui")
			log, _ := sent("log")
			if ui-uiBefore == messages && log-logBefore == messages && bytes-bytesBefore > messages*int64(len(text)) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: of %d messages ui sent %d of %d bytes, log answered %d", transport, messages, ui-uiBefore, bytes-bytesBefore, log-logBefore)
			}
			<-time.After(time.Millisecond)
		}
		if err := shared.Close(); err != nil {
			t.Fatal(err)
		}
		if err := w.Do(player.Stimulus{Kind: player.MessageSaid, Seq: 99, Message: player.Message{Username: "ada", Text: text}}); player.CodeOf(err) != player.Unavailable {
			t.Errorf("%s: without the network: %v", transport, err)
		}
	}
}

// A server that dies takes with it what is under way. Modules come back to the one that takes its
// place, with its rules of who may speak.
func TestServerRevives(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"tcp", "pipe"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			placement := player.Placement{Transport: transport, Reconnects: true}
			shared, err := Network(placement)
			if err != nil {
				t.Fatal(err)
			}
			defer shared.Close()
			placement.Network = shared
			w, _ := open(t, player.Config{Placement: placement, Timeout: time.Second})
			say := func(seq uint64) error {
				return w.Do(player.Stimulus{Kind: player.MessageSaid, Seq: seq, Message: player.Message{Username: "ada", Text: "still there?"}})
			}
			server := shared.(player.Breakable)
			if err := errors.Join(say(1), server.Kill()); err != nil {
				t.Fatalf("%s: %v", transport, err)
			}
			if err := say(2); player.CodeOf(err) != player.Unavailable {
				t.Errorf("%s: without a server: %v", transport, err)
			}
			if err := server.Revive(); err != nil {
				t.Fatalf("%s: %v", transport, err)
			}
			seq, deadline := uint64(3), time.Now().Add(time.Minute)
			back := func() bool {
				_, err := w.Status(seq + 1)
				return errors.Join(err, say(seq)) == nil
			}
			for ; !back(); seq += 2 { // until all modules are
				if time.Now().After(deadline) {
					t.Fatalf("%s: the player does not come back", transport)
				}
			}
			if err := server.Kill(); err != nil { // the player closes without a server, too
				t.Error(err)
			}
		})
	}
}

// A player takes no network of another kind, transport or delivery.
func TestNetworkOfAnotherKind(t *testing.T) {
	t.Parallel()
	pipe, err := Network(player.Placement{Transport: "pipe"})
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	for _, p := range []player.Placement{{Transport: "tcp", Network: pipe}, {Transport: "pipe", Delivery: deliveryFile, Network: pipe}, {Transport: "tcp", Network: otherNetwork{}}} {
		if _, err := Open(player.Config{Store: &memory{}, Placement: p}); player.CodeOf(err) != player.Invalid {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

type otherNetwork struct{ player.Network }
