// Package components measures the pieces of orchestration one by one, side by side with
// reference rungs that every cost can be read against. It opens no style through a
// player's conversation: package scenarios does that.
package components

import (
	"fmt"
	"slices"
	"time"

	"rubato/runner"
	"rubato/scenarios/workload"
)

// Pieces is the scenario of all pieces and reference rungs. Pieces do not do the same work,
// so here they take the place of the styles.
func Pieces() runner.Scenario {
	s := runner.Scenario{
		Name:    "components",
		Answers: "What does each piece of orchestration cost, and each switch save?",
		Op:      "operation of the piece",
		ArmKey:  "piece",
		Script:  10,
		Claims:  componentClaims,
		Pairs:   slices.Concat(componentPairs, equivalencePairs),
		Prepare: func(setup runner.Setup) error { return workload.Prepare(setup, 100) }, // for those that read or write one row
	}
	return withPieces(s, pieces)
}

// withPieces makes the pieces the arms of a scenario.
func withPieces(s runner.Scenario, of func() []piece) runner.Scenario {
	for _, p := range of() {
		s.Arms = append(s.Arms, runner.Style{Name: p.name, Doc: p.doc})
	}
	s.Open = func(setup runner.Setup) (runner.Workload, error) { return openPiece(setup, of()) }
	return s
}

// A piece is a component or a reference rung.
type piece struct {
	name string
	doc  string // what one operation is
	each int64  // effects that one operation must have
	open func(place) (*opened, error)
}

// place is where a piece can put files: dir is empty and its own, shared holds what
// Prepare made.
type place struct{ dir, shared string }

// opened is an open piece.
type opened struct {
	run   func(n int) error // n operations; the loop is inside, where the work is
	count func() int64      // effects so far, counted where they happen; never called while the clock runs
	check func() error      // may be nil: called after the clock, for what a count does not show
	close func() error      // may be nil
}

// pieces returns all of them. Ratios are relative to the first.
func pieces() []piece {
	return slices.Concat(
		referencePieces(), natsPieces(), sqlitePieces(),
		emissionPieces(), wiredPieces(), tracePieces(), activationPieces(),
		cachePieces(), stormPieces(), equivalencePieces(),
	)
}

func openPiece(setup runner.Setup, all []piece) (runner.Workload, error) {
	i := slices.IndexFunc(all, func(p piece) bool { return p.name == setup.Style })
	if i < 0 {
		return nil, fmt.Errorf("no piece %q", setup.Style)
	}
	o, err := all[i].open(place{setup.Dir, setup.Shared})
	if err != nil {
		return nil, err
	}
	return &pieceWorkload{opened: o, each: all[i].each}, nil
}

// pieceWorkload reports no latency of single operations: reading the clock would cost
// more than most of them.
type pieceWorkload struct {
	*opened
	each   int64
	n      int
	before int64
}

// Prepare only counts: all operations of a piece are alike.
func (w *pieceWorkload) Prepare(_, n int) error {
	w.n, w.before = n, w.count()
	return nil
}

// Run runs n operations.
func (w *pieceWorkload) Run(n int, _ func(time.Duration)) error { return w.run(n) }

// Work counts their effects.
func (w *pieceWorkload) Work() (runner.Work, error) {
	if w.check != nil {
		if err := w.check(); err != nil {
			return runner.Work{}, err
		}
	}
	return runner.Work{Stimuli: int64(w.n), Effects: w.count() - w.before, Expected: int64(w.n) * w.each}, nil
}

// Close closes the piece.
func (w *pieceWorkload) Close() error {
	if w.opened.close == nil {
		return nil
	}
	return w.opened.close()
}
