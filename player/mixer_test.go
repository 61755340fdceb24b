package player

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// tape is decoded sound: frame i of passage p is (p, i).
type tape struct {
	passage  int64
	at       int
	length   int
	buffered int // of what is not read yet
}

func newTape(c Cut) *tape {
	n := int(c.Frames())
	return &tape{passage: c.Passage, length: n, buffered: n}
}

func (s *tape) Buffered() int { return s.buffered }

func (s *tape) Read(into []Frame) int {
	n := min(len(into), s.buffered)
	for i := range n {
		into[i] = Frame{float32(s.passage), float32(s.at + i)}
	}
	s.at += n
	s.buffered -= n
	return n
}

// cut of so many frames, with leads.
func cut(passage, length, in, out int64, boundaries ...int64) Cut {
	c := Cut{
		Passage: passage, Start: Second, End: Second + Ticks(length)*TicksPerFrame,
		LeadIn: Ticks(in) * TicksPerFrame, LeadOut: Ticks(out) * TicksPerFrame,
	}
	for _, b := range boundaries {
		c.Boundaries = append(c.Boundaries, Ticks(b)*TicksPerFrame)
	}
	return c
}

// mixed is what came out of a mixer, with markers as text, at frames from the start.
type mixed struct {
	frames  []Frame
	markers []string
}

func (o *mixed) batch(m *Mixer, n int) {
	into := make([]Frame, n)
	m.Begin()
	for done := 0; done < n; {
		k := m.Mix(into[done:])
		if k == 0 {
			panic("starved")
		}
		done += k
	}
	for _, k := range m.Markers() {
		at := int64(k.After/TicksPerFrame) + int64(len(o.frames))
		o.markers = append(o.markers, fmt.Sprintf("%d: %s of %d at %d", at, k.Kind, k.Passage, k.Position/TicksPerFrame))
	}
	o.frames = append(o.frames, into...)
}

func TestCrossfadeIsSampleExact(t *testing.T) {
	t.Parallel()
	a, b := cut(1, 1000, 0, 300), cut(2, 800, 250, 0)
	m := NewMixer()
	m.SetVolume(50)
	m.Play(a, newTape(a))
	m.Cue(b, newTape(b))
	var out mixed
	out.batch(m, 441)
	out.batch(m, 441)
	out.batch(m, 900)
	for i, f := range out.frames {
		var want Frame
		if i < 1000 {
			want = Frame{1, float32(i)}
		}
		if i >= 750 && i < 1550 {
			want[0] += 2
			want[1] += float32(i - 750)
		}
		if want := (Frame{want[0] / 2, want[1] / 2}); f != want {
			t.Fatalf("frame %d is %v, want %v", i, f, want)
		}
	}
	want := []string{"750: crossfade of 1 at 750", "1000: end of 1 at 1000", "1550: end of 2 at 800"}
	if !slices.Equal(out.markers, want) {
		t.Errorf("markers %q, want %q", out.markers, want)
	}
}

func TestMarkersComeInOrder(t *testing.T) {
	t.Parallel()
	a := cut(1, 3*intervalFrames, 0, intervalFrames, 100, 2*intervalFrames)
	b := cut(2, 4*intervalFrames, intervalFrames, 0, 50, intervalFrames+1)
	m := NewMixer()
	m.Play(a, newTape(a))
	m.Cue(b, newTape(b))
	var out mixed
	out.batch(m, MostFrames)
	out.batch(m, MostFrames)
	out.batch(m, MostFrames)
	want := []string{
		"100: boundary of 1 at 100",
		"22050: position of 1 at 22050",
		"44100: position of 1 at 44100",
		"44100: boundary of 1 at 44100",
		"44100: crossfade of 1 at 44100",
		"66150: position of 1 at 66150",
		"66150: end of 1 at 66150",
		"66150: boundary of 2 at 50",
		"66151: boundary of 2 at 22051",
		"88200: position of 2 at 44100",
		"110250: position of 2 at 66150",
		"132300: position of 2 at 88200",
		"132300: end of 2 at 88200",
	}
	if got := out.markers; !slices.Equal(got, want) {
		t.Errorf("markers\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		a, b       Cut
		want       int64
		crossfades bool
	}{
		{"the shorter lead", cut(1, 1000, 0, 300), cut(2, 1000, 200, 0), 200, true},
		{"half of the shorter passage", cut(1, 101, 0, 300), cut(2, 1000, 200, 0), 50, true},
		{"half of the next", cut(1, 1000, 0, 300), cut(2, 41, 200, 0), 20, true},
		{"no lead-in", cut(1, 1000, 0, 300), cut(2, 1000, 0, 0), 0, false},
		{"one frame has no half", cut(1, 1, 0, 300), cut(2, 1000, 200, 0), 0, false},
		{"less than nothing", cut(1, 1000, 0, -300), cut(2, 1000, 200, 0), 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := Overlap(c.a, c.b); got != c.want {
				t.Errorf("overlap %d, want %d", got, c.want)
			}
			m := NewMixer()
			m.Play(c.a, newTape(c.a))
			m.Cue(c.b, newTape(c.b))
			var out mixed
			total := int(c.a.Frames() + c.b.Frames() - c.want)
			out.batch(m, total+10)
			heard := strings.Contains(strings.Join(out.markers, " "), "crossfade")
			if heard != c.crossfades {
				t.Errorf("crossfade reported: %v, want %v", heard, c.crossfades)
			}
			last := fmt.Sprintf("%d: end of 2 at %d", total, c.b.Frames())
			if got := out.markers[len(out.markers)-1]; got != last {
				t.Errorf("last marker %q, want %q", got, last)
			}
		})
	}
}

