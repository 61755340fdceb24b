package player

import (
	"slices"
	"testing"
)

// empty is a store that no test uses.
type empty struct{ Store }

func (empty) Director() DirectorStore { return nil }
func (empty) Log() LogStore           { return nil }
func (empty) Cuts() CutStore          { return nil }

// TestFacts: parts describe their settings, and lanes without digests only count.
func TestFacts(t *testing.T) {
	t.Parallel()
	for _, without := range []bool{false, true} {
		parts := NewParts(Config{Store: empty{}, Batch: 7, Pace: Limited, NoDigests: without})
		if err := parts.Pace.Mark(5); err != nil {
			t.Fatal(err)
		}
		if l := parts.Pace.Lane; l.Count != 1 || (l.Digest == NewLane("", false).Digest) != without {
			t.Errorf("no digests %v: %+v", without, l)
		}
		described := map[string]string{}
		for _, f := range parts.Describe() {
			described[f.Name] = f.Value
		}
		want := map[string]string{"batch": "7", "pace": "limited", "sound": "none", "audience": "none", "verified": "true"}
		if without {
			want["verified"] = "false"
		}
		for name, value := range want {
			if described[name] != value {
				t.Errorf("no digests %v: %s is %q, want %q", without, name, described[name], value)
			}
		}
	}
}

func TestLaneLines(t *testing.T) {
	t.Parallel()
	l := NewLane("queue", true)
	l.Record("enqueue", "", 1, -2)
	l.Record("say", "a \"b\"\n", 3)
	l.Record("stop", "")
	want := []string{"enqueue 1 -2", `say "a \"b\"\n" 3`, "stop"}
	if !slices.Equal(l.Lines, want) || l.Count != 3 {
		t.Errorf("%d lines %q, want %q", l.Count, l.Lines, want)
	}
	quiet := NewLane("queue", false)
	quiet.Record("enqueue", "", 1, -2)
	quiet.Record("say", "a \"b\"\n", 3)
	quiet.Record("stop", "")
	if quiet.Digest != l.Digest || quiet.Count != l.Count || quiet.Lines != nil {
		t.Errorf("without lines: %+v, want the digest and count of %+v", quiet, l)
	}
}

// Any difference between two lanes changes the digest, also one of order.
func TestLaneDigest(t *testing.T) {
	t.Parallel()
	seen := map[uint64]string{}
	for name, record := range map[string]func(l *Lane){
		"nothing":      func(*Lane) {},
		"one":          func(l *Lane) { l.Record("a", "t", 1) },
		"twice":        func(l *Lane) { l.Record("a", "t", 1); l.Record("a", "t", 1) },
		"other verb":   func(l *Lane) { l.Record("b", "t", 1) },
		"other text":   func(l *Lane) { l.Record("a", "u", 1) },
		"no text":      func(l *Lane) { l.Record("a", "", 1) },
		"moved letter": func(l *Lane) { l.Record("at", "", 1) },
		"other value":  func(l *Lane) { l.Record("a", "t", 2) },
		"negative":     func(l *Lane) { l.Record("a", "t", -1) },
		"more values":  func(l *Lane) { l.Record("a", "t", 1, 0) },
		"no value":     func(l *Lane) { l.Record("a", "t") },
		"then another": func(l *Lane) { l.Record("a", "t", 1); l.Record("b", "t", 1) },
		"other order":  func(l *Lane) { l.Record("b", "t", 1); l.Record("a", "t", 1) },
	} {
		l := NewLane("x", false)
		record(&l)
		if other, twice := seen[l.Digest]; twice {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[l.Digest] = name
	}
}

// Digests are in recorded runs, so they may not change.
func TestDigestsStay(t *testing.T) {
	t.Parallel()
	l := NewLane("x", false)
	l.Record("select", "Rubato", 1, -1)
	got := [3]uint64{l.Digest, DigestText(0, "rubato"), DigestWord(0, 28_224_000)}
	if want := [3]uint64{0xf3c5a908f13e780d, 0x778333da6cba21c8, 0x19c9bd4e2380e3a8}; got != want {
		t.Errorf("digests %#x, want %#x", got, want)
	}
}

func TestRecordAllocatesNothing(t *testing.T) {
	l := NewLane("x", false)
	if n := testing.AllocsPerRun(100, func() { l.Record("select", "Rubato", 1, 2, 3) }); n != 0 {
		t.Errorf("%v allocations a line", n)
	}
}

func TestLanesAreSorted(t *testing.T) {
	t.Parallel()
	got := Lanes(NewLane("queue", false), NewLane("cooldowns", false), NewLane("director", false))
	if got[0].Name != "cooldowns" || got[1].Name != "director" || got[2].Name != "queue" {
		t.Errorf("order %s, %s, %s", got[0].Name, got[1].Name, got[2].Name)
	}
}

// BenchmarkLane measures the cost of a line of a lane, with its digest and without, for the
// shortest line and for a message: this part of the equivalence check is in the timed region.
func BenchmarkLane(b *testing.B) {
	const text = "message 12345, which says 0123456789abcdef and so on, at some length, a"
	for name, quiet := range map[string]bool{"digest": false, "count": true} {
		b.Run("short/"+name, func(b *testing.B) {
			l := Lane{Quiet: quiet}
			for b.Loop() {
				l.Record("mark", "", 49878175390848000)
			}
		})
		b.Run("message/"+name, func(b *testing.B) {
			messages, users := &Messages{Lane: NewLane("messages", false), store: nowhere{}}, &Users{Lane: NewLane("users", false), store: nowhere{}}
			messages.Lane.Quiet, users.Lane.Quiet = quiet, quiet
			for b.Loop() {
				_ = messages.Append(Message{Username: "listener-07", Text: text, At: 49878175390848000})
				_ = users.Count("listener-07")
			}
		})
	}
}

// nowhere keeps nothing.
type nowhere struct{ LogStore }

func (nowhere) AppendMessage(Message) error { return nil }
func (nowhere) CountUser(string) error      { return nil }
