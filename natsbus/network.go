package natsbus

import (
	"fmt"
	"maps"
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
	server    *server.Server
	users     map[string]*server.User // by module
	transport string
	closing   sync.Once
}

// Network starts an embedded server.
func Network(p player.Placement) (player.Network, error) {
	return startNetwork(player.Config{Placement: p}.Defaults().Placement.Transport)
}

func startNetwork(transport string) (*network, error) {
	n := &network{users: map[string]*server.User{}, transport: transport}
	for _, module := range []string{"ap", "pd", "log", "ui"} {
		n.users[module] = newUser(module, rightsOf(module, orchestrated.Rules()))
	}
	var err error
	n.server, err = startServer(transport, slices.Collect(maps.Values(n.users))...)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// networkOf is the one that the opener started, or a new one, which is the player's own.
func networkOf(p player.Placement) (n *network, own bool, err error) {
	if p.Network == nil {
		n, err = startNetwork(p.Transport)
		return n, true, err
	}
	n, of := p.Network.(*network)
	if !of || n.transport != p.Transport {
		return nil, false, &player.Error{Code: player.Invalid, Op: "nats: network",
			Err: fmt.Errorf("it was not started by this style for transport %q", p.Transport)}
	}
	return n, false, nil
}

// Links sums up the connections of each module, of which it can have several: it may leave
// and join again.
func (n *network) Links() ([]player.Link, error) {
	seen, err := n.server.Connz(&server.ConnzOptions{State: server.ConnAll, Limit: server.DefaultConnListSize})
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

// Close returns when the server has ended.
func (n *network) Close() error {
	n.closing.Do(func() { stopServer(n.server) })
	return nil
}
