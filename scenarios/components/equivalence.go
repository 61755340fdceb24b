package components

import (
	"errors"

	"rubato/direct"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
	"rubato/sqlite"
)

// These pieces measure what the equivalence check costs: the digests of lanes are in the
// timed region, and so are some looks at the database per trial. Direct calls have the
// cheapest operations, so the share is largest here.

func equivalencePieces() []piece {
	const without = "; lanes only count"
	const change = "a change of the queue's depth by direct calls, not broadcast: almost no work, and two lines of lanes"
	const selection = "a selection from 100 passages by direct calls, three lines of lanes"
	const message = "a message by direct calls, 100 to a commit, two lines of lanes"
	return []piece{
		{"depth", change, 2, openDigested(workload.SameMoment, workload.Refills, false)},
		{"depth-unverified", change + without, 2, openDigested(workload.SameMoment, workload.Refills, true)},
		{"selection", selection, 3, openDigested(workload.SuggestAt, workload.Refills, false)},
		{"selection-unverified", selection + without, 3, openDigested(workload.SuggestAt, workload.Refills, true)},
		{"message", message, 2, openDigested(workload.Say, workload.Stored, false)},
		{"message-unverified", message + without, 2, openDigested(workload.Say, workload.Stored, true)},
		{"seal", "reading the number of commits and statements, once when the clock stops", 1,
			openLooking(func(store *sqlite.Store) error { _, err := store.Tally(); return err })},
		{"look", "a search for a message that was just reported durable, up to 16 a trial", 1, openLooking(findMessage)},
	}
}

// openDigested does the first stimulus before the clock: it refills the queue.
func openDigested(script func(uint64, int) player.Stimulus, count func(player.Observation) int64, without bool) func(place) (*opened, error) {
	return withStore(func(store *sqlite.Store) (*opened, error) {
		p, err := direct.Open(player.Config{Store: store, Batch: 100, NoDigests: without})
		if err == nil {
			err = p.Do(script(1, 0))
		}
		w := &digestedPiece{player: p, script: script, next: 1}
		return &opened{run: w.run, count: func() int64 { return w.count(count) }, check: func() error { return w.failed }, close: func() error { return p.Close() }}, err
	})
}

// digestedPiece repeats a prepared script, so that making stimuli is not timed.
type digestedPiece struct {
	player  player.Player
	script  func(uint64, int) player.Stimulus
	stimuli []player.Stimulus
	next    int
	failed  error
}

const roundOfStimuli = 4096

func (w *digestedPiece) run(n int) error {
	ignored := func(uint64, error) {}
	for i := range n {
		if err := w.player.Post(w.stimuli[(w.next+i)%roundOfStimuli], ignored); err != nil {
			return err
		}
	}
	w.next += n
	return w.player.Settle()
}

// count is called before the first run, so it makes the script.
func (w *digestedPiece) count(count func(player.Observation) int64) int64 {
	for i := len(w.stimuli); i < roundOfStimuli; i++ {
		w.stimuli = append(w.stimuli, w.script(1, i+1))
	}
	seen, err := w.player.Observe()
	w.failed = errors.Join(w.failed, err)
	return count(seen)
}

func findMessage(store *sqlite.Store) error {
	found, err := store.Holds(sqlite.Epoch, 1, workload.Recent)
	if err == nil && !found {
		err = errors.New("the message is missing")
	}
	return err
}

// openLooking stores one message to look at.
func openLooking(look func(*sqlite.Store) error) func(place) (*opened, error) {
	return withStore(func(store *sqlite.Store) (*opened, error) {
		looked := int64(0)
		return &opened{count: func() int64 { return looked }, run: func(n int) error {
			for range n {
				if err := look(store); err != nil {
					return err
				}
				looked++
			}
			return nil
		}}, storeMessage(store.Log())
	})
}

var equivalencePairs = []runner.Pair{
	{Switch: "no equivalence check, next to no work", Without: "depth", With: "depth-unverified", Note: "a change of depth, 2 lines"},
	{Switch: "no equivalence check, a selection", Without: "selection", With: "selection-unverified", Note: "a selection from 100 passages, 3 lines"},
	{Switch: "no equivalence check, a message", Without: "message", With: "message-unverified", Note: "a message that shares its commit, 2 lines"},
}
