package natsbus

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// The floor under this style: messages on NATS with no concept, rule or codec.

const (
	rungSubject = "rubato.rung"
	rungWindow  = 1024 // messages under way, below what makes a consumer slow
	rungWait    = 10 * time.Second
)

// A Rung is two connections to a server of its own, one that asks and one that
// hears. It serves one goroutine.
type Rung struct {
	server        *server.Server
	asker, hearer *nats.Conn
	body          []byte
	heard         atomic.Int64
	wanted        atomic.Int64  // value of heard that whoever publishes waits for
	reached       chan struct{} // heard is wanted
}

// OpenRung opens one on transport "tcp" or "pipe". Messages are of 128 bytes.
func OpenRung(transport string) (*Rung, error) {
	s, err := startServer(transport)
	if err != nil {
		return nil, err
	}
	r := &Rung{server: s, body: make([]byte, 128), reached: make(chan struct{}, 1)}
	if err := r.join(transport); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Rung) join(transport string) (err error) {
	if r.asker, err = connect(r.server, transport, "asker", rungWait); err != nil {
		return err
	}
	if r.hearer, err = connect(r.server, transport, "hearer", rungWait); err != nil {
		return err
	}
	if _, err = r.hearer.Subscribe(rungSubject, r.hear); err != nil {
		return err
	}
	return r.hearer.FlushTimeout(rungWait)
}

func (r *Rung) hear(m *nats.Msg) {
	n := r.heard.Add(1)
	if m.Reply != "" {
		_ = m.Respond(m.Data) // whoever waits for it finds out
		return
	}
	if n == r.wanted.Load() {
		r.reached <- struct{}{}
	}
}

// Publish sends n messages one way, many under way, and returns when the last has
// been heard.
func (r *Rung) Publish(n int) error {
	for n > 0 {
		some := min(n, rungWindow)
		r.wanted.Store(r.heard.Load() + int64(some))
		for range some {
			if err := r.asker.Publish(rungSubject, r.body); err != nil {
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

// Request sends n messages, each when the one before has been answered.
func (r *Rung) Request(n int) error {
	r.wanted.Store(-1)
	for range n {
		if _, err := r.asker.Request(rungSubject, r.body, rungWait); err != nil {
			return err
		}
	}
	return nil
}

// Heard is how many messages have come.
func (r *Rung) Heard() int64 { return r.heard.Load() }

// Close ends connections and server.
func (r *Rung) Close() error {
	for _, c := range []*nats.Conn{r.asker, r.hearer} {
		if c != nil {
			c.Close()
		}
	}
	stopServer(r.server)
	return nil
}
