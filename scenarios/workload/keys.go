package workload

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
	"rubato/sqlite/tracedb"
)

// Keys that several scenarios share. A key that only some styles have says so: a trick
// that makes a style look good must be a visible switch.
var (
	PassagesKey = runner.Key{
		Name: "passages", Default: "1000", Check: Between(sqlite.HourlyPassages, sqlite.MostPassages),
		Doc: "size of the library: 1000, or 5736 (a real one), 10000, 50000, or any from 300 to 200000; fewer are used up by cooldowns",
	}
	SyncKey = runner.Key{
		Name: "sync", Default: "normal", Values: []string{"normal", "full"},
		Doc: "SQLite's synchronous: full is one fsync a commit",
	}
	TraceKey = runner.Key{
		Name: "trace", Default: "on", Values: []string{"on", "off", "eager", "persisted", "perflow"}, Styles: []string{"bus", "nats"},
		Doc: "on: actions, flows and edges of the last 1000 flows in memory; eager: written out as text at once; " +
			"persisted: to SQLite every 100 ms as well; perflow: to SQLite before the stimulus returns",
	}
	DispatchKey = runner.Key{
		Name: "dispatch", Default: "inline", Values: []string{"inline", "queued"}, Styles: []string{"bus"},
		Doc: "inline: rules run depth first where the event is emitted; queued: breadth first over a bounded channel",
	}
	RulesKey = runner.Key{
		Name: "rules", Default: "20", Check: Between(0, 10_000), Styles: []string{"bus", "nats"},
		Doc: "rules in total: the player's own, and others that never match",
	}
	TransportKey = runner.Key{
		Name: "transport", Default: "tcp", Values: []string{"tcp", "pipe", "process", SplitTransport, "url", "cluster"}, Styles: []string{"nats"},
		Doc: "tcp: embedded server on loopback; pipe: in-process connections; process: server in a process of its own, on loopback; " +
			"split: the same, and modules pd and log in processes of their own; url: your server or cluster, which RUBATO_NATS_URL names (docs/nats.md); cluster: three embedded servers, modules spread over them",
	}
	ShareKey = runner.Key{
		Name: "share", Default: "nothing", Values: []string{"nothing", "outcomes", "all"}, Styles: []string{"nats"},
		Doc: "what may share a message of the network; outcomes: those of messages that module log found waiting together; all: messages too, that are said while an outcome is to come",
	}
	EnvelopeKey = runner.Key{
		Name: "envelope", Default: "header", Values: []string{"header", "body"}, Styles: []string{"nats"},
		Doc: "where a message has flow token, cause and depth: in a header, or in front of its body, which costs fewer allocations",
	}
	FlushKey = runner.Key{
		Name: "flush", Default: "auto", Values: []string{"auto", "each"}, Styles: []string{"nats"},
		Doc: "auto: the client writes out what was published as soon as it comes to it, many messages at a time under load; each: one write a message",
	}
	DeliveryKey = runner.Key{
		Name: "delivery", Default: "core", Values: []string{"core", "jetstream-memory", "jetstream-file"}, Styles: []string{"nats"},
		Doc: "core: the server forgets a message that it has passed on; jetstream-memory, jetstream-file: it keeps and acknowledges it, until module log acknowledges that it is durable",
	}
	ReceiptsKey = runner.Key{
		Name: "receipts", Default: ReceiptsInMemory, Values: []string{ReceiptsInMemory, ReceiptsInDatabase}, Styles: []string{"nats"},
		Doc: "with delivery=jetstream-memory or jetstream-file, where module log remembers what it has applied; memory: its newest messages; database: each one's key, in the message's own transaction, so that it is known although the process was killed",
	}
	ReplicasKey = runner.Key{
		Name: "replicas", Default: "1", Values: []string{"1", "3"}, Styles: []string{"nats"},
		Doc: "how many servers of transport=cluster keep a message, with delivery=jetstream-memory or jetstream-file",
	}
	BroadcastKey = runner.Key{
		Name: "broadcast", Default: "overlapped", Values: []string{"overlapped", "awaited"}, Styles: []string{"nats"},
		Doc: "overlapped: a flow goes on while module ui broadcasts, and ends after it; awaited: it waits each time",
	}
	FlavorKey = runner.Key{
		Name: "flavor", Default: "once", Values: []string{"once", "twice"}, Styles: []string{"nats"},
		Doc: "how often a flavor crosses that a rule gives back to module pd; once: it is named by its digest then",
	}
	PlantedKey = runner.Key{
		Name: "planted", Default: "none", Check: checkPlanted, Styles: []string{"nats"},
		Doc: "more time in one part, to see where the report finds it; codec:3us: 3 µs an operation in the codec; rules:3us: where a flow begins",
	}
	CodecKey = runner.Key{
		Name: "codec", Default: "json", Values: []string{"json", "msgpack", "protobuf", "none"}, Styles: []string{"nats"},
		Doc: "how values become bodies of messages; none: a body is a token, and the values are handed over in the process",
	}
)

