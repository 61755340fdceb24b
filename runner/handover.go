package runner

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"syscall"
	"time"

	"rubato/results"
	"rubato/runner/host"
)

// Turns are handed over on two pipes of their own: a turn lasts about a millisecond, so
// a JSON request would be a good part of it. The runner writes the number of the turn, the
// child answers with the number and how long it worked. A child that is ready for the
// first turn answers 0. One that takes no turns, because it could not prepare for them,
// answers noTurns; its reply gives the reason.

// The pipes of a child, beside its standard ones.
const (
	turnsInFD  = 3
	turnsOutFD = 4
)

const noTurns = math.MaxUint64

// A handover is the child's side. It reads and writes without Go's poller, so that each
// turn is one system call each way.
type handover struct{ in, out host.FD }

// serve does next in each of the turns, and answers how long that took.
func (h handover) serve(turns int, next func()) error {
	if err := h.answer(0, 0); err != nil {
		return err
	}
	for want := 1; want <= turns; want++ {
		var ask [results.AskBytes]byte
		if err := h.read(ask[:]); err != nil {
			return fmt.Errorf("waiting for turn %d: %w", want, err)
		}
		turn := binary.LittleEndian.Uint64(ask[:])
		if turn != uint64(want) {
			return fmt.Errorf("asked for turn %d, want %d", turn, want)
		}
		start := time.Now()
		next()
		if err := h.answer(turn, time.Since(start)); err != nil {
			return err
		}
	}
	return nil
}

// released waits until the other arms' turns are over, too.
func (h handover) released() error {
	var ask [results.AskBytes]byte
	if err := h.read(ask[:]); err != nil {
		return fmt.Errorf("waiting for the end of the turns: %w", err)
	}
	return nil
}

func (h handover) answer(turn uint64, wall time.Duration) error {
	var out [results.TurnBytes]byte
	binary.LittleEndian.PutUint64(out[:], turn)
	binary.LittleEndian.PutUint64(out[8:], uint64(wall))
	_, err := syscall.Write(h.out, out[:]) // fewer bytes than a pipe ever splits
	return err
}

func (h handover) read(into []byte) error {
	for {
		n, err := syscall.Read(h.in, into)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return err
		case n != len(into):
			return io.EOF
		}
		return nil
	}
}

// turnPipes are the runner's side.
type turnPipes struct {
	ask, answers *os.File
	theirs       []*os.File // the child's ends, closed once it has started
}

func newTurnPipes() (*turnPipes, error) {
	in, ask, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	answers, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close(), ask.Close())
	}
	return &turnPipes{ask: ask, answers: answers, theirs: []*os.File{in, out}}, nil
}

func (t *turnPipes) started() {
	for _, f := range t.theirs {
		_ = f.Close() // the child has its own
	}
}

func (t *turnPipes) close() { _, _ = t.ask.Close(), t.answers.Close() }

var (
	errTurn    = errors.New("it answered for another turn")
	errNoTurns = errors.New("it takes no turns")
)

// interrupt ends a wait for an answer.
func (t *turnPipes) interrupt() { _ = t.answers.SetReadDeadline(time.Now()) }

// tell writes a number. The one after the last turn is that of no turn: the child may count.
func (t *turnPipes) tell(number int) error {
	var ask [results.AskBytes]byte
	binary.LittleEndian.PutUint64(ask[:], uint64(number))
	_, err := t.ask.Write(ask[:])
	return err
}

// turn hands a turn over, and waits until the child has answered how long it worked. Turn
// 0 waits until the child is ready. Whoever ends ctx interrupts the wait.
func (t *turnPipes) turn(ctx context.Context, number int, wait time.Duration) (time.Duration, error) {
	if number > 0 {
		if err := t.tell(number); err != nil {
			return 0, err
		}
	}
	var answer [results.TurnBytes]byte
	_ = t.answers.SetReadDeadline(time.Now().Add(wait)) // pipes have deadlines
	if ctx.Err() != nil {                               // before the deadline was set: nobody interrupts it any more
		return 0, context.Cause(ctx)
	}
	if _, err := io.ReadFull(t.answers, answer[:]); err != nil {
		return 0, err
	}
	switch got := binary.LittleEndian.Uint64(answer[:]); {
	case got == noTurns:
		return 0, errNoTurns
	case got != uint64(number):
		return 0, fmt.Errorf("%w: %d, want %d", errTurn, got, number)
	}
	return time.Duration(binary.LittleEndian.Uint64(answer[8:])), nil
}
