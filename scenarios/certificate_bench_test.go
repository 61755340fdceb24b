package scenarios

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkCertificate is what lanes' digests add to an operation of direct calls, in
// percent: blocks with and without take turns, and the tenth quickest of a hundred of
// each are compared, as what else is at work on a machine only ever adds.
func BenchmarkCertificate(b *testing.B) {
	shared := sharedLibrary(b)
	for _, of := range []struct {
		name   string
		n      int // operations in a block
		blocks int
	}{{"depth", 20_000, 400}, {"message", 400, 800}, {"selection", 10, 800}} {
		b.Run(of.name, func(b *testing.B) {
			var took [2][]time.Duration
			arms := [2]*opened{openNamed(b, of.name, shared), openNamed(b, of.name+"-unwitnessed", shared)}
			for b.Loop() {
				for i := range 2 * of.blocks {
					arm := (i + i/2) % 2 // either goes first as often
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

// openNamed is a piece, ready to run, until the benchmark ends.
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
	o.count() // which makes what it runs
	return o
}
