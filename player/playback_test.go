package player

import (
	"errors"
	"slices"
	"testing"
)

// deckTape is a deck that records its calls.
type deckTape struct {
	asked   []string
	err     error
	markers []Marker
}

func (d *deckTape) did(what string) error          { d.asked = append(d.asked, what); return d.err }
func (d *deckTape) Load(Cut) error                 { return d.did("load") }
func (d *deckTape) Drop(int64)                     { _ = d.did("drop") }
func (d *deckTape) Play(int64) error               { return d.did("play") }
func (d *deckTape) Cue(int64) error                { return d.did("cue") }
func (d *deckTape) Halt()                          { _ = d.did("halt") }
func (d *deckTape) Pause(on bool)                  { _ = d.did(map[bool]string{true: "pause", false: "go on"}[on]) }
func (d *deckTape) SetVolume(int)                  { _ = d.did("volume") }
func (d *deckTape) Position() Ticks                { return 7 }
func (d *deckTape) Mix(int) ([]Marker, error)      { return d.markers, d.did("mix") }
func (d *deckTape) Delivered() Delivered           { return Delivered{} }
func (d *deckTape) Cut(passage int64) (Cut, error) { return Cut{Passage: passage}, d.err }

func TestPlaybackAndItsDeck(t *testing.T) {
	t.Parallel()
	deck := &deckTape{}
	p := NewPlayback(deck, true)
	for _, step := range []struct {
		do   func() error
		want Code
	}{
		{func() error { return p.Skip(0) }, NotFound},
		{func() error { return p.Start(3) }, ""},
		{func() error { return p.Skip(0) }, ""},
		{func() error { return p.Skip(0) }, NotFound},
		{func() error { return p.Start(4) }, ""},
		{func() error { return p.Skip(SkipInterval - 1) }, TooSoon},
		{func() error { return p.Cue(5) }, ""},
		{func() error { _, err := p.Command(Pause); return err }, ""},
		{func() error { _, err := p.Command(Skip); return err }, Invalid},
		{func() error { return p.SetVolume(101) }, Invalid},
		{func() error { _, err := p.Mix(0); return err }, Invalid},
		{func() error { _, err := p.Mix(MostFrames + 1); return err }, Invalid},
		{func() error { return p.Skip(SkipInterval) }, ""},
	} {
		if err := step.do(); CodeOf(err) != step.want {
			t.Errorf("after %q: %v, want code %q", p.Lane.Lines, err, step.want)
		}
	}
	want := []string{"volume", "play", "go on", "halt", "play", "go on", "cue", "pause", "halt"}
	if !slices.Equal(deck.asked, want) {
		t.Errorf("the deck was asked for %q, want %q", deck.asked, want)
	}
}

func TestMixRecordsWhatWasPassed(t *testing.T) {
	t.Parallel()
	deck := &deckTape{markers: []Marker{{Kind: BoundaryMark, Passage: 3, Position: 5}, {Kind: PassageEndMark, Passage: 3, Position: 9, After: 2}}}
	p := NewPlayback(deck, true)
	if err := p.Start(3); err != nil {
		t.Fatal(err)
	}
	if s := p.Status(); s != (Status{State: Playing, Passage: 3, Position: 7, Volume: 50}) {
		t.Errorf("status %+v", s)
	}
	if markers, err := p.Mix(1); err != nil || len(markers) != 2 || p.Passage != 0 {
		t.Errorf("%v, %v; plays %d", markers, err, p.Passage)
	}
	if want := []string{"start 3", "pass boundary 3 5 0", "pass end 3 9 2"}; !slices.Equal(p.Lane.Lines, want) {
		t.Errorf("lane %q, want %q", p.Lane.Lines, want)
	}
	deck.err = errors.New("the needle broke")
	for what, err := range map[string]error{"start": p.Start(1), "cue": p.Cue(1)} {
		if CodeOf(err) != Unavailable {
			t.Errorf("%s with a broken deck: %v", what, err)
		}
	}
	if _, err := p.Mix(1); CodeOf(err) != Unavailable || p.Passage != 0 {
		t.Errorf("mix with a broken deck: %v, plays %d", err, p.Passage)
	}
	if _, err := NewPlayback(nil, false).Mix(1); CodeOf(err) != Invalid {
		t.Errorf("mix without a deck: %v", err)
	}
}

// TestIdleMarks: half a second in which a playing player has no passage is a marker, since
// nothing else tells the queue that time passes.
func TestIdleMarks(t *testing.T) {
	t.Parallel()
	const half = SampleRate / 2
	p := NewPlayback(&deckTape{}, true)
	for i, step := range []struct {
		do   func() error // before the frames
		mix  int
		want int
	}{
		{nil, half, 0}, // stopped: nothing is to play
		{func() error { _, err := p.Command(Play); return err }, half - 1, 0},
		{nil, 1, 1}, {nil, half, 1}, {nil, half - 1, 0},
		{func() error { return p.Start(3) }, half, 0},
		{func() error { return p.Skip(0) }, half - 1, 0}, // counts from the skip
		{nil, 1, 1},
		{func() error { _, err := p.Command(Pause); return err }, half, 0},
	} {
		if step.do != nil {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
		}
		markers, err := p.Mix(step.mix)
		if idle := slices.ContainsFunc(markers, func(m Marker) bool { return m.Kind == IdleMark }); err != nil || idle != (step.want == 1) || len(markers) != step.want {
			t.Errorf("step %d: %v, %v, want %d", i, markers, err, step.want)
		}
	}
}

