package audio

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rubato/player"
)

// openDeck returns a deck on reels, which is closed when the test ends. Then no file
// may be left open.
func openDeck(t *testing.T, rs *reels, o DeckOptions) *Deck {
	t.Helper()
	o.Open = rs.open
	if o.Patience == 0 {
		o.Patience = 20 * time.Second
	}
	d, err := NewDeck(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if o, c := rs.opened.Load(), rs.closed.Load(); o != c {
			t.Errorf("%d files opened, %d closed", o, c)
		}
	})
	return d
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDeckPlaysBitForBit(t *testing.T) {
	t.Parallel()
	out := &kept{}
	d := openDeck(t, &reels{}, DeckOptions{Output: out, Wait: true, Frames: 10_000})
	const a, b, lead = 50_000, 40_000, 5_000
	must(t, d.Load(cutOf(1, a, lead)))
	must(t, d.Load(cutOf(2, b, lead)))
	if got := fmt.Sprint(d.Prepared(true)); got != "[{1 <nil> 0} {2 <nil> 0}]" {
		t.Fatalf("prepared %s", got)
	}
	d.SetVolume(50)
	must(t, d.Play(1))
	must(t, d.Cue(2))
	var marks []string
	for range 100 {
		markers, err := d.Mix(1_000)
		must(t, err)
		for _, m := range markers {
			if m.Kind != player.PositionMark {
				marks = append(marks, fmt.Sprintf("%v of %d", m.Kind, m.Passage))
			}
		}
	}
	if got := strings.Join(marks, ", "); got != "crossfade of 1, end of 1, end of 2" {
		t.Errorf("markers %s", got)
	}
	for i, f := range out.frames {
		var want player.Frame
		if i < a {
			want = note(1, int64(i))
		}
		if k := i - (a - lead); k >= 0 && k < b {
			n := note(2, int64(k))
			want[0] += n[0]
			want[1] += n[1]
		}
		want[0] *= 0.5
		want[1] *= 0.5
		if f != want {
			t.Fatalf("frame %d is %v, want %v", i, f, want)
		}
	}
	want := player.Delivered{Frames: 100_000, Digest: digest(0, out.frames)}
	if got := d.Delivered(); got != want {
		t.Errorf("delivered %+v, want %+v", got, want)
	}
}

// TestDeckIsTheSameHoweverItIsFed plays three passages in periods of different sizes.
func TestDeckIsTheSameHoweverItIsFed(t *testing.T) {
	t.Parallel()
	var want uint64
	for _, c := range []struct{ buffer, period int }{{661_941, 441}, {5_000, 441}, {2, 2_205}, {37, 4_410}, {9_000, 44_100}} {
		d := openDeck(t, &reels{}, DeckOptions{Wait: true, Frames: c.buffer})
		for p := range int64(3) {
			must(t, d.Load(cutOf(p+1, 20_000+p, 3_000)))
		}
		d.Prepared(true)
		must(t, d.Play(1))
		must(t, d.Cue(2))
		for done := 0; done < 88_200; done += c.period {
			_, err := d.Mix(c.period)
			must(t, err)
		}
		got := d.Delivered()
		if want == 0 {
			want = got.Digest
		}
		if got.Digest != want || got.Frames != 88_200 || got.Starved != 0 {
			t.Errorf("buffer %d, period %d: %+v, want digest %x", c.buffer, c.period, got, want)
		}
	}
}

// TestDeckStarves: a deck that does not wait gives silence for late frames, counts it, and
// continues where it was.
func TestDeckStarves(t *testing.T) {
	t.Parallel()
	out := &kept{}
	rs := &reels{gate: make(chan struct{})}
	d := openDeck(t, rs, DeckOptions{Output: out, Frames: 2_000, Start: 1_000, Patience: time.Minute})
	defer close(rs.gate)
	must(t, d.Load(cutOf(1, 10_000, 0)))
	rs.gate <- struct{}{} // a chunk as large as the buffer
	for len(d.Prepared(false)) == 0 {
		d.await1()
	}
	must(t, d.Play(1))
	for range 3 {
		_, err := d.Mix(1_000)
		must(t, err)
	}
	rs.gate <- struct{}{}
	for !d.fed() {
		d.await1()
	}
	_, err := d.Mix(1_000)
	must(t, err)
	got := d.Delivered()
	if got.Frames != 4_000 || got.Starved < 1_000 || got.Starved > 3_000 {
		t.Errorf("delivered %+v", got)
	}
	var heard []player.Frame
	for _, f := range out.frames {
		if f != (player.Frame{}) {
			heard = append(heard, f)
		}
	}
	for i, f := range heard {
		if f != note(1, int64(i)) {
			t.Fatalf("heard frame %d is %v, want %v", i, f, note(1, int64(i)))
		}
	}
}