// TestCuedTooLate: the crossfade has been missed by a frame, so nothing overlaps.
func TestCuedTooLate(t *testing.T) {
	t.Parallel()
	for _, late := range []int{0, 1} {
		a, b := cut(1, 1000, 0, 300), cut(2, 800, 300, 0)
		m := NewMixer()
		m.Play(a, newTape(a))
		var out mixed
		out.batch(m, 700+late)
		m.Cue(b, newTape(b))
		out.batch(m, 1500)
		want := fmt.Sprintf("%d: end of 2 at 800", 1500+300*late)
		if got := out.markers[len(out.markers)-1]; got != want {
			t.Errorf("cued %d late: %q, want %q", late, got, want)
		}
	}
}

func TestPlayAndHalt(t *testing.T) {
	t.Parallel()
	a, b, c := cut(1, 1000, 0, 300), cut(2, 800, 300, 0), cut(3, 100, 0, 0)
	sa, sb, sc := newTape(a), newTape(b), newTape(c)
	m := NewMixer()
	m.Play(a, sa)
	m.Cue(b, sb)
	var out mixed
	out.batch(m, 700)
	if m.Sounds(sb) || !m.Sounds(sa) || m.Sounds(nil) || m.Position() != 700*TicksPerFrame {
		t.Fatal("one frame before the crossfade the second sounds, or the first does not")
	}
	out.batch(m, 10)
	m.Play(a, sa) // changes nothing
	if !m.Sounds(sb) {
		t.Fatal("playing what plays ended what sounds beside it")
	}
	m.Play(b, sb)
	if m.Sounds(sa) || m.Playing() != Source(sb) || m.Position() != 10*TicksPerFrame {
		t.Fatalf("what sounded beside does not go on: %v at %v", m.Playing(), m.Position())
	}
	m.Cue(c, sc)
	m.Uncue(sa)
	if m.cued.source != Source(sc) {
		t.Fatal("another was uncued")
	}
	m.Uncue(sc)
	if m.cued.source != nil {
		t.Fatal("it is still cued")
	}
	m.Play(c, sc)
	if m.Sounds(sb) || m.Position() != 0 {
		t.Fatal("not in place of what sounded")
	}
	m.Halt()
	m.Begin()
	into := []Frame{{1, 1}, {2, 2}}
	if n := m.Mix(into); n != 2 || into[0] != (Frame{}) || into[1] != (Frame{}) || len(m.Markers()) != 0 || m.Position() != 0 {
		t.Errorf("after a halt %d frames of %v, markers %v", n, into, m.Markers())
	}
}

// TestHaltWhileTwoSound: the second continues alone, at any frame.
func TestHaltWhileTwoSound(t *testing.T) {
	t.Parallel()
	a, b := cut(1, 4*intervalFrames, 0, 2*intervalFrames), cut(2, 4*intervalFrames, 2*intervalFrames, 0)
	m := NewMixer()
	m.Play(a, newTape(a))
	m.Cue(b, newTape(b))
	var out mixed
	for range 6 {
		out.batch(m, int(intervalFrames)/2)
	}
	m.Halt()
	out.markers = nil
	out.batch(m, MostFrames)
	want := []string{"88200: position of 2 at 44100", "110250: position of 2 at 66150"}
	if !slices.Equal(out.markers, want) {
		t.Errorf("markers %q, want %q", out.markers, want)
	}
}

