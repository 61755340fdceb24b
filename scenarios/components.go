package scenarios

import (
	"fmt"
	"slices"
	"time"

	"rubato/runner"
)

// components measures the pieces of orchestration one by one, and beside them the
// reference rungs: floors that every cost can be read against. Pieces do not do the
// same work, so here they stand in for the styles.
func components() runner.Scenario {
	s := runner.Scenario{
		Name:    "components",
		Answers: "What does each piece of orchestration cost, and each switch save?",
		Op:      "operation of the piece",
		ArmKey:  "piece",
		Script:  10,
		Claims:  componentClaims,
		Pairs:   slices.Concat(componentPairs, certificatePairs),
		Prepare: func(setup runner.Setup) error { return prepare(setup, 100) }, // for those that read or write one row
	}
	return withPieces(s, pieces)
}

// withPieces has pieces stand in for the styles of a scenario.
func withPieces(s runner.Scenario, of func() []piece) runner.Scenario {
	for _, p := range of() {
		s.Arms = append(s.Arms, runner.Style{Name: p.name, Doc: p.doc})
	}
	s.Open = func(setup runner.Setup) (runner.Workload, error) { return openPiece(setup, of()) }
	return s
}

// A piece is a component, or a reference rung.
type piece struct {
	name string
	doc  string // what one operation is
	each int64  // effects that one operation must have
	open func(place) (*opened, error)
}

// place is where a piece may put files: dir is empty and its own, shared holds what
// prepare made.
type place struct{ dir, shared string }

// opened is a piece at work.
type opened struct {
	run   func(n int) error // n operations; the loop is inside, where the work is
	count func() int64      // effects so far, counted where they happen; never inside the clock
	check func() error      // may be nil: after the clock, what a count does not show
	close func() error      // may be nil
}

// pieces are all of them; the first is what ratios are to.
func pieces() []piece {
	return slices.Concat(
		referencePieces(), natsPieces(), sqlitePieces(),
		emissionPieces(), matchPieces(), wherePieces(), invokePieces(), tracePieces(), activationPieces(),
		cachePieces(), stormPieces(), certificatePieces(),
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

// pieceWorkload tells no latency of single operations: reading the clock would cost
// more than most of them.
type pieceWorkload struct {
	*opened
	each   int64
	n      int
	before int64
}

// Prepare only counts: a piece's operations are all alike.
func (w *pieceWorkload) Prepare(_, n int) error {
	w.n, w.before = n, w.count()
	return nil
}

// Run does the operations.
func (w *pieceWorkload) Run(func(time.Duration)) error { return w.run(w.n) }

// Work counts what they did.
func (w *pieceWorkload) Work() (runner.Work, error) {
	if w.check != nil {
		if err := w.check(); err != nil {
			return runner.Work{}, err
		}
	}
	return runner.Work{Stimuli: int64(w.n), Effects: w.count() - w.before, Expected: int64(w.n) * w.each}, nil
}

// Close ends the piece.
func (w *pieceWorkload) Close() error {
	if w.opened.close == nil {
		return nil
	}
	return w.opened.close()
}
