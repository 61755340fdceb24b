package live

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"rubato/player"
	"rubato/web"
)

// Bounds of the natural load, in stimuli a second. Stress scenarios belong to rubato run.
const (
	LowestRate  = 0.1
	HighestRate = 15
)

// Speed is how many of the player's seconds pass in a real second without sound. A passage
// then ends every hour of the player's time, which is ten real seconds: often enough to
// watch, and the cooldowns of 1 000 passages allow it for ever.
const Speed = 360

// load plays the people who use the player: they talk. With sound, passages end when they
// have been played, and only the page presses buttons. Without sound, a passage ends every
// hour of the player's time, and people sometimes set the volume or press a button.
type load struct {
	shared   *web.SharedPlayer
	stimulus func(kind player.Kind, seed, seq uint64, at player.Ticks) player.Stimulus
	clock    clock
	seed     uint64
	rate     float64 // stimuli a second, on average
	sounds   bool

	seq     uint64
	looked  player.Ticks // when the queue was last read
	decoded []int64      // the passages in the queue then, all decoded; without sound

	mu  sync.Mutex
	now counts
}

// counts are the results of the load so far.
type counts struct {
	stimuli, failed uint64
	last            error
}

// run drives the player until ctx ends. Gaps are exponential, as between people who act
// independently, and drawn from the seed.
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
		case l.sounds && at-l.looked >= refillInterval:
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

// refillInterval is how often an empty queue is looked for, with sound. The queue refills
// itself while something plays.
const refillInterval = 10 * player.Second

// revive refills an empty queue.
func (l *load) revive(ctx context.Context, at player.Ticks) {
	queue, err := l.shared.Waiting(ctx)
	if err != nil {
		l.count(err)
	} else if len(queue) == 0 {
		l.do(ctx, player.QueueLow, at, 0)
	}
}

// failureLimit is the number of periods in a row that may fail before the sound stops.
const failureLimit = 100

// hear gives the player the stimuli of the sound. A failure is counted and the sound
// continues, until too many periods in a row fail.
func (l *load) hear(ctx context.Context) func(player.Stimulus) error {
	failed := 0
	return func(s player.Stimulus) error {
		s.At = 0 // the present: the output runs at the pace of the clock
		err := l.shared.Do(ctx, s)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.count(err)
		if s.Kind == player.Period && err != nil {
			failed++
		} else if s.Kind == player.Period {
			failed = 0
		}
		if failed >= failureLimit {
			return err
		}
		return nil
	}
}

// person is what a person does: nearly always, talk.
func person(draws *rand.Rand) player.Kind {
	switch draws.IntN(20) {
	case 0:
		return player.VolumeSet
	case 1:
		return player.Control
	}
	return player.MessageSaid
}

// pass ends a passage, or refills a queue with no passage to spare, and reports new passages
// in the queue as decoded.
func (l *load) pass(ctx context.Context, at player.Ticks) {
	kind := player.QueueLow
	if len(l.decoded) > 1 {
		kind = player.PassageEnd
	}
	l.do(ctx, kind, at, 0)
	queue, err := l.shared.Waiting(ctx)
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

// do gives the player one stimulus. A failure is counted, and the player goes on.
func (l *load) do(ctx context.Context, kind player.Kind, at player.Ticks, passage int64) {
	l.seq++
	s := l.stimulus(kind, l.seed, l.seq, at)
	s.Passage = passage
	if err := l.shared.Do(ctx, s); err == nil || ctx.Err() == nil {
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
