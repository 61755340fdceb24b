package workload

import (
	"cmp"
	"fmt"
	"slices"

	"rubato/player"
	"rubato/results"
	"rubato/runner"
	"rubato/runner/host"
)

// The looks of a verifier: at the moment at which a style reports a stimulus done, its effect
// must be durable. In a script, and where it is a witness, the verifier looks at all of them,
// otherwise at some that are drawn from the seed.

const (
	// looks are how many stimuli of a trial are drawn. A style that lies once in 64 times
	// passes twenty trials in one of 150 runs.
	looks = 16
	// lookEvery bounds what they cost: some 10 µs each, while the clock runs.
	lookEvery = 64
)

// wrap returns the player with the checks of the stimuli.
func (w *verifier) wrap(p player.Player) player.Player {
	v := &verified{Player: p, verifier: w}
	if w.every {
		return v
	}
	if len(w.stimuli) == 0 || w.off {
		return p
	}
	for k := range min(looks, max(1, len(w.stimuli)/lookEvery)) {
		s := w.stimuli[runner.SeedAt(w.seed^w.stimuli[0].Seq, len(w.stimuli)+k)%uint64(len(w.stimuli))]
		if s.Kind == player.MessageSaid || w.commit {
			v.drawn = append(v.drawn, s.Seq)
		}
	}
	if len(v.drawn) == 0 {
		return p // so that a stimulus of some ns has nothing in its way
	}
	return v
}

// verified is a player whose reports are checked against the database.
type verified struct {
	player.Player
	verifier *verifier
	drawn    []uint64 // sequence numbers of the stimuli to check
}

// Do checks the stimulus when it is reported done.
func (v *verified) Do(s player.Stimulus) error {
	w := v.verifier
	if !v.concerns(&s) {
		return v.Player.Do(s)
	}
	if s.Kind == player.MessageSaid {
		if err := w.alone(kindOf(&s), func() error { return v.Player.Do(s) }); err != nil {
			return err
		}
		w.look(s.Seq, s.Message.At)
		return nil
	}
	before, failed := w.store.Tally()
	if err := w.alone(kindOf(&s), func() error { return v.Player.Do(s) }); err != nil {
		return err
	}
	after, err := w.store.Tally()
	if err = cmp.Or(failed, err); err != nil {
		return err
	}
	if w.commit && after.Commits == before.Commits {
		w.note(fmt.Sprintf("stimulus %d was reported done before anything was committed", s.Seq))
	}
	w.noteRuntime()
	return nil
}

// Post checks a message when it is reported done.
func (v *verified) Post(s player.Stimulus, done player.Done) error {
	if s.Kind != player.MessageSaid || !v.concerns(&s) {
		return v.Player.Post(s, done)
	}
	at := s.Message.At
	return v.Player.Post(s, func(seq uint64, err error) {
		done(seq, err)
		if err == nil {
			v.verifier.look(seq, at)
		}
	})
}

// Status and Waiting are counted alone in the script.

func (v *verified) Status(seq uint64) (s player.Status, err error) {
	err = v.verifier.alone(questionKind, func() (err error) { s, err = v.Player.Status(seq); return err })
	return s, err
}

func (v *verified) Waiting(seq uint64) (list []player.Entry, err error) {
	err = v.verifier.alone(questionKind, func() (err error) { list, err = v.Player.Waiting(seq); return err })
	return list, err
}

func (v *verified) concerns(s *player.Stimulus) bool {
	return v.verifier.every || slices.Contains(v.drawn, s.Seq)
}

// Recent is how many of the last rows are searched for a message that was just reported
// durable, beyond those that shared its commit.
const Recent = 1000

// look records a message that was reported durable and is not.
func (w *verifier) look(seq uint64, at player.Ticks) {
	expected := w.newest + int64(seq-w.stimuli[0].Seq) + 1 // where messages alone come in order
	found, err := w.store.Holds(at, expected, w.batch+Recent)
	switch {
	case err != nil:
		w.note(fmt.Sprintf("looking for the message of stimulus %d: %v", seq, err))
	case !found:
		w.note(fmt.Sprintf("stimulus %d was reported done before its message was durable", seq))
	}
	w.noteRuntime()
}

// noteRuntime records settings of the runtime that were changed while the clock runs.
func (w *verifier) noteRuntime() {
	if now := host.RuntimeNow(); now != w.runtime {
		w.note(fmt.Sprintf("while the clock ran it had %v, before %v", now, w.runtime))
	}
}

// settingsEvery is how many slices have one look at the settings of the store, which takes
// some 10 µs. A style may not be told which, so it depends on the seed.
const settingsEvery = 16

// afterSlice looks whether commits still wait for the disk as they should. Nothing is under way,
// and the clock stands still.
func (w *verifier) afterSlice() error {
	if runner.SeedAt(w.seed, w.runs)%settingsEvery != 0 {
		return nil
	}
	now, err := w.levels()
	if now != w.synchronous && err == nil {
		w.note(fmt.Sprintf("while the clock ran commits had synchronous=%d, before %d", now, w.synchronous))
	}
	return err
}

func (w *verifier) happened(tell func(mark string, times int64)) error {
	if w.sink != nil {
		tell(results.MarkTrace, w.sink.records.Load())
	}
	n, err := w.store.Checkpoints()
	tell(results.MarkCheckpoint, n)
	return err
}

// note keeps the first thing that a look found.
func (w *verifier) note(early string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.early = cmp.Or(w.early, early)
}
