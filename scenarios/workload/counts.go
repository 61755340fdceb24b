package workload

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"rubato/player"
	"rubato/results"
	"rubato/runner"
	"rubato/sqlite"
)

// What the harness counts of a style, without asking it: what was done to the store, what
// crossed the network, what came to the trace's sink.

// Names of what is counted, beside those of a network, which package results has.
const (
	countCommits = "commits"
	countQueries = "reads"
	countRows    = "rows read"
	countWrites  = "writes"
	countRecords = "trace records"
)

// tallied are the counts of a store. Where stimuli may share a commit, how many do depends on
// the moment, so then the number of commits need not be that of the baseline. The baseline has no
// receipts: see noted.
func tallied(done sqlite.Tally, commits bool) results.Counts {
	c := results.Counts{countQueries: done.Queries, countRows: done.Rows, countWrites: done.Writes - done.Receipts}
	if commits {
		c[countCommits] = done.Commits
	}
	return c
}

// noted says what is wrong with the receipts that were written: one for each message, where they
// are asked for.
func (w *verifier) noted(done sqlite.Tally) string {
	want := int64(0)
	if w.receipts {
		want = w.kinds()[messageKind]
	}
	if done.Receipts == want || w.loose {
		return ""
	}
	return fmt.Sprintf("%d receipts were written, want %d: one for each message with receipts=%s, otherwise none", done.Receipts, want, ReceiptsInDatabase)
}

// countingSink counts what a trace stores.
type countingSink struct {
	player.TraceSink
	records atomic.Int64
}

func (s *countingSink) Append(rows []player.TraceRow) error {
	s.records.Add(int64(len(rows)))
	return s.TraceSink.Append(rows)
}

// own are the counts of what only some styles have.
func (w *verifier) own() (results.Counts, error) {
	c := results.Counts{}
	if w.sink != nil {
		c[countRecords] = w.sink.records.Load()
	}
	if w.network == nil {
		return c, nil
	}
	links, err := w.network.Links()
	for _, l := range links {
		c[results.SentMessages+l.Module], c[results.SentBytes+l.Module] = l.Sent, l.SentBytes
		c[results.ReceivedMessages+l.Module], c[results.ReceivedBytes+l.Module] = l.Received, l.ReceivedBytes
	}
	return c, err
}

// connections is how many join the modules: 0 where the style has no network, nil where the
// network does not say.
func (w *verifier) connections() (*int, error) {
	n := 0
	if w.network == nil {
		return &n, nil
	}
	links, err := w.network.Links()
	for _, l := range links {
		n += l.Open
	}
	if n == 0 || err != nil {
		return nil, err
	}
	return &n, nil
}

// What crosses at least, by the description of the conversations: a message goes from module
// ui to module log, which reports its outcome; a refill asks module pd for a flavor, a passage
// and, at last, to record the cooldown.
var (
	MessageCrosses = map[string]int64{"ui": 1, "log": 1}
	RefillCrosses  = map[string]int64{"ap": 3, "pd": 3}
)

const (
	// calm is how long a network's counts must stay the same to be complete: a server adds up
	// what it has read in one go after it has passed it on.
	calm = time.Millisecond
	// mostCalm bounds the wait for that, on a busy machine.
	mostCalm = 2 * time.Second
)

// ownWhen waits until the counts since before are enough, and then until they stay the same.
func (w *verifier) ownWhen(before results.Counts, enough func(results.Counts) bool) (since results.Counts, err error) {
	last := results.Counts(nil)
	again := time.NewTicker(calm)
	defer again.Stop()
	for start := time.Now(); ; <-again.C {
		now, err := w.own()
		if err != nil {
			return nil, err
		}
		since = results.Counts{}
		for name, n := range now {
			since[name] = n - before[name]
		}
		same := last != nil && maps.Equal(last, since)
		if len(now) == 0 || same && enough(since) || time.Since(start) > mostCalm {
			return since, nil
		}
		last = since
	}
}

func always(results.Counts) bool { return true }

// kindOf names the kind of a stimulus.
func kindOf(s *player.Stimulus) string { return fmt.Sprint(uint8(s.Kind)) }

// sampledAlone is how many stimuli of each kind are counted on their own in the script.
const sampledAlone = 20

// alone counts what one stimulus of a kind takes.
func (w *verifier) alone(kind string, do func() error) error {
	if w.network == nil || !w.script || w.counted[kind] == sampledAlone {
		return do()
	}
	w.counted[kind]++
	before, err := w.own()
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	took, err := w.ownWhen(before, always)
	for name, n := range took {
		w.rates.widen(name, kind, n, n)
	}
	return err
}

// rateMap are the rates that a script shows.
type rateMap runner.Rates

// widen leaves out what is received: it follows from what others send.
func (r rateMap) widen(name, kind string, least, most int64) {
	if results.Received(name) {
		return
	}
	if r[name] == nil {
		r[name] = map[string]runner.Rate{}
	}
	rate, known := r[name][kind]
	if !known {
		rate = runner.Rate{Least: least, Most: most}
	}
	r[name][kind] = runner.Rate{Least: min(rate.Least, least), Most: max(rate.Most, most)}
}

