package components

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rubato/runner"
)

// sharedLibrary returns the folder that Prepare fills for pieces.
func sharedLibrary(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := Pieces().Prepare(runner.Setup{Shared: dir, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestPieces: every piece has the effects that its operations must have, in each of several
// blocks, and leaves no goroutine behind.
func TestPieces(t *testing.T) {
	shared := sharedLibrary(t)
	s := Pieces()
	for _, arm := range s.Arms {
		t.Run(arm.Name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent()) // other tests may have left some
			load, err := s.Open(runner.Setup{Style: arm.Name, Shared: shared, Dir: t.TempDir(), Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			sizes := []int{1, 7, 1203}
			if arm.Name == "walk" || strings.HasSuffix(arm.Name, "-cold") { // a millisecond each, and nothing in batches
				sizes = []int{1, 7, 12}
			}
			for _, n := range sizes {
				if err := load.Prepare(0, n); err != nil {
					t.Fatal(err)
				}
				if err := load.Run(n, func(time.Duration) { t.Error("it reported a latency") }); err != nil {
					t.Fatal(err)
				}
				work, err := load.Work()
				if err != nil {
					t.Fatal(err)
				}
				if work.Stimuli != int64(n) || work.Expected < int64(n) || work.Effects != work.Expected {
					t.Errorf("%d operations: %+v", n, work)
				}
			}
			if err := load.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPiecesNamed: names are unique, each piece has a description, and all pieces exist
// that claims, pairs and published results name.
func TestPiecesNamed(t *testing.T) {
	t.Parallel()
	s := Pieces()
	var names []string
	for _, arm := range s.Arms {
		if slices.Contains(names, arm.Name) || arm.Doc == "" {
			t.Errorf("piece %q exists twice, or has no description: %q", arm.Name, arm.Doc)
		}
		names = append(names, arm.Name)
	}
	namesArms(t, s.Arms, s.Claims, s.Pairs, "emission", "match-20", "match-1000", "where-2", "invoke-3", "trace-memory", "trace-persisted", "trace-batched",
		"edge", "activation", "activation-untraced", "naive-activation", "call", "interface-call", "channel-round-trip", "http-request")
}

// TestUnknownPiece: an unknown name is an error.
func TestUnknownPiece(t *testing.T) {
	t.Parallel()
	if _, err := Pieces().Open(runner.Setup{Style: "x"}); err == nil {
		t.Error("no error")
	}
}

// BenchmarkComponents runs the same pieces as Go benchmarks.
func BenchmarkComponents(b *testing.B) {
	library := sync.OnceValue(func() string { return sharedLibrary(b) })
	for _, p := range pieces() {
		b.Run("piece="+p.name, func(b *testing.B) {
			o, err := p.open(place{b.TempDir(), library()})
			if err != nil {
				b.Fatal(err)
			}
			before := o.count()
			b.ReportAllocs()
			b.ResetTimer()
			if err := o.run(b.N); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if err := o.ended(before, int64(b.N)*p.each); err != nil {
				b.Error(err)
			}
		})
	}
}

// ended checks the work and closes the piece.
func (o *opened) ended(before, expected int64) error {
	if o.check != nil {
		if err := o.check(); err != nil {
			return err
		}
	}
	if effects := o.count() - before; effects != expected {
		return fmt.Errorf("%d effects, want %d", effects, expected)
	}
	if o.close == nil {
		return nil
	}
	return o.close()
}
