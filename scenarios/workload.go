package scenarios

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// libraryFile is what Prepare leaves in setup.Shared.
const libraryFile = "library.db"

// prepare makes the library that all styles copy.
func prepare(setup runner.Setup, passages int) error {
	return sqlite.Make(filepath.Join(setup.Shared, libraryFile), sqlite.Library{Passages: passages, Seed: setup.Seed}, nil)
}

// workload is a style at work on its own copy of the library. What differs between
// scenarios is script, drive and count.
type workload struct {
	store   *sqlite.Store
	trace   *sqlite.TraceStore // nil unless it is persisted
	player  player.Player
	witness *witness

	script func(seed uint64, i int) player.Stimulus
	drive  func(player.Player, []player.Stimulus, func(time.Duration)) error
	count  func(player.Observation) (effects int64)
	each   int64                       // effects that one stimulus must have
	commit bool                        // each stimulus that is no message has a commit of its own
	expect func(player.Stimulus) int64 // the same, where stimuli differ; nil: each

	seed    uint64
	stimuli []player.Stimulus
	before  int64 // effects before the last Prepare
}

// start copies and opens the store and the player; w says what to do with them.
func (s styleSet) start(setup runner.Setup, w *workload, adjust func(*player.Config)) (runner.Workload, error) {
	path := filepath.Join(setup.Dir, libraryFile)
	if err := sqlite.Copy(filepath.Join(setup.Shared, libraryFile), path); err != nil {
		return nil, err
	}
	store, err := sqlite.Open(path, sqlite.Options{Synchronous: setup.Options["sync"]})
	if err != nil {
		return nil, err
	}
	w.store, w.seed = store, setup.Seed
	c := config(setup, store)
	adjust(&c)
	if w.witness, err = newWitness(setup, store, c.Defaults()); err != nil {
		return nil, errors.Join(err, w.closeStores())
	}
	if w.trace, err = keepTrace(setup); err == nil {
		if w.trace != nil {
			c.Trace.Sink = w.trace
		}
		w.player, err = s.open(setup, c)
	}
	if err != nil {
		return nil, errors.Join(err, w.closeStores())
	}
	return w, nil
}

// Prepare makes the stimuli, and reads how many effects there are so far.
func (w *workload) Prepare(first, n int) error {
	w.stimuli = w.stimuli[:0]
	for i := first; i < first+n; i++ {
		w.stimuli = append(w.stimuli, w.script(w.seed, i))
	}
	seen, err := w.player.Observe()
	w.before = w.count(seen)
	return errors.Join(err, w.witness.begin(w.stimuli, w.commit))
}

// Run drives the stimuli through the style.
func (w *workload) Run(latency func(time.Duration)) error {
	return w.drive(w.witness.attend(w.player), w.stimuli, latency)
}

// Seal notes what is durable now that the clock has stopped.
func (w *workload) Seal() error { return w.witness.seal() }

// Work counts the effects since Prepare, and digests all lanes and what is stored. What
// is stored is read before the player is asked anything, and not by the player: one
// that had work left over could finish it when asked.
func (w *workload) Work() (runner.Work, error) {
	seen, err := w.witness.observe(w.player)
	if err != nil {
		return runner.Work{}, err
	}
	if seen.Dropped > 0 {
		return runner.Work{}, fmt.Errorf("%d messages were dropped on the way", seen.Dropped)
	}
	work := runner.Work{
		Stimuli:  int64(len(w.stimuli)),
		Effects:  w.count(seen) - w.before,
		Expected: w.expected(),
		Digest:   digest(seen),
		Lanes:    verbatim(seen),
	}
	return work, w.witness.testify(w.player, &work)
}

// verbatim are the lines of the lanes that keep them.
func verbatim(seen player.Observation) map[string][]string {
	lanes := map[string][]string{}
	for _, lane := range seen.Lanes {
		if lane.Verbatim {
			lanes[lane.Name] = lane.Lines
		}
	}
	return lanes
}

// expected is how many effects the stimuli must have had.
func (w *workload) expected() (effects int64) {
	if w.expect == nil {
		return int64(len(w.stimuli)) * w.each
	}
	for _, s := range w.stimuli {
		effects += w.expect(s)
	}
	return effects
}

// Close ends the player, then its stores.
func (w *workload) Close() error { return errors.Join(w.player.Close(), w.closeStores()) }

func (w *workload) closeStores() error {
	err := w.store.Close()
	if w.trace != nil {
		err = errors.Join(err, w.trace.Close())
	}
	return err
}

// digest is one number for all that can be read back.
func digest(seen player.Observation) string {
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

// stir makes the i-th seed of a script, by SplitMix64 (Steele, Lea and Flood,
// "Fast splittable pseudorandom number generators", OOPSLA 2014).
func stir(seed uint64, i int) uint64 {
	z := seed + (uint64(i)+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
