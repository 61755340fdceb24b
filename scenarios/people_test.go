package scenarios

import (
	"reflect"
	"testing"
	"time"

	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
)

// TestPeople: they do the same however often they are asked, one after the other, at a
// natural rate, and whoever pauses goes on.
func TestPeople(t *testing.T) {
	t.Parallel()
	const start, length = sqlite.Epoch, player.Hour
	lived := func(step player.Ticks) (all []player.Stimulus) {
		p := newPeople(1, start)
		for at := start; at <= start+length; at += step {
			for s, ok := p.next(at); ok; s, ok = p.next(at) {
				if s.At > at || s.At < at-step {
					t.Fatalf("at %v of what was due between %v and %v", s.At, at-step, at)
				}
				all = append(all, s)
			}
		}
		return all
	}
	often, seldom := lived(player.Second/20), lived(player.Second*3)
	if !reflect.DeepEqual(often, seldom) {
		t.Errorf("%d when asked often, %d when asked seldom, or others", len(often), len(seldom))
	}
	kinds := map[player.Kind]int{}
	words := map[string]int{}
	last := player.Ticks(0)
	for _, s := range often {
		kinds[s.Kind]++
		words[s.Command]++
		if s.At < last {
			t.Fatalf("%v after %v", s.At, last)
		}
		last = s.At
	}
	for _, kind := range []player.Kind{0, player.MessageSaid, player.VolumeSet, player.Wanted, player.FlavorWanted, player.Control} {
		if kinds[kind] == 0 {
			t.Errorf("nothing of kind %d in an hour", kind)
		}
	}
	if gap := words[player.Pause] - words[player.Play]; words[player.Pause] == 0 || gap < 0 || gap > 1 || words[player.Skip] == 0 {
		t.Errorf("commands: %v", words)
	}
	if rate := float64(len(often)) / length.Duration().Seconds(); rate < 2 || rate > 13 {
		t.Errorf("%.1f a second, beside two positions, is not natural", rate)
	}
}

// TestBeside: a storm is the same from the same seed, goes on where it stopped, and is
// over when the block is.
func TestBeside(t *testing.T) {
	t.Parallel()
	a, b := newBeside(nil), newBeside(nil)
	for range 3 {
		a.prepare(5, 2*time.Second)
		b.prepare(5, 2*time.Second)
		if !reflect.DeepEqual(a.events, b.events) || !reflect.DeepEqual(a.due, b.due) || a.next != b.next {
			t.Error("another storm from the same seed")
		}
		if n := len(a.due); n < 100 || n > 320 || len(a.events) != n || a.due[n-1] >= 2*time.Second || a.said() == 0 || a.said() == int64(n) {
			t.Errorf("%d events, %d said, in 2 s, the last after %v", n, a.said(), a.due[n-1])
		}
	}
}

// TestSoundSizes: every effort has one, and longer ones last longer.
func TestSoundSizes(t *testing.T) {
	t.Parallel()
	for _, name := range audioCases {
		last := 0
		for _, effort := range []string{"quick", "default", "full"} {
			size := audioSize(effort, audioCase(name))
			if size.Ops <= last {
				t.Errorf("%s %s: %d periods, after %d", name, effort, size.Ops, last)
			}
			last = size.Ops
		}
	}
	for _, pace := range []string{"fast", "real"} {
		for _, effort := range []string{"quick", "default", "full"} {
			if size := playerHourSize(effort, runner.Options{"pace": pace}); size.Ops == 0 || size.Rounds == 0 {
				t.Errorf("%s %s: %+v", effort, pace, size)
			}
		}
	}
}
