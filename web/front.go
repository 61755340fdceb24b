package web

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"rubato/player"
)

// ManyWaiting is how many wait for their turn at a player at most, where nothing
// else is said.
const ManyWaiting = 256

// FrontConfig says what a Front gives to the stimuli that come through it.
type FrontConfig struct {
	// Clock is the player's time, of which a stimulus without one gets the present;
	// nil: that of the day. Only one goroutine at a time asks it.
	Clock func() player.Ticks
	// Seed is that of the stimulus with this number, if it has none; nil: drawn from
	// the number.
	Seed func(seq uint64) uint64
	// Waiting is how many wait for their turn at most; 0: ManyWaiting. One more is
	// refused as Unavailable.
	Waiting int
}

func (c FrontConfig) defaults() FrontConfig {
	if c.Clock == nil {
		c.Clock = timeOfDay
	}
	if c.Seed == nil {
		c.Seed = drawn
	}
	if c.Waiting <= 0 {
		c.Waiting = ManyWaiting
	}
	return c
}

func timeOfDay() player.Ticks {
	now := time.Now()
	return player.Ticks(now.Unix())*player.Second + player.Ticks(now.Nanosecond())*player.Second/player.Ticks(time.Second)
}

// drawn is SplitMix64: neighbours in number have seeds that have nothing in common.
func drawn(seq uint64) uint64 {
	z := seq * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// A Front is the one door to a player that many use at once, as a player is asked by
// one goroutine at a time. It lets them in one by one, in the order in which they
// came, and numbers what they bring. Periods pass all others who wait, as sound that
// is late is heard. Every style has the same door.
//
// Waiting ends with the context; what has begun does not, as no style can take back
// half a conversation. Close the front before the player.
type Front struct {
	player player.Player
	config FrontConfig
	turn   chan struct{} // holds the turn
	before chan struct{} // holds the place before the turn: of those who must, one at most contends with sound
	shut   chan struct{} // closed: nobody gets in any more
	people atomic.Int64  // who wait
	sound  atomic.Int64  // who wait with periods

	seq  uint64       // the last given; whoever has the turn writes it
	last player.Ticks // the latest given, likewise
}

// NewFront returns the door to p, which nobody else may use from now on.
func NewFront(p player.Player, config FrontConfig) *Front {
	return &Front{player: p, config: config.defaults(),
		turn: make(chan struct{}, 1), before: make(chan struct{}, 1), shut: make(chan struct{})}
}

// Close waits until whoever has the turn is done, and lets nobody in any more: who
// waits or comes later is answered player.ErrClosed. The player stays open. Closing
// twice is once.
func (f *Front) Close() {
	if f.take(context.Background(), true) == nil {
		close(f.shut) // and the turn is never given back
	}
}

// hold has something done in a turn.
func (f *Front) hold(ctx context.Context, sound bool, do func() error) error {
	if err := f.take(ctx, sound); err != nil {
		return err
	}
	defer func() { <-f.turn }()
	return do()
}

// take waits for the turn, in a line of bounded length.
func (f *Front) take(ctx context.Context, sound bool) error {
	line := &f.people
	if sound {
		line = &f.sound
	}
	defer line.Add(-1)
	if line.Add(1) > int64(f.config.Waiting) {
		return unavailable(fmt.Errorf("%d wait already: try again later", f.config.Waiting))
	}
	if !sound {
		if err := f.enter(ctx, f.before); err != nil {
			return err
		}
		defer func() { <-f.before }()
	}
	return f.enter(ctx, f.turn)
}

// enter waits for one place.
func (f *Front) enter(ctx context.Context, place chan struct{}) error {
	if ctx.Err() != nil {
		return unavailable(ctx.Err())
	}
	select {
	case place <- struct{}{}:
		return nil
	case <-f.shut:
		return player.ErrClosed
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}

func unavailable(err error) error {
	return &player.Error{Code: player.Unavailable, Op: "wait for a turn at the player", Err: err}
}

// number gives the next number, and what a stimulus lacks: time, which does not run
// backwards, and seed.
func (f *Front) number(s player.Stimulus) player.Stimulus {
	f.seq++
	s.Seq = f.seq
	if s.At == 0 {
		s.At = max(f.config.Clock(), f.last)
	}
	f.last = max(f.last, s.At)
	if s.Seed == 0 {
		s.Seed = f.config.Seed(s.Seq)
	}
	if s.Kind == player.MessageSaid && s.Message.At == 0 {
		s.Message.At = s.At
	}
	return s
}
