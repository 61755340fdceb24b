package natsbus

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rubato/orchestrated/engine"
	"rubato/player"
)

// Transport split: modules pd and log are in processes of their own, and so is the server.
// Each is this program once more, under a hidden command, and speaks as the server's process
// does: JSON lines, what it is told on stdin, what it answers on stdout. It ends when stdin does.
//
// Modules ap and ui stay in the player's process, because stimuli arise in them. In a process of
// their own each stimulus would have to be carried to them, and that way would be charged to
// the style.
//
// Questions of the harness could go over NATS, as those to members elsewhere do. But then they
// would be among the messages that are counted.

// modulePrefix begins the hidden command of a module; its name follows.
const modulePrefix = "nats-"

// apartModules are those that transport split puts into processes of their own.
var apartModules = []string{"pd", "log"}

// mateWait bounds how long a module's process may take to open its store and join, and to answer.
const mateWait = 30 * time.Second

// charge is what a module's process is told first.
type charge struct {
	URL, User, Password string
	Placement           player.Placement
	Batch, Window       int
	Timeout             time.Duration
	Trace               player.Tracing
	Kept                bool // its rows are collected
	Receipts            bool // are in the store
	Rules               int
	Verbatim, NoDigests bool
	Replay              *player.Recording
	Store               []byte // how to open it
}

// order is what it is told then.
type order struct {
	Do       string
	Module   string `json:",omitempty"` // to stop or start
	Flows    int    `json:",omitempty"` // to show
	Question []byte `json:",omitempty"` // about its store
}

const (
	doStop    = "stop"
	doStart   = "start"
	doObserve = "observe"
	doInspect = "inspect"
	doStore   = "store"
	doTrace   = "trace"
)

// moduleTold is what it answers.
type moduleTold struct {
	PID      int                  `json:",omitempty"`
	Facts    []player.Fact        `json:",omitempty"`
	Seen     *player.Observation  `json:",omitempty"`
	Concepts []player.ConceptInfo `json:",omitempty"`
	Rules    []player.RuleInfo    `json:",omitempty"`
	Flows    []player.Flow        `json:",omitempty"`
	Lost     *player.Loss         `json:",omitempty"`
	Answer   []byte               `json:",omitempty"`
	Rows     []player.TraceRow    `json:",omitempty"` // since the last time
}

// A mate is a module of this player in a process of its own.
type mate struct {
	*spawned
	module string
	hello  told
}

// spawnMates starts the processes. They join later, together.
func (w *wired) spawnMates() error {
	for _, module := range apartModules {
		child, err := spawn("module "+module, modulePrefix+module)
		if err != nil {
			return err
		}
		w.mates = append(w.mates, &mate{spawned: child, module: module})
	}
	return nil
}

