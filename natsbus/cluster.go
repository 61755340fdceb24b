package natsbus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"rubato/player"
)

// Three servers in this process, as a cluster: a message from module ui to module log crosses a
// route between two of them. Routes are on loopback and ask for a secret, too.

const (
	nodes = 3
	// routesWait bounds how long routes take to form, and JetStream to find a leader. After a
	// vote without a majority the servers wait up to 9 s before the next.
	routesWait = 30 * time.Second
	// tellWait bounds how long a node takes to know what is subscribed to on another.
	tellWait = 10 * time.Second
	// lookEvery is how often what a cluster does by and by is looked at.
	lookEvery = 2 * time.Millisecond
)

// home is the node of each module.
var home = map[string]int{"ap": 0, "ui": 0, "pd": 1, "log": 2}

// cluster is nodes that are routed to each other.
type cluster struct {
	name, secret string
	folder       string // of streams, one in it for each node; ends with this
	nodes        []*embedded
	routes       []*net.TCPAddr // where those to each node arrive, also after a crash
}

func startCluster(p player.Placement, users map[string]*server.User) (*cluster, error) {
	c := &cluster{name: "rubato-" + rand.Text()[:8], secret: rand.Text()}
	if err := c.start(p, users); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *cluster) start(p player.Placement, users map[string]*server.User) (err error) {
	if c.folder, err = streamFolder(p.Dir, p.Delivery); err != nil {
		return err
	}
	if c.routes, err = freePorts(nodes); err != nil {
		return err
	}
	for i := range nodes {
		e := &embedded{transport: "tcp", users: users}
		e.joins = func(o *server.Options) { c.member(i, o) }
		c.nodes = append(c.nodes, e)
		if err := e.start(server.RANDOM_PORT); err != nil {
			return err
		}
	}
	return c.whole()
}

// freePorts are ports of loopback that nobody has. Each node is told of the others before it
// starts, since JetStream counts the routes that it is told of as votes.
func freePorts(n int) (free []*net.TCPAddr, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("this machine has no IPv4 loopback, which transport=cluster needs: %w; use transport=pipe", err)
		}
		defer l.Close()
		free = append(free, l.Addr().(*net.TCPAddr))
	}
	return free, nil
}

// member makes a server node i, with routes to the others.
func (c *cluster) member(i int, o *server.Options) {
	o.ServerName = fmt.Sprintf("n%d", i+1)
	o.Cluster = server.ClusterOpts{Name: c.name, Host: o.Host, Port: c.routes[i].Port, Username: "route", Password: c.secret, NoAdvertise: true}
	for j, at := range c.routes {
		if i != j {
			o.Routes = append(o.Routes, &url.URL{Scheme: "nats-route", User: url.UserPassword("route", c.secret), Host: at.String()})
		}
	}
	if c.folder != "" {
		o.JetStream, o.StoreDir, o.JetStreamMaxMemory, o.JetStreamMaxStore = true, filepath.Join(c.folder, o.ServerName), serverBytes, serverBytes
	}
}

// whole waits until each node has a route to each other one and, for streams, until they have a leader.
func (c *cluster) whole() error {
	if !inTime(routesWait, func() bool {
		return !slices.ContainsFunc(c.nodes, func(e *embedded) bool { return neighbours(e.now()) != nodes-1 })
	}) {
		return fmt.Errorf("the %d servers of the cluster were not routed to each other within %v: see whether a firewall closes ports on 127.0.0.1, or use transport=tcp", nodes, routesWait)
	}
	if c.folder != "" && !inTime(routesWait, func() bool {
		return slices.ContainsFunc(c.nodes, func(e *embedded) bool { return len(e.now().JetStreamClusterPeers()) == nodes })
	}) {
		return fmt.Errorf("JetStream of the cluster had no leader within %v: see whether this machine is very busy, or use delivery=%s", routesWait, deliveryCore)
	}
	return nil
}

// neighbours is how many other nodes a server has a route to. It may have several to one.
func neighbours(s *server.Server) int {
	routes, err := s.Routez(nil)
	if err != nil {
		return 0
	}
	ids := map[string]struct{}{}
	for _, r := range routes.Routes {
		ids[r.RemoteID] = struct{}{}
	}
	return len(ids)
}

