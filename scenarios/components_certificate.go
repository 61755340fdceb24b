package scenarios

import (
	"errors"
	"strings"

	"rubato/direct"
	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// What it costs to show that the work was the same: digests of lanes stand in the timed
// region, and so does, once a block, a look at the database. Direct calls have the
// cheapest operations, so that the share is nowhere greater.

func certificatePieces() []piece {
	const without = "; lanes only count"
	const change = "a change of the queue's depth by direct calls, told nobody: next to no work, and two lines of lanes"
	const selection = "a selection from 100 passages by direct calls, three lines of lanes"
	const message = "a message by direct calls, 100 to a commit, two lines of lanes"
	return []piece{
		{"depth", change, 2, openWitnessed(sameMoment, refills, false)},
		{"depth-unwitnessed", change + without, 2, openWitnessed(sameMoment, refills, true)},
		{"selection", selection, 3, openWitnessed(suggestAt, refills, false)},
		{"selection-unwitnessed", selection + without, 3, openWitnessed(suggestAt, refills, true)},
		{"message", message, 2, openWitnessed(say, stored, false)},
		{"message-unwitnessed", message + without, 2, openWitnessed(say, stored, true)},
		{"seal", "a look at how far commits have come, when the clock stops", 1, openSeal},
		{"look", "a look for a message that has just been reported durable, one a block", 1, openLook},
	}
}

// openWitnessed does the first stimulus before the clock: it refills the queue.
func openWitnessed(script func(uint64, int) player.Stimulus, count func(player.Observation) int64, without bool) func(place) (*opened, error) {
	return func(at place) (*opened, error) {
		store, err := openStore(at)
		if err != nil {
			return nil, err
		}
		p, err := direct.Open(player.Config{Store: store, Batch: 100, Unwitnessed: without})
		if err == nil {
			err = p.Do(script(1, 0))
		}
		if err != nil {
			return nil, errors.Join(err, store.Close())
		}
		w := &witnessedPiece{player: p, script: script, next: 1}
		return &opened{run: w.run, count: func() int64 { return w.count(count) }, check: func() error { return w.failed },
			close: func() error { return errors.Join(p.Close(), store.Close()) }}, nil
	}
}

// witnessedPiece goes round a script of its own, so that making it is not timed.
type witnessedPiece struct {
	player  player.Player
	script  func(uint64, int) player.Stimulus
	stimuli []player.Stimulus
	next    int
	failed  error
}

const roundOfStimuli = 4096

func (w *witnessedPiece) run(n int) error {
	ignored := func(uint64, error) {}
	for i := range n {
		if err := w.player.Post(w.stimuli[(w.next+i)%roundOfStimuli], ignored); err != nil {
			return err
		}
	}
	w.next += n
	return w.player.Settle()
}

// count is called before the first run, and so makes the script.
func (w *witnessedPiece) count(count func(player.Observation) int64) int64 {
	for i := len(w.stimuli); i < roundOfStimuli; i++ {
		w.stimuli = append(w.stimuli, w.script(1, i+1))
	}
	seen, err := w.player.Observe()
	w.failed = errors.Join(w.failed, err)
	return count(seen)
}

func openSeal(at place) (*opened, error) {
	return openLooking(at, func(store *sqlite.Store) error { _, err := store.Commits(); return err })
}

func openLook(at place) (*opened, error) {
	return openLooking(at, func(store *sqlite.Store) error {
		found, err := store.Holds(sqlite.Epoch, recent)
		if err == nil && !found {
			err = errors.New("the message is not there")
		}
		return err
	})
}

// openLooking has one message in the database to look at.
func openLooking(at place, look func(*sqlite.Store) error) (*opened, error) {
	store, err := openStore(at)
	if err != nil {
		return nil, err
	}
	log := store.Log()
	err = errors.Join(log.AppendMessage(player.Message{Username: "ada", Text: strings.Repeat("x", 70), At: sqlite.Epoch}), log.Commit())
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	looked := int64(0)
	return &opened{close: store.Close, count: func() int64 { return looked }, run: func(n int) error {
		for range n {
			if err := look(store); err != nil {
				return err
			}
			looked++
		}
		return nil
	}}, nil
}

var certificatePairs = []runner.Pair{
	{Switch: "no certificate, next to no work", Without: "depth", With: "depth-unwitnessed", Note: "a change of depth, 2 lines"},
	{Switch: "no certificate, a selection", Without: "selection", With: "selection-unwitnessed", Note: "a selection from 100 passages, 3 lines"},
	{Switch: "no certificate, a message", Without: "message", With: "message-unwitnessed", Note: "a message that shares its commit, 2 lines"},
}
