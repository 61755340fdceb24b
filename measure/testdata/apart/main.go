// Apart is a program as a user writes one. It has two functions that differ by 1 %, and one that is
// the first again: ci/apart.sh counts how often a run of ten seconds tells them apart, and how often it
// sees a difference where there is none.
package main

import (
	"os"

	"rubato/measure"
)

// steps of a generator (Marsaglia, "Xorshift RNGs", 2003): none can begin before the last has
// ended, so twice as many take twice as long.
//
//go:noinline
func steps(x uint64, n int) uint64 {
	for range n {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

func doing(n int) func(int) bool {
	return func(i int) bool { return steps(uint64(i)|1, n) != 0 } // never 0, and the same in all
}

func main() {
	os.Exit(measure.Main(os.Args[1:], measure.Task[int, bool]{Name: "steps", Styles: []measure.Style[int, bool]{
		{Name: "first", Do: doing(10_000)},
		{Name: "again", Do: doing(10_000)},
		{Name: "more", Doc: "adds 1 %", Do: doing(10_100)},
	}}))
}
