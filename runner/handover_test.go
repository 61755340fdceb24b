package runner

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// newHandover makes both sides of a hand-over in this process.
func newHandover(t *testing.T) (*turnPipes, handover) {
	t.Helper()
	pipes, err := newTurnPipes()
	if err != nil {
		t.Fatal(err)
	}
	child := handover{int(pipes.theirs[0].Fd()), int(pipes.theirs[1].Fd())}
	for _, fd := range []int{child.in, child.out} { // as a child gets them
		if err := syscall.SetNonblock(fd, false); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(pipes.started) // after the parent's ends are closed and the child's side has seen it
	return pipes, child
}

// Each turn is handed over once, in order, and its time comes back.
func TestHandover(t *testing.T) {
	t.Parallel()
	pipes, child := newHandover(t)
	const turns, long = 3, 5 * time.Millisecond
	done, served := 0, make(chan error, 1)
	go func() { served <- child.serve(turns, func() { done++; spin(long) }) }()
	for turn := range turns + 1 {
		worked, err := pipes.turn(t.Context(), turn, patienceOfTests)
		if err != nil || turn == 0 && worked != 0 || turn > 0 && worked < long {
			t.Errorf("turn %d: %v, %v", turn, worked, err)
		}
	}
	if err := <-served; err != nil || done != turns {
		t.Errorf("%d slices, %v", done, err)
	}
	pipes.close()
}

// Neither side takes a turn for another.
func TestWrongTurn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers []uint64 // of the child, without being asked
		ask     int
		want    string
	}{
		"a turn too far":      {[]uint64{0, 2}, 1, "it answered for another turn: 2, want 1"},
		"the turn before":     {[]uint64{0, 1}, 2, "it answered for another turn: 1, want 2"},
		"ready a second time": {[]uint64{0, 0}, 1, "it answered for another turn: 0, want 1"},
	} {
		pipes, child := newHandover(t)
		for _, turn := range test.answers {
			if err := child.answer(turn, 0); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := pipes.turn(t.Context(), 0, patienceOfTests); err != nil {
			t.Errorf("%s: not ready: %v", name, err)
		}
		if _, err := pipes.turn(t.Context(), test.ask, patienceOfTests); !errors.Is(err, errTurn) || err.Error() != test.want {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		pipes.close()
	}
	pipes, child := newHandover(t)
	served := make(chan error, 1)
	go func() { served <- child.serve(3, func() { t.Error("it worked in a turn that is not its next") }) }()
	if _, err := pipes.turn(t.Context(), 0, patienceOfTests); err != nil {
		t.Error(err)
	}
	go func() { _, _ = pipes.turn(t.Context(), 2, patienceOfTests) }()
	if err := <-served; err == nil || err.Error() != "asked for turn 2, want 1" {
		t.Errorf("the child: %v", err)
	}
	pipes.close()
}

// A wait for an answer ends with the time, with the context, and with the other side.
func TestHandoverEnds(t *testing.T) {
	t.Parallel()
	pipes, child := newHandover(t)
	if _, err := pipes.turn(t.Context(), 0, time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nobody answers: %v", err)
	}
	stopped := errors.New("stopped")
	ctx, stop := context.WithCancelCause(t.Context())
	defer context.AfterFunc(ctx, pipes.interrupt)()
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if _, err := pipes.turn(ctx, 0, patienceOfTests); err == nil {
			t.Error("the wait ended with an answer")
		}
	})
	time.Sleep(20 * time.Millisecond)
	stop(stopped)
	waiting.Wait()
	if _, err := pipes.turn(ctx, 1, patienceOfTests); !errors.Is(err, stopped) {
		t.Errorf("it was stopped before: %v", err)
	}
	if err := child.answer(0, 0); err != nil {
		t.Error(err)
	}
	if _, err := pipes.turn(t.Context(), 0, patienceOfTests); err != nil {
		t.Errorf("it can be asked again: %v", err)
	}
	pipes.close()
	err := child.answer(0, 0)
	for until := time.Now().Add(patienceOfTests); err == nil && time.Now().Before(until); err = child.answer(0, 0) {
		time.Sleep(time.Millisecond) // a process that another test starts has the runner's end until it is another program
	}
	if !errors.Is(err, syscall.EPIPE) {
		t.Errorf("the runner is gone before the child is ready: %v", err)
	}
}
