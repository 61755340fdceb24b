package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"

	"rubato/player"
)

// room is how many stimuli a stream remembers: more than can be under way.
const room = 1024

// stream is an open loop that takes the same memory however long it lasts.
type stream struct {
	latency func(time.Duration)
	start   time.Time
	mu      sync.Mutex
	due     [room]time.Duration // by sequence number, modulo room
	left    int                 // to be answered
	refused int
	err     error
	late    int // that the generator itself posted far too late
}

func newStream(n int, latency func(time.Duration)) *stream {
	return &stream{latency: latency, left: n, start: time.Now()}
}

// pour posts what comes, each when it is due, and settles.
func (w *soaking) pour() error {
	var clock pacing
	var ideal punctual
	until, due, s := newAlarm(), time.Duration(0), w.stream
	for i := w.first; i < w.first+w.n && s.failed() == nil; i++ {
		if w.rate > 0 {
			due += arrivals(w.seed, i, 1, w.rate)[0]
			clock.wait(s.start, due, until)
		}
		stimulus, err := w.complete(soakAt(w.seed, i, w.passages))
		if err != nil {
			return err
		}
		posted := time.Since(s.start)
		if err := w.player.Post(stimulus, s.posted(stimulus.Seq, due)); err != nil {
			return err
		}
		if late, _ := ideal.posted(due, posted, time.Since(s.start)); late > stalled {
			s.late++
		}
	}
	return cmp.Or(s.failed(), w.player.Settle(), s.ended())
}

// complete asks which passage a stimulus is about that is about the queue: the first
// has been decoded, so that it plays, and the last, which somebody wanted, cannot be.
func (w *soaking) complete(s player.Stimulus) (player.Stimulus, error) {
	if s.Kind != player.BufferReady && s.Kind != player.BufferFailed {
		return s, nil
	}
	waiting, err := w.player.Waiting(aside + s.Seq)
	if err == nil && len(waiting) > 0 {
		s.Passage = waiting[0].Passage
		if s.Kind == player.BufferFailed {
			s.Passage = waiting[len(waiting)-1].Passage
		}
	}
	return s, err
}

// posted notes when a stimulus was due, and is where its answer goes.
func (s *stream) posted(seq uint64, due time.Duration) player.Done {
	s.mu.Lock()
	s.due[seq%room] = due
	s.mu.Unlock()
	return s.done
}

// done takes an answer. A refusal with a reason is one: that it is the same in all styles
// is in the digest.
func (s *stream) done(seq uint64, err error) {
	now := time.Since(s.start)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left--
	switch code := player.CodeOf(err); code {
	case "":
		s.latency(max(now-s.due[seq%room], 1))
	case player.NotFound, player.AlreadyQueued, player.TooSoon, player.Unauthorised:
		s.refused++
	default:
		s.err = cmp.Or(s.err, fmt.Errorf("stimulus %d: %w", seq, err))
	}
}

// failed is the first failure so far. Whoever went on would wait for one time-out after
// the other when a module has gone.
func (s *stream) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// ended is what was wrong, if anything was.
func (s *stream) ended() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && s.left != 0 {
		return errors.New("stimuli were left without an answer, or were answered twice")
	}
	return s.err
}
