package natsbus

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"rubato/player"
)

// TestQuestions: members on a real server tell what they are, each answers what it is asked, and
// what cannot be asked or read is said in bounded time.
func TestQuestions(t *testing.T) {
	t.Parallel()
	at := startReal(t, "")
	n, err := joinNamed(environment(URLVar, "nats://"+at.host), "p", player.Placement{Delivery: deliveryCore})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if found, err := n.Members(soon); len(found) != 0 || err != nil {
		t.Errorf("nobody is there: %v, %v", found, err)
	}
	raw, err := nats.Connect("nats://" + at.host)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	reply := func(subject string, text []byte) *nats.Subscription {
		s, err := raw.Subscribe(subject, func(m *nats.Msg) { _ = m.Respond(text) })
		if err != nil || raw.Flush() != nil {
			t.Fatal(err)
		}
		return s
	}
	reply("rubato.p.members", []byte(`{"id":"b","sends":false,"facts":"f 1"}`))
	reply("rubato.q.members", []byte(`{"id":"c","sends":false,"facts":"of another player"}`))
	reply("rubato.p.members", []byte(`{"id":"a","sends":true,"facts":""}`))
	found, err := n.Members(time.Second)
	if err != nil || len(found) != 2 || found[0] != (player.Elsewhere{ID: "a", Sends: true}) || found[1] != (player.Elsewhere{ID: "b", Facts: "f 1"}) {
		t.Errorf("%+v, %v", found, err)
	}
	for text, says := range map[string]string{
		`{"id":"a","sends":false,"facts":""}`:   "two members have the id a",
		`{"id":"a.>","sends":false,"facts":""}`: "no id",
		`{"id":"","sends":false,"facts":""}`:    "no id",
		`{"id":7}`:                              "cannot unmarshal",
		`{"id":"d"} {}`:                         "after top-level value",
		`null`:                                  "no id",
		`joined`:                                "cannot be read",
		`{"id":"d","facts":"` + strings.Repeat("f", mostFacts) + `"}`: "want 4096 at most",
	} {
		third := reply("rubato.p.members", []byte(text))
		if found, err := n.Members(time.Second); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60s: %v, %v", text, found, err)
		}
		_ = third.Unsubscribe()
		_ = raw.Flush()
	}
	reply("rubato.p.members.a", []byte("answer"))
	reply("rubato.p.members.long", bytes.Repeat([]byte("a"), maxPayload+1))
	if _, err := raw.Subscribe("rubato.p.members.silent", func(*nats.Msg) {}); err != nil || raw.Flush() != nil {
		t.Fatal(err)
	}
	if got, err := n.Ask("a", nil, never); string(got) != "answer" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for id, says := range map[string]string{"long": "with 65537 bytes, want 65536 at most", "silent": "has not answered within", "gone": "it has left"} {
		wait := never
		if id == "silent" {
			wait = soon
		}
		if _, err := n.Ask(id, nil, wait); player.CodeOf(err) != player.Unavailable || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), id) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// TestOutcomesOfGenerators: a worker sends outcomes to the generator that said the message, and
// nowhere else that a message names.
func TestOutcomesOfGenerators(t *testing.T) {
	t.Parallel()
	n, err := Network(player.Placement{Away: true})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	to, err := n.(player.Inviting).Invite()
	if err != nil {
		t.Fatal(err)
	}
	if m, err := Join(to, player.Config{Placement: player.Placement{Sends: true}}); m != nil || player.CodeOf(err) != player.Invalid {
		t.Errorf("a generator joined a player of rubato's own server: %v, %v", m, err)
	}
	r := &receiver{module: &module{space: "p"}, group: workers}
	for reply, want := range map[string]string{
		"": "rubato.p.done.ui", "rubato.p.done.generator.g": "rubato.p.done.generator.g",
		"rubato.q.done.generator.g": "rubato.p.done.ui", "rubato.p.action.ap.Queue.list": "rubato.p.done.ui",
	} {
		if got := r.outcomesOf(&nats.Msg{Reply: reply}); got != want {
			t.Errorf("a message with reply %q: outcomes go to %q, want %q", reply, got, want)
		}
	}
	r.group = ""
	if got := r.outcomesOf(&nats.Msg{Reply: "rubato.p.done.generator.g"}); got != "rubato.p.done.ui" {
		t.Errorf("no worker, but outcomes go to %q", got)
	}
}