// TestMixInAnyBatches: batches of any size, and decoding that lags, give the same samples
// and the same markers at the same frames.
func TestMixInAnyBatches(t *testing.T) {
	t.Parallel()
	a := cut(1, 50_000, 0, 9_000, 17, 30_000)
	b := cut(2, 30_000, 8_000, 7_000, 4_000, 8_000, 8_001)
	c := cut(3, 23_000, 20_000, 0)
	whole := 50_000 - 8_000 + 30_000 - 7_000 + 23_000
	play := func(batch func() int, feed func() int) mixed {
		tapes := []*tape{newTape(a), newTape(b), newTape(c)}
		m := NewMixer()
		m.SetVolume(70)
		m.Play(a, tapes[0])
		m.Cue(b, tapes[1])
		var out mixed
		for len(out.frames) < whole {
			for _, s := range tapes {
				s.buffered = min(feed(), s.length-s.at)
			}
			n := min(batch(), whole-len(out.frames))
			out.lagging(m, n, tapes, feed)
			if m.Playing() == Source(tapes[1]) {
				m.Cue(c, tapes[2])
			}
			if m.Playing() == Source(tapes[2]) {
				m.Uncue(tapes[2])
			}
		}
		return out
	}
	want := play(func() int { return 1_000 }, func() int { return whole })
	rapid.Check(t, func(t *rapid.T) {
		batch := rapid.IntRange(1, 3_000)
		feed := rapid.IntRange(1, 2_000)
		got := play(func() int { return batch.Draw(t, "batch") }, func() int { return feed.Draw(t, "feed") })
		if !slices.Equal(got.markers, want.markers) {
			t.Fatalf("markers %q, want %q", got.markers, want.markers)
		}
		if !slices.Equal(got.frames, want.frames) {
			t.Fatal("samples differ")
		}
	})
}

// lagging mixes a batch whose frames are decoded a few at a time.
func (o *mixed) lagging(m *Mixer, n int, tapes []*tape, feed func() int) {
	into := make([]Frame, n)
	m.Begin()
	for done := 0; done < n; {
		done += m.Mix(into[done:])
		for _, s := range tapes {
			s.buffered = min(s.buffered+feed(), s.length-s.at)
		}
	}
	for _, k := range m.Markers() {
		at := int64(k.After/TicksPerFrame) + int64(len(o.frames))
		o.markers = append(o.markers, fmt.Sprintf("%d: %s of %d at %d", at, k.Kind, k.Passage, k.Position/TicksPerFrame))
	}
	o.frames = append(o.frames, into...)
}

func TestMixAllocatesNothing(t *testing.T) {
	m, into := overlapping()
	if n := testing.AllocsPerRun(100, func() { mix441(m, into) }); n != 0 {
		t.Errorf("%v allocations a period", n)
	}
}

// endless is a source that never runs dry.
type endless struct{ frame Frame }

func (s *endless) Buffered() int { return 1 << 30 }
func (s *endless) Read(into []Frame) int {
	for i := range into {
		into[i] = s.frame
	}
	return len(into)
}

// overlapping is a mixer in a crossfade that lasts, and a period to mix.
func overlapping() (*Mixer, []Frame) {
	const long = int64(1) << 40
	a, b := cut(1, long, 0, long/2), cut(2, long, long/2, 0)
	m := NewMixer()
	m.Play(a, &endless{Frame{0.25, -0.25}})
	m.Cue(b, &endless{Frame{0.5, 0.125}})
	m.playing.at, m.playing.mark = long/2, long/2+intervalFrames
	return m, make([]Frame, 441)
}

func mix441(m *Mixer, into []Frame) {
	m.Begin()
	m.Mix(into)
}

// BenchmarkMix441 mixes a period of 10 ms in which two passages sound.
func BenchmarkMix441(b *testing.B) {
	m, into := overlapping()
	mix441(m, into)
	if into[0] != (Frame{0.75, -0.125}) {
		b.Fatalf("mixed %v", into[0])
	}
	b.ReportAllocs()
	for b.Loop() {
		mix441(m, into)
	}
}
