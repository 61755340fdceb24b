package player

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// nearest against a full sort.
func TestNearest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Few different distances, so that ties are many.
		distances := rapid.SliceOfN(rapid.IntRange(0, 40), 0, 400).Draw(t, "distances")
		all := make([]candidate, len(distances))
		for i, d := range distances {
			all[i] = candidate{passage: int64(i) + 1, distance: float64(d) / 40, weight: 1}
		}
		var n nearest
		for _, order := range [][]candidate{all, shuffled(all, 1), shuffled(all, 2)} {
			n.reset()
			for _, c := range order {
				n.add(c)
			}
			want := slices.SortedFunc(slices.Values(all), func(a, b candidate) int {
				return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.passage, b.passage))
			})
			want = want[:min(len(want), NearestCount)]
			if got := n.sorted(); !slices.Equal(got, want) {
				t.Fatalf("nearest %v, want %v", got, want)
			}
		}
	})
}

func shuffled(list []candidate, seed uint64) []candidate {
	list = slices.Clone(list)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// The chosen one is the first whose prefix sum reaches r: its own prefix sum is
// not below, that of the one before it is.
func TestChoosePrefixSum(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Float64Range(1e-9, 1000), 1, NearestCount).Draw(t, "weights")
		seed := rapid.Uint64().Draw(t, "seed")
		total := 0.0
		list := make([]candidate, len(weights))
		for i, w := range weights {
			list[i] = candidate{passage: int64(i), weight: w}
			total += w
		}
		r := float64(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15).Uint64()>>11) / (1 << 53) * total
		got := choose(list, seed)
		before := 0.0
		for _, w := range weights[:got.passage] {
			before += w
		}
		if after := before + got.weight; got.passage > 0 && before >= r || after < r && int(got.passage) < len(list)-1 {
			t.Fatalf("r %v fell on %d, whose prefix sums are %v to %v", r, got.passage, before, after)
		}
		if again := choose(list, seed); again != got {
			t.Fatalf("the same seed chose %v, then %v", got, again)
		}
	})
}

// Over many seeds each is chosen as often as its weight says, whatever its
// distance: within five standard deviations.
func TestChooseByWeightAlone(t *testing.T) {
	t.Parallel()
	const draws = 50_000
	list := []candidate{{1, 0.0, 1}, {2, 0.1, 4}, {3, 0.2, 0.5}, {4, 0.9, 4}, {5, 0.95, 0.5}}
	counts := map[int64]int{}
	for seed := range uint64(draws) {
		counts[choose(list, seed).passage]++
	}
	for _, c := range list {
		p := c.weight / 10
		if deviation := math.Sqrt(draws * p * (1 - p)); math.Abs(float64(counts[c.passage])-draws*p) > 5*deviation {
			t.Errorf("passage %d of weight %v: chosen %d times of %d", c.passage, c.weight, counts[c.passage], draws)
		}
	}
}

func TestChooseTheOnlyOne(t *testing.T) {
	t.Parallel()
	only := candidate{passage: 9, weight: 1e-300}
	for seed := range uint64(100) {
		if got := choose([]candidate{only}, seed); got != only {
			t.Fatalf("seed %d chose %v", seed, got)
		}
	}
}
