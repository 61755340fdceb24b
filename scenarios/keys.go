package scenarios

import (
	"fmt"
	"strconv"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// Keys that several scenarios share. What only some styles have is named so: a
// trick that makes a style look good has to be a switch that people can see.
var (
	passagesKey = runner.Key{
		Name: "passages", Default: "1000", Check: between(200, sqlite.MostPassages),
		Doc: "size of the library: 1000, or 5736 (a real one), 10000, 50000, or any from 200 to 200000; fewer are used up by cooldowns",
	}
	syncKey = runner.Key{
		Name: "sync", Default: "normal", Values: []string{"normal", "full"},
		Doc: "SQLite's synchronous: full is one fsync a commit",
	}
	traceKey = runner.Key{
		Name: "trace", Default: "on", Values: []string{"on", "off"}, Styles: []string{"bus", "nats"},
		Doc: "keep actions, flows and edges of the last 1000 flows in memory",
	}
	transportKey = runner.Key{
		Name: "transport", Default: "tcp", Values: []string{"tcp", "pipe"}, Styles: []string{"nats"},
		Doc: "tcp: embedded server on loopback; pipe: in-process connections",
	}
)

// between accepts whole numbers.
func between(lo, hi int) func(string) error {
	return func(value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < lo || n > hi {
			return fmt.Errorf("%q is no whole number from %d to %d", value, lo, hi)
		}
		return nil
	}
}

// number reads a value that has been checked.
func number(options runner.Options, key string) int {
	n, err := strconv.Atoi(options[key])
	if err != nil {
		panic(fmt.Sprintf("option %s=%q was not checked", key, options[key]))
	}
	return n
}

// config is what the shared keys say.
func config(setup runner.Setup, store *sqlite.Store) player.Config {
	return player.Config{
		Store:     store,
		Placement: player.Placement{Transport: setup.Options["transport"]},
		Trace:     player.Tracing{On: setup.Options["trace"] == "on"},
		Verbatim:  setup.Verbatim,
	}
}
