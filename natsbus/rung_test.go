package natsbus

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"rubato/orchestrated"
	"rubato/orchestrated/engine"
	"rubato/player"
)

// TestRung: the floor carries as many messages as requested, in turn, and the server counts
// as many bytes as they have.
func TestRung(t *testing.T) {
	for _, transport := range []string{"pipe", "tcp"} {
		for name, c := range map[string]struct {
			payloads    []Payload
			run         func(*Rung, int) error
			n           int
			there, back int64
		}{
			"events":   {[]Payload{{There: 100}, {There: 1}}, (*Rung).Publish, rungWindow + 1, 513*100 + 512, 0},
			"requests": {[]Payload{{1000, 2}, {10, 500}, {3, 4}}, (*Rung).Request, 7, 3*1000 + 2*10 + 2*3, 3*2 + 2*500 + 2*4},
		} {
			r, err := OpenRung(transport, c.payloads...)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.run(r, c.n); err != nil || r.Heard() != int64(c.n) {
				t.Errorf("%s over %s: heard %d, %v", name, transport, r.Heard(), err)
			}
			want := map[string]int64{connectionName + "asker": c.there, connectionName + "hearer": c.back}
			for deadline := time.Now().Add(never); ; <-time.After(time.Millisecond) { // the server adds up later
				seen, err := r.server.Connz(&server.ConnzOptions{})
				if err != nil {
					t.Fatal(err)
				}
				right := 0
				for _, link := range seen.Conns {
					if link.InBytes == want[link.Name] {
						right++
					}
				}
				if right == len(want) {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("%s over %s: %+v, want %v", name, transport, seen.Conns, want)
				}
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestNoPayload: what the player does not send has no length.
func TestNoPayload(t *testing.T) {
	t.Parallel()
	for uri, in := range map[string][]engine.Value{"pd::Kitchen::cook": nil} {
		if p, err := PayloadOf(uri, in, nil); err == nil {
			t.Errorf("%s: %+v", uri, p)
		}
	}
}

// BenchmarkMessages compares messages through the whole style, pipelined and without a
// database, with as many raw messages as long to a subscriber, in turns: ratio is the share
// of the raw throughput.
func BenchmarkMessages(b *testing.B) {
	for _, transport := range []string{"pipe", "tcp"} {
		for _, share := range []string{shareNothing, shareOutcomes, shareAll} {
			messages(b, "pipelined/"+transport+"/"+share, player.Placement{Transport: transport, Share: share}, true)
		}
	}
}

// BenchmarkBounds takes parts of that path away, in turn and together: what is left bounds what a
// better part could reach.
func BenchmarkBounds(b *testing.B) {
	for _, share := range []string{shareNothing, shareOutcomes, shareAll} {
		placement := player.Placement{Transport: "tcp", Share: share}
		messages(b, share+"/whole", placement, true)
		messages(b, share+"/no trace", placement, false)
		messages(b, share+"/no rules", placement, true, withoutRules)
		messages(b, share+"/no codec", placement, true, withoutCodec)
		messages(b, share+"/no outcomes", placement, true, withoutOutcomes)
		messages(b, share+"/none of these", placement, false, withoutRules, withoutCodec, withoutOutcomes)
		bare := placement
		bare.Envelope = envelopeInBody
		messages(b, share+"/no header", bare, true)
		messages(b, share+"/none of these, no header", bare, false, withoutRules, withoutCodec, withoutOutcomes)
		placement.Codec = "protobuf"
		messages(b, share+"/protobuf", placement, true)
	}
}

// withoutRules has module log store nothing.
func withoutRules(b *testing.B, w *wired) {
	bare := engine.New(engine.Settings{})
	if err := bare.AddConcepts(orchestrated.ChatConcept()); err != nil {
		b.Fatal(err)
	}
	w.log.engine = bare
}

// withoutCodec hands values over.
func withoutCodec(_ *testing.B, w *wired) {
	h := newHandOver(1024)
	w.sender.codec.codec, w.receiver.codec.codec = h, h
}

// withoutOutcomes has module log call what waits in module ui.
func withoutOutcomes(_ *testing.B, w *wired) {
	s := w.sender
	w.receiver.finished = func(seq uint64, err error) {
		s.mu.Lock()
		t := s.take(outcome{Seq: seq})
		s.mu.Unlock()
		t.done(seq, err)
		<-s.window
		if len(s.window) == 0 {
			s.sendWaiting()
		}
	}
}

func messages(b *testing.B, name string, placement player.Placement, traced bool, without ...func(*testing.B, *wired)) {
	const messages, window = 2048, 256 // as in message-log
	user, text := "listener-01", strings.Repeat("x", 70)
	payload, err := PayloadOf(saidEvent, []engine.Value{engine.String(user), engine.String(text), engine.Int(1)}, nil)
	if err != nil {
		b.Fatal(err)
	}
	raw, err := OpenRung(placement.Transport, payload)
	if err != nil {
		b.Fatal(err)
	}
	p, err := Open(player.Config{Store: &memory{}, Window: window, Trace: player.Tracing{On: traced}, Placement: placement})
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range without {
		f(b, p.(*wired))
	}
	said, failed := player.Stimulus{Kind: player.MessageSaid, Message: player.Message{Username: user, Text: text, At: 1}}, error(nil)
	done := func(_ uint64, err error) { failed = errors.Join(failed, err) }
	say := func(n int) error {
		for range n {
			said.Seq++
			if err := p.Post(said, done); err != nil {
				return err
			}
		}
		return errors.Join(p.Settle(), failed)
	}
	compare(b, name, messages, say, raw.Publish)
	if err := errors.Join(p.Close(), raw.Close()); err != nil {
		b.Error(err)
	}
}
