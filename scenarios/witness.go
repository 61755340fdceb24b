package scenarios

import (
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

// A witness sees to it that a workload's effects are there, and were there when the
// style said so. It asks the database on a connection of its own; what the style says
// of itself counts only where it agrees.
type witness struct {
	store    *sqlite.Store
	settings []runner.Setting // of store and process, which stay
	asked    map[string]string
	batch    int
	every    bool          // every acknowledgement is looked into, not one a block
	quickest time.Duration // commit on this disk

	seed    uint64
	stimuli []player.Stimulus
	commits int64  // that the stimuli take at least
	newest  int64  // message before the stimuli
	visited uint64 // rows before the stimuli
	sealed  int64  // what Commits told when the clock stopped; -1: nobody asked

	mu    sync.Mutex
	early string // the first acknowledgement that came before its effect
	wrong string // what else the database says against the style
}

func newWitness(setup runner.Setup, store *sqlite.Store, c player.Config) (*witness, error) {
	w := &witness{store: store, batch: c.Batch, every: setup.Verbatim, seed: setup.Seed, sealed: -1, asked: map[string]string{
		"batch": strconv.Itoa(c.Batch), "pace": string(c.Pace), "transport": c.Placement.Transport,
		"dispatch": string(c.Dispatch), "trace": setup.Options["trace"], runner.WitnessedSetting: strconv.FormatBool(!c.Unwitnessed)}}
	told, err := store.Settings()
	if err != nil {
		return w, err
	}
	for _, name := range slices.Sorted(maps.Keys(told)) {
		w.settings = append(w.settings, runner.Setting{Name: strings.TrimSuffix("sqlite "+strings.TrimPrefix(name, "sqlite"), " "), Value: told[name]})
	}
	level, err := sqlite.SynchronousOf(setup.Options["sync"])
	if err != nil {
		return w, err
	}
	for _, pragma := range strings.Fields(told["log"]) {
		if strings.HasPrefix(pragma, "synchronous=") {
			w.settings = append(w.settings, runner.Setting{Name: "commit", Value: pragma, Asked: level})
		}
	}
	if !w.every {
		w.quickest, err = sqlite.QuickestCommit(setup.Dir, sqlite.Options{Synchronous: setup.Options["sync"]})
	}
	return w, err
}

// begin notes what there is before the stimuli, of which each has a commit of its own
// or, if it is a message, a share in one.
func (w *witness) begin(stimuli []player.Stimulus, commit bool) (err error) {
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

// attend is the player with the witness beside it: in a transcript at every message, in
// a timed block at one that is drawn.
func (w *witness) attend(p player.Player) player.Player {
	if len(w.stimuli) == 0 {
		return p
	}
	a := &attended{Player: p, witness: w}
	if !w.every {
		drawn := w.stimuli[stir(w.seed^w.stimuli[0].Seq, len(w.stimuli))%uint64(len(w.stimuli))]
		if a.only = drawn.Seq; drawn.Kind != player.MessageSaid {
			return p
		}
	}
	return a
}

// attended is a player whose word is held against the database.
type attended struct {
	player.Player
	witness *witness
	only    uint64 // sequence number of the one to look into; 0: all
}

// Do looks for the message when it is said to be durable.
func (a *attended) Do(s player.Stimulus) error {
	err := a.Player.Do(s)
	if err == nil && a.concerns(&s) {
		a.witness.look(s.Seq, s.Message.At)
	}
	return err
}

// Post looks for the message when it is reported done.
func (a *attended) Post(s player.Stimulus, done player.Done) error {
	if !a.concerns(&s) {
		return a.Player.Post(s, done)
	}
	at := s.Message.At
	return a.Player.Post(s, func(seq uint64, err error) {
		done(seq, err)
		if err == nil {
			a.witness.look(seq, at)
		}
	})
}

func (a *attended) concerns(s *player.Stimulus) bool {
	return s.Kind == player.MessageSaid && (a.only == 0 || a.only == s.Seq)
}

// recent is how far back a message is looked for that has just been reported durable,
// beyond those that shared its commit.
const recent = 1000

// look notes it if a message that is said to be durable is not.
func (w *witness) look(seq uint64, at player.Ticks) {
	found, err := w.store.Holds(at, w.batch+recent)
	if found && err == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.early != "" {
		return
	}
	w.early = fmt.Sprintf("stimulus %d was reported done before its message was durable", seq)
	if err != nil {
		w.early = fmt.Sprintf("looking for the message of stimulus %d: %v", seq, err)
	}
}

// seal notes how far commits have come.
func (w *witness) seal() (err error) {
	w.sealed, err = w.store.Commits()
	return err
}

// observe reads what is durable, and only then what the player says.
func (w *witness) observe(p player.Player) (player.Observation, error) {
	commits, err := w.store.Commits()
	if err != nil {
		return player.Observation{}, err
	}
	if w.sealed >= 0 && commits != w.sealed {
		w.wrong = "something became durable after it had said that all was done"
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
		w.wrong = "it says that other " + other + " are stored than the database had before it was asked"
	}
	seen.Stored = stored
	return seen, nil
}

// otherwise names what two readings of what is stored differ in.
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

// testify adds what the witness has seen: bytes and order of what was stored, rows that
// were read, settings, and the least time that it can have taken.
func (w *witness) testify(p player.Player, work *runner.Work) error {
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
	if work.Wrong = w.early; work.Wrong == "" {
		work.Wrong = w.wrong
	}
	return err
}

// facts are what the player tells of itself, with what it was asked to be.
func (w *witness) facts(p player.Player) (settings []runner.Setting) {
	told, tells := p.(player.Described)
	if !tells {
		return nil
	}
	for _, f := range told.Describe() {
		settings = append(settings, runner.Setting{Name: f.Name, Value: f.Value, Asked: w.asked[f.Name], Own: f.Own})
	}
	return settings
}
