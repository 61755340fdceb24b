package natsbus

import (
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"rubato/orchestrated"
	"rubato/orchestrated/engine"
	"rubato/player"
)

// The floor of this style: messages as long as the player's on NATS, without concept, rule or
// codec.

const (
	rungPrefix = "rubato.rung."       // a number follows, so that each request has a subscription, as each action has
	rungEvent  = rungPrefix + "event" // all events share one, as messages do
	rungWindow = 1024                 // messages on their way, fewer than make a slow consumer
	rungWait   = 10 * time.Second
)

// A Payload is the length of a message and of its answer, in bytes: header and body. Back is
// 0 if it has no answer.
type Payload struct{ There, Back int }

// PayloadOf is that of an action with these inputs and outputs, or of an event with these
// fields, as the player sends it. A trace is on.
func PayloadOf(uri string, in, out []engine.Value) (Payload, error) {
	const record = 1<<56 + 1 // of a trace: the member's number is its high byte
	coded, err := newCodec(player.Config{}.Defaults().Placement, 1)
	if err != nil {
		return Payload{}, err
	}
	sent := func(cause uint64, depth int, fields []engine.Field) (int, error) {
		body, err := coded.encode(nil, all(fields), in)
		return message("", 1, cause, depth, body).Size(), err
	}
	for _, c := range orchestrated.Concepts(new(player.Parts)) {
		for _, a := range c.Actions {
			if c.URI(a.Name) == uri {
				if knownTo(uri) {
					in = nameFlavors(slices.Clone(in), all(a.In))
				}
				there, err := sent(record, 1, a.In)
				if err != nil {
					return Payload{}, err
				}
				answer, err := coded.encode(nil, all(a.Out), out)
				return Payload{there, len(answer)}, err
			}
		}
		for _, e := range c.Events {
			if c.URI(e.Name) == uri {
				there, err := sent(0, 0, e.Fields) // a message begins its flow
				return Payload{There: there}, err
			}
		}
	}
	return Payload{}, fmt.Errorf("no action or event %q", uri)
}

// A Rung is two connections to a server of its own, one that asks and one that hears. It
// sends its payloads in turn. Only one goroutine may use it.
type Rung struct {
	server        *server.Server
	asker, hearer *nats.Conn // with passwords and rights, as the modules have
	carried       []carried
	next          int // of them
	heard         atomic.Int64
	wanted        atomic.Int64  // value of heard that Publish waits for
	reached       chan struct{} // heard is wanted
}

// knownTo reports whether a rule says that who is asked for this action knows its flavor.
func knownTo(uri string) bool {
	for _, r := range orchestrated.Rules() {
		for _, s := range slices.Concat(r.Then, r.Else) {
			if s.Do == uri && s.Known {
				return true
			}
		}
	}
	return false
}

// carried is a message as it is sent.
type carried struct {
	subject      string
	body, answer []byte
}

// OpenRung opens one on transport "tcp" or "pipe".
func OpenRung(transport string, payloads ...Payload) (*Rung, error) {
	return openRung(transport, rungUsers(), payloads)
}

func rungUsers() []*server.User {
	all := []string{rungPrefix + "*"}
	return []*server.User{newUser("asker", rights{publish: all}), newUser("hearer", rights{subscribe: all})}
}

// openRung lets only these users in; without one, everybody.
func openRung(transport string, users []*server.User, payloads []Payload) (*Rung, error) {
	s, err := startServer(transport, server.RANDOM_PORT, users...)
	if err != nil {
		return nil, err
	}
	r := &Rung{server: s, reached: make(chan struct{}, 1)}
	for i, p := range payloads {
		c := carried{subject: rungEvent, body: make([]byte, p.There), answer: make([]byte, p.Back)}
		if p.Back > 0 {
			c.subject = rungPrefix + strconv.Itoa(i)
		}
		r.carried = append(r.carried, c)
	}
	if len(users) == 0 {
		users = rungUsers()
	}
	if err := r.join(transport, users[0], users[1]); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Rung) join(transport string, asker, hearer *server.User) (err error) {
	if r.asker, err = connect(r.server, transport, asker, rungWait); err != nil {
		return err
	}
	if r.hearer, err = connect(r.server, transport, hearer, rungWait); err != nil {
		return err
	}
	if _, err = r.hearer.Subscribe(rungEvent, r.hear); err != nil {
		return err
	}
	for _, c := range r.carried {
		if c.subject == rungEvent {
			continue
		}
		answer := func(m *nats.Msg) { r.heard.Add(1); _ = m.Respond(c.answer) } // otherwise Request times out
		if _, err = r.hearer.Subscribe(c.subject, answer); err != nil {
			return err
		}
	}
	return r.hearer.FlushTimeout(rungWait)
}

func (r *Rung) hear(*nats.Msg) {
	if r.heard.Add(1) == r.wanted.Load() {
		r.reached <- struct{}{}
	}
}

// turn is what is sent next.
func (r *Rung) turn() carried {
	c := r.carried[r.next]
	r.next = (r.next + 1) % len(r.carried)
	return c
}

// Publish sends n messages one way without waiting for each, and returns when the last
// has been heard. Its payloads have no answer.
func (r *Rung) Publish(n int) error {
	for n > 0 {
		some := min(n, rungWindow)
		r.wanted.Store(r.heard.Load() + int64(some))
		for range some {
			c := r.turn()
			if err := r.asker.Publish(c.subject, c.body); err != nil {
				return err
			}
		}
		select {
		case <-r.reached:
		case <-time.After(rungWait):
			return fmt.Errorf("%d of %d messages were heard within %v", r.heard.Load(), r.wanted.Load(), rungWait)
		}
		n -= some
	}
	return nil
}

// Request sends n messages, each after the answer to the previous one. Its payloads have an
// answer.
func (r *Rung) Request(n int) error {
	for range n {
		c := r.turn()
		if _, err := r.asker.Request(c.subject, c.body, rungWait); err != nil {
			return err
		}
	}
	return nil
}

// Heard is how many messages have arrived.
func (r *Rung) Heard() int64 { return r.heard.Load() }

// Close closes the connections and the server.
func (r *Rung) Close() error {
	for _, c := range []*nats.Conn{r.asker, r.hearer} {
		if c != nil {
			c.Close()
		}
	}
	stopServer(r.server)
	return nil
}