// await1 waits for the decoder's next step, or a moment.
func (d *Deck) await1() {
	d.mu.Lock()
	if d.progress == nil {
		d.progress = make(chan struct{})
	}
	progress := d.progress
	d.mu.Unlock()
	moment := time.NewTimer(time.Millisecond)
	defer moment.Stop()
	select {
	case <-progress:
	case <-moment.C:
	}
}

func (d *Deck) fed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mixer.Fed()
}

func TestDeckSharesItsBuffers(t *testing.T) {
	t.Parallel()
	rs := &reels{refuse: func(p int64) bool { return p == 2 || p == 5 }}
	d := openDeck(t, rs, DeckOptions{Wait: true, Buffers: 2, Frames: 4_000})
	for p := range int64(7) {
		must(t, d.Load(cutOf(p+1, 6_000, 0)))
	}
	prepared := func() string {
		var s []string
		for _, p := range d.Prepared(true) {
			word := "ready"
			if errors.Is(p.Err, errBroken) {
				word = "failed"
			}
			s = append(s, fmt.Sprint(p.Passage, " ", word))
		}
		return strings.Join(s, ", ")
	}
	steps := []struct {
		does func()
		want string
	}{
		{func() {}, "1 ready, 2 failed, 3 ready"},
		{func() {}, ""},
		{func() { must(t, d.Play(1)); must(t, d.Cue(3)) }, ""},
		{func() { _, err := d.Mix(5_999); must(t, err) }, ""},
		{func() { _, err := d.Mix(1); must(t, err) }, "4 ready"},
		{func() { must(t, d.Play(3)); d.Halt() }, "5 failed, 6 ready"},
		{func() { d.Drop(4); d.Drop(4); d.Drop(99) }, "7 ready"},
		{func() { must(t, d.Load(cutOf(6, 100, 0))) }, "6 ready"},
	}
	for i, s := range steps {
		s.does()
		if got := prepared(); got != s.want {
			t.Errorf("step %d: %q, want %q", i, got, s.want)
		}
	}
	if d.made != 2 {
		t.Errorf("%d buffers made", d.made)
	}
}

func TestDeckRefuses(t *testing.T) {
	t.Parallel()
	d := openDeck(t, &reels{}, DeckOptions{Wait: true, Frames: 100})
	for i := range int64(player.QueueLimit) {
		must(t, d.Load(cutOf(i+1, 1_000, 0)))
	}
	if _, err := NewDeck(DeckOptions{Buffers: player.QueueLimit + 1}); err == nil {
		t.Error("took more buffers than passages")
	}
	_, tooMany := d.Mix(player.MostFrames + 1)
	_, none := d.Mix(0)
	for _, c := range []struct {
		name string
		err  error
		want player.Code
	}{
		{"one more than can wait", d.Load(cutOf(1_000, 1_000, 0)), player.QueueFull},
		{"no frames", d.Load(cutOf(1, 0, 0)), player.Invalid},
		{"no passage", d.Load(cutOf(0, 100, 0)), player.Invalid},
		{"play what is not loaded", d.Play(1_000), player.NotFound},
		{"cue what is not loaded", d.Cue(1_000), player.NotFound},
		{"play what has no buffer", d.Play(100), player.NotFound},
		{"mix more than a second", tooMany, player.Invalid},
		{"mix nothing", none, player.Invalid},
		{"load one again", d.Load(cutOf(50, 1_000, 0)), ""},
	} {
		if got := player.CodeOf(c.err); got != c.want {
			t.Errorf("%s: %q (%v), want %q", c.name, got, c.err, c.want)
		}
	}
	must(t, d.Close())
	_, mixed := d.Mix(1)
	for _, err := range []error{d.Load(cutOf(1, 1_000, 0)), d.Play(1), d.Cue(1), mixed} {
		if player.CodeOf(err) != player.Closed {
			t.Errorf("closed deck: %v", err)
		}
	}
	must(t, d.Close())
}

