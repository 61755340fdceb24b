package measure

import (
	"testing"
	"time"

	"rubato/runner"
)

// What the loops add to an operation, to be read against BenchmarkBare: 5 ns where operations are
// timed together, 100 ns where each is timed.
func BenchmarkLoop(b *testing.B) {
	task := Task[int, int]{Name: "same", Styles: []Style[int, int]{{Name: "one", Do: same}}}
	for _, c := range []struct {
		name string
		n    int
	}{{"together", 1000}, {"each", 1}} {
		b.Run(c.name, func(b *testing.B) {
			w, err := task.open(runner.Setup{Style: "one"})
			if err != nil {
				b.Fatal(err)
			}
			var sum time.Duration
			for i := 0; i < b.N; i += c.n {
				if err := w.Run(c.n, func(d time.Duration) { sum += d }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBare(b *testing.B) {
	sum := 0
	for i := range b.N {
		sum += same(i)
	}
	sink = sum
}

var sink int

//go:noinline
func same(i int) int { return i }