// SplitTransport has modules in processes of their own, which open the store there.
const SplitTransport = "split"

// Values of ReceiptsKey.
const (
	ReceiptsInMemory   = "memory"
	ReceiptsInDatabase = "database"
)

// receipts are those of a store, where they are asked for.
func receipts(setup runner.Setup, store *sqlite.Store) (player.Receipts, error) {
	if setup.Options[ReceiptsKey.Name] != ReceiptsInDatabase {
		return nil, nil
	}
	return store.Receipts()
}

// Between accepts whole numbers from lo to hi.
func Between(lo, hi int) func(string) error {
	return func(value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < lo || n > hi {
			return fmt.Errorf("want a whole number from %d to %d", lo, hi)
		}
		return nil
	}
}

// WordOr accepts a word, or whole numbers from lo to hi.
func WordOr(word string, lo, hi int) func(string) error {
	return func(value string) error {
		if value == word || Between(lo, hi)(value) == nil {
			return nil
		}
		return fmt.Errorf("want %s, or a whole number from %d to %d", word, lo, hi)
	}
}

// Rate is the value of the key rate. It is 0, as fast as possible, for a word, and in a
// transcript, which has no times.
func Rate(setup runner.Setup) float64 {
	perSecond, err := strconv.Atoi(setup.Options["rate"])
	if err != nil || setup.Verbatim {
		return 0
	}
	return float64(perSecond)
}

// Number reads a value that has been checked.
func Number(options runner.Options, key string) int {
	n, err := strconv.Atoi(options[key])
	if err != nil {
		panic(fmt.Sprintf("option %s=%q was not checked", key, options[key]))
	}
	return n
}

// config applies the shared keys. A key that this style does not have is missing and
// leaves the zero value, which is the default.
func config(setup runner.Setup, store *sqlite.Store) player.Config {
	trace := setup.Options["trace"]
	rules, _ := strconv.Atoi(setup.Options["rules"])
	replicas, _ := strconv.Atoi(setup.Options["replicas"])
	return player.Config{
		Store: slowed(setup, store),
		Placement: player.Placement{Transport: setup.Options["transport"], Codec: setup.Options["codec"],
			Delivery: setup.Options["delivery"], Replicas: replicas, Share: setup.Options["share"], Envelope: setup.Options["envelope"], Flush: setup.Options["flush"], Dir: setup.Dir,
			Broadcast: setup.Options["broadcast"], Flavor: setup.Options["flavor"]},
		Trace:    player.Tracing{On: trace != "" && trace != "off", Eager: trace == "eager", PerFlow: trace == "perflow"},
		Dispatch: player.Dispatch(setup.Options["dispatch"]),
		Rules:    rules,
		Verbatim: setup.Verbatim,

		NoDigests: !setup.Verified(),
	}
}

// mostPlanted is the longest time that can be planted.
const mostPlanted = time.Second

func checkPlanted(value string) error {
	_, _, err := cutPlanted(value)
	return err
}

// cutPlanted is the part and the time of a value of PlantedKey. "" and "none" have no part.
func cutPlanted(value string) (part string, size time.Duration, err error) {
	if value == "" || value == "none" {
		return "", 0, nil
	}
	part, text, _ := strings.Cut(value, ":")
	size, err = time.ParseDuration(text)
	if err != nil || size <= 0 || size > mostPlanted || part != "codec" && part != "rules" {
		return "", 0, fmt.Errorf("want none, codec:TIME or rules:TIME, such as codec:3us, of at most %v", mostPlanted)
	}
	return part, size, nil
}

// openTrace opens the database for a persisted trace; nil when the trace is not persisted. A
// measured workload keeps it with the results, for rubato trace.
func openTrace(setup runner.Setup) (*tracedb.Store, error) {
	if trace := setup.Options["trace"]; trace != "persisted" && trace != "perflow" {
		return nil, nil
	}
	dir := cmp.Or(setup.Keep, setup.Dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return tracedb.Open(filepath.Join(dir, "trace.db"), tracedb.Options{})
}
