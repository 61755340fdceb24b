package audio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"rubato/player"
)

// TestPumpAsksInTheSamePlaces: a minimal style plays three passages, one of them broken, and
// gets the same stimuli each time.
func TestPumpAsksInTheSamePlaces(t *testing.T) {
	t.Parallel()
	var want []string
	for range 5 {
		rs := &reels{refuse: func(p int64) bool { return p == 2 }}
		d := openDeck(t, rs, DeckOptions{Wait: true, Buffers: 2, Frames: 3_000})
		for p := range int64(4) {
			must(t, d.Load(cutOf(p+1, 5_000, 1_000)))
		}
		var got []string
		do := func(s player.Stimulus) error {
			if s.Kind != player.Period {
				got = append(got, fmt.Sprintf("%d: kind %d of %d", s.At/player.TicksPerFrame, s.Kind, s.Passage))
				if s.Passage == 1 {
					return d.Play(1)
				}
				if s.Kind == player.BufferReady {
					return d.Cue(s.Passage)
				}
				return nil
			}
			markers, err := d.Mix(s.Frames)
			for _, m := range markers {
				got = append(got, fmt.Sprintf("%d: %v of %d after %d", s.At/player.TicksPerFrame, m.Kind, m.Passage, m.After/player.TicksPerFrame))
			}
			return err
		}
		must(t, Pump(context.Background(), d, Pumping{Frames: 441, Start: 1_000 * player.TicksPerFrame, Periods: 40}, do))
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	first := []string{"1441: kind 4 of 1", "1441: kind 7 of 2", "1441: kind 4 of 3", "5410: crossfade of 1 after 31"}
	if !slices.Equal(want[:4], first) {
		t.Errorf("got %q, want first %q", want, first)
	}
}

func TestPumpEnds(t *testing.T) {
	t.Parallel()
	d := openDeck(t, &reels{}, DeckOptions{Wait: true})
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	must(t, Pump(ctx, d, Pumping{Frames: 441}, func(player.Stimulus) error {
		if n++; n == 3 {
			cancel()
		}
		return nil
	}))
	if n != 3 {
		t.Errorf("%d stimuli after the context ended, want 3", n)
	}
	for _, kind := range []player.Kind{player.Period, player.BufferReady} {
		must(t, d.Load(cutOf(1, 1_000, 0)))
		err := Pump(context.Background(), d, Pumping{Frames: 441}, func(s player.Stimulus) error {
			if s.Kind == kind {
				return errBroken
			}
			return nil
		})
		if !errors.Is(err, errBroken) {
			t.Errorf("kind %d: %v", kind, err)
		}
	}
}