func TestDecoderAndItsDeck(t *testing.T) {
	t.Parallel()
	deck := &deckTape{}
	d := &Decoder{Lane: NewLane("decoder", true), deck: deck, cuts: deck}
	for _, step := range []struct {
		do   func() error
		want Code
	}{
		{func() error { return d.Request(3) }, ""}, {func() error { return d.Ready(3) }, ""}, {func() error { return d.Ready(3) }, NotFound},
		{func() error { return d.Request(3) }, ""}, // again: what was ready is not any more
		{func() error { return d.Fail(3) }, ""}, {func() error { return d.Fail(3) }, NotFound},
	} {
		if err := step.do(); CodeOf(err) != step.want {
			t.Errorf("%v, want code %q", err, step.want)
		}
	}
	if d.IsReady(3) || !slices.Equal(deck.asked, []string{"load", "load", "drop"}) {
		t.Errorf("ready %v; the deck was asked for %q", d.IsReady(3), deck.asked)
	}
	for i := range QueueLimit + 1 {
		if err := d.Request(int64(i + 10)); err != nil {
			t.Fatal(err)
		}
	}
	if deck.asked[len(deck.asked)-2] != "drop" {
		t.Error("the oldest request was not dropped from the deck")
	}
	deck.err = errShelf
	if err := d.Request(999); CodeOf(err) != Unavailable {
		t.Errorf("a request to a broken deck: %v", err)
	}
}

func TestOverride(t *testing.T) {
	t.Parallel()
	s := &shelf{flavors: []Flavor{flavorOf(0.9)}, references: []Flavor{flavorOf(0.1)}}
	slots := NewTimeslots(s, true)
	if err := slots.Override(1, Hour); err != nil {
		t.Fatal(err)
	}
	for target, want := range map[Ticks]float64{Hour - 1: 0.9, Hour: 0.1} {
		if got, err := slots.FlavorAt(target); err != nil || !near(got.Values[0], want) {
			t.Errorf("at %d: %v, want %v; %v", target, got.Values[0], want, err)
		}
	}
	if err := slots.Override(2, 2*Hour); CodeOf(err) != NotFound {
		t.Errorf("like a passage that is none: %v", err)
	}
	if got, err := slots.FlavorAt(0); err != nil || !near(got.Values[0], 0.9) {
		t.Errorf("a refused override has an effect: %v, %v", got.Values[0], err)
	}
}

func TestPaceOwes(t *testing.T) {
	t.Parallel()
	p := &Pace{Lane: NewLane("pace", true), mode: Coalesced}
	_ = p.Mark(0)
	_ = p.Hold(4)
	_ = p.Hold(5)
	if _, due := p.Owed(PaceInterval - 1); due {
		t.Error("due too soon")
	}
	if depth, due := p.Owed(PaceInterval); !due || depth != 5 {
		t.Errorf("owes %d, %v: want the last", depth, due)
	}
	_ = p.Mark(PaceInterval)
	for mode, want := range map[PaceMode]bool{Limited: false, Unlimited: true} {
		other := &Pace{Lane: NewLane("pace", false), mode: mode}
		_ = other.Mark(0)
		_ = other.Hold(1)
		if _, owes := other.Owed(Hour); owes || other.Due(1) != want {
			t.Errorf("%s: owes %v, due at once %v", mode, owes, other.Due(1))
		}
	}
	if _, due := p.Owed(Hour); due {
		t.Error("a depth that was sent is still owed")
	}
}

func TestQueueDropAndReview(t *testing.T) {
	t.Parallel()
	q := filled(t, Minute, Minute, Hour)
	if l := q.Review(0); l.Refill || q.Lane.Count != 3 {
		t.Errorf("a full queue is refilled: %+v", l)
	}
	level, err := q.Drop(1, 0)
	if err != nil || level.Depth != 2 || !level.Refill || q.Head() != 2 || q.Next() != 3 {
		t.Errorf("%+v, %v: head %d, next %d", level, err, q.Head(), q.Next())
	}
	if l := q.Review(RefillInterval - 1); l.Refill {
		t.Error("reviewed too soon")
	}
	if l := q.Review(RefillInterval); !l.Refill || !q.RefillDue() {
		t.Error("no refill is due")
	}
	if _, err := q.Drop(1, 0); CodeOf(err) != NotFound {
		t.Errorf("dropped twice: %v", err)
	}
}
