package web

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"rubato/player"
)

// Bounds of the natural load, in stimuli a second. More is a stress scenario, and
// rubato run has those.
const (
	LowestRate  = 0.1
	HighestRate = 15
)

// Speed is how many of the player's seconds pass in one of ours while there is no
// sound. A passage ends once
// an hour of its own time, ten seconds of ours: that is what the cooldowns of
// 1 000 passages bear for ever, and often enough to be looked at.
const Speed = 360

// clock maps our time to the player's.
type clock struct {
	begun time.Time    // when the library was first played
	epoch player.Ticks // and what time that is for the player
	speed player.Ticks // of its seconds in one of ours
}

// at is the player's time. It does not run backwards before it has begun.
func (c clock) at(now time.Time) player.Ticks {
	since := max(0, now.Sub(c.begun))
	seconds, rest := since/time.Second, since%time.Second
	return c.epoch + c.speed*(player.Ticks(seconds)*player.Second+player.Ticks(rest)*player.Second/player.Ticks(time.Second))
}

// load is an evening with the player: people talk. If there is sound, passages end
// when they have been played, and the buttons are left to whoever has the page open.
// If there is none, one ends every hour of the player's, and now and then somebody
// turns the volume or presses a button.
type load struct {
	front    *Front
	stimulus func(kind player.Kind, seed, seq uint64, at player.Ticks) player.Stimulus
	clock    clock
	seed     uint64
	rate     float64 // stimuli a second, on average
	sounds   bool

	seq     uint64
	looked  player.Ticks // when it was last looked whether passages are to follow
	decoded []int64      // what the queue held then, all of it ready; without sound

	mu  sync.Mutex
	now counts
}

// counts are what has come of the load so far.
type counts struct {
	stimuli, failed uint64
	last            error
}

// run drives the player until ctx ends. Gaps are drawn as those of people who do
// not know of one another are: exponentially, from the seed.
func (l *load) run(ctx context.Context) {
	draws := rand.New(rand.NewPCG(l.seed, 0))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		at := l.clock.at(time.Now())
		switch {
		case l.sounds && at-l.looked >= dryness:
			l.looked = at
			l.revive(ctx, at)
		case l.sounds:
			l.do(ctx, player.MessageSaid, at, 0)
		case at-l.looked >= player.Hour:
			l.looked = at
			l.pass(ctx, at)
		default:
			l.do(ctx, person(draws), at, 0)
		}
		timer.Reset(l.gap(draws))
	}
}

// dryness is how often it is looked whether the queue is empty, while there is sound.
// It fills itself as long as something plays.
const dryness = 10 * player.Second

// revive fills a queue in which nothing is left to play.
func (l *load) revive(ctx context.Context, at player.Ticks) {
	queue, err := l.front.Waiting(ctx)
	if err != nil {
		l.count(err)
	} else if len(queue) == 0 {
		l.do(ctx, player.QueueLow, at, 0)
	}
}

// deafness is how many periods in a row may fail before the sound is given up.
const deafness = 100

// hear has the player do what the sound brings. What fails is counted, and the sound
// goes on, until nothing but failures comes of it.
func (l *load) hear(ctx context.Context) func(player.Stimulus) error {
	failed := 0
	return func(s player.Stimulus) error {
		s.At = 0 // the present, as for everybody: the output sets the pace, and it is that of the clock
		err := l.front.Do(ctx, s)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.count(err)
		if s.Kind == player.Period && err != nil {
			failed++
		} else if s.Kind == player.Period {
			failed = 0
		}
		if failed >= deafness {
			return err
		}
		return nil
	}
}

// person is what somebody does: nearly always, talk.
func person(draws *rand.Rand) player.Kind {
	switch draws.IntN(20) {
	case 0:
		return player.VolumeSet
	case 1:
		return player.Control
	}
	return player.MessageSaid
}

// pass ends a passage, or fills a queue that has none to spare, and has decoded
// what is new in the queue.
func (l *load) pass(ctx context.Context, at player.Ticks) {
	kind := player.QueueLow
	if len(l.decoded) > 1 {
		kind = player.PassageEnd
	}
	l.do(ctx, kind, at, 0)
	queue, err := l.front.Waiting(ctx)
	if err != nil {
		l.count(err)
		return
	}
	known := l.decoded
	l.decoded = nil
	for _, e := range queue {
		if !slices.Contains(known, e.Passage) {
			l.do(ctx, player.BufferReady, at, e.Passage)
		}
		l.decoded = append(l.decoded, e.Passage)
	}
}

func (l *load) gap(r *rand.Rand) time.Duration {
	return time.Duration(min(r.ExpFloat64(), 5) / l.rate * float64(time.Second))
}

// do gives the player one stimulus. One that fails is counted; the player goes on.
func (l *load) do(ctx context.Context, kind player.Kind, at player.Ticks, passage int64) {
	l.seq++
	s := l.stimulus(kind, l.seed, l.seq, at)
	s.Passage = passage
	if err := l.front.Do(ctx, s); err == nil || ctx.Err() == nil {
		l.count(err)
	}
}

func (l *load) count(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now.stimuli++
	if err != nil {
		l.now.failed++
		l.now.last = err
	}
}

func (l *load) counts() counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}
