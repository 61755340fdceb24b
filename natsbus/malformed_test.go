package natsbus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"rubato/orchestrated"
	"rubato/orchestrated/engine"
	"rubato/player"
)

// A door is a subject of the player that a user may publish to.
type door struct {
	user, subject string
	module        string // that hears it
	fields        []engine.Field
	answered      bool
}

// doors are all of them, by the rights that the server holds.
func doors(t *testing.T, w *wired) (out []door) {
	t.Helper()
	known := map[string]door{
		settleSubject: {module: "log"},
		doneSubject:   {module: "ui"},
	}
	for _, c := range orchestrated.Concepts(w.Parts) {
		for _, a := range c.Actions {
			known[actionSubject(c.URI(a.Name))] = door{module: c.Module, fields: a.In, answered: true}
		}
		for _, e := range c.Events {
			known[eventSubject(c.URI(e.Name))] = door{module: "log", fields: e.Fields}
		}
	}
	for name, user := range w.network.users {
		for _, subject := range user.Permissions.Publish.Allow {
			d, is := known[subject]
			if !is {
				t.Fatalf("%s may publish to %s, of which this test knows nothing", name, subject)
			}
			d.user, d.subject = name, subject
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b door) int { return strings.Compare(a.subject+a.user, b.subject+b.user) })
	return out
}

// example is a body that fits: what an honest module sends.
func example(t *testing.T, c codec, d door) []byte {
	t.Helper()
	var data []byte
	var err error
	if d.subject == doneSubject {
		data, err = c.encodeList(nil, outcomeSchema, []engine.Value{engine.Nat(uint64(1 << 40)), engine.String("invalid"), engine.String("x")})
	} else {
		probed, of := probe()
		values := make([]engine.Value, len(d.fields))
		for i, f := range d.fields {
			values[i] = of[slices.IndexFunc(probed, func(p engine.Field) bool { return p.Type == f.Type })]
		}
		data, err = c.encode(nil, all(d.fields), values)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// unfit are values that do not fit a field of this type.
var unfit = map[engine.Type][]string{
	engine.Integer: {`"1"`, `1.5`, `null`, `true`, `[1]`, `{}`, `99999999999999999999`, strings.Repeat("9", 50_000)},
	engine.Natural: {`-1`, `"1"`, `null`, `18446744073709551616`},
	engine.Text:    {`1`, `null`, `["x"]`, `{}`, `true`},
	engine.Flavor: {`null`, `"x"`, `[]`, `{}`, `{"present":1,"values":[1]}`, `{"present":-1,"values":[]}`,
		`{"present":1,"values":[` + strings.Repeat("null,", player.FlavorValues-1) + `null]}`,
		`{"present":null,"values":[` + strings.Repeat("0,", player.FlavorValues-1) + `0]}`,
		`{"present":1,"values":[` + strings.Repeat("7,", player.FlavorValues-1) + `7]}`},
}

// malformed are bodies that do not fit this door, whatever the codec.
func malformed(t *testing.T, random *rand.Rand, c codec, d door) (out [][]byte) {
	t.Helper()
	good := example(t, c, d)
	for _, n := range []int{1, len(good) / 2, len(good) - 1} {
		if n > 0 && n < len(good) {
			out = append(out, good[:n])
		}
	}
	if len(d.fields) > 0 {
		out = append(out, nil)
	}
	noise := make([]byte, 200)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	out = append(out, noise, append(slices.Clone(good), '}'), bytes.Repeat([]byte{0xff}, maxPayload-1000))
	if _, is := c.(jsonCodec); is {
		out = append(out, malformedJSON(t, good, d)...)
	}
	return out
}

// malformedJSON are JSON, or nearly, but not what is wanted.
func malformedJSON(t *testing.T, good []byte, d door) (out [][]byte) {
	t.Helper()
	out = append(out, []byte(`null`), []byte(`7`), []byte(`[{}]`), bytes.Repeat([]byte{'['}, 60_000), []byte(`{"x":"`+strings.Repeat("y", maxPayload-2000)))
	for _, f := range d.fields {
		for _, value := range unfit[f.Type] {
			members := map[string]json.RawMessage{}
			if err := json.Unmarshal(good, &members); err != nil {
				t.Fatal(err)
			}
			members[f.Name] = json.RawMessage(value)
			body, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, body)
		}
	}
	return out
}

// noEnvelopes are headers without an envelope that fits.
func noEnvelopes() []nats.Header {
	out := []nats.Header{nil, {"Other": {"1 0 0"}}, {envelopeHeader: {"1 0 0", "2 0 0"}}}
	for _, text := range []string{"", " ", "1", "1 0", "1 0 0 0", "0 0 0", "-1 0 0", "x 0 0", "1 x 0", "1 0 x", "1  0", "1 0 -1", "1 0 65", "1.0 0 0",
		"18446744073709551616 0 0", "1 18446744073709551616 0", "1 0 18446744073709551615", strings.Repeat("1", 60_000)} {
		out = append(out, nats.Header{envelopeHeader: {text}})
	}
	return out
}

// TestMalformed: whoever may send a message, and however it is malformed: it is refused and
// counted, it has no effect, and the player goes on.
func TestMalformed(t *testing.T) {
	for _, c := range []struct {
		codec string
		batch int
	}{{"json", 1}, {"json", 10}, {"msgpack", 1}, {"protobuf", 1}, {"none", 1}} {
		t.Run(fmt.Sprint(c.codec, " in batches of ", c.batch), func(t *testing.T) {
			filter := func(string) uint64 { return 0 } // without one, nobody hears what ui may ask of it
			w, _ := open(t, player.Config{Timeout: never, Token: token, Batch: c.batch, Filters: []func(string) uint64{filter}, Placement: player.Placement{Codec: c.codec}})
			before := observed(t, w)
			want := attack(t, w)
			for deadline := time.Now().Add(never); !maps.Equal(w.Lost().Rejected, want); <-time.After(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("counted %v, sent %v", w.Lost().Rejected, want)
				}
			}
			if err := w.Settle(); err == nil {
				t.Error("outcomes of no message were not reported")
			}
			after := observed(t, w)
			if after.Rejected != total(want) {
				t.Errorf("%d rejected, sent %v", after.Rejected, want)
			}
			if after.Rejected = 0; !reflect.DeepEqual(after, before) {
				t.Errorf("from\n%+v\nto\n%+v", before, after)
			}
			for i, s := range []player.Stimulus{{Kind: player.VolumeSet, Volume: 7}, said(2), {Kind: player.Control, Command: player.Play, Token: token}} {
				s.Seq = uint64(i + 1)
				if err := w.Do(s); err != nil {
					t.Errorf("it does not go on: %v", err)
				}
			}
		})
	}
}

