package playertest_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
	all := append(slices.Clone(styles), file, memory)
	if testing.Short() {
		all = all[:len(all)-1] // a stream in memory differs from one in files by its store alone
	}
	playertest.Suite{Styles: all, Keeps: []string{memory.Name, file.Name}, Refuses: []string{memory.Name, file.Name}, Store: newStore, Start: sqlite.Epoch, Golden: "testdata/transcript.golden",
		Listening: "testdata/listening.golden"}.Run(t)
}

// TestContractApart runs it with the server of nats outside of this process: the player's own, alone
// and with modules outside, too, and one of a user's, which is not closed with the player.
func TestContractApart(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a server for each of many players: go test runs it without -short")
	}
	for _, transport := range []string{"process", "split", "url"} {
		t.Run(transport, func(t *testing.T) {
			if transport == "url" {
				t.Setenv(natsbus.URLVar, userServer(t))
			}
			apart := natsbus.Style
			apart.Open = func(c player.Config) (player.Player, error) {
				if c.Placement.Transport == "" {
					c.Placement.Transport = transport
				}
				return natsbus.Open(c)
			}
			suite := playertest.Suite{Styles: []player.Style{direct.Style, apart}, Refuses: []string{apart.Name}, Store: newStore, Start: sqlite.Epoch,
				Golden: "testdata/transcript.golden", Listening: "testdata/listening.golden"}
			if transport == "split" {
				suite.Apart = suite.Refuses
			}
			suite.Run(t)
		})
	}
}

// TestContractCluster runs it with three servers, and with a message on each of them.
func TestContractCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts three servers for each of many players: go test runs it without -short")
	}
	for _, c := range []struct {
		delivery string
		replicas int
		keeps    []string
	}{{"core", 1, nil}, {"jetstream-file", 3, []string{natsbus.Style.Name}}} {
		t.Run(c.delivery, func(t *testing.T) {
			spread := natsbus.Style
			spread.Open = func(config player.Config) (player.Player, error) {
				if config.Placement.Transport == "" {
					config.Placement.Transport, config.Placement.Delivery, config.Placement.Replicas = "cluster", c.delivery, c.replicas
				}
				if config.Timeout > 0 { // three servers on a busy machine take their time for a message
					config.Timeout = max(config.Timeout, 2*time.Second)
				}
				return natsbus.Open(config)
			}
			playertest.Suite{Styles: []player.Style{direct.Style, spread}, Keeps: c.keeps, Refuses: c.keeps, Store: newStore, Start: sqlite.Epoch,
				Golden: "testdata/transcript.golden", Listening: "testdata/listening.golden"}.Run(t)
		})
	}
}

// userServer starts a server that knows one user, and returns its address with name and
// password.
func userServer(t *testing.T) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program, natsbus.ServerCommand)
	in, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), server.Wait()); err != nil {
			t.Error("end the user's server:", err)
		}
	})
	var at struct{ URL string }
	_, err = io.WriteString(in, `{"users":[{"user":"ada","password":"hers"}]}`+"\n")
	if err == nil {
		err = json.NewDecoder(out).Decode(&at)
	}
	if err != nil || at.URL == "" {
		t.Fatalf("the user's server is at %q, %v", at.URL, err)
	}
	return strings.Replace(at.URL, "://", "://ada:hers@", 1)
}
