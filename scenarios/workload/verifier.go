package workload

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"rubato/player"
	"rubato/results"
	"rubato/runner"
	"rubato/runner/host"
	"rubato/sqlite"
)

// A verifier checks that a workload's effects exist, and that they existed when the style
// reported them. It reads the database over its own connection and counts what the style does
// (counts.go). The style's own report counts only if it agrees.
type verifier struct {
	store     *sqlite.Store
	network   player.Network   // nil: the style has none
	scattered player.Scattered // nil: no module has opened the store for itself
	sink      *countingSink    // nil: no trace is stored
	once      map[string]int64 // the same for a block as a whole
	crosses   map[string]int64 // messages that each module sends at least for a stimulus, over a network
	wanted    map[string]string
	batch     int
	traced    bool         // its trace is asked to be on
	receipts  bool         // of messages are to be in the database
	single    bool         // see Workload.Single
	loose     bool         // see Workload.Loose
	heard     func() int64 // broadcasts that clients have received; nil: nobody listens
	script    bool         // what it shows are the rates
	off       bool         // no looks in timed parts: only to measure what they cost
	every     bool         // look at every stimulus, not only at some that are drawn
	disk      *disk
	shown     runner.Rates // by the script

	runtime     host.Runtime // before the style was opened
	synchronous [2]int64     // of the store's connections, at the same moment
	seed        uint64
	stimuli     []player.Stimulus
	commit      bool  // each of them has its own commit, also those that are no messages
	asked       int64 // questions since begin, which are no stimuli
	runs        int   // calls of Run since begin
	commits     int64 // the fewest that the stimuli need
	newest      int64 // message before the stimuli
	before      sqlite.Tally
	ownBefore   results.Counts
	lostBefore  uint64           // flows
	sealedHeard int64            // broadcasts at that moment
	sealed      *sqlite.Tally    // when the clock stopped; nil: not read
	settings    []runner.Setting // at the same moment
	rates       rateMap
	counted     map[string]int // stimuli of each kind that were counted alone

	mu    sync.Mutex
	early string // the first acknowledgement before its effect
	wrong string // the first other contradiction between database and style
}

func newVerifier(setup runner.Setup, store *sqlite.Store, c player.Config) (*verifier, error) {
	w := &verifier{store: store, network: c.Placement.Network, batch: c.Batch, script: setup.Verbatim, every: setup.Verbatim, off: c.NoDigests,
		traced: c.Trace.On,
		shown:  setup.Rates, runtime: host.RuntimeNow(), seed: setup.Seed, rates: rateMap{}, counted: map[string]int{}, wanted: map[string]string{
			"batch": strconv.Itoa(c.Batch), "pace": string(c.Pace), "transport": c.Placement.Transport, "delivery": c.Placement.Delivery, "codec": c.Placement.Codec, "flush": c.Placement.Flush, "replicas": strconv.Itoa(c.Placement.Replicas), "share": c.Placement.Share, "envelope": c.Placement.Envelope,
			"broadcast": c.Placement.Broadcast, "flavor": c.Placement.Flavor,
			"dispatch": string(c.Dispatch), "trace": setup.Options["trace"], runner.VerifiedSetting: strconv.FormatBool(!c.NoDigests)}}
	if w.receipts = c.Receipts != nil; w.receipts {
		w.wanted[ReceiptsKey.Name] = ReceiptsInDatabase
	} else if c.Placement.Delivery != "core" {
		w.wanted[ReceiptsKey.Name] = ReceiptsInMemory
	}
	level, err := sqlite.SynchronousOf(setup.Options["sync"])
	if err != nil {
		return w, err
	}
	w.wanted["commit"] = level
	if w.synchronous, err = store.Synchronous(); err != nil {
		return w, err
	}
	if w.every {
		w.disk = &disk{}
		return w, nil
	}
	w.disk, err = diskOf(setup)
	return w, err
}

