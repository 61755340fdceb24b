package scenarios

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"rubato/command"
	"rubato/player"
	"rubato/runner/host"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

const workerHelp = `Usage: rubato worker [flags]

Joins a player as its module log, in this process: it stores the messages that the player
hands it, and reports each when it is durable. Several workers share the messages of one
player. Each has a store of its own, %s in its folder. It prints one line when it has joined.
Ctrl-C or TERM has it finish what it has, and leave.

  -data DIR        folder of the store (default data); a missing store is made
  -sync LEVEL      normal or full: whether each commit waits for the disk (default full)
  -receipts WHERE  memory or database: where it remembers what it has applied, if the player uses
                   JetStream (default memory). With database several workers can share a folder
  -generate        store nothing: say messages to the workers when a run orders it, and tell it
                   how long each took by the clock here
  -stdin           be told on stdin where the player is, in one line
                   {"url":"nats://HOST:PORT","user":"NAME","password":"SECRET"}, and leave
                   when stdin ends. "codec", "delivery", "share" and "flush" may say what the
                   player uses, and "shared":true that several workers take from one stream.
                   rubato run scale-out and restart start their workers so

Without -stdin the environment says where the player is: RUBATO_NATS_URL is your server, as
for -set transport=url, and RUBATO_NATS_PLAYER is the name of the player, which workers,
generators and player share. Secrets are never on the command line, which every program of
the machine can read.

Example: two workers, two generators, and the run that measures them, each on a machine of its
own if you like. -2 is how many workers share the player. The run asks all of them over NATS
for what they have stored and measured:
  export RUBATO_NATS_URL=nats://server:4222
  RUBATO_NATS_PLAYER=mine-2 rubato worker -data a
  RUBATO_NATS_PLAYER=mine-2 rubato worker -data b
  RUBATO_NATS_PLAYER=mine-2 rubato worker -generate
  RUBATO_NATS_PLAYER=mine-2 rubato worker -generate
  RUBATO_NATS_PLAYER=mine rubato run scale-out \
    -set transport=url -set workers=2 -set generators=2

Exit codes: 0 it has left in good order, 2 usage, 5 it cannot join or has lost its player.
`

// Exit codes of the worker, the same in every command.
const (
	exitPass   = 0
	exitUsage  = 2
	exitFailed = 5
)

// longestInvitation bounds the line on stdin, in bytes.
const longestInvitation = 4 << 10

// working holds the flags of a worker.
type working struct {
	data, sync string
	receipts   string
	stdin      bool
	generate   bool
}

// workerCommand is rubato worker. It works until ctx ends, or what it stands on does.
func workerCommand(styles []player.Style, in io.Reader) func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
		w, err := parseWorker(args)
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(stdout, workerHelp, workload.WorkerFile)
			return exitPass
		}
		if err != nil {
			fmt.Fprintf(stderr, "rubato worker: %v\nTry: rubato worker -h\n", err)
			return exitUsage
		}
		if err := w.run(ctx, styles, in, stdout); err != nil {
			fmt.Fprintf(stderr, "rubato worker: %v\n", err)
			if player.CodeOf(err) == player.Invalid {
				return exitUsage
			}
			return exitFailed
		}
		return exitPass
	}
}

func parseWorker(args []string) (w working, err error) {
	flags := command.Flags("worker")
	flags.StringVar(&w.data, "data", "data", "a folder, such as data")
	flags.StringVar(&w.sync, "sync", "full", "normal or full")
	flags.StringVar(&w.receipts, "receipts", workload.ReceiptsInMemory, "memory or database")
	flags.BoolVar(&w.stdin, "stdin", false, "")
	flags.BoolVar(&w.generate, "generate", false, "")
	names, err := command.Parse(flags, args)
	switch {
	case err != nil:
		return w, err
	case len(names) > 0:
		return w, fmt.Errorf("worker takes flags only, not %q", names[0])
	case w.sync != "normal" && w.sync != "full":
		return w, command.Wrong(flags, "sync")
	case !slices.Contains(workload.ReceiptsKey.Values, w.receipts):
		return w, command.Wrong(flags, "receipts")
	case w.keeps() && !w.stdin:
		return w, errors.New("-receipts database needs -stdin: only a player that starts its workers has them take from JetStream")
	case w.data == "":
		return w, errors.New("-data is empty: give a folder")
	case w.generate && w.stdin:
		return w, errors.New("-generate does not go with -stdin: a generator joins a player on a server of yours")
	}
	return w, nil
}

