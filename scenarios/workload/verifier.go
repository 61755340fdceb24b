package workload

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// A verifier checks that a workload's effects exist, and that they existed when the style
// reported them. It reads the database over its own connection. The style's own report
// counts only if it agrees.
type verifier struct {
	store    *sqlite.Store
	settings []runner.Setting // of store and process; they do not change
	asked    map[string]string
	batch    int
	every    bool          // check every acknowledgement, not one per block
	quickest time.Duration // commit on this disk

	seed    uint64
	stimuli []player.Stimulus
	commits int64  // the fewest that the stimuli need
	newest  int64  // message before the stimuli
	visited uint64 // rows before the stimuli
	sealed  int64  // what Commits returned when the clock stopped; -1: not read

	mu    sync.Mutex
	early string // the first acknowledgement before its effect
	wrong string // the first other contradiction between database and style
}

func newVerifier(setup runner.Setup, store *sqlite.Store, c player.Config) (*verifier, error) {
	w := &verifier{store: store, batch: c.Batch, every: setup.Verbatim, seed: setup.Seed, sealed: -1, asked: map[string]string{
		"batch": strconv.Itoa(c.Batch), "pace": string(c.Pace), "transport": c.Placement.Transport,
		"dispatch": string(c.Dispatch), "trace": setup.Options["trace"], runner.VerifiedSetting: strconv.FormatBool(!c.NoDigests)}}
	settings, err := store.Settings()
	if err != nil {
		return w, err
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		w.settings = append(w.settings, runner.Setting{Name: strings.TrimSuffix("sqlite "+strings.TrimPrefix(name, "sqlite"), " "), Value: settings[name]})
	}
	level, err := sqlite.SynchronousOf(setup.Options["sync"])
	if err != nil {
		return w, err
	}
	for _, pragma := range strings.Fields(settings["log"]) {
		if strings.HasPrefix(pragma, "synchronous=") {
			w.settings = append(w.settings, runner.Setting{Name: "commit", Value: pragma, Asked: level})
		}
	}
	if !w.every {
		w.quickest, err = sqlite.QuickestCommit(setup.Dir, sqlite.Options{Synchronous: setup.Options["sync"]})
	}
	return w, err
}

// begin records the state before the stimuli. Each has its own commit; messages share
// commits.
func (w *verifier) begin(stimuli []player.Stimulus, commit bool) (err error) {
	w.stimuli, w.early, w.wrong, w.commits = stimuli, "", "", 0
	messages := int64(0)
	for _, s := range stimuli {
		if s.Kind == player.MessageSaid {
			messages++
		} else if commit {
			w.commits++
		}
	}
	w.commits += (messages + int64(w.batch) - 1) / int64(w.batch)
	w.visited = w.store.Visited()
	w.newest, err = w.store.Newest()
	return err
}

// wrap returns the player with checks: of every message in a transcript, of one drawn
// message in a timed block.
func (w *verifier) wrap(p player.Player) player.Player {
	if len(w.stimuli) == 0 {
		return p
	}
	a := &verified{Player: p, verifier: w}
	if !w.every {
		drawn := w.stimuli[SeedAt(w.seed^w.stimuli[0].Seq, len(w.stimuli))%uint64(len(w.stimuli))]
		if a.only = drawn.Seq; drawn.Kind != player.MessageSaid {
			return p
		}
	}
	return a
}

// verified is a player whose acknowledgements are checked against the database.
type verified struct {
	player.Player
	verifier *verifier
	only     uint64 // sequence number of the message to check; 0: all
}

// Do checks the message when it is reported durable.
func (a *verified) Do(s player.Stimulus) error {
	err := a.Player.Do(s)
	if err == nil && a.concerns(&s) {
		a.verifier.look(s.Seq, s.Message.At)
	}
	return err
}