// inTime waits until something holds.
func inTime(wait time.Duration, holds func() bool) bool {
	for end := time.Now().Add(wait); !holds(); <-time.After(lookEvery) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// known waits until every node that runs knows that somebody hears these subjects. A server tells
// the others of a subscription after it has told its client.
func (n *network) known(subjects []string) error {
	c, is := n.carrier.(*cluster)
	if !is || inTime(tellWait, func() bool { return c.hear(subjects) }) {
		return nil
	}
	return unavailable("nats: cluster", fmt.Errorf("not all servers know what is subscribed to on the others after %v", tellWait))
}

func (c *cluster) hear(subjects []string) bool {
	for _, e := range c.nodes {
		if s := e.now(); s.Running() && slices.ContainsFunc(subjects, func(subject string) bool { return s.GlobalAccount().Interest(subject) == 0 }) {
			return false
		}
	}
	return true
}

// heard are the subjects that modules here are subscribed to.
func (w *wired) heard() (subjects []string) {
	subjects = append(subjects, w.network.space.of(doneSubject))
	if !w.config.Placement.Away {
		subjects = append(subjects, w.network.space.of(saidSubject))
	}
	for _, m := range w.here() {
		for _, s := range m.served {
			subjects = append(subjects, s.Subject)
		}
	}
	return subjects
}

// connect joins a module to its node. One that reconnects goes to another node if it has to.
func (c *cluster) connect(module string, timeout time.Duration, reconnects bool, more ...nats.Option) (*nats.Conn, error) {
	at := c.nodes[home[module]]
	if reconnects {
		more = append(more, at.reconnecting(module), nats.DontRandomize(), nats.IgnoreDiscoveredServers())
		var all []string
		for i := range c.nodes {
			all = append(all, c.nodes[(home[module]+i)%nodes].now().ClientURL())
		}
		return nats.Connect(strings.Join(all, ","), append(seatOf(at.users[module], timeout), more...)...)
	}
	return at.connect(module, timeout, false, more...)
}

// links adds up the modules' connections over the nodes. What a route passes on is no
// connection of a module's, so nothing counts twice.
func (c *cluster) links() ([]player.Link, error) {
	var all []*server.ConnInfo
	for _, e := range c.nodes {
		seen, err := e.now().Connz(&server.ConnzOptions{State: server.ConnAll, Limit: server.DefaultConnListSize})
		if err != nil {
			return nil, fmt.Errorf("nats: list connections: %w", err)
		}
		all = append(all, seen.Conns...)
	}
	return summed(connectionName, all), nil
}

func (c *cluster) counter() string { return "its servers" }

// where is the first node; has knows all.
func (c *cluster) where() (pid int, id string) { return c.nodes[0].where() }

func (c *cluster) has(conn *nats.Conn) bool {
	return conn.ConnectedClusterName() == c.name &&
		slices.ContainsFunc(c.nodes, func(e *embedded) bool { return e.now().ID() == conn.ConnectedServerId() })
}

// facts are how many nodes have routes to each other, and which modules are connected to each.
func (c *cluster) facts(*nats.Conn) []player.Fact {
	var at []string
	routed := 1
	for _, e := range c.nodes {
		s := e.now()
		routed = max(routed, neighbours(s)+1)
		links, _ := e.links() // a server that lists nothing shows
		names := []string{s.Name() + ":"}
		for _, l := range links {
			if l.Open > 0 {
				names = append(names, l.Module)
			}
		}
		at = append(at, strings.Join(names, " "))
	}
	return []player.Fact{{Name: "servers", Value: fmt.Sprint(routed), Own: true}, {Name: "modules on", Value: strings.Join(at, ", "), Own: true}}
}

// close ends all nodes together: one alone would wait for the others.
func (c *cluster) close() error {
	errs := make([]error, len(c.nodes))
	var all sync.WaitGroup
	for i, e := range c.nodes {
		all.Go(func() { errs[i] = e.close() })
	}
	all.Wait()
	if c.folder != "" {
		errs = append(errs, os.RemoveAll(c.folder))
	}
	return errors.Join(errs...)
}

// Kill ends the node of module log, whose connection goes to another one if it may.
func (c *cluster) Kill() error { return c.nodes[home["log"]].Kill() }

// Revive starts it again.
func (c *cluster) Revive() error {
	if err := c.nodes[home["log"]].Revive(); err != nil {
		return err
	}
	return c.whole()
}

// Part is as with one server.
func (c *cluster) Part(module string, parted bool) { c.nodes[home[module]].Part(module, parted) }

// complete waits until a leader has the stream, and every replica follows it.
func (s *stream) complete() error {
	all := inTime(s.wait, func() bool {
		info, err := s.kept.Info(context.Background())
		return err == nil && info.Cluster != nil && info.Cluster.Leader != "" && len(info.Cluster.Replicas) == s.config.Replicas-1 &&
			!slices.ContainsFunc(info.Cluster.Replicas, func(p *jetstream.PeerInfo) bool { return !p.Current || p.Offline })
	})
	if !all {
		return fmt.Errorf("the %d replicas of the stream were not all there within %v: see whether this machine is very busy, or use replicas=1", s.config.Replicas, s.wait)
	}
	return nil
}
