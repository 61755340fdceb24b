package scenarios

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"rubato/openloop"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// Module log is in a process of its own that is killed, and another one takes its place; or it is in
// two that share the messages, and one of them is killed for good. Each block has new ones.

// processes is a workload that such processes store.
type processes struct {
	block  *restarting // with the crew's player; nothing of it looks at a store here
	styles styles
	setup  runner.Setup
	blocks int
	crew   *workload.Crew // nil: not opened yet
	keeps  bool           // the network does, so that what was accepted is stored sooner or later
}

// mostAwait bounds the wait for what the network has kept: on a busy machine all takes longer.
const mostAwait = 20 * time.Second

func (s styles) openProcesses(setup runner.Setup, r *restarting) (runner.Workload, error) {
	if err := reachesProcesses(setup.Options); err != nil {
		return nil, err
	}
	w := &processes{block: r, styles: s, setup: setup, keeps: setup.Options["delivery"] != "core"}
	w.setup.Options = maps.Clone(setup.Options)
	if setup.Options["receipts"] == receiptsAuto {
		w.setup.Options["receipts"] = workload.ReceiptsInMemory
		if w.keeps {
			w.setup.Options["receipts"] = workload.ReceiptsInDatabase
		}
	}
	r.Workload.Seed = setup.Seed
	return w, nil
}

// reachesProcesses refuses a server that processes of this program do not reach.
func reachesProcesses(o runner.Options) error {
	if of := o["transport"]; of != "tcp" && of != "process" {
		return fmt.Errorf("fault=%s starts processes that reach the server over loopback: use transport=tcp or process, not %s", o["fault"], of)
	}
	return nil
}

func (w *processes) dir() string { return filepath.Join(w.setup.Dir, "block-"+strconv.Itoa(w.blocks)) }

// Prepare starts the processes and makes the messages.
func (w *processes) Prepare(first, n int) (err error) {
	if err := w.Close(); err != nil {
		return err
	}
	w.blocks++
	setup, many := w.setup, 1
	setup.Dir = w.dir()
	if w.block.fault == faultInstance {
		many = 2
	}
	if err := os.Mkdir(setup.Dir, 0o755); err != nil {
		return err
	}
	w.crew, err = w.styles.OpenCrew(setup, many, func(c *player.Config) { c.Timeout = patient })
	if err != nil {
		return err
	}
	w.block.Player, w.block.kill = w.crew.Player, w.crew.Workers[0].Kill
	if w.block.fault == faultCrash {
		w.block.start = w.crew.Another
	}
	w.block.quiet = w.await
	w.block.due = openloop.Arrivals(w.block.Seed, first, n, w.block.rate)
	w.block.Stimuli = w.block.Stimuli[:0]
	for i := first; i < first+n; i++ {
		w.block.Stimuli = append(w.block.Stimuli, workload.Say(w.block.Seed, i))
	}
	return nil
}

// Run is that of the block.
func (w *processes) Run(n int, latency func(time.Duration)) error { return w.block.Run(n, latency) }

// await waits for what a stream has and no process had stored before the time-out.
func (w *processes) await() error {
	if !w.keeps {
		return nil
	}
	return w.crew.Await(w.block.sendLog.published(), patient, mostAwait)
}

// Work reads the processes' files. They know no times, so a message counts as durable when it was
// reported so, or else when it was sent. The order within a file is that of the commits; messages of
// several files are in the order of these times.
func (w *processes) Work() (runner.Work, error) {
	durable, reported := map[player.Ticks]time.Duration{}, map[int]bool{}
	for _, a := range w.block.sendLog.tries {
		if a.message < 0 || reported[a.message] {
			continue
		}
		at := w.block.Stimuli[a.message].Message.At
		if reported[a.message] = a.err == nil; reported[a.message] {
			durable[at] = a.answered
		} else {
			durable[at] = a.posted
		}
	}
	var rows []workload.CommittedRow
	files := w.crew.Files()
	for _, file := range files {
		err := eachMessage(file, func(m player.Message) {
			rows = append(rows, workload.CommittedRow{Said: m.At, Durable: w.block.sendLog.start.Add(durable[m.At])})
		})
		if err != nil {
			return runner.Work{}, err
		}
	}
	if len(files) > 1 {
		slices.SortStableFunc(rows, func(a, b workload.CommittedRow) int { return a.Durable.Compare(b.Durable) })
	}
	t := w.block.sendLog.outcomes(w.block.Stimuli, rows)
	work := runner.Work{Stimuli: int64(len(w.block.Stimuli)), Effects: int64(t.stored + t.lost), Expected: int64(len(w.block.Stimuli)), Figures: w.block.figures(t), Wrong: w.otherwise()}
	forgets := w.keeps && w.setup.Options["receipts"] == workload.ReceiptsInMemory // that is what memory costs: it is counted
	switch {
	case t.duplicated > 0 && !w.block.retry && !forgets:
		return work, fmt.Errorf("%d messages that were sent once are stored twice", t.duplicated)
	case t.unknown > 0:
		return work, errors.New("rows are stored that were not sent in this block")
	}
	return work, nil
}

// otherwise says which process does not run as it was asked to.
func (w *processes) otherwise() string {
	for i, worker := range w.crew.Workers {
		for _, name := range []string{"codec", "delivery", "receipts"} {
			if asked := w.setup.Options[name]; worker.Fact(name) != asked && (w.keeps || name != "receipts") {
				return fmt.Sprintf("worker %d: asked to run with %s %q, it runs with %q", i+1, name, asked, worker.Fact(name))
			}
		}
	}
	return ""
}

// Close ends the processes.
func (w *processes) Close() (err error) {
	_ = w.block.waitStarted() // a block that ended early did not
	if w.crew != nil {
		err = w.crew.Close()
	}
	if w.crew = nil; player.CodeOf(err) == player.Unavailable {
		return nil // what the killed one had is lost, and counted
	}
	return err
}

// eachMessage reads the messages of a database on a connection of its own.
func eachMessage(path string, visit func(player.Message)) error {
	store, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		return err
	}
	return errors.Join(store.MessagesAfter(0, visit), store.Close())
}
