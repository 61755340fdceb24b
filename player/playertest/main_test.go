package playertest_test

import (
	"fmt"
	"os"
	"testing"

	"rubato/natsbus"
)

// dir holds this test's libraries.
var dir string

// TestMain also serves NATS: the test binary is the server in a process of its own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == natsbus.ServerCommand {
		os.Exit(natsbus.Serve(os.Stdin, os.Stdout))
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