// run joins, and leaves when ctx, stdin or the connection ends.
func (w working) run(ctx context.Context, styles []player.Style, in io.Reader, stdout io.Writer) (failed error) {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	invitation, err := w.invitation(in, leave)
	if err != nil {
		return err
	}
	join, err := joining(styles)
	if err != nil {
		return err
	}
	config := player.Config{Placement: player.Placement{Sends: true}, Answer: new(workload.Speaker).Answer}
	if !w.generate {
		store, closed, err := w.open()
		if err != nil {
			return err
		}
		defer func() { failed = errors.Join(failed, closed()) }()
		var receipts player.Receipts
		if w.keeps() {
			if receipts, err = store.Receipts(); err != nil {
				return err
			}
		}
		config = player.Config{Store: toldStore{store}, Receipts: receipts, Answer: workload.Ledger{Store: store, Dir: w.data, Sync: w.sync}.Answer}
	}
	member, err := join(invitation, config)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, workload.Joined(member))
	select {
	case <-ctx.Done():
		return member.Close()
	case <-member.Lost():
		return errors.Join(errors.New("the connection to the player is lost: start it again when its server is back"), member.Close())
	}
}

// joining is how the one style with a network joins.
func joining(styles []player.Style) (func(player.Invitation, player.Config) (player.Member, error), error) {
	for _, s := range styles {
		if s.Join != nil {
			return s.Join, nil
		}
	}
	return nil, &player.Error{Code: player.Invalid, Op: "join a player", Err: errors.New("no style has a network")}
}

// invitation reads the line on stdin, if it shall, and has the worker leave when stdin ends.
func (w working) invitation(in io.Reader, leave func()) (to player.Invitation, err error) {
	if !w.stdin {
		return to, nil // the environment
	}
	lines := bufio.NewReaderSize(in, longestInvitation)
	line, err := lines.ReadSlice('\n')
	if err == nil {
		err = json.Unmarshal(line, &to)
	}
	if err != nil || to.URL == "" { // no word of the line, which may hold a secret
		return to, &player.Error{Code: player.Invalid, Op: "read where the player is", Err: errors.New("stdin has no line as rubato worker -h shows it")}
	}
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		leave()
	}()
	return to, nil
}

// keeps reports whether receipts are in the store.
func (w working) keeps() bool { return w.receipts == workload.ReceiptsInDatabase }

// open opens the store and makes it if it is missing. No other worker may have it, unless receipts
// are in it.
func (w working) open() (*sqlite.Store, func() error, error) {
	if err := os.MkdirAll(w.data, 0o755); err != nil {
		return nil, nil, &player.Error{Code: player.Invalid, Op: "make the folder of the store", Err: err}
	}
	lock, err := os.OpenFile(filepath.Join(w.data, "worker.lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, nil, err
	}
	if err := host.TryLock(lock, w.keeps()); err != nil {
		return nil, nil, errors.Join(&player.Error{Code: player.Invalid, Op: "open the store", Err: fmt.Errorf("another worker has %s: give another -data", w.data)}, lock.Close())
	}
	path := filepath.Join(w.data, workload.WorkerFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := sqlite.Make(path, sqlite.Library{Passages: sqlite.HourlyPassages, Seed: 1}, nil); err != nil {
			return nil, nil, errors.Join(err, lock.Close())
		}
	}
	store, err := sqlite.Open(path, sqlite.Options{Synchronous: w.sync})
	if err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	return store, func() error { return errors.Join(store.Close(), lock.Close()) }, nil
}

// toldStore says whether its commits wait for the disk.
type toldStore struct{ *sqlite.Store }

// Describe reads it from the connection that commits.
func (s toldStore) Describe() []player.Fact {
	levels, err := s.Synchronous()
	if err != nil {
		return []player.Fact{{Name: workload.CommitFact, Value: err.Error()}}
	}
	return []player.Fact{{Name: workload.CommitFact, Value: fmt.Sprintf("synchronous=%d", levels[1])}}
}
