package web

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"rubato/player"
)

// mostWaiting is the largest number of waiting calls.
const mostWaiting = 256

func timeOfDay() player.Ticks {
	now := time.Now()
	return player.Ticks(now.Unix())*player.Second + player.Ticks(now.Nanosecond())*player.Second/player.Ticks(time.Second)
}

// splitMix64 gives neighbouring numbers unrelated seeds.
func splitMix64(seq uint64) uint64 {
	z := seq * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// A SharedPlayer lets many goroutines use one player, which serves one goroutine at a time.
// Calls run one after the other in the order of arrival, and stimuli are numbered. Audio
// periods go before all other waiting calls, because late sound is audible. It works the
// same over every style.
//
// A waiting call ends with its context. A call that has begun does not, because no style
// can undo half a conversation. Close the SharedPlayer before the player.
type SharedPlayer struct {
	player player.Player
	clock  func() player.Ticks
	limit  int64         // of waiting calls
	turn   chan struct{} // full: a call runs
	next   chan struct{} // full: a call without sound is the next; the others wait here, so that sound contends with one at most
	closed chan struct{} // closed: no call may begin
	people atomic.Int64  // waiting calls
	sound  atomic.Int64  // waiting audio periods

	seq  uint64       // the newest number; whoever has the turn writes it
	last player.Ticks // the latest time, likewise
}

// NewSharedPlayer shares p, which must not be used directly from now on. clock is the
// player's time, for a stimulus without a time; nil: the time of day. One goroutine at a
// time calls it.
func NewSharedPlayer(p player.Player, clock func() player.Ticks) *SharedPlayer {
	if clock == nil {
		clock = timeOfDay
	}
	return &SharedPlayer{player: p, clock: clock, limit: mostWaiting,
		turn: make(chan struct{}, 1), next: make(chan struct{}, 1), closed: make(chan struct{})}
}

// Close waits for the call that runs. Calls that wait or come later get player.ErrClosed.
// The player stays open. Closing twice is no error.
func (p *SharedPlayer) Close() {
	if p.take(context.Background(), true) == nil {
		close(p.closed) // and the turn is never given back
	}
}

// hold runs do when it is its turn.
func (p *SharedPlayer) hold(ctx context.Context, sound bool, do func() error) error {
	if err := p.take(ctx, sound); err != nil {
		return err
	}
	defer func() { <-p.turn }()
	return do()
}

// take waits for the turn, in a queue of bounded length.
func (p *SharedPlayer) take(ctx context.Context, sound bool) error {
	line := &p.people
	if sound {
		line = &p.sound
	}
	defer line.Add(-1)
	if line.Add(1) > p.limit {
		return unavailable(fmt.Errorf("%d wait already: try again later", p.limit))
	}
	if !sound {
		if err := p.acquire(ctx, p.next); err != nil {
			return err
		}
		defer func() { <-p.next }()
	}
	return p.acquire(ctx, p.turn)
}

// acquire waits until place has room.
func (p *SharedPlayer) acquire(ctx context.Context, place chan struct{}) error {
	if ctx.Err() != nil {
		return unavailable(ctx.Err())
	}
	select {
	case place <- struct{}{}:
		return nil
	case <-p.closed:
		return player.ErrClosed
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}

func unavailable(err error) error {
	return &player.Error{Code: player.Unavailable, Op: "wait for a turn at the player", Err: err}
}

// number gives a stimulus the next number, and its time and seed if it lacks them. Time
// does not run backwards.
func (p *SharedPlayer) number(s player.Stimulus) player.Stimulus {
	p.seq++
	s.Seq = p.seq
	if s.At == 0 {
		s.At = max(p.clock(), p.last)
	}
	p.last = max(p.last, s.At)
	if s.Seed == 0 {
		s.Seed = splitMix64(s.Seq)
	}
	if s.Kind == player.MessageSaid && s.Message.At == 0 {
		s.Message.At = s.At
	}
	return s
}

// Do returns when the last effect of a stimulus is durable and visible. It replaces the
// number of the stimulus, and adds time and seed where they are missing.
func (p *SharedPlayer) Do(ctx context.Context, s player.Stimulus) error {
	return p.hold(ctx, s.Kind == player.Period, func() error { return p.player.Do(p.number(s)) })
}

// Enqueue enqueues a passage and returns how many wait then.
func (p *SharedPlayer) Enqueue(ctx context.Context, passage int64) (depth int, err error) {
	err = p.hold(ctx, false, func() error {
		if err := p.player.Do(p.number(player.Stimulus{Kind: player.Wanted, Passage: passage})); err != nil {
			return err
		}
		entries, err := p.player.Waiting(p.token())
		depth = len(entries)
		return err
	})
	return depth, err
}

// WantFlavor makes the player want the flavor of a passage, from now on for so long.
func (p *SharedPlayer) WantFlavor(ctx context.Context, passage int64, long player.Ticks) error {
	return p.hold(ctx, false, func() error {
		s := p.number(player.Stimulus{Kind: player.FlavorWanted, Passage: passage})
		s.Until = s.At + long
		return p.player.Do(s)
	})
}

// Status is the status that people see.
func (p *SharedPlayer) Status(ctx context.Context) (s player.Status, err error) {
	err = p.hold(ctx, false, func() (err error) {
		s, err = p.player.Status(p.token())
		return err
	})
	return s, err
}

// Waiting is the queue, first to play first.
func (p *SharedPlayer) Waiting(ctx context.Context) (entries []player.Entry, err error) {
	err = p.hold(ctx, false, func() (err error) {
		entries, err = p.player.Waiting(p.token())
		return err
	})
	return entries, err
}

// Look is Status and Waiting at the same moment.
func (p *SharedPlayer) Look(ctx context.Context) (s player.Status, entries []player.Entry, err error) {
	err = p.hold(ctx, false, func() (err error) {
		if s, err = p.player.Status(p.token()); err == nil {
			entries, err = p.player.Waiting(p.token())
		}
		return err
	})
	return s, entries, err
}

// Observe settles the player and reads back what it has done.
func (p *SharedPlayer) Observe(ctx context.Context) (seen player.Observation, err error) {
	err = p.hold(ctx, false, func() (err error) {
		if err = p.player.Settle(); err == nil {
			seen, err = p.player.Observe()
		}
		return err
	})
	return seen, err
}

// token is the flow token of a query.
func (p *SharedPlayer) token() uint64 {
	p.seq++
	return p.seq
}
