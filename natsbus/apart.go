package natsbus

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/nats-io/nats-server/v2/server"

	"rubato/player"
)

// A module in a process of its own, as that process sees it (split.go is the player's side).

// Child does what the program is started for by its like: it serves NATS, or is a module. Then it
// returns the exit code. open opens the module's store.
func Child(args []string, in io.Reader, out io.Writer, open func(how []byte) (player.Reopened, error)) (code int, is bool) {
	if len(args) != 1 {
		return 0, false
	}
	if args[0] == ServerCommand {
		return Serve(in, out), true
	}
	module, is := strings.CutPrefix(args[0], modulePrefix)
	if !is || !slices.Contains(apartModules, module) {
		return 0, false
	}
	return serveModule(module, in, out, open), true
}

// serveModule is a module until in ends.
func serveModule(name string, in io.Reader, out io.Writer, open func([]byte) (player.Reopened, error)) int {
	signal.Ignore(os.Interrupt, syscall.SIGHUP) // its starter ends in good order, and then it does
	lines, answers := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	var to charge
	var store player.Reopened
	err := lines.Decode(&to)
	if err == nil {
		store, err = open(to.Store)
	}
	if err != nil {
		_ = answers.Encode(failed(err))
		return 5
	}
	w, err := joinApart(name, to, store)
	if err != nil {
		_ = answers.Encode(failed(errors.Join(err, store.Close())))
		return 5
	}
	for answer := w.introduce(); err == nil; {
		var next order
		if err = answers.Encode(answer); err == nil {
			err = lines.Decode(&next)
		}
		if err == nil {
			answer = w.obey(next, store.Answer)
		}
	}
	if err = errors.Join(w.leave(), store.Close()); err != nil {
		fmt.Fprintf(os.Stderr, "module %s: %v\n", name, err)
		return 5
	}
	return 0
}

// failed tells an error. A code survives.
func failed(err error) told {
	answer := told{Error: err.Error()}
	var of *player.Error
	if errors.As(err, &of) {
		answer.Code = of.Code
	}
	return answer
}

// joinApart joins one module to a player in another process.
func joinApart(name string, to charge, store player.Reopened) (w *wired, err error) {
	users := map[string]*server.User{name: {Username: to.User, Password: to.Password}}
	config := player.Config{Store: store.Store, Placement: to.Placement, Batch: to.Batch, Window: to.Window, Timeout: to.Timeout,
		Trace: to.Trace, Rules: to.Rules, Verbatim: to.Verbatim, NoDigests: to.NoDigests, Replay: to.Replay}.Defaults()
	config.Placement.Network = &network{carrier: &process{url: to.URL, users: users}, transport: config.Placement.Transport, delivery: config.Placement.Delivery}
	if to.Receipts && name == "log" {
		if store.Receipts == nil {
			return nil, errors.New("its store has no receipts")
		}
		if config.Receipts, err = store.Receipts(); err != nil {
			return nil, err
		}
	}
	w = &wired{only: name}
	if to.Kept {
		w.kept = &keptRows{}
		config.Trace.Sink = w.kept
	}
	w.Parts, w.config = player.NewParts(config), config
	if err := w.join(); err != nil {
		return nil, errors.Join(err, w.leave())
	}
	return w, nil
}

// introduce says what the module is.
func (w *wired) introduce() told {
	return told{ID: w.here()[0].conn.Load().ConnectedServerId(), moduleTold: moduleTold{PID: os.Getpid(), Facts: w.Describe()}}
}

// obey does what the player's process orders.
func (w *wired) obey(o order, answer func([]byte) []byte) (a told) {
	var err error
	switch o.Do {
	case doStop:
		err = w.stopModule(o.Module)
	case doStart:
		err = w.startModule(o.Module)
	case doObserve:
		var seen player.Observation
		seen, err = w.Observe()
		a.Seen = &seen
	case doInspect:
		lost := w.Lost()
		a.Concepts, a.Rules, a.Flows, a.Lost = w.Inspection.Concepts(), w.Inspection.Rules(), w.Inspection.Flows(o.Flows), &lost
		a.Concepts = slices.DeleteFunc(a.Concepts, func(c player.ConceptInfo) bool { return c.Module != w.only })
	case doTrace:
		a.Rows, err = w.takeRows()
	case doStore:
		a.Answer = answer(o.Question)
	default:
		err = fmt.Errorf("%.20q is no order", o.Do)
	}
	if err != nil {
		refusal := failed(err)
		a.Error, a.Code = refusal.Error, refusal.Code
	}
	return a
}

// keptRows is the sink of a module's trace: it keeps rows until the player's process takes them.
type keptRows struct {
	mu   sync.Mutex
	rows []player.TraceRow
}

// mostKept rows wait. The player's process takes them ten times a second.
const mostKept = 1 << 16

func (k *keptRows) Append(rows []player.TraceRow) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.rows)+len(rows) > mostKept {
		return fmt.Errorf("%d rows wait already for the player's process", len(k.rows))
	}
	k.rows = append(k.rows, rows...)
	return nil
}

// takeRows are all so far.
func (w *wired) takeRows() (rows []player.TraceRow, err error) {
	if w.kept == nil {
		return nil, errors.New("its trace is not kept")
	}
	w.here()[0].engine.Flush()
	w.kept.mu.Lock()
	defer w.kept.mu.Unlock()
	rows, w.kept.rows = w.kept.rows, nil
	return rows, nil
}
