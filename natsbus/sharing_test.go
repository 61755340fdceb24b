package natsbus

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// sent is what a module has sent, when the server has counted it.
func sent(t *testing.T, w *wired, module string, want int64) (n int64) {
	t.Helper()
	for start := time.Now(); n != want && time.Since(start) < 2*time.Second; <-time.After(time.Millisecond) {
		links, err := w.network.Links()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range links {
			if l.Module == module {
				n = l.Sent
			}
		}
	}
	return n
}

// TestShare: messages that wait share what the switch says, each is stored and reported once, and
// a refusal or a failed commit is that of its own message. Module log is held until everything has
// arrived, so the counts are exact.
func TestShare(t *testing.T) {
	t.Parallel()
	const messages = 250
	for _, c := range []struct {
		share   string
		batch   int
		ui, log int64 // messages on the wire, Settle's included; 0: it depends
		atFirst int   // of ui's, before Settle
	}{
		{shareNothing, 1, 251, 250, 250},
		{shareOutcomes, 1, 251, 3, 250},
		{shareAll, 1, 5, 4, 3},    // 1, 100, 100, then 49 and Settle; outcomes: 101 in two, 100, 49
		{shareAll, 10, 27, 0, 25}, // no more than a commit has: 1, 24 × 10, 9 and Settle
	} {
		for _, codec := range []string{"json", "msgpack", "protobuf"} {
			w, store := open(t, player.Config{Window: messages, Batch: c.batch, Timeout: never, Trace: player.Tracing{On: true},
				Placement: player.Placement{Transport: "pipe", Codec: codec, Share: c.share}})
			w.receiver.mu.Lock()
			reported := map[uint64]player.Code{}
			for seq := range uint64(messages) {
				s := said(seq + 1)
				if seq%10 == 0 {
					s.Message.Username = ""
				}
				if err := w.Post(s, func(seq uint64, err error) {
					if _, twice := reported[seq]; twice {
						t.Errorf("%d is reported twice", seq)
					}
					reported[seq] = player.CodeOf(err)
				}); err != nil {
					t.Fatal(err)
				}
			}
			for n := 0; n < c.atFirst; <-time.After(time.Millisecond) {
				n, _, _ = w.subscription.Pending()
			}
			w.receiver.mu.Unlock()
			if err := w.Settle(); err != nil {
				t.Fatal(err)
			}
			refused := 0
			for _, code := range reported {
				if code == player.Invalid {
					refused++
				}
			}
			if len(reported) != messages || refused != 25 || store.messages.Load() != 225 {
				t.Errorf("%+v, %s: %d reported, %d refused, %d stored", c, codec, len(reported), refused, store.messages.Load())
			}
			if n := sent(t, w, "ui", c.ui); n != c.ui {
				t.Errorf("%+v, %s: ui sent %d messages", c, codec, n)
			}
			if n := sent(t, w, "log", c.log); c.log > 0 && n != c.log {
				t.Errorf("%+v, %s: log sent %d messages", c, codec, n)
			}
			flows := map[uint64]int{}
			for _, f := range w.Flows(2 * messages) {
				flows[f.Token] += len(f.Rows)
			}
			if len(flows) != messages || flows[1] != 1 || flows[2] != 2 { // refused: the rules end after its first action
				t.Errorf("%+v, %s: %d flows, with %d and %d actions", c, codec, len(flows), flows[1], flows[2])
			}
		}
	}
}

