package natsbus

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats-server/v2/server"

	"rubato/orchestrated"
	"rubato/player"
)

// network is a server that the style's modules share. Its starter sees what the server itself
// counts of each connection.
type network struct {
	mu        sync.Mutex
	server    *server.Server
	port      int                     // that it listens on, also after a crash
	users     map[string]*server.User // by module
	transport string
	links     map[string]*link // by module, where they can be parted
	delivery  string
	dir       string // for the folder
	folder    string // of streams; ends with the network
	closing   sync.Once
}

// Network starts an embedded server.
func Network(p player.Placement) (player.Network, error) {
	p = player.Config{Placement: p}.Defaults().Placement
	if err := check(p); err != nil {
		return nil, err
	}
	return startNetwork(p)
}

func startNetwork(p player.Placement) (*network, error) {
	n := &network{users: map[string]*server.User{}, transport: p.Transport, delivery: p.Delivery, dir: p.Dir}
	for _, module := range []string{"ap", "pd", "log", "ui"} {
		r := rightsOf(module, orchestrated.Rules())
		if p.Delivery != deliveryCore {
			r = streamRights(module, r)
		}
		n.users[module] = newUser(module, r)
	}
	if err := n.start(server.RANDOM_PORT); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *network) start(port int) error {
	s, err := startServer(n.transport, port, slices.Collect(maps.Values(n.users))...)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server = s; n.transport == "tcp" {
		n.port = s.Addr().(*net.TCPAddr).Port
	}
	return n.keepStreams(s)
}

// now is the server in use.
func (n *network) now() *server.Server {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.server
}

// networkOf is the one that the opener started, or a new one, which is the player's own.
func networkOf(p player.Placement) (n *network, own bool, err error) {
	if err := check(p); err != nil {
		return nil, false, err
	}
	if p.Network == nil {
		n, err = startNetwork(p)
		return n, true, err
	}
	n, of := p.Network.(*network)
	if !of || n.transport != p.Transport || n.delivery != p.Delivery {
		return nil, false, &player.Error{Code: player.Invalid, Op: "nats: network",
			Err: fmt.Errorf("it was not started by this style for transport %q and delivery %q", p.Transport, p.Delivery)}
	}
	return n, false, nil
}

// Links sums up the connections of each module, of which it can have several: it may leave
// and join again.
func (n *network) Links() ([]player.Link, error) {
	seen, err := n.now().Connz(&server.ConnzOptions{State: server.ConnAll, Limit: server.DefaultConnListSize})
	if err != nil {
		return nil, fmt.Errorf("nats: list connections: %w", err)
	}
	links := map[string]player.Link{}
	for _, c := range seen.Conns {
		l := links[c.Name]
		if c.Stop == nil {
			l.Open++
		}
		links[c.Name] = player.Link{Module: strings.TrimPrefix(c.Name, connectionName), Open: l.Open, Sent: l.Sent + c.InMsgs, Received: l.Received + c.OutMsgs,
			SentBytes: l.SentBytes + c.InBytes, ReceivedBytes: l.ReceivedBytes + c.OutBytes}
	}
	var list []player.Link
	for _, name := range slices.Sorted(maps.Keys(links)) {
		list = append(list, links[name])
	}
	return list, nil
}

// Close returns when the server has ended and its folder is gone.
func (n *network) Close() (err error) {
	for module := range n.users {
		n.Part(module, false) // nobody waits for what does not come
	}
	n.closing.Do(func() {
		if s := n.now(); s != nil {
			stopServer(s)
		}
		if n.folder != "" {
			err = os.RemoveAll(n.folder)
		}
	})
	return err
}
