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
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"rubato/orchestrated"
	"rubato/player"
)

// network is a server that the style's modules share, wherever it runs: embedded (server.go),
// in a process of its own (process.go), or the user's (url.go).
type network struct {
	carrier
	transport string
	space     space
	users     map[string]*server.User // by module; nil on a user's server, which knows only the user
	delivery  string
	closing   sync.Once
	asking    sync.Mutex
	asks      *nats.Conn // for questions to members elsewhere; nil: none yet
}

// A carrier is a server as the modules and the harness see it.
type carrier interface {
	// connect opens the connection of one module. Only one to a server in this process
	// reconnects: what another that went away has lost does not come back with it.
	connect(module string, timeout time.Duration, reconnects bool, more ...nats.Option) (*nats.Conn, error)
	// links are the modules' connections, as the counter counts them.
	links() ([]player.Link, error)
	// counter says who counts.
	counter() string
	// where is the process and the id of a server that rubato started; 0: it is a user's.
	where() (pid int, id string)
	// facts are what else tells this server from another, without secrets.
	facts(conn *nats.Conn) []player.Fact
	// close cuts every connection.
	close() error
}

var modules = []string{"ap", "pd", "log", "ui"}

// Network starts a server, or finds that of the user.
func Network(p player.Placement) (player.Network, error) {
	p = player.Config{Placement: p}.Defaults().Placement
	if err := check(p); err != nil {
		return nil, err
	}
	n, err := networkFor(p)
	if err != nil {
		return nil, err // and no network that is nil inside
	}
	if b, is := n.carrier.(player.Breakable); is {
		return breakable{n, b}, nil
	}
	return n, nil
}

// networkFor gives a player with a number its name on the user's server.
func networkFor(p player.Placement) (*network, error) {
	if p.Transport != "url" || p.Number == "" {
		return startNetwork(p)
	}
	name, err := playerName()
	if err != nil {
		return nil, err
	}
	return joinNamed(os.Getenv, name+space("-"+p.Number), p)
}

// check refuses values that do not exist, or not together.
func check(p player.Placement) error {
	var bad error
	switch {
	case p.Delivery != deliveryCore && p.Codec == "none": // a token is good for one delivery
		bad = fmt.Errorf("delivery=%s does not go with codec=none: use delivery=%s", p.Delivery, deliveryCore)
	case p.Away && p.Codec == "none": // the values stay in another process
		bad = errors.New("codec=none does not go with workers: use codec=json")
	case p.Replicas != 1 && p.Replicas != 3:
		bad = fmt.Errorf("%d replicas: use 1 or 3", p.Replicas)
	case p.Replicas == 3 && p.Transport != "cluster":
		bad = fmt.Errorf("replicas=3 needs three servers: use transport=cluster, or replicas=1")
	case p.Replicas == 3 && p.Delivery == deliveryCore:
		bad = fmt.Errorf("replicas=3 needs a stream: use delivery=%s or %s, or replicas=1", deliveryFile, deliveryMemory)
	}
	if bad != nil {
		return &player.Error{Code: player.Invalid, Op: "nats: delivery", Err: bad}
	}
	if p.Transport == "split" {
		switch {
		case p.Codec == "none":
			bad = errors.New("transport=split does not go with codec=none, which leaves values in one process: use codec=json")
		case p.Away:
			bad = errors.New("transport=split has module log in a process of its own, and no workers: use transport=process")
		}
	}
	alone := p.Delivery != deliveryCore || p.Away // the server drops repeats by message, and workers share by message
	switch {
	case bad != nil:
	case p.Share == shareAll && alone:
		bad = fmt.Errorf("share=all does not go with delivery=%s or with workers: use share=%s", p.Delivery, shareNothing)
	case p.Share != shareNothing && p.Codec == "none":
		bad = fmt.Errorf("share=%s does not go with codec \"none\": use share=%s", p.Share, shareNothing)
	case p.Envelope == envelopeInBody && alone: // JetStream needs a header all the same, and workers expect one
		bad = fmt.Errorf("envelope=body does not go with delivery=%s or with workers: use envelope=%s", p.Delivery, envelopeInHeader)
	}
	if bad != nil {
		return &player.Error{Code: player.Invalid, Op: "nats: what goes together", Err: bad}
	}
	return errors.Join(oneOf("envelope", p.Envelope, envelopeInHeader, envelopeInBody), oneOf("share", p.Share, shareNothing, shareOutcomes, shareAll), oneOf("delivery", p.Delivery, deliveryCore, deliveryMemory, deliveryFile), oneOf("flush", p.Flush, flushAuto, flushEach),
		oneOf("broadcast", p.Broadcast, overlappedBroadcast, awaitedBroadcast), oneOf("flavor", p.Flavor, flavorOnce, flavorTwice))
}

