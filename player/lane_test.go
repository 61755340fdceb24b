package player

import (
	"slices"
	"testing"
)

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

// Whatever differs between two lanes shows in the digest; order, too.
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

// Digests stand in recorded runs: they may not change.
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
