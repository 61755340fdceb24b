// Package workload is what scenarios share: the styles opened over a copy of the library,
// the loops that drive them (closed, pipelined, open), the verifier that checks what they
// stored, the keys, the scripts of stimuli and the music. It names no scenario. A scenario
// fills in a Workload and starts it; the runner then calls Prepare, Run and Work.
package workload

import (
	"errors"
	"fmt"
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
	return sqlite.Make(filepath.Join(setup.Shared, LibraryFile), sqlite.Library{Passages: passages, Seed: setup.Seed}, nil)
}

// Workload is a style on its own copy of the library. Scenarios differ in script, drive
// and count.
type Workload struct {
	store    *sqlite.Store
	trace    *tracedb.Store // nil unless it is persisted
	Player   player.Player
	verifier *verifier

	Script func(seed uint64, i int) player.Stimulus
	Drive  func(player.Player, []player.Stimulus, func(time.Duration)) error
	Count  func(player.Observation) (effects int64)
	Each   int64                       // effects of one stimulus
	Commit bool                        // every stimulus but a message has its own commit
	Expect func(player.Stimulus) int64 // effects of this stimulus, where they differ; nil: Each

	Seed    uint64
	Stimuli []player.Stimulus // all that were prepared
	at      int               // of Stimuli, the next to run
	checked player.Player     // Player with the verifier's checks of Stimuli
	before  int64             // effects before the last Prepare
}

// Styles are the styles that a scenario can open.
type Styles []player.Style

// open opens the style that setup names.
func (s Styles) open(setup runner.Setup, config player.Config) (player.Player, error) {
	i := slices.IndexFunc(s, func(style player.Style) bool { return style.Name == setup.Style })
	if i < 0 {
		return nil, fmt.Errorf("no style %q", setup.Style)
	}
	p, err := s[i].Open(config)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", setup.Style, err)
	}
	return p, nil
}

// Start copies the library, then opens the store and the player for w.
func (s Styles) Start(setup runner.Setup, w *Workload, adjust func(*player.Config)) (runner.Workload, error) {
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
	adjust(&c)
	if w.verifier, err = newVerifier(setup, store, c.Defaults()); err != nil {
		return nil, errors.Join(err, w.closeStores())
	}
	if w.trace, err = openTrace(setup); err == nil {
		if w.trace != nil {
			c.Trace.Sink = w.trace
		}
		w.Player, err = s.open(setup, c)
	}
	if err != nil {
		return nil, errors.Join(err, w.closeStores())
	}
	return w, nil
}

// Prepare makes the stimuli and counts the effects so far.
func (w *Workload) Prepare(first, n int) error {
	w.Stimuli, w.at = slices.Grow(w.Stimuli[:0], n), 0
	for i := first; i < first+n; i++ {
		w.Stimuli = append(w.Stimuli, w.Script(w.Seed, i))
	}
	seen, err := w.Player.Observe()
	w.before = w.Count(seen)
	err = errors.Join(err, w.verifier.begin(w.Stimuli, w.Commit))
	w.checked = w.verifier.wrap(w.Player)
	return err
}

// Run sends the next n stimuli through the style.
func (w *Workload) Run(n int, latency func(time.Duration)) error {
	next := w.Stimuli[w.at:]
	if n > len(next) {
		return fmt.Errorf("%d stimuli to run, but only %d of those prepared are left", n, len(next))
	}
	w.at += n
	return w.Drive(w.checked, next[:n], latency)
}

// Seal records what is durable when the clock has stopped.
func (w *Workload) Seal() error { return w.verifier.seal() }

// Work counts the effects since Prepare and digests all lanes and what is stored. The
// database is read first and without the player: a player with work left over could
// finish it when it is asked.
func (w *Workload) Work() (runner.Work, error) {
	seen, err := w.verifier.observe(w.Player)
	if err != nil {
		return runner.Work{}, err
	}
	if seen.Dropped > 0 {
		return runner.Work{}, fmt.Errorf("%d messages were dropped", seen.Dropped)
	}
	work := runner.Work{
		Stimuli:  int64(len(w.Stimuli)),
		Effects:  w.Count(seen) - w.before,
		Expected: w.expected(),
		Digest:   Digest(seen),
		Lanes:    Verbatim(seen),
	}
	return work, w.verifier.report(w.Player, &work)
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

// expected is the number of effects that the stimuli must have.
func (w *Workload) expected() (effects int64) {
	if w.Expect == nil {
		return int64(len(w.Stimuli)) * w.Each
	}
	for _, s := range w.Stimuli {
		effects += w.Expect(s)
	}
	return effects
}

// Close closes the player, then its stores.
func (w *Workload) Close() error { return errors.Join(w.Player.Close(), w.closeStores()) }

func (w *Workload) closeStores() error {
	err := w.store.Close()
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
		uint64(seen.Stored.Plays), seen.Stored.Settings,
		seen.Sound.Frames, seen.Sound.Starved, seen.Sound.Digest} {
		h = player.DigestWord(h, word)
	}
	return fmt.Sprintf("%016x", h)
}
