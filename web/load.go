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

// Speed is how many of the player's seconds pass in one of ours. A passage ends once
// an hour of its own time, ten seconds of ours: that is what the cooldowns of
// 1 000 passages bear for ever, and often enough to be looked at.
const Speed = 360

// clock maps our time to the player's.
type clock struct {
	begun time.Time    // when the library was first played
	epoch player.Ticks // and what time that is for the player
}

// at is the player's time. It does not run backwards before it has begun.
func (c clock) at(now time.Time) player.Ticks {
	since := max(0, now.Sub(c.begun))
	seconds, rest := since/time.Second, since%time.Second
	return c.epoch + Speed*(player.Ticks(seconds)*player.Second+player.Ticks(rest)*player.Second/player.Ticks(time.Second))
}

// load is an evening with the player: people talk, now and then turn the volume or
// press a button, and passages end.
type load struct {
	player   player.Player
	stimulus func(kind player.Kind, seed, seq uint64, at player.Ticks) player.Stimulus
	clock    clock
	seed     uint64
	rate     float64 // stimuli a second, on average

	seq     uint64
	ended   player.Ticks // when a passage ended last
	decoded []int64      // what the queue held then, all of it ready

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
		if at := l.clock.at(time.Now()); at-l.ended >= player.Hour {
			l.pass(at)
		} else {
			l.do(person(draws), at, 0)
		}
		timer.Reset(l.gap(draws))
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
func (l *load) pass(at player.Ticks) {
	l.ended = at
	kind := player.QueueLow
	if len(l.decoded) > 1 {
		kind = player.PassageEnd
	}
	l.do(kind, at, 0)
	seen, err := l.player.Observe()
	if err != nil {
		l.count(err)
		return
	}
	known := l.decoded
	l.decoded = nil
	for _, e := range seen.Queue {
		if !slices.Contains(known, e.Passage) {
			l.do(player.BufferReady, at, e.Passage)
		}
		l.decoded = append(l.decoded, e.Passage)
	}
}

func (l *load) gap(r *rand.Rand) time.Duration {
	return time.Duration(min(r.ExpFloat64(), 5) / l.rate * float64(time.Second))
}

// do gives the player one stimulus. One that fails is counted; the player goes on.
func (l *load) do(kind player.Kind, at player.Ticks, passage int64) {
	l.seq++
	s := l.stimulus(kind, l.seed, l.seq, at)
	s.Passage = passage
	l.count(l.player.Do(s))
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