// joinMates tells each process what it is, and returns when all have joined.
func (w *wired) joinMates() error {
	store, can := w.config.Store.(player.Reopenable)
	if !can {
		return &player.Error{Code: player.Invalid, Op: "nats: transport",
			Err: fmt.Errorf("transport=split needs a store that another process can open, and not a %T: use transport=process", w.config.Store)}
	}
	how, err := store.Reopen()
	if err != nil {
		return err
	}
	c, at := w.config, w.network.carrier.(*process)
	kept := c.Trace.Sink != nil
	c.Placement.Network, c.Trace.Sink = nil, nil
	errs := make([]error, len(w.mates))
	var all sync.WaitGroup
	for i, m := range w.mates {
		user := at.users[m.module]
		to := charge{URL: at.url, User: user.Username, Password: user.Password, Placement: c.Placement, Batch: c.Batch, Window: c.Window,
			Timeout: c.Timeout, Trace: c.Trace, Kept: kept, Receipts: c.Receipts != nil, Rules: c.Rules, Verbatim: c.Verbatim, NoDigests: c.NoDigests, Replay: c.Replay, Store: how}
		all.Go(func() { m.hello, errs[i] = m.ask(to, mateWait) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// watchMates has everything under way fail at once when a module's process ends that nobody has
// ended: what waits for its answer would find out by time-out.
func (w *wired) watchMates() {
	for _, m := range w.mates {
		go func() {
			<-m.ended
			if w.leaving.Load() {
				return
			}
			gone := fmt.Errorf("module %s's process %d has ended (%v)", m.module, m.command.Process.Pid, m.command.ProcessState)
			w.gone.CompareAndSwap(nil, &gone)
			for _, here := range w.here() {
				here.conn.Load().Close()
			}
		}()
	}
}

// A collector gives to the trace's sink what modules in other processes have traced.
type collector struct {
	from []*mate
	sink player.TraceSink

	mu            sync.Mutex // one collection at a time
	loss          player.Loss
	stop, stopped chan struct{}
}

// collectMates begins to collect, if there is a sink.
func (w *wired) collectMates() {
	if w.config.Trace.Sink == nil || len(w.mates) == 0 {
		return
	}
	w.collector = &collector{from: w.mates, sink: w.config.Trace.Sink, stop: make(chan struct{}), stopped: make(chan struct{})}
	go w.collector.run()
}

// run collects as often as a trace is flushed here, and once more at the end.
func (c *collector) run() {
	defer close(c.stopped)
	ticker := time.NewTicker(engine.FlushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			c.collect()
		case <-c.stop:
			c.collect()
			return
		}
	}
}

// collect loses what the sink refuses, and counts it, as an engine does.
func (c *collector) collect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loss.Err = ""
	for _, m := range c.from {
		a, err := m.ask(order{Do: doTrace}, mateWait)
		if err == nil && len(a.Rows) > 0 {
			err = c.sink.Append(a.Rows)
		}
		if err != nil {
			c.loss.Rows += uint64(len(a.Rows))
			c.loss.Err = fmt.Sprintf("%s: %v", m.module, err)
		}
	}
}

func (c *collector) lost() player.Loss {
	if c == nil {
		return player.Loss{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.loss
}

func (c *collector) close() {
	if c != nil {
		close(c.stop)
		<-c.stopped
	}
}

// traced collects a flow that has to be in the sink before its stimulus returns.
func (w *wired) traced() {
	if w.collector != nil && w.config.Trace.PerFlow {
		w.collector.collect()
	}
}

// afterTrace is done once the flow is in the sink, if it has to be.
func (w *wired) afterTrace(done player.Done) player.Done {
	if w.collector == nil || !w.config.Trace.PerFlow {
		return done
	}
	return func(seq uint64, err error) { w.traced(); done(seq, err) }
}

// named adds to what is unavailable which module's process has ended, if one has.
func (w *wired) named(err error) error {
	gone := w.gone.Load()
	if gone != nil && player.CodeOf(err) == player.Unavailable && !strings.Contains(err.Error(), (*gone).Error()) {
		return unavailable("nats", fmt.Errorf("%w: %w", *gone, err))
	}
	return err
}

// endMates ends the processes, all at once.
func (w *wired) endMates() (err error) {
	for _, m := range w.mates {
		_ = m.input.Close()
	}
	for _, m := range w.mates {
		m.end()
		if w.gone.Load() == nil && m.hello.PID != 0 && !m.command.ProcessState.Success() {
			err = errors.Join(err, fmt.Errorf("module %s's process %d ended with %v", m.module, m.command.Process.Pid, m.command.ProcessState))
		}
	}
	return err
}

// askLog has module log stop or start.
func (w *wired) askLog(do, module string) error {
	i := slices.IndexFunc(w.mates, func(m *mate) bool { return m.module == "log" })
	_, err := w.mates[i].ask(order{Do: do, Module: module}, mateWait)
	return err
}

// AskStores puts a question about the store to each module that has opened it for itself.
func (w *wired) AskStores(question []byte) (answers map[string][]byte, err error) {
	for _, m := range w.mates {
		a, failed := m.ask(order{Do: doStore, Question: question}, mateWait)
		if failed != nil {
			return nil, w.named(unavailable("module "+m.module, failed))
		}
		if answers == nil {
			answers = map[string][]byte{}
		}
		answers[m.module] = a.Answer
	}
	return answers, nil
}

// observeMates adds what the other processes have seen, also beside an error. A lane is of one process.
func (w *wired) observeMates(seen *player.Observation) (failed error) {
	for _, m := range w.mates {
		a, err := m.ask(order{Do: doObserve}, mateWait)
		if err == nil && (a.Seen == nil || len(a.Seen.Lanes) != len(seen.Lanes)) {
			err = errors.New("it does not show its lanes: is it of another version of rubato?")
		}
		if a.Seen != nil && len(a.Seen.Lanes) == len(seen.Lanes) {
			err = errors.Join(err, addSeen(seen, a.Seen))
		}
		if err != nil {
			failed = errors.Join(failed, unavailable("module "+m.module, err))
		}
	}
	return failed
}

func addSeen(to, more *player.Observation) (err error) {
	for i, lane := range more.Lanes {
		switch {
		case lane.Count == 0:
		case to.Lanes[i].Count > 0:
			err = errors.Join(err, fmt.Errorf("lane %s was written in two processes", lane.Name))
		default:
			to.Lanes[i] = lane
		}
	}
	to.Dropped, to.Rejected = to.Dropped+more.Dropped, to.Rejected+more.Rejected
	return err
}

// inspectMates is what the other processes show. One that does not answer shows nothing.
func (w *wired) inspectMates(flows int) (all []told) {
	for _, m := range w.mates {
		a, err := m.ask(order{Do: doInspect, Flows: flows}, mateWait)
		if err != nil {
			a.Lost = &player.Loss{Err: err.Error()}
		}
		all = append(all, a)
	}
	return all
}

// Concepts are those of all modules.
func (w *wired) Concepts() []player.ConceptInfo {
	out := w.Inspection.Concepts()
	for _, m := range w.inspectMates(0) {
		out = append(out, m.Concepts...)
	}
	return out
}

// Rules are those of all modules, in order of name.
func (w *wired) Rules() []player.RuleInfo {
	out := w.Inspection.Rules()
	for _, m := range w.inspectMates(0) {
		out = append(out, m.Rules...)
	}
	slices.SortFunc(out, func(a, b player.RuleInfo) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Flows are the newest n flows, each joined from all modules.
func (w *wired) Flows(n int) []player.Flow {
	if len(w.mates) == 0 {
		return w.Inspection.Flows(n)
	}
	shares := w.Inspection.Flows(n)
	for _, m := range w.inspectMates(n) {
		shares = append(shares, m.Flows...)
	}
	return engine.Newest(n, shares)
}

// Flow is what memory still has of one flow, from all modules.
func (w *wired) Flow(token uint64) (player.Flow, bool) {
	flows := w.Flows(engine.TraceFlows)
	i := slices.IndexFunc(flows, func(f player.Flow) bool { return f.Token == token })
	if i < 0 {
		return player.Flow{}, false
	}
	return flows[i], true
}

// elsewhere are facts that belong to what is in the player's process, whatever another says.
var elsewhere = []string{"pace", "sound", "audience"}

// described adds the facts of the other processes. Where they differ from this one's, it says so.
func (w *wired) described(facts []player.Fact) []player.Fact {
	for _, m := range w.mates {
		for _, theirs := range m.hello.Facts {
			i := slices.IndexFunc(facts, func(f player.Fact) bool { return f.Name == theirs.Name })
			switch {
			case slices.Contains(elsewhere, theirs.Name):
			case i < 0:
				facts = append(facts, theirs)
			case theirs.Name == "rules": // each module has its own
				here, _ := strconv.Atoi(facts[i].Value)
				there, _ := strconv.Atoi(theirs.Value)
				facts[i].Value = strconv.Itoa(here + there)
			case facts[i].Value != theirs.Value:
				facts[i].Value += fmt.Sprintf(", but %s in module %s", theirs.Value, m.module)
			}
		}
	}
	i := slices.IndexFunc(facts, func(f player.Fact) bool { return f.Name == "transport" })
	if i >= 0 && len(w.mates) > 0 && facts[i].Value == "process" {
		facts[i].Value = w.splitInto()
	}
	return facts
}

// splitInto is "split" if each of the modules has told of another process, and of the server that
// this one uses.
func (w *wired) splitInto() string {
	pid, id := w.network.where()
	seen := map[int]bool{pid: true, os.Getpid(): true}
	for _, m := range w.mates {
		if h := m.hello; seen[h.PID] || h.PID != m.command.Process.Pid || h.ID != id {
			return fmt.Sprintf("process, and module %s is in process %d at server %.8s", m.module, h.PID, h.ID)
		}
		seen[m.hello.PID] = true
	}
	return "split"
}