// checkFilters refuses what a module in a process of its own cannot call.
func checkFilters(config player.Config) error {
	if config.Placement.Transport != "split" || len(config.Filters) == 0 {
		return nil
	}
	return &player.Error{Code: player.Invalid, Op: "nats: transport",
		Err: errors.New("filters are functions of this process, and transport=split has module log in another one: use transport=process")}
}

func oneOf(setting, value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return &player.Error{Code: player.Invalid, Op: "nats: " + setting, Err: fmt.Errorf("%q is none of %s", value, strings.Join(known, ", "))}
}

// breakable is a network whose server is in this process.
type breakable struct {
	*network
	player.Breakable
}

func startNetwork(p player.Placement) (*network, error) {
	if p.Transport == "url" {
		return joinRemote(os.Getenv, p)
	}
	n := &network{users: map[string]*server.User{listener: newUser(listener, listenerRights)}, transport: p.Transport, delivery: p.Delivery}
	for _, module := range modules {
		r := rightsOf(module, append(orchestrated.Rules(), orchestrated.FilterRules(1)...)) // of any number of filters
		if p.Delivery != deliveryCore {
			r = streamRights(module, r)
		}
		n.users[module] = newUser(module, r)
	}
	var err error
	switch p.Transport {
	case "process", "split": // whose modules the player starts
		n.carrier, err = startProcess(p, n.users)
	case "cluster":
		n.carrier, err = startCluster(p, n.users)
	default:
		n.carrier, err = startEmbedded(p, n.users)
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

// networkOf is the one that the opener started, or a new one, which is the player's own.
func networkOf(p player.Placement) (n *network, own bool, err error) {
	if err := check(p); err != nil {
		return nil, false, err
	}
	if p.Network == nil {
		if n, err = startNetwork(p); err != nil {
			return nil, false, err
		}
		return n, true, nil
	}
	n, of := p.Network.(*network)
	if b, is := p.Network.(breakable); is {
		n, of = b.network, true
	}
	if !of || n.transport != p.Transport || n.delivery != p.Delivery {
		return nil, false, &player.Error{Code: player.Invalid, Op: "nats: network",
			Err: fmt.Errorf("it was not started by this style for transport %q and delivery %q", p.Transport, p.Delivery)}
	}
	return n, false, nil
}

// Links sums up the connections of each module, of which it can have several: it may leave
// and join again.
func (n *network) Links() ([]player.Link, error) { return n.links() }

// Close returns when no connection is left.
func (n *network) Close() (err error) {
	n.closing.Do(func() { err = n.close() })
	return err
}

// used asks a connection what transport it uses. Only one over a socket knows a port, and the
// server tells its id.
func (n *network) used(conn *nats.Conn) string {
	if !conn.IsConnected() {
		return "none: it is not connected"
	}
	if _, port, err := net.SplitHostPort(conn.ConnectedAddr()); err != nil || port == "" {
		return "pipe"
	}
	if c, is := n.carrier.(*cluster); is && c.has(conn) {
		return "cluster"
	}
	switch pid, id := n.where(); {
	case id != conn.ConnectedServerId() || pid == 0:
		return "url"
	case pid != os.Getpid():
		return "process"
	}
	return "tcp"
}

// describe lists the facts of the connection in use.
func (n *network) describe(conn *nats.Conn) []player.Fact {
	return append([]player.Fact{
		{Name: "transport", Value: n.used(conn), Own: true},
		{Name: "nats-server", Value: conn.ConnectedServerVersion(), Own: true},
		{Name: "messages counted by", Value: n.counter(), Own: true},
	}, n.facts(conn)...)
}

// summed adds up what a server lists of connections whose names begin with prefix; the module
// follows. The server's "in" is what the module has sent.
func summed(prefix string, seen []*server.ConnInfo) []player.Link {
	links := map[string]player.Link{}
	for _, c := range seen {
		module, own := strings.CutPrefix(c.Name, prefix)
		if !own {
			continue
		}
		l := links[module]
		if c.Stop == nil {
			l.Open++
		}
		links[module] = player.Link{Module: module, Open: l.Open, Sent: l.Sent + c.InMsgs, Received: l.Received + c.OutMsgs,
			SentBytes: l.SentBytes + c.InBytes, ReceivedBytes: l.ReceivedBytes + c.OutBytes}
	}
	return listed(links)
}

func listed(links map[string]player.Link) (list []player.Link) {
	for _, module := range slices.Sorted(maps.Keys(links)) {
		list = append(list, links[module])
	}
	return list
}
