package audio

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"rubato/audio/decode"
	"rubato/player"
)

func TestWAVFileIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	frames := notes(10_000)
	frames[1] = player.Frame{1, -1}
	frames[2] = player.Frame{3, -3}
	frames[3] = player.Frame{float32(math.NaN()), 0.5}
	for _, c := range []struct {
		sample                 Sample
		header, tag, bits, all int
	}{{Float32, 56, 3, 32, 8}, {Int16, 44, 1, 16, 4}} {
		path := filepath.Join(t.TempDir(), "out.wav")
		w, err := CreateWAV(path, c.sample)
		must(t, err)
		must(t, w.Write(frames[:7]))
		must(t, w.Write(nil))
		must(t, w.Write(frames[7:]))
		must(t, w.Close())
		must(t, w.Close())
		if err := w.Write(frames); err == nil {
			t.Error("took frames when it was closed")
		}
		b, err := os.ReadFile(path)
		must(t, err)
		le := binary.LittleEndian
		size := len(frames) * c.all
		if len(b) != c.header+size || string(b[:4]) != "RIFF" || int(le.Uint32(b[4:])) != len(b)-8 || string(b[8:16]) != "WAVEfmt " {
			t.Fatalf("%d bytes, begins % x", len(b), b[:min(len(b), 16)])
		}
		got := []int{int(le.Uint16(b[20:])), int(le.Uint16(b[22:])), int(le.Uint32(b[24:])), int(le.Uint32(b[28:])),
			int(le.Uint16(b[32:])), int(le.Uint16(b[34:])), int(le.Uint32(b[c.header-4:]))}
		want := []int{c.tag, 2, 44_100, 44_100 * c.all, c.all, c.bits, size}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("tag, channels, rate, bytes/s, bytes/frame, bits, size: %v, want %v", got, want)
				break
			}
		}
		if c.sample == Int16 {
			checkInt16(t, b[c.header:], frames)
			continue
		}
		if n := le.Uint32(b[44:]); n != 10_000 {
			t.Errorf("fact says %d frames", n)
		}
		for i, f := range frames {
			for k, s := range f {
				if g := le.Uint32(b[c.header+i*8+k*4:]); g != math.Float32bits(s) {
					t.Fatalf("frame %d: %x, want %x", i, g, math.Float32bits(s))
				}
			}
		}
	}
}

func checkInt16(t *testing.T, b []byte, frames []player.Frame) {
	t.Helper()
	at := func(i int) int16 { return int16(binary.LittleEndian.Uint16(b[2*i:])) }
	for i, want := range map[int]int16{2: 32_767, 3: -32_767, 4: 32_767, 5: -32_767, 6: 0, 7: 16_384} {
		if got := at(i); got != want {
			t.Errorf("sample %d is %d, want %d", i, got, want)
		}
	}
	for i, f := range frames[4:] {
		if got, want := float64(at(2*(i+4))), float64(f[0])*32_767; math.Abs(got-want) > 0.5 {
			t.Fatalf("frame %d is %v, want %v", i+4, got, want)
		}
	}
}

func TestWAVFileRefuses(t *testing.T) {
	t.Parallel()
	if _, err := CreateWAV(filepath.Join(t.TempDir(), "no", "such.wav"), Int16); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("created in no folder: %v", err)
	}
	if _, err := CreateWAV(filepath.Join(t.TempDir(), "x.wav"), Sample(7)); err == nil {
		t.Error("took a sample kind that there is not")
	}
	path := filepath.Join(t.TempDir(), "full.wav")
	w, err := CreateWAV(path, Int16)
	must(t, err)
	w.limit = 100
	must(t, w.Write(notes(25)))
	for range 2 {
		if err := w.Write(notes(1)); err == nil || !strings.Contains(err.Error(), "full") {
			t.Errorf("one frame more: %v", err)
		}
	}
	must(t, w.Close())
	if i, err := os.Stat(path); err != nil || i.Size() != 144 {
		t.Errorf("%v, %v", i, err)
	}
}