// TestShareWaits: nothing waits for what need not come. A message alone is reported without Settle,
// a window that is full sends what waits, and what is long goes alone.
func TestShareWaits(t *testing.T) {
	t.Parallel()
	for _, c := range []player.Config{{Batch: 1, Window: 1}, {Batch: 1, Window: 2}, {Batch: 7, Window: 7}, {Batch: 3, Window: 40}} {
		c.Timeout, c.Placement = never, player.Placement{Transport: "pipe", Share: shareAll}
		w, store := open(t, c)
		for seq := range uint64(50) {
			s := said(seq + 1)
			s.Message.Text = strings.Repeat("x", int(seq%3)*(player.TextLimit-1))
			reported := make(chan error, 1)
			done := func(_ uint64, err error) { reported <- err }
			if err := w.Post(s, done); err != nil {
				t.Fatal(err)
			}
			if c.Batch == 1 && seq%2 == 0 {
				if err := w.Do(said(1000 + seq)); err != nil {
					t.Fatal(err)
				}
				<-reported
			}
		}
		if err := w.Settle(); err != nil {
			t.Error(err)
		}
		want := int64(50 - 16) // every third is too long
		if c.Batch == 1 {
			want += 25
		}
		if n := store.messages.Load(); n != want {
			t.Errorf("%+v: %d messages stored, want %d", c, n, want)
		}
	}
}

// TestShareFails: text that is not UTF-8 is refused alone, and a connection that ends fails what
// waits to be sent, once.
func TestShareFails(t *testing.T) {
	t.Parallel()
	w, store := open(t, player.Config{Timeout: never, Placement: player.Placement{Transport: "pipe", Share: shareAll}})
	bad := said(99)
	bad.Message.Text = "\xff"
	w.receiver.mu.Lock()
	codes := make(chan player.Code, 10)
	done := func(_ uint64, err error) { codes <- player.CodeOf(err) }
	for seq := range uint64(3) {
		if err := w.Post(said(seq+1), done); err != nil {
			t.Fatal(err)
		}
		if err := w.Post(bad, done); player.CodeOf(err) != player.Invalid {
			t.Errorf("not UTF-8: %v", err)
		}
	}
	w.ui.conn.Load().Close()
	for range 3 {
		if code := <-codes; code != player.Unavailable {
			t.Errorf("code %q", code)
		}
	}
	w.receiver.mu.Unlock()
	if err := w.Settle(); player.CodeOf(err) != player.Unavailable || len(codes) > 0 || store.messages.Load() > 1 {
		t.Errorf("settle: %v; %d reported twice, %d stored", err, len(codes), store.messages.Load())
	}
}