// together adds the rates of stimuli that are posted: they cannot be counted alone, so a rate
// is known only if all are of one kind.
func (w *verifier) together(took results.Counts) {
	kinds := w.kinds()
	if len(kinds) != 1 {
		return
	}
	for kind, n := range kinds {
		if w.counted[kind] > 0 || n == 0 {
			return
		}
		for name, all := range took {
			w.rates.widen(name, kind, all/n, (all+n-1)/n)
		}
	}
}

// kinds are how many stimuli there are of each kind.
func (w *verifier) kinds() map[string]int64 {
	n := map[string]int64{}
	for i := range w.stimuli {
		n[kindOf(&w.stimuli[i])]++
	}
	if w.asked > 0 {
		n[questionKind] = w.asked
	}
	return n
}

// messageKind is the kind of a message.
var messageKind = kindOf(&player.Stimulus{Kind: player.MessageSaid})

// questionKind is the kind of Status and Waiting, which are no stimuli.
const questionKind = "question"

// limits are the least and the most that the stimuli must have taken of each count, by what
// the script showed and what the scenario demands. Sizes of messages vary, so bytes may be a
// quarter less; they have no upper limit, because numbers in them grow with the script. When a
// trace is stored is a matter of time, so its records have limits of their own, see stored.
func (w *verifier) limits(rates runner.Rates) (least, most results.Counts) {
	least, most = results.Counts{}, results.Counts{}
	kinds := w.kinds()
	for name, of := range rates {
		if name == countRecords {
			continue
		}
		size := strings.HasPrefix(name, results.SentBytes)
		most[name] = extra * int64(w.runs+1)
		for kind, n := range kinds {
			rate, known := of[kind]
			least[name] += shared(n*rate.Least, w.sharing(name, kind))
			if !known || size || most[name] == math.MaxInt64 {
				most[name] = math.MaxInt64
				continue
			}
			most[name] += n * rate.Most
		}
		if size {
			least[name] -= least[name] / 4
		}
	}
	if w.network == nil {
		return least, most
	}
	for module, n := range w.demanded() {
		least[results.SentMessages+module] = max(least[results.SentMessages+module], n)
	}
	return least, most
}

// sharing is how many messages or outcomes a module may send as one by the key share, where how
// many it does depends on the moment: with one under way at a time, each goes alone.
func (w *verifier) sharing(name, kind string) int64 {
	share := w.wanted["share"]
	outcomes := name == results.SentMessages+"log" && (share == "outcomes" || share == "all")
	if kind == messageKind && !w.single && (outcomes || name == results.SentMessages+"ui" && share == "all") {
		return player.MostShared
	}
	return 1
}

// shared is how many messages n need, if so many can be one.
func shared(n, most int64) int64 { return (n + most - 1) / most }

// demanded is how many messages each module must have sent by the scenario and its settings.
func (w *verifier) demanded() map[string]int64 {
	n := map[string]int64{}
	for module, each := range w.crosses {
		n[module] = each * w.all() / int64(w.batch)
		if most := w.sharing(results.SentMessages+module, messageKind); most > 1 {
			n[module] = shared(each*w.all(), max(most, int64(w.batch)))
		}
	}
	if w.wanted["delivery"] != "core" { // module log acknowledges each message
		n["log"] += w.kinds()[messageKind]
	}
	for module, once := range w.once {
		n[module] = max(n[module], once)
	}
	return n
}

// stored is the least number of records that a stored trace has of the stimuli: one of each
// flow, but for flows that it reports as lost.
func (w *verifier) stored(p player.Player) int64 {
	shown, can := p.(player.Inspected)
	if w.sink == nil || !w.traced || !can {
		return 0
	}
	return max(0, int64(len(w.stimuli))-int64(shown.Lost().Flows-w.lostBefore))
}

// extra is what each slice may have beside its stimuli: requests to commit.
const extra = 3

// all is the number of stimuli and questions.
func (w *verifier) all() int64 { return int64(len(w.stimuli)) + w.asked }

// crossed says what is wrong with what crossed the network since Prepare.
func (w *verifier) crossed(p player.Player) (since results.Counts, wrong string, err error) {
	least, most := w.limits(w.shown)
	since, err = w.ownWhen(w.ownBefore, func(now results.Counts) bool {
		least[countRecords] = w.stored(p) // fewer when flows are lost meanwhile
		for name, n := range least {
			if now[name] < n {
				return false
			}
		}
		return true
	})
	if err != nil {
		return nil, "", err
	}
	if w.loose {
		return since, "", nil
	}
	if w.sink == nil {
		delete(least, countRecords)
	}
	for _, name := range slices.Sorted(maps.Keys(least)) {
		if since[name] < least[name] {
			return since, fmt.Sprintf("%s: %d, but %d stimuli need at least %d: they did not cross, or were not kept", name, since[name], w.all(), least[name]), nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(most)) {
		if since[name] > most[name] {
			return since, fmt.Sprintf("%s: %d, but %d stimuli need at most %d by its script", name, since[name], w.all(), most[name]), nil
		}
	}
	return since, "", nil
}
