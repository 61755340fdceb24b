// Package workload is what scenarios share: the styles opened over a copy of the library,
// the loops that drive them (closed, pipelined, open), the verifier that checks what they
// stored, the keys, the scripts of stimuli and the music. It names no scenario. A scenario
// fills in a Workload and starts it; the runner then calls Prepare, Run and Work.
package workload

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
	"rubato/sqlite/tracedb"
)

// LibraryFile is the library that Prepare leaves in setup.Shared.
const LibraryFile = "library.db"

// Prepare makes the library, which every style copies.
func Prepare(setup runner.Setup, passages int) error {
	err := sqlite.Make(filepath.Join(setup.Shared, LibraryFile), sqlite.Library{Passages: passages, Seed: setup.Seed}, nil)
	if err != nil {
		return err
	}
	quickest, err := sqlite.QuickestCommit(setup.Shared, sqlite.Options{Synchronous: setup.Options["sync"]})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(setup.Shared, quickestFile), []byte(quickest.String()), 0o644)
}

// quickestFile holds the time of the quickest commit on this disk. It is measured while nothing
// else is at work: arms that open together would slow each other down.
const quickestFile = "quickest-commit"

// A disk is where commits wait.
type disk struct {
	quickest time.Duration // commit; 0, which is no limit: the scenario did not measure it
	measure  func() (time.Duration, error)
}

// diskOf reads what Prepare has measured.
func diskOf(setup runner.Setup) (*disk, error) {
	d := &disk{measure: func() (time.Duration, error) {
		return sqlite.QuickestCommit(setup.Dir, sqlite.Options{Synchronous: setup.Options["sync"]})
	}}
	text, err := os.ReadFile(filepath.Join(setup.Shared, quickestFile))
	if errors.Is(err, os.ErrNotExist) {
		return d, nil
	} else if err == nil {
		d.quickest, err = time.ParseDuration(string(text))
	}
	return d, err
}

// limit sets the least time of work: that of the commits on each disk, which work side by side.
func limit(work *runner.Work, disks []*disk, commits []int64) {
	least := func() (most time.Duration) {
		for i, d := range disks {
			most = max(most, time.Duration(commits[i])*d.quickest)
		}
		return most
	}
	work.Least = least()
	work.Again = func() (time.Duration, error) {
		for _, d := range disks {
			took, err := d.measure()
			if err != nil {
				return 0, err
			}
			d.quickest = min(d.quickest, took)
		}
		return least(), nil
	}
}

// Workload is a style on its own copy of the library. Scenarios differ in script, drive
// and count.
type Workload struct {
	store    *sqlite.Store
	network  player.Network // nil: the style has none
	trace    *tracedb.Store // nil unless it is persisted
	Player   player.Player
	verifier *verifier
	planted  *planted // nil: nothing is

	Script func(seed uint64, i int) player.Stimulus
	Drive  func(player.Player, []player.Stimulus, func(time.Duration)) error
	Count  func(player.Observation) (effects int64)
	Each   int64                       // effects of one stimulus
	Commit bool                        // every stimulus but a message has its own commit
	Expect func(player.Stimulus) int64 // effects of this stimulus, where they differ; nil: Each
	// Crosses are the messages that each module sends at least for a stimulus where a network
	// joins the modules, by the player's description. nil: it depends on the stimulus.
	Crosses  map[string]int64
	Once     map[string]int64 // the same for a block as a whole
	Single   bool             // one stimulus is under way at a time
	Loose    bool             // what crosses, what shares a commit and what a trace keeps depends on the moment
	Accounts bool             // the scenario accounts for each message, also for those that are dropped
	Heard    func() int64     // broadcasts that clients have received; nil: nobody listens

	Took     time.Duration // to open the network and the player
	Seed     uint64
	Stimuli  []player.Stimulus // all that were prepared
	at       int               // of Stimuli, the next to run
	checked  player.Player     // Player with the verifier's checks of Stimuli
	before   int64             // effects before the last Prepare
	next     int               // position in the script
	gone     bool              // the network is
	slowdown *runner.Slowdown  // where no store of this process has it; nil: none
}

// Styles are the styles that a scenario can open.
type Styles []player.Style

// of is the style that setup names.
func (s Styles) of(setup runner.Setup) (player.Style, error) {
	i := slices.IndexFunc(s, func(style player.Style) bool { return style.Name == setup.Style })
	if i < 0 {
		return player.Style{}, fmt.Errorf("no style %q", setup.Style)
	}
	return s[i], nil
}