// TestUnreadableList: a list that does not fit has no effect, not even that of its messages that do,
// and is counted. Names and types are those of the concept.
func TestUnreadableList(t *testing.T) {
	t.Parallel()
	w, store := open(t, player.Config{Timeout: never, Placement: player.Placement{Share: shareAll}})
	const fits = `{"flow":1,"user":"ada","text":"x","at":0}`
	bodies := []string{``, `[]`, fits, `[` + fits, `[` + fits + `,{"user":"ada","text":"x","at":0}]`, `[` + fits + `,{"flow":0,"user":"ada","text":"x","at":0}]`,
		`[` + fits + `]` + fits, `[{"flow":1,"user":1,"text":"x","at":0}]`, `[null]`}
	for _, body := range bodies {
		if err := w.ui.conn.Load().Publish(saidSubject, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Do(said(7)); err != nil { // the next one is taken
		t.Error(err)
	}
	if got := w.Lost().Rejected; !maps.Equal(got, map[string]uint64{"log": uint64(len(bodies))}) || store.messages.Load() != 1 {
		t.Errorf("rejected %v of %d, %d stored", got, len(bodies), store.messages.Load())
	}
}

// TestBareBody: with the envelope in front of the body nothing has a header, and what has no envelope
// is refused and counted, by the module that it was for.
func TestBareBody(t *testing.T) {
	t.Parallel()
	w, store := open(t, player.Config{Timeout: never, Placement: player.Placement{Envelope: envelopeInBody}})
	heard := make(chan *nats.Msg, 10)
	conn := w.log.conn.Load()
	if _, err := conn.Subscribe(chatSubjects, func(m *nats.Msg) { heard <- m }); err != nil || conn.Flush() != nil {
		t.Fatal(err)
	}
	const fits = `{"user":"ada","text":"hello","at":0}`
	if err := w.Do(said(7)); err != nil {
		t.Fatal(err)
	}
	if m := <-heard; len(m.Header) > 0 || string(m.Data) != "7 0 0\n"+fits {
		t.Errorf("header %v, %q", m.Header, m.Data)
	}
	bodies := []string{fits, "\n" + fits, "0 0 0\n" + fits, "1 0\n" + fits, "1 0 65\n" + fits, strings.Repeat("0", 100) + "1 0 0\n" + fits}
	for _, body := range bodies {
		for _, subject := range []string{saidSubject, actionSubject("ap::Playback::setVolume")} {
			if err := w.ui.conn.Load().Publish(subject, []byte(body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for seq, s := range []player.Stimulus{said(8), {Kind: player.VolumeSet, Seq: 9, Volume: 50}} { // the next ones are taken
		if err := w.Do(s); err != nil {
			t.Errorf("%d: %v", seq, err)
		}
	}
	n := uint64(len(bodies))
	if got := w.Lost().Rejected; !maps.Equal(got, map[string]uint64{"log": n, "ap": n}) || store.messages.Load() != 2 {
		t.Errorf("rejected %v of %d each, %d stored", got, n, store.messages.Load())
	}
}

// TestShareRefused: what does not go together is refused, with what to do.
func TestShareRefused(t *testing.T) {
	t.Parallel()
	for _, p := range []player.Placement{{Share: "some"}, {Share: shareAll, Delivery: deliveryMemory}, {Share: shareOutcomes, Codec: "none"}, {Share: shareAll, Away: true},
		{Envelope: "none"}, {Envelope: envelopeInBody, Delivery: deliveryFile}, {Envelope: envelopeInBody, Away: true}} {
		if _, err := Open(player.Config{Store: &memory{}, Placement: p}); player.CodeOf(err) != player.Invalid {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// FuzzQuickJSON: what is read quickly is what Go's own JSON reads. It may leave anything to the
// other reader but what encode itself makes of plain values.
func FuzzQuickJSON(f *testing.F) {
	list := first(2, engine.Field{Name: "n", Type: engine.Natural}, engine.Field{Name: "t", Type: engine.Text},
		engine.Field{Name: "i", Type: engine.Integer}, engine.Field{Name: "b", Type: engine.Truth})
	for _, seed := range []string{`[{"n":1,"t":"x"}]`, `[{"n":0,"t":"","i":-1,"b":true},{"n":18446744073709551615,"t":"~"}]`, `[{"n":01,"t":""}]`,
		`[{"n":1,"t":"x",}]`, `[{"n":1,"t":"x"},]`, `[{"n":1,"t":"\u0041"}]`, `[{"n":1,"t":"x","b":true,"i":1}]`, `[{"n":1,"t":"x","i":-0}]`, `[{"n":1,"t":"x","i":}]`, `]`, `[]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		q := quickJSON{data: data}
		values, ok := q.list(list, nil)
		if !ok {
			return
		}
		var want []struct {
			N uint64 `json:"n"`
			T string `json:"t"`
			I int64  `json:"i"`
			B bool   `json:"b"`
		}
		if err := json.Unmarshal(data, &want); err != nil || 4*len(want) != len(values) {
			t.Fatalf("%q: %d values, %v", data, len(values), err)
		}
		for i, row := range want {
			v := values[4*i:]
			if got := fmt.Sprint(v[0].Nat(), v[1].Text(), v[2].Int(), v[3].Bool()); got != fmt.Sprint(row.N, row.T, row.I, row.B) {
				t.Errorf("%q: %s, want %v", data, got, row)
			}
		}
	})
}

// TestQuick: what encode makes of plain values is read quickly.
func TestQuick(t *testing.T) {
	t.Parallel()
	fields := all([]engine.Field{{Name: "flow", Type: engine.Natural}, {Name: "text", Type: engine.Text}, {Name: "at", Type: engine.Integer}})
	values := []engine.Value{engine.Nat(1), engine.String("hello, world"), engine.Int(-5), engine.Nat(2), engine.String(""), engine.Int(int64(0))}
	data, err := (jsonCodec{}).encodeList(nil, fields, values)
	q := quickJSON{data: data}
	if back, ok := q.list(fields, nil); err != nil || !ok || !alike(fields, values, back) {
		t.Errorf("%s: %v, %v, %t", data, back, err, ok)
	}
}
