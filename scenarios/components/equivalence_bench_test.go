package components

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkEquivalence reports what the digests of lanes add to an operation of direct
// calls, in percent. Blocks with and without digests take turns. It compares the 10th
// percentile of each, because other work on the machine only adds time.
func BenchmarkEquivalence(b *testing.B) {
	shared := sharedLibrary(b)
	for _, of := range []struct {
		name   string
		n      int // operations in a block
		blocks int
	}{{"depth", 20_000, 400}, {"message", 400, 800}, {"selection", 10, 800}} {
		b.Run(of.name, func(b *testing.B) {
			var took [2][]time.Duration
			arms := [2]*opened{openNamed(b, of.name, shared), openNamed(b, of.name+"-unverified", shared)}
			for b.Loop() {
				for i := range 2 * of.blocks {
					arm := (i + i/2) % 2 // each goes first equally often
					start := time.Now()
					if err := arms[arm].run(of.n); err != nil {
						b.Fatal(err)
					}
					took[arm] = append(took[arm], time.Since(start))
				}
			}
			with, without := tenth(took[0], of.n), tenth(took[1], of.n)
			b.ReportMetric(with, "ns/with")
			b.ReportMetric(without, "ns/without")
			b.ReportMetric(100*(with/without-1), "%")
		})
	}
}

func tenth(took []time.Duration, n int) float64 {
	slices.Sort(took)
	return float64(took[len(took)/10]) / float64(n)
}

// openNamed opens a piece and closes it when the benchmark ends.
func openNamed(b *testing.B, name, shared string) *opened {
	b.Helper()
	i := slices.IndexFunc(pieces(), func(p piece) bool { return p.name == name })
	if i < 0 {
		b.Fatalf("no piece %q", name)
	}
	o, err := pieces()[i].open(place{b.TempDir(), shared})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := o.close(); err != nil {
			b.Error(err)
		}
	})
	o.count() // makes the stimuli
	return o
}