// TestRealTimeCountsAddUp plays through the thread. It does not check the speed.
func TestRealTimeCountsAddUp(t *testing.T) {
	t.Parallel()
	for _, own := range []bool{false, true} {
		out := OpenRealTime(RealTimeOptions{Period: 100, Ring: 3, OwnP: own})
		frames := notes(5_050)
		began := time.Now()
		must(t, out.Write(frames[:2_000]))
		first := out.Take()
		must(t, out.Write(frames[2_000:]))
		must(t, out.Close())
		must(t, out.Close())
		grid := uint64(time.Since(began)/out.callback.length) + 1
		second := out.Take()
		if got := first.Played + second.Played; got != 5_050 {
			t.Errorf("played %d frames of 5 050", got)
		}
		periods, missed := first.Periods+second.Periods, first.Missed+second.Missed
		if periods < 51 || periods+missed > grid {
			t.Errorf("%d periods and %d missed of %d", periods, missed, grid)
		}
		under := first.Underruns + second.Underruns
		if silent := first.Silent + second.Silent; silent > under*100 || (silent == 0) != (under == 0) {
			t.Errorf("%d underruns, %d frames of silence", under, silent)
		}
		for _, s := range []CallbackStats{first, second} {
			if n := uint64(s.Lateness.TotalCount()); n != s.Periods || uint64(s.Took.TotalCount()) != n {
				t.Errorf("%d periods, but lateness of %d and time of %d", s.Periods, n, s.Took.TotalCount())
			}
		}
		if err := out.Write(frames); err == nil {
			t.Error("took frames when it was closed")
		}
	}
}

// TestRealTimeWaitsForRoom: a write without room waits until there is some or the context
// ends. The test runs the callbacks in place of the thread.
func TestRealTimeWaitsForRoom(t *testing.T) {
	t.Parallel()
	c, _ := still(441)
	out := RealTime{&thread{callback: c, ended: make(chan struct{})}}
	must(t, out.Write(notes(4*441)))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := out.Room(ctx, 441); !errors.Is(err, context.Canceled) {
		t.Errorf("room in a full ring: %v", err)
	}
	written := make(chan error)
	go func() { written <- out.Write(notes(441)) }()
	c.run(0, 0)
	c.run(0, 0)
	must(t, <-written)
	must(t, out.Room(ctx, 441)) // there is some: no need to wait
	c.run(0, 0)
	must(t, out.Room(ctx, 1_000_000)) // half the ring is as much as anybody may wait for
	must(t, out.Write(notes(882)))
	close(out.ended)
	if err := out.Room(context.Background(), 441); !errors.Is(err, errEnded) {
		t.Errorf("room where nobody calls back any more: %v", err)
	}
	if n := c.counts.Load(); n.Played != 3*441 || n.Underruns != 0 {
		t.Errorf("played %d frames, %d underruns", n.Played, n.Underruns)
	}
}

func TestInCallbackRuns(t *testing.T) {
	t.Parallel()
	ran := 0
	out := OpenRealTime(RealTimeOptions{Period: 10, InCallback: func() { ran++ }})
	stats := out.Take()
	must(t, out.Close())
	stats.Periods += out.Take().Periods
	if uint64(ran) != stats.Periods || ran == 0 {
		t.Errorf("the rule ran %d times in %d periods", ran, stats.Periods)
	}
}

func TestMetronome(t *testing.T) {
	t.Parallel()
	m := OpenMetronome(RealTimeOptions{Period: 44})
	a, b := m.Take(), m.Take()
	must(t, m.Close())
	if a.Periods+b.Periods == 0 || a.Underruns+b.Underruns+a.Played+b.Played != 0 {
		t.Errorf("%+v, then %+v", a, b)
	}
}