// TestDeckPauses: a pause is silence that counts as delivered, not as starved.
func TestDeckPauses(t *testing.T) {
	t.Parallel()
	out := &kept{}
	d := openDeck(t, &reels{}, DeckOptions{Output: out, Wait: true})
	must(t, d.Load(cutOf(1, 1_000, 0)))
	d.Prepared(true)
	must(t, d.Play(1))
	for _, pause := range []bool{false, true, false} {
		d.Pause(pause)
		_, err := d.Mix(100)
		must(t, err)
	}
	if got, want := d.Position(), 200*player.TicksPerFrame; got != want {
		t.Errorf("position %d, want %d", got, want)
	}
	if out.frames[99] != note(1, 99) || out.frames[150] != (player.Frame{}) || out.frames[200] != note(1, 100) {
		t.Error("not held, or not where it was held")
	}
	if got := d.Delivered(); got.Frames != 300 || got.Starved != 0 {
		t.Errorf("delivered %+v", got)
	}
}

func TestDeckMeetsBrokenFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		change  func(*reel)
		fails   bool
		missing int64
	}{
		{"breaks before it is ready", func(r *reel) { r.breaks = 100 }, true, 0},
		{"breaks later", func(r *reel) { r.breaks = 15_000 }, false, 20_000 - 15_000},
		{"ends early", func(r *reel) { r.ends = 12_345 }, false, 20_000 - 12_345},
		{"ends at once", func(r *reel) { r.length = 0 }, false, 20_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := openDeck(t, &reels{change: c.change}, DeckOptions{Wait: true, Frames: 6_000})
			must(t, d.Load(cutOf(1, 20_000, 0)))
			p := d.Prepared(true)
			if len(p) != 1 || (p[0].Err != nil) != c.fails {
				t.Fatalf("prepared %v", p)
			}
			if c.fails {
				return
			}
			must(t, d.Play(1))
			markers, err := d.Mix(player.MostFrames)
			must(t, err)
			if !slices.ContainsFunc(markers, func(m player.Marker) bool { return m.Kind == player.PassageEndMark }) {
				t.Errorf("no end among %v", markers)
			}
			if got := d.Missing(); got != c.missing {
				t.Errorf("%d frames missing, want %d", got, c.missing)
			}
		})
	}
}

// TestDeckIsPatientSoLong: a file that cannot be read in time fails its passage, and a mixer
// that waits for it says what to check.
func TestDeckIsPatientSoLong(t *testing.T) {
	t.Parallel()
	rs := &reels{gate: make(chan struct{}, 1)}
	d := openDeck(t, rs, DeckOptions{Wait: true, Frames: 2_000, Patience: 50 * time.Millisecond})
	rs.gate <- struct{}{}
	must(t, d.Load(cutOf(1, 10_000, 0)))
	must(t, d.Load(cutOf(2, 10_000, 0)))
	p := d.Prepared(true)
	if len(p) != 2 || p[0].Err != nil || p[1].Err == nil || !strings.Contains(p[1].Err.Error(), "50ms") {
		t.Errorf("prepared %v", p)
	}
	must(t, d.Play(1))
	_, err := d.Mix(3_000)
	if player.CodeOf(err) != player.Unavailable || !strings.Contains(err.Error(), "disk") {
		t.Errorf("mixed without frames: %v", err)
	}
	close(rs.gate)
}

func TestDeckTellsWhatItsOutputSays(t *testing.T) {
	t.Parallel()
	out := &kept{err: errBroken}
	rs := &reels{}
	d, err := NewDeck(DeckOptions{Output: out, Open: rs.open})
	must(t, err)
	if _, err := d.Mix(10); !errors.Is(err, errBroken) || player.CodeOf(err) != player.Unavailable {
		t.Errorf("mix: %v", err)
	}
	if err := d.Close(); !errors.Is(err, errBroken) || !out.closed {
		t.Errorf("close: %v", err)
	}
}

// TestDeckMixesWithoutAllocating: Mix and Prepared do not allocate once the deck plays.
func TestDeckMixesWithoutAllocating(t *testing.T) {
	d := openDeck(t, &reels{}, DeckOptions{})
	must(t, d.Load(cutOf(1, 100*player.SampleRate, 0)))
	d.Prepared(true)
	must(t, d.Play(1))
	for range 10_000 { // until the buffer is full and the decoder rests
		if _, busy := d.state(); !busy {
			break
		}
		d.await1()
	}
	n := testing.AllocsPerRun(100, func() {
		if _, err := d.Mix(StrictFrames); err != nil {
			t.Error(err)
		}
		d.Prepared(false)
	})
	if n != 0 {
		t.Errorf("%v allocations a period", n)
	}
}

// state is how much of the first passage is buffered, and whether it is being decoded.
func (d *Deck) state() (buffered int, busy bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.loaded[0].buffer.Buffered(), d.loaded[0].filling
}
