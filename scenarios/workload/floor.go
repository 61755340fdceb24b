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
	calls  func(store player.Store, seed uint64, first, n int) error
	next   int
	n      int
	before sqlite.Tally
}

// OpenFloor opens the calls on a copy of the library.
func OpenFloor(setup runner.Setup, calls func(store player.Store, seed uint64, first, n int) error) (runner.Workload, error) {
	path := filepath.Join(setup.Dir, LibraryFile)
	if err := sqlite.Copy(filepath.Join(setup.Shared, LibraryFile), path); err != nil {
		return nil, err
	}
	store, err := sqlite.Open(path, sqlite.Options{Synchronous: setup.Options["sync"]})
	return &floor{store: store, seed: setup.Seed, calls: calls}, err
}

func (f *floor) Prepare(first, n int) (err error) {
	f.next, f.n = first, n
	f.before, err = f.store.Tally()
	return err
}

func (f *floor) Run(n int, _ func(time.Duration)) error {
	first := f.next
	f.next += n
	return f.calls(f.store, f.seed, first, n)
}

// Work counts the calls.
func (f *floor) Work() (runner.Work, error) {
	now, err := f.store.Tally()
	return runner.Work{Stimuli: int64(f.n), Counts: tallied(now.Since(f.before), true)}, err
}

func (f *floor) Close() error { return f.store.Close() }

// RefillCalls choose n passages, an hour apart, and record their cooldowns.
func RefillCalls(store player.Store, seed uint64, first, n int) error {
	_, err := player.Record(store.Director(), LowAt(seed, first).At, n, func(i int) uint64 { return LowAt(seed, first+i).Seed })
	return err
}

// MessageCalls store n messages, batch of them to a commit.
func MessageCalls(batch int) func(store player.Store, seed uint64, first, n int) error {
	return func(store player.Store, seed uint64, first, n int) error {
		log := store.Log()
		for i := first; i < first+n; i++ {
			m := Say(seed, i).Message
			if err := errors.Join(log.AppendMessage(m), log.CountUser(m.Username)); err != nil {
				return err
			}
			if (i-first+1)%batch == 0 || i == first+n-1 {
				if err := log.Commit(); err != nil {
					return err
				}
			}
		}
		return nil
	}
}
