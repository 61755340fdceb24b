package workload

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// A Crew is a player whose module log is in worker processes, which share its messages. This
// process has the other modules and the server. It reads what the workers have stored from
// their files, if it has started them; others are asked (elsewhere.go).
type Crew struct {
	Player     player.Player
	Workers    []*Worker
	generators []elsewhere // that say the messages; none: this process says them
	disk       *disk       // of the workers that it starts
	store      *sqlite.Store
	network    player.Network
	staffing   staffing
}

const (
	// WorkerCommand is the command of a worker.
	WorkerCommand = "worker"
	// WorkerFile is a worker's store, in its folder.
	WorkerFile = "log.db"
	// membersWait is how long answers of members elsewhere are waited for.
	membersWait = 500 * time.Millisecond
	// joinWait is how long a worker may take to join.
	joinWait = 20 * time.Second
	// leaveWait is how long it may take to leave before it is killed.
	leaveWait = 10 * time.Second
)

// Joined is the line that a worker prints when it has joined.
func Joined(m player.Member) string {
	line := joinedPrefix
	if _, says := m.(player.Generating); says {
		line = "joined as a generator: "
	}
	for _, f := range m.Describe() {
		line += f.Name + " " + f.Value + ", "
	}
	return strings.TrimSuffix(line, ", ")
}

const (
	joinedPrefix = "joined as module log: "
	// CommitFact says whether a worker's commits wait for the disk.
	CommitFact = "commit"
)

// GeneratorsKey is how many generators say the messages of a crew.
var GeneratorsKey = runner.Key{
	Name: "generators", Default: "0", Values: []string{"0", "1", "2", "4"},
	Doc: "transport=url: processes on other machines that say the messages (rubato worker -generate); 0: the measured process says them",
}

// OpenCrew opens the style that has a network, and starts workers as processes of this
// program; with transport=url others have started them. It returns when all have joined.
func (s Styles) OpenCrew(setup runner.Setup, workers int, adjust func(*player.Config)) (c *Crew, err error) {
	var style player.Style
	for _, of := range s {
		if of.Join != nil {
			style = of
		}
	}
	if style.Open == nil {
		return nil, errors.New("no style can be joined by workers")
	}
	c = &Crew{}
	if err := c.open(style, setup, workers, adjust); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Crew) open(style player.Style, setup runner.Setup, workers int, adjust func(*player.Config)) (err error) {
	if c.disk, err = diskOf(setup); err != nil {
		return err
	}
	library, own := filepath.Join(setup.Shared, LibraryFile), filepath.Join(setup.Dir, LibraryFile)
	if err := sqlite.Copy(library, own); err != nil {
		return err
	}
	if c.store, err = sqlite.Open(own, sqlite.Options{}); err != nil {
		return err
	}
	config := config(setup, c.store)
	adjust(&config)
	config.Placement.Away, config.Placement.Number = true, strconv.Itoa(workers)
	if c.network, err = style.Network(config.Defaults().Placement); err != nil {
		return err
	}
	config.Placement.Network = c.network
	if c.Player, err = style.Open(config); err != nil {
		return err
	}
	generators, _ := strconv.Atoi(setup.Options[GeneratorsKey.Name]) // as the key has checked; none in other scenarios
	if generators > 0 && setup.Options["transport"] != "url" {
		return errors.New("generators are processes that you start on other machines: they need transport=url (rubato worker -h)")
	}
	inviting, can := c.network.(player.Inviting)
	if !can {
		return fmt.Errorf("the network of %s cannot be joined by workers", style.Name)
	}
	if setup.Options["transport"] == "url" {
		return c.find(inviting, workers, generators)
	}
	c.staffing = staffing{library: library, sync: setup.Options["sync"], receipts: setup.Options[ReceiptsKey.Name]}
	if c.staffing.to, err = invite(inviting, config.Placement, workers); err != nil {
		return err
	}
	for i := range workers {
		err := c.hire(c.staffing.folder(setup, i))
		if err == nil && c.staffing.receipts == ReceiptsInDatabase { // one opens their file at a time: the first changes its journal
			err = c.Workers[i].join()
		}
		if err != nil {
			return fmt.Errorf("worker %d: %w", i+1, err)
		}
	}
	for i, w := range c.Workers {
		if w.store != nil {
			continue
		}
		if err := w.join(); err != nil {
			return fmt.Errorf("worker %d: %w", i+1, err)
		}
	}
	return nil
}

// lasting are facts that are the same in each trial: a server's port is not.
func lasting(facts string) string {
	all := slices.DeleteFunc(strings.Split(facts, ", "), func(f string) bool { return strings.HasPrefix(f, "server ") })
	return strings.Join(all, ", ")
}

// Fact is one that a worker has told.
func (w *Worker) Fact(name string) string {
	for _, fact := range strings.Split(w.Facts, ", ") {
		if value, is := strings.CutPrefix(fact, name+" "); is {
			return value
		}
	}
	return ""
}

// Stored is how many messages are durable.
func (c *Crew) Stored() (n int64, err error) {
	for i, w := range c.Workers {
		newest, failed := w.store.Newest()
		n, err = n+newest, errors.Join(err, named(i, failed))
	}
	return n, err
}

// named says whose error it is.
func named(worker int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("worker %d: %w", worker+1, err)
}

// Mark begins a new part: what is stored from now on belongs to it.
func (c *Crew) Mark() error {
	var err error
	for i, w := range c.Workers {
		stored, failed := w.store.Stored()
		w.before, err = stored, errors.Join(err, named(i, failed))
	}
	return err
}