// TestOwnProcessor: the extra processor comes with the output and goes with it. The test does
// not run in parallel, because GOMAXPROCS belongs to the whole program.
func TestOwnProcessor(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	out := OpenRealTime(RealTimeOptions{OwnP: true})
	during := runtime.GOMAXPROCS(0)
	must(t, out.Close())
	if after := runtime.GOMAXPROCS(0); during != before+1 || after != before {
		t.Errorf("GOMAXPROCS %d, then %d, then %d", before, during, after)
	}
}

// TestDeckAtRealPace plays from a reel to the thread.
func TestDeckAtRealPace(t *testing.T) {
	t.Parallel()
	out := OpenRealTime(RealTimeOptions{Period: 441, Ring: 4})
	d := openDeck(t, &reels{}, DeckOptions{Output: out})
	must(t, d.Load(cutOf(1, 3_000, 0)))
	ended := false
	do := func(s player.Stimulus) error {
		if s.Kind == player.BufferReady {
			return d.Play(s.Passage)
		}
		markers, err := d.Mix(s.Frames)
		for _, m := range markers {
			ended = ended || m.Kind == player.PassageEndMark
		}
		return err
	}
	must(t, Pump(context.Background(), d, Pumping{Frames: 441, Periods: 20}, do))
	must(t, d.Close())
	if got := out.Take().Played; !ended || got != 20*441 || d.Delivered().Frames != got {
		t.Errorf("ended %v, played %d frames of %d delivered", ended, got, d.Delivered().Frames)
	}
}

func TestDiscard(t *testing.T) {
	t.Parallel()
	must(t, Discard{}.Write(notes(1)))
	must(t, Discard{}.Close())
}

// TestDeckToFileAndBack plays two real files across a crossfade into a WAV file, and
// reads that back: the samples are those of the digest.
func TestDeckToFileAndBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tracks, err := MakeTracks(dir, 7, []player.Ticks{3 * player.Second, 2 * player.Second})
	must(t, err)
	path := filepath.Join(dir, "out.wav")
	out, err := CreateWAV(path, Float32)
	must(t, err)
	d, err := NewDeck(DeckOptions{Output: out, Wait: true})
	must(t, err)
	for i, track := range tracks {
		must(t, d.Load(player.Cut{
			Passage: int64(i) + 1, File: track.Path, End: track.Length,
			FadeIn: player.Second, FadeOut: player.Second, LeadIn: player.Second, LeadOut: player.Second,
			InCurve: player.EqualPower, OutCurve: player.EqualPower,
		}))
	}
	must(t, d.Load(player.Cut{Passage: 3, File: filepath.Join(dir, "none.flac"), End: player.Second}))
	must(t, d.Load(player.Cut{Passage: 4, End: player.Second}))
	p := d.Prepared(true)
	if len(p) != 4 || p[0].Err != nil || p[1].Err != nil || p[2].Err == nil || p[3].Err == nil {
		t.Fatalf("prepared %v", p)
	}
	must(t, d.Play(1))
	must(t, d.Cue(2))
	for range 400 {
		_, err := d.Mix(StrictFrames)
		must(t, err)
	}
	must(t, d.Close())
	sound := d.Delivered()
	if sound.Frames != 4*player.SampleRate || sound.Starved != 0 || d.Missing() != 0 {
		t.Errorf("delivered %+v, %d missing", sound, d.Missing())
	}
	s, err := decode.Open(player.Cut{Passage: 1, File: path, End: 4 * player.Second})
	must(t, err)
	frames := make([]player.Frame, 4*player.SampleRate)
	n, err := s.Read(frames)
	must(t, err)
	must(t, s.Close())
	if got := digest(0, frames[:n]); n != len(frames) || got != sound.Digest {
		t.Errorf("%d frames with digest %x, want %d with %x", n, got, len(frames), sound.Digest)
	}
	if silent := digest(0, make([]player.Frame, len(frames))); silent == sound.Digest {
		t.Error("all is silence")
	}
}
