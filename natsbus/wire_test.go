package natsbus

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"rubato/orchestrated"
	"rubato/orchestrated/engine"
	"rubato/player"
)

// A taped message is one that crossed the server while a player selected, played and talked.
type taped struct{ subject, envelope, body string }

// tape is testdata/messages.txt: a line has the subject, after "answer " that of the request,
// the envelope and the body.
func tape(t testing.TB) (out []taped) {
	t.Helper()
	text, err := os.ReadFile("testdata/messages.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(parts) != 3 {
			t.Fatalf("not a message: %q", line)
		}
		out = append(out, taped{parts[0], parts[1], parts[2]})
	}
	return out
}

// schemas are those of all bodies, by subject.
func schemas() map[string]schema {
	out := map[string]schema{}
	for _, c := range orchestrated.Concepts(new(player.Parts)) {
		for _, a := range c.Actions {
			subject := actionSubject(c.URI(a.Name))
			out[subject], out["answer "+subject] = all(a.In), all(a.Out)
		}
		for _, e := range c.Events {
			out[eventSubject(c.URI(e.Name))] = all(e.Fields)
		}
	}
	return out
}

// TestTape: what was sent once is still read, and written with the same bytes.
func TestTape(t *testing.T) {
	t.Parallel()
	known := schemas()
	for _, m := range tape(t) {
		if m.envelope != "" {
			flow, cause, depth, err := addressed(nats.Header{envelopeHeader: {m.envelope}})
			if again := message("", flow, cause, depth, nil).Header.Get(envelopeHeader); err != nil || again != m.envelope {
				t.Errorf("%s: envelope %q became %q, %v", m.subject, m.envelope, again, err)
			}
		}
		if m.subject == doneSubject {
			c := outcomeCodec{codec: jsonCodec{}}
			outcomes, err := c.read([]byte(m.body))
			if again, failed := c.write(outcomes); err != nil || failed != nil || string(again) != m.body {
				t.Errorf("%s became %s, %v, %v", m.body, again, err, failed)
			}
			continue
		}
		s, is := known[m.subject]
		values := make([]engine.Value, len(s.fields))
		err := jsonCodec{}.decode([]byte(m.body), s, values)
		if again, failed := (jsonCodec{}).encode(nil, s, values); !is || err != nil || failed != nil || string(again) != m.body {
			t.Errorf("%s (known: %v) became %s, %v, %v", m.body, is, again, err, failed)
		}
	}
}

// FuzzMessage: whatever comes on a subject of the player, reading it never panics, and what
// is read is the same after a round trip. Seeds are the tape's messages in every codec.
func FuzzMessage(f *testing.F) {
	known, byName := schemas(), codecs(f)
	delete(byName, "none") // its bodies hold no values
	for _, m := range tape(f) {
		s, is := known[m.subject]
		if !is {
			continue
		}
		values := make([]engine.Value, len(s.fields))
		if err := (jsonCodec{}).decode([]byte(m.body), s, values); err != nil {
			f.Fatal(err)
		}
		for name, c := range byName {
			body, err := c.encode(nil, s, values)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(name, m.subject, body)
		}
	}
	f.Fuzz(func(t *testing.T, name, subject string, body []byte) {
		c, s := byName[name], known[subject]
		values, back := make([]engine.Value, len(s.fields)), make([]engine.Value, len(s.fields))
		if c == nil || len(s.fields) == 0 || c.decode(body, s, values) != nil {
			return
		}
		again, err := c.encode(nil, s, values)
		if err == nil {
			err = c.decode(again, s, back)
		}
		if err != nil || !alike(s, values, back) {
			t.Errorf("%v became %v: %v", values, back, err)
		}
	})
}

// fits is the envelope of 64-bit numbers that surely fit.
var fits = regexp.MustCompile(`^0*[1-9][0-9]{0,17} [0-9]{1,18} [0-9]{1,18}$`)

// FuzzEnvelope: what is read has three decimal numbers and is the same after a round trip.
func FuzzEnvelope(f *testing.F) {
	for _, m := range tape(f) {
		f.Add(m.envelope)
	}
	for _, h := range noEnvelopes() {
		f.Add(h.Get(envelopeHeader))
	}
	f.Fuzz(func(t *testing.T, text string) {
		flow, cause, depth, err := addressed(nats.Header{envelopeHeader: {text}})
		if len(text) <= 3*20+2 && !strings.Contains(text, "\n") { // in front of a body it is read the same
			f, c, d, body, failed := opened(&nats.Msg{Data: []byte(text + "\n\nx")}, true)
			if f != flow || c != cause || d != depth || (failed == nil) != (err == nil) || string(body) != "\nx" {
				t.Errorf("%q was read as %d %d %d %q, %v", text, f, c, d, body, failed)
			}
		}
		if err != nil {
			if fits.MatchString(text) && len(strings.TrimLeft(text[strings.LastIndex(text, " ")+1:], "0")) < 2 { // a depth of one digit
				t.Errorf("%q was refused: %v", text, err)
			}
			return
		}
		if flow == 0 || depth < 0 || depth > engine.MaxDepth || strings.Trim(text, "0123456789 ") != "" || len(strings.Fields(text)) != 3 {
			t.Errorf("%q was read as %d %d %d", text, flow, cause, depth)
		}
		again := message("", flow, cause, depth, nil)
		if f, c, d, err := addressed(again.Header); err != nil || f != flow || c != cause || d != depth {
			t.Errorf("%d %d %d became %d %d %d, %v", flow, cause, depth, f, c, d, err)
		}
	})
}