// Post checks the message when it is reported done.
func (a *verified) Post(s player.Stimulus, done player.Done) error {
	if !a.concerns(&s) {
		return a.Player.Post(s, done)
	}
	at := s.Message.At
	return a.Player.Post(s, func(seq uint64, err error) {
		done(seq, err)
		if err == nil {
			a.verifier.look(seq, at)
		}
	})
}

func (a *verified) concerns(s *player.Stimulus) bool {
	return s.Kind == player.MessageSaid && (a.only == 0 || a.only == s.Seq)
}

// Recent is how many of the last rows are searched for a message that was just reported
// durable, beyond those that shared its commit.
const Recent = 1000

// look records a message that was reported durable and is not.
func (w *verifier) look(seq uint64, at player.Ticks) {
	found, err := w.store.Holds(at, w.batch+Recent)
	if found && err == nil {
		return
	}
	early := fmt.Sprintf("stimulus %d was reported done before its message was durable", seq)
	if err != nil {
		early = fmt.Sprintf("looking for the message of stimulus %d: %v", seq, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.early = cmp.Or(w.early, early)
}

// seal records the number of commits.
func (w *verifier) seal() (err error) {
	w.sealed, err = w.store.Commits()
	return err
}

// observe reads what is durable, then asks the player.
func (w *verifier) observe(p player.Player) (player.Observation, error) {
	commits, err := w.store.Commits()
	if err != nil {
		return player.Observation{}, err
	}
	if w.sealed >= 0 && commits != w.sealed {
		w.wrong = "something became durable after it had reported that all was done"
	}
	w.sealed = -1
	stored, err := w.store.Stored()
	if err != nil {
		return player.Observation{}, err
	}
	seen, err := p.Observe()
	if err != nil {
		return player.Observation{}, err
	}
	if other := otherwise(seen.Stored, stored); other != "" && w.wrong == "" {
		w.wrong = "it reports other " + other + " than the database had before it was asked"
	}
	seen.Stored = stored
	return seen, nil
}

// otherwise names the first difference between two readings of what is stored.
func otherwise(said, stored player.Stored) string {
	switch {
	case said.Messages != stored.Messages || said.Log != stored.Log:
		return "messages"
	case said.Said != stored.Said:
		return "counts of users"
	case said.Cooldowns != stored.Cooldowns:
		return "cooldowns"
	case said.Plays != stored.Plays:
		return "plays"
	case said.Settings != stored.Settings:
		return "settings"
	}
	return ""
}

// report adds what was verified: bytes and order of what was stored, rows read, settings,
// and the least time that the commits can have taken.
func (w *verifier) report(p player.Player, work *runner.Work) error {
	chains := map[string]uint64{}
	err := w.store.MessagesAfter(w.newest, func(m player.Message) {
		work.Bytes += int64(len(m.Username) + len(m.Text) + 8) // 8: the time
		chains[m.Username] = player.DigestWord(player.DigestText(chains[m.Username], m.Text), uint64(m.At))
	})
	var keys uint64
	for user, chain := range chains {
		keys += player.DigestWord(player.DigestText(0, user), chain)
	}
	if len(chains) > 0 {
		work.Keys = fmt.Sprintf("%016x", keys)
	}
	work.Visited = int64(w.store.Visited() - w.visited)
	work.Settings = append(slices.Clone(w.settings), w.facts(p)...)
	work.Least = time.Duration(w.commits) * w.quickest
	w.mu.Lock()
	defer w.mu.Unlock()
	work.Wrong = cmp.Or(w.early, w.wrong)
	return err
}

// facts are the settings that the player reports, with those it was asked for.
func (w *verifier) facts(p player.Player) (settings []runner.Setting) {
	described, ok := p.(player.Described)
	if !ok {
		return nil
	}
	for _, f := range described.Describe() {
		settings = append(settings, runner.Setting{Name: f.Name, Value: f.Value, Asked: w.asked[f.Name], Own: f.Own})
	}
	return settings
}
