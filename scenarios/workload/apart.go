package workload

import (
	"fmt"

	"rubato/player"
	"rubato/runner"
	"rubato/runner/host"
	"rubato/sqlite"
)

// Modules in processes of their own open the library there once more. What they do to it is
// counted there, and settings are those of their connections; the harness asks for both.

// holding is what such a module's store tells.
type holding struct {
	Tally       sqlite.Tally
	Synchronous [2]int64
	Settings    map[string]string
	Runtime     host.Runtime
}

// Reopen opens the store of a module in a process of its own, as the store of its player says.
func Reopen(how []byte) (player.Reopened, error) {
	store, err := sqlite.Reopen(how)
	if err != nil {
		return player.Reopened{}, err
	}
	return player.Reopened{Store: store, Close: store.Close, Receipts: store.Receipts, Answer: func([]byte) []byte { return answered(held(store)) }}, nil
}

func held(store *sqlite.Store) (h holding, err error) {
	if h.Tally, err = store.Tally(); err != nil {
		return h, err
	}
	if h.Synchronous, err = store.Synchronous(); err != nil {
		return h, err
	}
	h.Settings, err = store.Settings()
	h.Runtime = host.RuntimeNow()
	return h, err
}

// holdings are what all of them tell, by module.
func (w *verifier) holdings() (map[string]*holding, error) {
	all := map[string]*holding{}
	if w.scattered == nil {
		return all, nil
	}
	answers, err := w.scattered.AskStores(nil)
	for module, data := range answers {
		h, failed := readAnswer[holding](data)
		if failed != nil {
			return nil, fmt.Errorf("module %s: its store: %w", module, failed)
		}
		if h.Runtime != w.runtime {
			w.note(fmt.Sprintf("module %s runs with %v, its player with %v", module, h.Runtime, w.runtime))
		}
		all[module] = h
	}
	return all, err
}

// tally counts what was done to the library, wherever it was. Commits are those of any process; they
// are read before anybody is asked.
func (w *verifier) tally() (sqlite.Tally, error) {
	all, err := w.store.Tally()
	if err != nil {
		return all, err
	}
	theirs, err := w.holdings()
	for _, h := range theirs {
		all.Queries, all.Rows, all.Writes = all.Queries+h.Tally.Queries, all.Rows+h.Tally.Rows, all.Writes+h.Tally.Writes
		all.Receipts += h.Tally.Receipts
	}
	return all, err
}

// levels are when commits of modules pd and log wait for the disk.
func (w *verifier) levels() (levels [2]int64, err error) {
	if levels, err = w.store.Synchronous(); err != nil {
		return levels, err
	}
	theirs, err := w.holdings()
	for i, module := range []string{"pd", "log"} {
		if h := theirs[module]; h != nil {
			levels[i] = h.Synchronous[i]
		}
	}
	return levels, err
}

// storeSettings are those of each module's connection.
func (w *verifier) storeSettings() (map[string]string, error) {
	settings, err := w.store.Settings()
	if err != nil {
		return nil, err
	}
	theirs, err := w.holdings()
	for view, module := range map[string]string{"director": "pd", "log": "log"} {
		if h := theirs[module]; h != nil {
			settings[view] = h.Settings[view]
		}
	}
	return settings, err
}

// slowPlayer slows a player whose store is in other processes, where nobody tells them by how much: at
// the beginning of each stimulus.
type slowPlayer struct {
	player.Player
	slowdown *runner.Slowdown
}

func (s slowPlayer) Do(stimulus player.Stimulus) error {
	s.slowdown.Stall()
	return s.Player.Do(stimulus)
}

func (s slowPlayer) Post(stimulus player.Stimulus, done player.Done) error {
	s.slowdown.Stall()
	return s.Player.Post(stimulus, done)
}
