package web

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"rubato/player"
)

func TestSharedNumbers(t *testing.T) {
	t.Parallel()
	p := &fakePlayer{}
	now := 10 * player.Second
	f := NewSharedPlayer(p, func() player.Ticks { return now })
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(f.Do(ctx, player.Stimulus{Kind: player.MessageSaid, Seq: 77, Message: player.Message{Username: "ada"}}))
	now = 9 * player.Second // a clock that is set back
	must(f.Do(ctx, player.Stimulus{Kind: player.VolumeSet, Seed: 5}))
	must(f.Do(ctx, player.Stimulus{Kind: player.QueueLow, At: player.Minute}))
	must(f.WantFlavor(ctx, 12, player.Hour))
	if depth, err := f.Enqueue(ctx, 12); err != nil || depth != 1 {
		t.Errorf("depth %d, %v", depth, err)
	}
	if _, entries, err := f.Look(ctx); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	if seen, err := f.Observe(ctx); err != nil || len(seen.Queue) != 1 {
		t.Errorf("%+v, %v", seen, err)
	}
	want := []player.Stimulus{
		{Kind: player.MessageSaid, Seq: 1, At: 10 * player.Second, Seed: splitMix64(1), Message: player.Message{Username: "ada", At: 10 * player.Second}},
		{Kind: player.VolumeSet, Seq: 2, At: 10 * player.Second, Seed: 5},
		{Kind: player.QueueLow, Seq: 3, At: player.Minute, Seed: splitMix64(3)},
		{Kind: player.FlavorWanted, Seq: 4, At: player.Minute, Seed: splitMix64(4), Passage: 12, Until: player.Minute + player.Hour},
		{Kind: player.Wanted, Seq: 5, At: player.Minute, Seed: splitMix64(5), Passage: 12},
	}
	got := p.taken()
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("stimulus %d:\n%+v, want\n%+v", i, got[i], want[i])
		}
	}
	if p.asked[0] != 6 || p.asked[1] != 7 || p.asked[2] != 8 {
		t.Errorf("questions numbered %v", p.asked)
	}
}

func TestSharedTakesTurns(t *testing.T) {
	t.Parallel()
	p := &fakePlayer{}
	f := NewSharedPlayer(p, nil)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for range 20 {
				s := player.Stimulus{Kind: player.MessageSaid}
				if i == 0 {
					s.Kind = player.Period
				}
				if err := f.Do(t.Context(), s); err != nil {
					t.Error(err)
				}
				if _, err := f.Status(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	p.alone(t)
	var last player.Stimulus
	seeds := make(map[uint64]bool)
	for _, s := range p.taken() {
		if s.Seq <= last.Seq || s.At < last.At || s.At == 0 {
			t.Fatalf("%+v came after %+v", s, last)
		}
		last, seeds[s.Seed] = s, true
	}
	if len(seeds) != 1000 {
		t.Errorf("%d seeds for 1000 stimuli", len(seeds))
	}
}

// One call runs, one is next, one period waits: the period goes first, and one call too
// many is refused at once, without effect.
func TestSharedWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &fakePlayer{hold: make(chan struct{})}
		f := NewSharedPlayer(p, nil)
		f.limit = 3
		var all sync.WaitGroup
		do := func(kind player.Kind) {
			all.Go(func() {
				if err := f.Do(t.Context(), player.Stimulus{Kind: kind}); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		do(player.VolumeSet)
		do(player.MessageSaid)
		do(player.QueueLow)
		do(player.PassageEnd)
		do(player.Period)
		err := f.Do(t.Context(), player.Stimulus{Kind: player.Control})
		if player.CodeOf(err) != player.Unavailable {
			t.Errorf("one too many: %v", err)
		}
		close(p.hold)
		all.Wait()
		var kinds []player.Kind
		for _, s := range p.taken() {
			kinds = append(kinds, s.Kind)
		}
		// The call that was next keeps its place; the period goes before the rest.
		want := []player.Kind{player.VolumeSet, player.MessageSaid, player.Period, player.QueueLow, player.PassageEnd}
		for i := range want {
			if len(kinds) != len(want) || kinds[i] != want[i] {
				t.Fatalf("the order was %v, want %v", kinds, want)
			}
		}
	})
}

func TestSharedGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &fakePlayer{hold: make(chan struct{})}
		f := NewSharedPlayer(p, nil)
		var all sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 4 { // the turn, before it, behind that, and sound
			all.Go(func() {
				kind := player.VolumeSet
				if i == 3 {
					kind = player.Period
				}
				err := f.Do(ctx, player.Stimulus{Kind: kind})
				if i > 0 && (!errors.Is(err, context.Canceled) || player.CodeOf(err) != player.Unavailable) {
					t.Errorf("%d: %v", i, err)
				}
				if i == 0 && err != nil {
					t.Errorf("what had begun: %v", err)
				}
			})
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		close(p.hold)
		all.Wait()
		if len(p.taken()) != 1 {
			t.Errorf("took %v", p.taken())
		}
		if err := f.Do(ctx, player.Stimulus{}); !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that has ended: %v", err)
		}
		if err := f.Do(t.Context(), player.Stimulus{}); err != nil {
			t.Errorf("the player stays closed: %v", err)
		}
	})
}

func TestSharedPassesErrorsOn(t *testing.T) {
	t.Parallel()
	f := NewSharedPlayer(&fakePlayer{fails: errBroken}, nil)
	_, status := f.Status(t.Context())
	_, waiting := f.Waiting(t.Context())
	_, _, look := f.Look(t.Context())
	_, enqueue := f.Enqueue(t.Context(), 1)
	_, observe := f.Observe(t.Context())
	for name, err := range map[string]error{"status": status, "waiting": waiting, "look": look, "enqueue": enqueue, "observe": observe,
		"flavor": f.WantFlavor(t.Context(), 1, 1)} {
		if !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Close lets the running call finish and refuses those that wait. Closing twice is no error.
func TestSharedCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &fakePlayer{hold: make(chan struct{})}
		f := NewSharedPlayer(p, nil)
		results := make(chan error, 4)
		for range 4 {
			go func() { results <- f.Do(t.Context(), player.Stimulus{Kind: player.VolumeSet}) }()
			synctest.Wait()
		}
		var closing sync.WaitGroup
		for range 2 {
			closing.Go(f.Close)
		}
		synctest.Wait()
		close(p.hold)
		closing.Wait()
		synctest.Wait()
		done := 0
		for range 4 {
			err := <-results
			if err == nil {
				done++
			} else if player.CodeOf(err) != player.Closed {
				t.Error(err)
			}
		}
		if inside := len(p.taken()); done != inside || inside == 0 || inside == 4 {
			t.Errorf("%d got in, and %d were done", inside, done)
		}
		if _, err := f.Status(t.Context()); player.CodeOf(err) != player.Closed {
			t.Errorf("after closing: %v", err)
		}
	})
}
