package scenarios

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
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
		Name: "trace", Default: "on", Values: []string{"on", "off", "eager", "persisted", "perflow"}, Styles: []string{"bus", "nats"},
		Doc: "on: actions, flows and edges of the last 1000 flows in memory; eager: written out as text at once; " +
			"persisted: to SQLite every 100 ms as well; perflow: to SQLite before the stimulus returns",
	}
	dispatchKey = runner.Key{
		Name: "dispatch", Default: "inline", Values: []string{"inline", "queued"}, Styles: []string{"bus"},
		Doc: "inline: rules run depth first where the event is emitted; queued: breadth first over a bounded channel",
	}
	rulesKey = runner.Key{
		Name: "rules", Default: "20", Check: between(0, 10_000), Styles: []string{"bus", "nats"},
		Doc: "rules in all: the player's own, and others that never match",
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

// config is what the shared keys say. Keys of styles that the setup's is not among
// are missing, and leave the zero value, which is the default.
func config(setup runner.Setup, store *sqlite.Store) player.Config {
	trace := setup.Options["trace"]
	rules, _ := strconv.Atoi(setup.Options["rules"])
	return player.Config{
		Store:     planted(setup, store),
		Placement: player.Placement{Transport: setup.Options["transport"]},
		Trace:     player.Tracing{On: trace != "" && trace != "off", Eager: trace == "eager", PerFlow: trace == "perflow"},
		Dispatch:  player.Dispatch(setup.Options["dispatch"]),
		Rules:     rules,
		Verbatim:  setup.Verbatim,

		Unwitnessed: !setup.Witnessed(),
	}
}

// keepTrace opens the database that a persisted trace goes to, nil if it does not.
// A measured workload's stays with the results, to be asked by rubato trace.
func keepTrace(setup runner.Setup) (*sqlite.TraceStore, error) {
	if trace := setup.Options["trace"]; trace != "persisted" && trace != "perflow" {
		return nil, nil
	}
	dir := cmp.Or(setup.Keep, setup.Dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return sqlite.OpenTrace(filepath.Join(dir, "trace.db"), sqlite.TraceOptions{})
}
