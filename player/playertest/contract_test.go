package playertest_test

import (
	"path/filepath"
	"sync"
	"testing"

	"rubato/direct"
	"rubato/natsbus"
	"rubato/orchestrated"
	"rubato/player"
	"rubato/player/playertest"
	"rubato/sqlite"
)

// styles are in the order of main. The first is the reference.
var styles = []player.Style{direct.Style, orchestrated.Style, natsbus.Style}

// delivered is the style on NATS with messages delivered in this way.
func delivered(delivery string) player.Style {
	style := natsbus.Style
	style.Name += " " + delivery
	style.Open = func(c player.Config) (player.Player, error) {
		c.Placement.Delivery = delivery
		return natsbus.Open(c)
	}
	return style
}

// library is made once. Every store is a copy of it.
var library = sync.OnceValues(func() (string, error) {
	path := filepath.Join(dir, "library.db")
	return path, sqlite.Make(path, sqlite.Library{Passages: 200, Seed: 1}, nil)
})

func newStore(t testing.TB) player.Store {
	t.Helper()
	from, err := library()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := sqlite.Copy(from, path); err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error("close store:", err)
		}
	})
	return store
}

// TestContract runs the contract on every style.
func TestContract(t *testing.T) {
	memory, file := delivered("jetstream-memory"), delivered("jetstream-file")
	playertest.Suite{Styles: append(styles, memory, file), Keeps: []string{memory.Name, file.Name}, Store: newStore, Start: sqlite.Epoch, Golden: "testdata/transcript.golden",
		Listening: "testdata/listening.golden"}.Run(t)
}
