package workload

import (
	"errors"
	"path/filepath"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// A Floor is the work of a scenario without a style: the same calls of the store, and of the
// pure functions that choose, made one after the other. The baseline may not be much above it:
// a slow baseline would make every other style look good.
type floor struct {
	store  *sqlite.Store
	seed   uint64
	calls  Calls
	ready  []player.Stimulus // all that were prepared
	at     int               // of these, the next
	before sqlite.Tally
}

// Calls are the script that a scenario has, and the work for stimuli that are ready.
type Calls struct {
	Script func(seed uint64, i int) player.Stimulus
	Work   func(player.Store, []player.Stimulus) error
}

// OpenFloor opens the calls on a copy of the library, as the baseline has left it: what a selection
// reads depends on the cooldowns before.
func OpenFloor(setup runner.Setup, calls Calls) (runner.Workload, error) {
	path := filepath.Join(setup.Dir, LibraryFile)
	if err := sqlite.CopyLive(filepath.Join(setup.Before, LibraryFile), path); err != nil {
		return nil, err
	}
	store, err := sqlite.Open(path, sqlite.Options{Synchronous: setup.Options["sync"]})
	return &floor{store: store, seed: setup.Seed, calls: calls}, err
}

func (f *floor) Prepare(first, n int) (err error) {
	f.ready, f.at = f.ready[:0], 0
	for i := range n {
		f.ready = append(f.ready, f.calls.Script(f.seed, first+i))
	}
	f.before, err = f.store.Tally()
	return err
}

func (f *floor) Run(n int, _ func(time.Duration)) error {
	next := f.ready[f.at : f.at+n]
	f.at += n
	return f.calls.Work(f.store, next)
}

// Work counts the calls.
func (f *floor) Work() (runner.Work, error) {
	now, err := f.store.Tally()
	return runner.Work{Stimuli: int64(len(f.ready)), Counts: tallied(now.Since(f.before), true)}, err
}

func (f *floor) Close() error { return f.store.Close() }

// RefillCalls choose a passage for each stimulus, and record its cooldown.
var RefillCalls = Calls{LowAt, func(store player.Store, stimuli []player.Stimulus) error {
	_, err := player.Record(store.Director(), stimuli[0].At, len(stimuli), func(i int) uint64 { return stimuli[i].Seed })
	return err
}}

// MessageCalls store messages, batch of them to a commit.
func MessageCalls(batch int) Calls {
	return Calls{Say, func(store player.Store, stimuli []player.Stimulus) error {
		log := store.Log()
		for i := range stimuli {
			m := &stimuli[i].Message
			if err := errors.Join(log.AppendMessage(*m), log.CountUser(m.Username)); err != nil {
				return err
			}
			if (i+1)%batch == 0 || i == len(stimuli)-1 {
				if err := log.Commit(); err != nil {
					return err
				}
			}
		}
		return nil
	}}
}