// Say has generators, or else this process, say the messages, window of them under way at most.
func (c *Crew) Say(seed uint64, first int, stimuli []player.Stimulus, window int, latency func(time.Duration)) error {
	if len(c.generators) == 0 {
		return Pipelined(c.Player, stimuli, latency)
	}
	return c.speak(seed, first, len(stimuli), window, latency)
}

// Generators are what those tell of themselves that say the messages.
func (c *Crew) Generators() (facts []string) {
	for _, g := range c.generators {
		facts = append(facts, lasting(g.Facts))
	}
	return facts
}

// Shares are how many of these messages each worker has stored since Mark, as its file shows, or
// as it tells. Each message must be in one file, once, as it was said, and its user counted once; wrong
// says what is not so.
func (c *Crew) Shares(said []player.Stimulus) (shares []int64, wrong string, err error) {
	missing := map[player.Message]int{}
	for _, s := range said {
		missing[s.Message]++
	}
	for i, w := range c.Workers {
		var rows int64
		err := w.store.MessagesAfter(w.before.Messages, func(m player.Message) {
			rows++
			if missing[m]--; missing[m] < 0 {
				wrong = cmp.Or(wrong, fmt.Sprintf("worker %d has stored a message that was not said, or was stored before: %.60q", i+1, m.Text))
			}
		})
		if errors.Is(err, errDisagrees) {
			wrong, err = named(i, err).Error(), nil // rather than what follows from it
		}
		now, failed := w.store.Stored()
		if err = errors.Join(err, failed); err != nil {
			return nil, "", named(i, err)
		}
		if counted := now.Said - w.before.Said; counted != rows {
			wrong = cmp.Or(wrong, fmt.Sprintf("worker %d has stored %d messages and counted %d", i+1, rows, counted))
		}
		shares = append(shares, rows)
	}
	lost := 0
	for _, n := range missing {
		lost += max(n, 0)
	}
	if lost > 0 {
		wrong = cmp.Or(wrong, fmt.Sprintf("%d of %d messages are in no worker's store: they are lost", lost, len(said)))
	}
	return shares, wrong, nil
}

// Standing is an error if a worker has ended.
func (c *Crew) Standing() (err error) {
	for i, w := range c.Workers {
		select {
		case <-w.ended:
			err = errors.Join(err, fmt.Errorf("worker %d has ended (%v): what it had taken and not stored is lost", i+1, w.command.ProcessState))
		default:
		}
	}
	return err
}

// Close settles, has the workers leave, and ends the network. No process is left.
func (c *Crew) Close() (err error) {
	if c.Player != nil {
		err = c.Player.Close()
	}
	for _, w := range c.Workers {
		if w.input != nil {
			_ = w.input.Close() // of all at once; it is closed already if the worker has ended
		}
	}
	for i, w := range c.Workers {
		if failed := w.leave(); failed != nil {
			err = errors.Join(err, fmt.Errorf("worker %d: %w", i+1, failed))
		}
	}
	if c.network != nil {
		err = errors.Join(err, c.network.Close())
	}
	if c.store != nil {
		err = errors.Join(err, c.store.Close())
	}
	return err
}

// Limit sets the least time of work in which the workers have made so many commits each.
func (c *Crew) Limit(work *runner.Work, commits []int64) {
	disks := make([]*disk, len(c.Workers))
	for i, w := range c.Workers {
		disks[i] = w.disk
	}
	limit(work, disks, commits)
}

// A Worker is a worker's process, and its file.
type Worker struct {
	command *exec.Cmd // nil: others have started it
	input   io.WriteCloser
	output  *os.File
	path    string
	Facts   string // that it told when it joined
	killed  atomic.Bool
	ended   chan struct{} // closed when it has ended and was waited for
	store   storeReader   // nil before it has joined
	disk    *disk
	before  player.Stored // at Mark
}

// A storeReader reads what a worker has stored: its file, or what it tells.
type storeReader interface {
	Newest() (int64, error)
	MessagesAfter(id int64, visit func(player.Message)) error
	Stored() (player.Stored, error)
	Close() error
}

// join waits for the line of a worker that has joined.
func (w *Worker) join() error {
	if err := w.output.SetReadDeadline(time.Now().Add(joinWait)); err != nil {
		return err
	}
	line, err := bufio.NewReader(w.output).ReadString('\n')
	facts, joined := strings.CutPrefix(strings.TrimSpace(line), joinedPrefix)
	switch {
	case errors.Is(err, io.EOF):
		<-w.ended
		return fmt.Errorf("it has ended (%v) before it joined", w.command.ProcessState)
	case err != nil:
		return fmt.Errorf("it has not joined within %v: %w", joinWait, err)
	case !joined:
		return fmt.Errorf("it says %.80q, not that it has joined", line)
	}
	w.Facts = lasting(facts)
	store, err := sqlite.Open(w.path, sqlite.Options{})
	if err == nil {
		w.store = store
	}
	return err
}

// Kill ends the worker without a word, as a crash would.
func (w *Worker) Kill() error {
	w.killed.Store(true)
	err := w.command.Process.Kill()
	<-w.ended
	return err
}

// leave waits until the worker has left, or kills it. Its input is closed.
func (w *Worker) leave() (err error) {
	if w.command == nil { // others have started it
		return w.store.Close()
	}
	late := time.NewTimer(leaveWait)
	defer late.Stop()
	select {
	case <-w.ended:
	case <-late.C:
		_ = w.Kill() // it may have ended just now
		err = fmt.Errorf("it had to be killed, since it had not left after %v", leaveWait)
	}
	if err == nil && !w.killed.Load() && !w.command.ProcessState.Success() {
		err = fmt.Errorf("it ended with %v", w.command.ProcessState)
	}
	if w.store != nil {
		err = errors.Join(err, w.store.Close())
	}
	return errors.Join(err, w.output.Close())
}
