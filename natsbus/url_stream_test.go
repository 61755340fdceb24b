package natsbus

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"rubato/player"
)

// TestStreamOfTheUsers: a stream on a user's server has a name of its own, so two players do not
// hear each other; nothing of it stays. Without JetStream, or the right to it, nothing begins.
func TestStreamOfTheUsers(t *testing.T) {
	t.Parallel()
	at := startReal(t, fmt.Sprintf("jetstream { store_dir: %q }\n", t.TempDir()))
	getenv := environment(URLVar, "nats://"+at.host)
	placement := player.Placement{Transport: "url", Delivery: deliveryFile, Replicas: 1}
	streams := func() (names []string) {
		conn, err := nats.Connect(at.host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		js, err := conn.JetStream()
		if err != nil {
			t.Fatal(err)
		}
		for name := range js.StreamNames() {
			names = append(names, name)
		}
		return names
	}
	var players []*wired
	var stores []*memory
	for range 2 {
		n, err := joinRemote(getenv, placement)
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		p := placement
		p.Network = n
		w, store := open(t, player.Config{Placement: p, Timeout: never})
		players, stores = append(players, w), append(stores, store)
	}
	if found := streams(); len(found) != 2 || !strings.HasPrefix(found[0], streamName+"-") {
		t.Errorf("streams %v", found)
	}
	for i, w := range players {
		for seq := range uint64(5) {
			if err := w.Do(said(seq + 1)); err != nil {
				t.Error(err)
			}
		}
		if n := stores[i].messages.Load(); n != 5 {
			t.Errorf("player %d stored %d messages", i, n)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if found := streams(); len(found) > 0 {
		t.Errorf("left on the server: %v", found)
	}
}

func TestStreamRefused(t *testing.T) {
	t.Parallel()
	ada := func(publish string) string {
		return fmt.Sprintf("authorization { users: [ { user: ada, password: %s, permissions: { publish: [%s], subscribe: [\"rubato.>\"] } } ] }\n", secret, publish)
	}
	js := fmt.Sprintf("jetstream { store_dir: %q }\n", t.TempDir())
	for name, c := range map[string]struct{ config, want string }{
		"off":       {ada(`"rubato.>", "$JS.>"`), "no JetStream"},
		"no rights": {js + ada(`"rubato.>"`), "Permissions Violation"},
		"no acks":   {fmt.Sprintf("jetstream { store_dir: %q }\n", t.TempDir()) + ada(`"rubato.>", "$JS.API.>"`), "$JS.ACK"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := startReal(t, c.config)
			_, err := joinRemote(environment(URLVar, "nats://"+at.host, UserVar, "ada", PasswordVar, secret),
				player.Placement{Transport: "url", Delivery: deliveryFile, Replicas: 1})
			if player.CodeOf(err) != player.Invalid || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "use delivery=core") {
				t.Errorf("%v", err)
			}
		})
	}
}