// begin records the state before the stimuli. If commit, each has its own; messages share
// commits.
func (w *verifier) begin(p player.Player, stimuli []player.Stimulus, commit bool) (err error) {
	if shown, can := p.(player.Inspected); can {
		w.lostBefore = shown.Lost().Flows
	}
	w.stimuli, w.commit, w.asked, w.runs, w.early, w.wrong, w.commits, w.sealed = stimuli, commit, 0, 0, "", "", 0, nil
	messages := int64(0)
	for i := range stimuli {
		if stimuli[i].Kind == player.MessageSaid {
			messages++
		} else if commit {
			w.commits++
		}
	}
	w.commits += (messages + int64(w.batch) - 1) / int64(w.batch)
	if w.ownBefore, err = w.ownWhen(nil, always); err != nil {
		return err
	}
	if w.newest, err = w.store.Newest(); err != nil {
		return err
	}
	w.before, err = w.tally()
	return err
}

// seal counts what is done and reads the settings. The clock has stopped.
func (w *verifier) seal() error {
	tally, err := w.tally()
	if err != nil {
		return err
	}
	w.sealed = &tally
	if w.heard != nil {
		w.sealedHeard = w.heard()
	}
	w.settings, err = w.read()
	return err
}

// read reads the settings of the store.
func (w *verifier) read() (list []runner.Setting, err error) {
	settings, err := w.storeSettings()
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		list = append(list, runner.Setting{Name: strings.TrimSuffix("sqlite "+strings.TrimPrefix(name, "sqlite"), " "), Value: settings[name]})
	}
	for _, pragma := range strings.Fields(settings["log"]) {
		if strings.HasPrefix(pragma, "synchronous=") {
			list = append(list, runner.Setting{Name: "commit", Value: pragma, Asked: w.wanted["commit"]})
		}
	}
	return list, nil
}

// observe reads what is durable, then asks the player. What it does meanwhile came too late.
func (w *verifier) observe(p player.Player) (player.Observation, error) {
	if w.sealed == nil {
		if err := w.seal(); err != nil {
			return player.Observation{}, err
		}
	}
	stored, err := w.store.Stored()
	if err != nil {
		return player.Observation{}, err
	}
	seen, err := p.Observe()
	if err != nil {
		return player.Observation{}, err
	}
	now, err := w.tally()
	if err != nil {
		return player.Observation{}, err
	}
	if late := now.Since(*w.sealed); late != (sqlite.Tally{}) {
		w.wrong = fmt.Sprintf("after it had reported that all was done it did more: %v", late)
	} else if w.heard != nil && w.heard() != w.sealedHeard {
		w.wrong = fmt.Sprintf("after it had reported that all was done %d broadcasts were received", w.heard()-w.sealedHeard)
	} else if other := otherwise(seen.Stored, stored); other != "" {
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
	case said.Plays != stored.Plays || said.History != stored.History:
		return "plays"
	case said.Settings != stored.Settings:
		return "settings"
	}
	return ""
}

// report adds what was verified: bytes and order of what was stored, what was counted,
// settings, and the least time that the commits can have taken.
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
	done := w.sealed.Since(w.before)
	work.Counts = tallied(done, w.batch == 1 && !w.loose)
	work.Settings = append(slices.Clone(w.settings), w.facts(p)...)
	limit(work, []*disk{w.disk}, []int64{w.commits})
	own, crossed, failed := w.crossed(p)
	work.Own = own
	connections, uncounted := w.connections()
	work.Connections = connections
	var untraced string
	if !w.loose {
		work.Trace, untraced = w.traces(p)
	}
	if w.script {
		w.together(own)
		work.Rates = runner.Rates(w.rates)
	}
	fewer := ""
	if done.Commits < w.commits && !w.loose {
		fewer = fmt.Sprintf("%d commits, but the stimuli need at least %d", done.Commits, w.commits)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	work.Wrong = cmp.Or(w.early, w.wrong, fewer, w.noted(done), crossed, untraced)
	return errors.Join(err, failed, uncounted)
}

// facts are the settings that the player reports, with those it was asked for.
func (w *verifier) facts(p player.Player) (settings []runner.Setting) {
	described, ok := p.(player.Described)
	if !ok {
		return nil
	}
	for _, f := range described.Describe() {
		settings = append(settings, runner.Setting{Name: f.Name, Value: f.Value, Asked: w.wanted[f.Name], Own: f.Own})
	}
	return settings
}