// Start copies the library, then opens the store and the player for w.
func (s Styles) Start(setup runner.Setup, w *Workload, adjust func(*player.Config)) (runner.Workload, error) {
	style, err := s.of(setup)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(setup.Dir, LibraryFile)
	if err := sqlite.Copy(filepath.Join(setup.Shared, LibraryFile), path); err != nil {
		return nil, err
	}
	store, err := sqlite.Open(path, sqlite.Options{Synchronous: setup.Options["sync"]})
	if err != nil {
		return nil, err
	}
	w.store, w.Seed = store, setup.Seed
	c := config(setup, store)
	c.Receipts, err = receipts(setup, store)
	adjust(&c)
	if err == nil {
		w.planted, err = plant(setup, &c)
	}
	if err == nil {
		err = w.open(style, setup, c)
	}
	if err != nil {
		return nil, errors.Join(err, w.closeStores())
	}
	return w, nil
}

// open opens what the player stands on, and the player.
func (w *Workload) open(style player.Style, setup runner.Setup, c player.Config) (err error) {
	var sink *countingSink
	if w.trace, err = openTrace(setup); err != nil {
		return err
	}
	if w.trace != nil {
		sink = &countingSink{TraceSink: w.trace}
		c.Trace.Sink = sink
	}
	start := time.Now()
	if style.Network != nil {
		if w.network, err = style.Network(c.Placement); err != nil {
			return fmt.Errorf("start the network of %s: %w", style.Name, err)
		}
		c.Placement.Network = w.network
	}
	if w.verifier, err = newVerifier(setup, w.store, c.Defaults()); err != nil {
		return err
	}
	w.verifier.sink, w.verifier.crosses, w.verifier.loose, w.verifier.heard = sink, w.Crosses, w.Loose, w.Heard
	w.verifier.once, w.verifier.single = w.Once, w.Single
	if w.Player, err = style.Open(c); err != nil {
		return fmt.Errorf("open %s: %w", style.Name, err)
	}
	w.Took = time.Since(start)
	scattered, can := w.Player.(player.Scattered)
	if !can || setup.Options["transport"] != SplitTransport {
		return nil
	}
	w.slowdown, w.verifier.scattered = setup.Slowdown, scattered
	w.verifier.synchronous, err = w.verifier.levels()
	return err
}

// Network is what joins the style's modules; nil: it has none.
func (w *Workload) Network() player.Network { return w.network }

// Prepare makes the stimuli and counts the effects so far.
func (w *Workload) Prepare(first, n int) error {
	w.Stimuli, w.at, w.next = slices.Grow(w.Stimuli[:0], n), 0, first+n
	for i := first; i < first+n; i++ {
		w.Stimuli = append(w.Stimuli, w.Script(w.Seed, i))
	}
	seen, err := w.Player.Observe()
	w.before = w.Count(seen)
	err = errors.Join(err, w.verifier.begin(w.Player, w.Stimuli, w.Commit))
	w.checked = w.verifier.wrap(w.Player)
	if w.slowdown != nil {
		w.checked = slowPlayer{w.checked, w.slowdown}
	}
	return err
}

// Run sends the next n stimuli through the style.
func (w *Workload) Run(n int, latency func(time.Duration)) error {
	next := w.Stimuli[w.at:]
	if n > len(next) {
		return fmt.Errorf("%d stimuli to run, but only %d of those prepared are left", n, len(next))
	}
	w.at += n
	w.verifier.runs++
	to := w.checked
	if w.planted != nil {
		to = ticketed{to, w.planted}
	}
	if err := w.Drive(to, next[:n], latency); err != nil {
		return w.losses(err, w.at-n, n)
	}
	return nil
}

// losses adds to the error of a loop what became of the stimuli since the last Prepare: those
// before it, and those of its n that had begun.
func (w *Workload) losses(err error, before, n int) error {
	var early broken
	if errors.As(err, &early) {
		n = early.begun
	}
	_ = w.Player.Settle() // what is under way ends; that something failed is known
	seen, unseen := w.Player.Observe()
	if len(seen.Lanes) == 0 {
		return errors.Join(err, unseen)
	}
	expected, durable := w.expectedOf(w.Stimuli[:before+n]), w.Count(seen)-w.before
	return fmt.Errorf("%w; of %d stimuli begun since the trial's start, with %d effects, %d effects are durable: %d lost or refused",
		err, before+n, expected, durable, max(expected-durable, 0))
}

// PrepareQuestions begins to count for n questions, which are asked with Asked.
func (w *Workload) PrepareQuestions(first, n int) error {
	err := w.Prepare(first, 0)
	w.verifier.asked = int64(n)
	return err
}

