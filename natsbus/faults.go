package natsbus

import (
	"net"
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
func (n *network) reconnecting(module string) nats.Option {
	l := n.link(module)
	return func(o *nats.Options) error {
		o.AllowReconnect, o.MaxReconnect = true, int(reconnectFor/reconnectEvery)
		o.ReconnectWait, o.ReconnectJitter, o.ReconnectJitterTLS = reconnectEvery, 0, 0
		if n.transport == "pipe" {
			o.InProcessServer = l
		} else {
			o.CustomDialer = l
		}
		return nil
	}
}

// Kill ends the server without a word to its clients.
func (n *network) Kill() error {
	stopServer(n.now())
	return nil
}

// Revive starts another server where the one that was killed listened.
func (n *network) Revive() error { return n.start(n.port) }

// Part has nothing pass to or from a module, or lets everything pass again. As with TCP, what
// is sent meanwhile arrives later.
func (n *network) Part(module string, parted bool) {
	l := n.link(module)
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
func (n *network) link(module string) *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.links == nil {
		n.links = map[string]*link{}
	}
	if n.links[module] == nil {
		n.links[module] = &link{network: n}
	}
	return n.links[module]
}

type link struct {
	network *network
	mu      sync.Mutex
	healed  chan struct{} // closed when it is; nil: it is not parted
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
	return l.over(l.network.now().InProcessConn())
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
