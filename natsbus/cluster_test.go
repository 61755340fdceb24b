package natsbus

import (
	"testing"

	"rubato/player"
)

// Modules are spread over the nodes, as the nodes themselves see it, and a message from ui to log
// crosses a route, which nobody joins without the secret.
func TestClusterPlaces(t *testing.T) {
	t.Parallel()
	w, store := open(t, player.Config{Timeout: never, Placement: player.Placement{Transport: "cluster"}})
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
