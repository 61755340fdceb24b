package live

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rubato/player"
	"rubato/web"
)

// recorder is a player that records its stimuli.
type recorder struct {
	player.Player
	took      []player.Stimulus
	queue     []player.Entry
	fails     error
	waitFails error // of Waiting
	dry       bool  // nothing stays in the queue
}

func (p *recorder) Do(s player.Stimulus) error {
	p.took = append(p.took, s)
	switch s.Kind {
	case player.PassageEnd:
		p.queue = p.queue[1:]
		fallthrough
	case player.QueueLow:
		p.queue = append(p.queue, player.Entry{Passage: int64(s.Seq)})
	}
	if p.dry {
		p.queue = nil
	}
	return p.fails
}

func (p *recorder) Waiting(uint64) ([]player.Entry, error) { return p.queue, p.waitFails }

func loadOf(p *recorder, seed uint64) *load {
	clock := clock{began: time.Now(), start: player.Day, speed: Speed}
	shared := web.NewSharedPlayer(p, func() player.Ticks { return clock.at(time.Now()) })
	return &load{shared: shared, clock: clock, seed: seed, rate: 2,
		stimulus: func(kind player.Kind, seed, seq uint64, at player.Ticks) player.Stimulus {
			return player.Stimulus{Kind: kind, Seq: seq, At: at, Seed: seed}
		}}
}

// Ten minutes of a load: natural in rate, in order, and the same again from the
// same seed.
func TestLoad(t *testing.T) {
	t.Parallel()
	var runs [2][]player.Stimulus
	for i := range runs {
		synctest.Test(t, func(t *testing.T) {
			p := &recorder{}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			loadOf(p, 7).run(ctx)
			runs[i] = p.took
		})
	}
	of := map[player.Kind]int{}
	for i, s := range runs[0] {
		of[s.Kind]++
		if i > 0 && (s.Seq <= runs[0][i-1].Seq || s.At < runs[0][i-1].At) {
			t.Fatalf("stimulus %d: %+v comes after %+v", i, s, runs[0][max(0, i-1)])
		}
		if (s.Kind == player.BufferReady) != (s.Passage > 0) {
			t.Errorf("%+v", s)
		}
	}
	if n := len(runs[0]); n < 900 || n > 1500 {
		t.Errorf("%d stimuli in 10 minutes at 2 a second", n)
	}
	if of[player.QueueLow] != 2 || of[player.PassageEnd] < 50 || of[player.BufferReady] != of[player.QueueLow]+of[player.PassageEnd] ||
		of[player.VolumeSet] == 0 || of[player.Control] == 0 || of[player.MessageSaid] < 700 {
		t.Errorf("by kind: %v", of)
	}
	if !slices.Equal(runs[0], runs[1]) {
		t.Error("the same seed makes another load")
	}
}

func TestLoadCountsFailures(t *testing.T) {
	t.Parallel()
	p := &recorder{fails: errors.New("broken by the test")}
	l := loadOf(p, 1)
	l.do(t.Context(), player.MessageSaid, 0, 0)
	p.fails = nil
	l.do(t.Context(), player.MessageSaid, 0, 0)
	if got := l.counts(); got.stimuli != 2 || got.failed != 1 || got.last == nil {
		t.Errorf("%+v", got)
	}
	for dev, want := range map[bool]string{true: "broken by the test", false: web.Reason(errors.New("broken by the test"))} {
		if s := (serveConfig{rate: 2.5, dev: dev}).status(l.counts()); s.Failed != 1 || s.LastError != want || s.Rate != "2.5" {
			t.Errorf("%+v", s)
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	c := clock{began: noon, start: 5, speed: Speed}
	for since, want := range map[time.Duration]player.Ticks{
		0: 5, 10 * time.Second: 5 + player.Hour, -time.Hour: 5, time.Second / 2: 5 + 180*player.Second,
		10 * 365 * 24 * time.Hour: 5 + 3600*365*player.Day,
	} {
		if got := c.at(noon.Add(since)); got != want {
			t.Errorf("after %v: %d, want %d", since, got, want)
		}
	}
	l := load{rate: 2}
	draws := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		if gap := l.gap(draws); gap < 0 || gap > 5*time.Second/2 {
			t.Fatalf("a gap of %v", gap)
		}
	}
}

// With sound, people talk and press no buttons. An empty queue is refilled, at once and
// then every ten seconds.
func TestLoadWithSound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &recorder{}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		l := loadOf(p, 7)
		l.sounds, l.clock.speed = true, 1
		l.run(ctx)
		of := map[player.Kind]int{}
		for i, s := range p.took {
			if of[s.Kind]++; s.Kind == player.QueueLow && i > 0 {
				t.Errorf("stimulus %d fills a queue that is not empty", i)
			}
		}
		if of[player.QueueLow] != 1 || of[player.MessageSaid] < 900 || len(of) != 2 {
			t.Errorf("by kind: %v", of)
		}
	})
}

func TestLoadRevives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &recorder{dry: true}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		l := loadOf(p, 7)
		l.sounds, l.clock.speed = true, 1
		l.run(ctx)
		low := 0
		for _, s := range p.took {
			if s.Kind == player.QueueLow {
				low++
			}
		}
		if low < 5 || low > 7 {
			t.Errorf("%d refills in a minute of silence, want one in 10 s", low)
		}
		p.waitFails = errors.New("broken by the test")
		if l.revive(t.Context(), 0); l.counts().last == nil {
			t.Error("a player that does not say what waits is no failure")
		}
	})
}

// A period goes to the player at the present time. A failure is counted; after too many in
// a row the sound stops.
func TestLoadHears(t *testing.T) {
	t.Parallel()
	p := &recorder{}
	l := loadOf(p, 1)
	hear := l.hear(t.Context())
	if err := hear(player.Stimulus{Kind: player.Period, At: 1, Frames: 441}); err != nil || p.took[0].Frames != 441 || p.took[0].At < player.Day {
		t.Errorf("%v, took %+v", err, p.took)
	}
	p.fails = errors.New("broken by the test")
	for i := range 2*failureLimit - 1 {
		kind := player.BufferFailed // which is no sign of failureLimit
		if i%2 == 0 {
			kind = player.Period
		}
		if err := hear(player.Stimulus{Kind: kind}); (err != nil) != (i == 2*failureLimit-2) {
			t.Fatalf("stimulus %d: %v", i, err)
		}
	}
	if c := l.counts(); c.stimuli != 2*failureLimit || c.failed != 2*failureLimit-1 {
		t.Errorf("%+v", c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.hear(ctx)(player.Stimulus{Kind: player.Period}); !errors.Is(err, context.Canceled) {
		t.Errorf("at the end: %v", err)
	}
}
