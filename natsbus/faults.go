package natsbus

import (
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// Faults of a network, for scenarios that ask what they cost. Without Placement.Reconnects
// nothing of this is in the way of a message.

// A connection that is lost is tried again for some seconds. What is published meanwhile waits
// in the client's buffer.
const (
	reconnectEvery = 10 * time.Millisecond
	reconnectFor   = 5 * time.Second
)

// reconnecting has a module's connection come back to the server in use, and run over a link
// that can be parted.
func (e *embedded) reconnecting(module string) nats.Option {
	l := e.link(module)
	return func(o *nats.Options) error {
		o.AllowReconnect, o.MaxReconnect = true, int(reconnectFor/reconnectEvery)
		o.ReconnectWait, o.ReconnectJitter, o.ReconnectJitterTLS = reconnectEvery, 0, 0
		if e.transport == "pipe" {
			o.InProcessServer = l
		} else {
			o.CustomDialer = l
		}
		return nil
	}
}

// Kill ends the server without a word to its clients.
func (e *embedded) Kill() error {
	stopServer(e.now())
	return nil
}

// Revive starts another server where the one that was killed listened.
func (e *embedded) Revive() error { return e.start(e.port) }

// Part has nothing pass to or from a module, or lets everything pass again. As with TCP, what
// is sent meanwhile arrives later.
func (e *embedded) Part(module string, parted bool) {
	l := e.link(module)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case parted && l.healed == nil:
		l.healed = make(chan struct{})
	case !parted && l.healed != nil:
		close(l.healed)
		l.healed = nil
	}
}

// link is what a module's connections run over.
func (e *embedded) link(module string) *link {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lines == nil {
		e.lines = map[string]*link{}
	}
	if e.lines[module] == nil {
		e.lines[module] = &link{server: e}
	}
	return e.lines[module]
}

type link struct {
	server *embedded
	mu     sync.Mutex
	healed chan struct{} // closed when it is; nil: it is not parted
}

// pass waits while the link is parted.
func (l *link) pass() {
	l.mu.Lock()
	healed := l.healed
	l.mu.Unlock()
	if healed != nil {
		<-healed
	}
}

// Dial connects to the network's socket.
func (l *link) Dial(network, address string) (net.Conn, error) {
	l.pass()
	return l.over(net.DialTimeout(network, address, reconnectFor))
}

// InProcessConn connects to the server in use.
func (l *link) InProcessConn() (net.Conn, error) {
	l.pass()
	return l.over(l.server.now().InProcessConn())
}

func (l *link) over(c net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	return linked{c, l}, nil
}

// linked is a connection over a link.
type linked struct {
	net.Conn
	link *link
}

func (c linked) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.link.pass()
	return n, err
}

func (c linked) Write(b []byte) (int, error) {
	c.link.pass()
	return c.Conn.Write(b)
}

// listener is the user of a subscriber that is not a module. It may hear what is said, and say
// nothing.
const listener = "listener"

var listenerRights = rights{subscribe: []string{saidSubject}}

// Subscribe has one more subscriber hear what is said, on a connection of its own. It hears it past a
// stream: what it misses, it does not get again.
func (w *wired) Subscribe(hear func(seq uint64)) (leave func(), err error) {
	conn, err := w.network.connect(listener, w.config.Timeout, w.config.Placement.Reconnects)
	if err != nil {
		return nil, err
	}
	_, err = conn.Subscribe(w.network.space.of(saidSubject), func(msg *nats.Msg) {
		if seq, _, _, err := addressed(msg.Header); err == nil {
			hear(seq)
		}
	})
	if err == nil {
		err = conn.Flush() // the server must know it before it has joined
	}
	if err != nil {
		conn.Close()
	}
	return conn.Close, err
}

// limited has at most n messages wait for a subscription. 0: the client's own limit.
func limited(s *nats.Subscription, n int) error {
	if n == 0 {
		return nil
	}
	return s.SetPendingLimits(n, -1)
}

// most is how many messages may wait at module log's end: in the subscription, or, with a stream,
// without an acknowledgement.
func (r *receiver) most(s *nats.Subscription) string {
	if r.stream != nil {
		return strconv.Itoa(r.stream.consumer.MaxAckPending)
	}
	if s == nil {
		return "none: it is not here"
	}
	n, _, err := s.PendingLimits()
	if err != nil {
		return "none: " + err.Error()
	}
	return strconv.Itoa(n)
}
