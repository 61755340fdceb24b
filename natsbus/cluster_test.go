package natsbus

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"rubato/player"
)

// Modules are spread over the nodes, as the nodes themselves see it, and a message from ui to log
// crosses a route, which nobody joins without the secret.
func TestClusterPlaces(t *testing.T) {
	t.Parallel()
	w, store := open(t, player.Config{Timeout: never, Placement: player.Placement{Transport: "cluster", Codec: "none"}})
	facts := map[string]string{}
	for _, f := range w.Describe() {
		facts[f.Name] = f.Value
	}
	if facts["transport"] != "cluster" || facts["servers"] != "3" || facts["modules on"] != "n1: ap ui, n2: pd, n3: log" {
		t.Errorf("it describes itself as %v", facts)
	}
	c := w.network.carrier.(*cluster)
	crossed := func() (messages int64) {
		routes, err := c.nodes[home["log"]].now().Routez(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range routes.Routes {
			messages += r.InMsgs
		}
		return messages
	}
	const said = 20
	before := crossed()
	for i := range uint64(said) {
		if err := w.Do(utter(i + 1)); err != nil {
			t.Fatal(err)
		}
	}
	if n := store.messages.Load(); n != said {
		t.Errorf("%d messages are stored", n)
	}
	until(t, "the messages crossed a route", func() bool { return crossed()-before >= said })
}

// What the stream has accepted while module log is away outlives the node that leads it, if the
// others have it, too. It is stored once, in order.
func TestReplicasOutliveANode(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the others may take 9 s to vote: go test runs it without -short")
	}
	placement := player.Placement{Transport: "cluster", Delivery: deliveryMemory, Replicas: nodes, Dir: t.TempDir(), Reconnects: true}
	w, l := openLedger(t, player.Config{Placement: placement, Timeout: 15 * time.Second})
	if err := w.Do(player.Stimulus{Kind: player.ModuleStopped, Seq: 1, Module: "log"}); err != nil {
		t.Fatal(err)
	}
	w.sender.timeout = 50 * time.Millisecond
	var want []string
	for seq := uint64(2); seq < 32; seq++ {
		if err := w.Post(utter(seq), func(uint64, error) {}); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprint(seq))
	}
	if err := w.Settle(); player.CodeOf(err) != player.Unavailable { // nobody hears them
		t.Errorf("settled: %v", err)
	}
	c := w.network.carrier.(*cluster)
	until(t, "the stream has all", func() bool {
		return leads(c) != nil && streamed(t, leads(c)) >= uint64(len(want)) /* what asks for a commit is there, too */
	})
	dead := leads(c)
	if err := dead.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, "module log is back", func() bool {
		err := w.startModule("log")
		if err != nil {
			t.Log("not yet:", err)
		}
		return err == nil
	})
	until(t, "all are stored", func() bool { return len(l.stored()) >= len(want) })
	if got := l.stored(); !slices.Equal(got, want) {
		t.Errorf("stored %v, want %v", got, want)
	}
}

// leads is the node that leads the stream; nil while there is none.
func leads(c *cluster) *embedded {
	for _, e := range c.nodes {
		if s := e.now(); s.Running() && s.JetStreamIsStreamLeader("$G", streamName) {
			return e
		}
	}
	return nil
}

func streamed(t *testing.T, e *embedded) (messages uint64) {
	seen, err := e.now().Jsz(&server.JSzOptions{Streams: true, Accounts: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range seen.AccountDetails {
		for _, s := range a.Streams {
			messages += s.State.Msgs
		}
	}
	return messages
}

// TestRouteSecret: nobody joins the cluster, or a node, without the secret of it.
func TestRouteSecret(t *testing.T) {
	t.Parallel()
	shared, err := Network(player.Placement{Transport: "cluster"})
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	c := shared.(breakable).Breakable.(*cluster)
	secret := c.secret
	stranger := &cluster{name: c.name, secret: "guessed", routes: append(slices.Clone(c.routes[1:]), &net.TCPAddr{IP: c.routes[0].IP})}
	s, err := startServerAs("tcp", server.RANDOM_PORT, func(o *server.Options) {
		stranger.member(2, o)
		o.ServerName = "stranger"
	}, rungUsers()...)
	if err != nil {
		t.Fatal(err)
	}
	defer stopServer(s)
	refused := func() bool {
		for _, e := range c.nodes {
			if n := neighbours(e.now()); n != nodes-1 {
				t.Fatalf("a node has %d neighbours", n)
			}
			for _, a := range []*net.TCPAddr{e.now().ClusterAddr(), e.now().Addr().(*net.TCPAddr)} {
				if !a.IP.IsLoopback() {
					t.Fatalf("it listens on %v", a)
				}
			}
		}
		return true
	}
	for range 100 {
		refused()
		time.Sleep(5 * time.Millisecond)
	}
	if n := neighbours(s); n != 0 || secret == "guessed" || len(secret) < 20 {
		t.Errorf("the stranger has %d routes", n)
	}
	if _, err := nats.Connect(c.nodes[1].now().ClientURL(), nats.NoReconnect()); err == nil {
		t.Error("a client without a password is let in")
	}
}

// TestReplicasRefused: what cannot be is refused at once, with what to do.
func TestReplicasRefused(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]player.Placement{
		"use transport=cluster":       {Transport: "tcp", Delivery: deliveryFile, Replicas: 3},
		"use delivery=jetstream-file": {Transport: "cluster", Replicas: 3},
		"use 1 or 3":                  {Transport: "cluster", Delivery: deliveryFile, Replicas: 2},
	} {
		if _, err := Network(p); player.CodeOf(err) != player.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