// attack sends malformed messages through every door. It returns how many each module has to
// refuse.
func attack(t *testing.T, w *wired) map[string]uint64 {
	t.Helper()
	random, refused := rand.New(rand.NewPCG(1, 2)), map[string]uint64{}
	for _, d := range doors(t, w) {
		conn := stranger(t, w, w.network.users[d.user])
		for i, body := range malformed(t, random, w.codec, d) {
			send(t, conn, d, message(d.subject, 1<<40+uint64(i), 0, 0, body))
			if refused[d.module]++; d.subject == eventSubject(saidEvent) {
				refused["ui"]++ // log answers, and ui knows of no such message
			}
		}
		if d.subject == settleSubject || d.subject == doneSubject {
			continue // they have no envelope
		}
		for _, h := range noEnvelopes() {
			send(t, conn, d, &nats.Msg{Subject: d.subject, Header: h, Data: example(t, w.codec, d)})
			refused[d.module]++
		}
	}
	return refused
}

func total(counts map[string]uint64) (sum uint64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

func observed(t *testing.T, w *wired) player.Observation {
	t.Helper()
	seen, err := w.Observe()
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// stranger is a connection with the credentials of a module.
func stranger(t *testing.T, w *wired, user *server.User) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect(embeddedOf(w).ClientURL(), nats.UserInfo(user.Username, user.Password), nats.NoReconnect(),
		nats.CustomInboxPrefix(inboxPrefix+user.Username))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// send publishes, or requests and wants to be refused.
func send(t *testing.T, conn *nats.Conn, d door, m *nats.Msg) {
	t.Helper()
	if !d.answered {
		if err := conn.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
		return
	}
	answer, err := conn.RequestMsg(m, never)
	if err != nil {
		t.Fatalf("%s: %.200q: %v", d.subject, m.Data, err)
	}
	if got := answer.Header.Get(codeHeader); got != string(player.Invalid) {
		t.Errorf("%s: %v %.200q: answered %q %.200q", d.subject, m.Header, m.Data, got, answer.Data)
	}
}

// TestTooLong: the server itself refuses a longer message than any of the player's, and cuts
// off who sent it.
func TestTooLong(t *testing.T) {
	w, _ := open(t, player.Config{Timeout: never})
	conn, err := net.Dial("tcp", embeddedOf(w).Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	user := w.network.users["ui"]
	// It sends only the beginning: the server must not wait for the rest.
	_, err = fmt.Fprintf(conn, "CONNECT {\"user\":%q,\"pass\":%q,\"verbose\":false}\r\nPUB %s %d\r\n", user.Username, user.Password, eventSubject(saidEvent), maxPayload+1)
	if err != nil {
		t.Fatal(err)
	}
	said, err := bytes.Buffer{}, conn.SetReadDeadline(time.Now().Add(never))
	if _, copied := said.ReadFrom(conn); errors.Join(err, copied) != nil {
		t.Errorf("%v", errors.Join(err, copied))
	}
	if !strings.Contains(said.String(), "Maximum Payload Violation") {
		t.Errorf("the server said %q", said.String())
	}
	if err := w.Do(player.Stimulus{Kind: player.VolumeSet, Seq: 1, Volume: 7}); err != nil {
		t.Error(err)
	}
}

// TestForgedReply: a module answers wherever a request says. So an answer that comes to a
// subject for something else, where it is sent with the rights of who answers, has no effect.
func TestForgedReply(t *testing.T) {
	for _, c := range []struct {
		user, subject, body string
		reply               string // which the user may not publish to
		module              string // that hears it
		rejected            uint64 // messages in all
	}{
		// The status has a member passage, as that action has.
		{"ui", actionSubject("ap::Playback::status"), `{}`, actionSubject("ap::Decoder::request"), "ap", 1},
		{"ui", actionSubject("ap::Playback::status"), `{}`, actionSubject("ap::Decoder::ready"), "ap", 1},
		{"ap", actionSubject("log::Settings::put"), `{}`, settleSubject, "log", 2}, // an error has no body
		{"ap", actionSubject("log::Settings::put"), `{}`, eventSubject(saidEvent), "log", 2},
		{"ap", actionSubject("log::Settings::put"), `{}`, doneSubject, "ui", 2},
	} {
		w, _ := open(t, player.Config{Timeout: never})
		before := observed(t, w)
		user := w.network.users[c.user]
		conn := stranger(t, w, user)
		if slices.Contains(user.Permissions.Publish.Allow, c.reply) {
			t.Fatalf("%s may publish to %s anyway", c.user, c.reply)
		}
		m := message(c.subject, 1<<40, 0, 0, []byte(c.body))
		m.Reply = c.reply
		if err := errors.Join(conn.PublishMsg(m), conn.Flush()); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(never); total(w.Lost().Rejected) < c.rejected; <-time.After(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: counted %v: from\n%+v\nto\n%+v", c.reply, w.Lost().Rejected, before, observed(t, w))
			}
		}
		after := observed(t, w)
		if after.Rejected != c.rejected || w.Lost().Rejected[c.module] == 0 {
			t.Errorf("%s: counted %v", c.reply, w.Lost().Rejected)
		}
		if after.Rejected = 0; !reflect.DeepEqual(after, before) {
			t.Errorf("%s: from\n%+v\nto\n%+v", c.reply, before, after)
		}
	}
}

// TestUnreadableAnswer: an answer that does not fit is counted by who asked, and the next one
// is read again.
func TestUnreadableAnswer(t *testing.T) {
	w, _ := open(t, player.Config{Timeout: never})
	subject, conn := actionSubject("ap::Playback::setVolume"), w.ap.conn.Load()
	for _, s := range w.ap.served {
		if s.Subject == subject {
			if err := s.Unsubscribe(); err != nil {
				t.Fatal(err)
			}
		}
	}
	answers := [][]byte{nil, []byte("{"), []byte("null"), []byte("{}{}"), {0xff}, []byte("{}")}
	next := 0
	_, err := conn.Subscribe(subject, func(m *nats.Msg) { next++; _ = m.Respond(answers[next-1]) })
	if err = errors.Join(err, conn.Flush()); err != nil {
		t.Fatal(err)
	}
	for i := range answers {
		want, rejected := player.Unavailable, uint64(i+1)
		if i == len(answers)-1 {
			want, rejected = "", uint64(i)
		}
		err := w.Do(player.Stimulus{Kind: player.VolumeSet, Seq: uint64(i + 1), Volume: 7})
		if player.CodeOf(err) != want || w.Lost().Rejected["ui"] != rejected {
			t.Errorf("answer %q: %v, code %q is wanted; %v were rejected", answers[i], err, want, w.Lost().Rejected)
		}
	}
}
