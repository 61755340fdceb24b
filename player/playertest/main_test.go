package playertest_test

import (
	"fmt"
	"os"
	"testing"

	"rubato/natsbus"
	"rubato/player"
	"rubato/player/playertest"
	"rubato/sqlite"
)

// dir holds this test's libraries.
var dir string

// reopen opens a store in the process of a module.
func reopen(how []byte) (player.Reopened, error) {
	return playertest.Reopen(how, func(how []byte) (player.Reopened, error) {
		store, err := sqlite.Reopen(how)
		if err != nil {
			return player.Reopened{}, err
		}
		return player.Reopened{Store: store, Close: store.Close}, nil
	})
}

// TestMain also serves NATS, and modules: the test binary is the server, or a module, in a process of
// its own.
func TestMain(m *testing.M) {
	if code, is := natsbus.Child(os.Args[1:], os.Stdin, os.Stdout, reopen); is {
		os.Exit(code)
	}
	var err error
	if dir, err = os.MkdirTemp("", "rubato-playertest"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}