// Asked is the player to ask.
func (w *Workload) Asked() player.Player { return w.checked }

// Witness has every stimulus looked at from the next Prepare on, or no longer.
func (w *Workload) Witness(on bool) { w.verifier.every = on }

// Isolate closes the network. What needs it must fail then: what still works has passed it by.
func (w *Workload) Isolate() (string, error) {
	return w.IsolateFrom(func() error { return w.Player.Do(w.Script(w.Seed, w.next)) })
}

// IsolateFrom is Isolate for a scenario that tries something else than its next stimulus.
func (w *Workload) IsolateFrom(try func() error) (string, error) {
	if w.network == nil || w.Crosses == nil {
		return "", nil
	}
	if err := w.network.Close(); err != nil {
		return "", err
	}
	w.gone = true
	switch err := try(); player.CodeOf(err) {
	case player.Unavailable, player.Closed:
		return "", nil
	case "":
		return "the network was gone, and it worked all the same: it does not use it", nil
	default:
		return "", fmt.Errorf("without its network: %w", err)
	}
}

// AfterSlice looks at settings between two slices.
func (w *Workload) AfterSlice() error { return w.verifier.afterSlice() }

// Happened tells of checkpoints and of what the trace stored.
func (w *Workload) Happened(tell func(mark string, times int64)) error {
	return w.verifier.happened(tell)
}

// Seal counts what is done when the clock has stopped.
func (w *Workload) Seal() error { return w.verifier.seal() }

// Work counts the effects since Prepare and digests all lanes and what is stored. The
// database is read first and without the player: a player with work left over could
// finish it when it is asked.
func (w *Workload) Work() (runner.Work, error) {
	seen, err := w.verifier.observe(w.Player)
	if err != nil {
		return runner.Work{}, err
	}
	if seen.Dropped+seen.Rejected > 0 && !w.Accounts {
		return runner.Work{}, fmt.Errorf("%d messages were dropped, %d rejected", seen.Dropped, seen.Rejected)
	}
	work := runner.Work{
		Stimuli:  int64(len(w.Stimuli)),
		Effects:  w.Count(seen) - w.before,
		Expected: w.expectedOf(w.Stimuli),
		Digest:   Digest(seen),
		Lanes:    Verbatim(seen),
	}
	err = w.verifier.report(w.Player, &work)
	if w.planted != nil && w.planted.tickets.Load() > 0 {
		work.Wrong = cmp.Or(work.Wrong, fmt.Sprintf("%d operations did not pass the part in which time was planted", w.planted.tickets.Load()))
	}
	return work, err
}

// Verbatim returns the lines of the lanes that keep them.
func Verbatim(seen player.Observation) map[string][]string {
	lanes := map[string][]string{}
	for _, lane := range seen.Lanes {
		if lane.Verbatim {
			lanes[lane.Name] = lane.Lines
		}
	}
	return lanes
}

// expectedOf is the number of effects that the stimuli must have.
func (w *Workload) expectedOf(stimuli []player.Stimulus) (effects int64) {
	if w.Expect == nil {
		return int64(len(stimuli)) * w.Each
	}
	for _, s := range stimuli {
		effects += w.Expect(s)
	}
	return effects
}

// Close closes the player, then its stores. A player whose network is gone cannot settle.
func (w *Workload) Close() error {
	err := w.Player.Close()
	if w.gone {
		err = nil
	}
	return errors.Join(err, w.closeStores())
}

func (w *Workload) closeStores() error {
	err := w.store.Close()
	if w.network != nil {
		err = errors.Join(err, w.network.Close())
	}
	if w.trace != nil {
		err = errors.Join(err, w.trace.Close())
	}
	return err
}

// Digest combines everything that can be read back into one number.
func Digest(seen player.Observation) string {
	h := player.DigestText(0, "rubato")
	for _, lane := range seen.Lanes {
		h = player.DigestText(h, lane.Name)
		h = player.DigestWord(h, lane.Count)
		h = player.DigestWord(h, lane.Digest)
	}
	for _, e := range seen.Queue {
		h = player.DigestWord(h, uint64(e.Passage))
	}
	for _, word := range []uint64{seen.Stored.Cooldowns, uint64(seen.Stored.Messages), uint64(seen.Stored.Said), seen.Stored.Log,
		uint64(seen.Stored.Plays), seen.Stored.History, seen.Stored.Settings,
		seen.Sound.Frames, seen.Sound.Starved, seen.Sound.Digest} {
		h = player.DigestWord(h, word)
	}
	return fmt.Sprintf("%016x", h)
}
