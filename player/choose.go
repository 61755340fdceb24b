package player

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// NearestCount is how many of the nearest candidates may be chosen from.
const NearestCount = 100

// A candidate may be chosen: near enough in flavor, with weight left after
// cooldowns.
type candidate struct {
	passage  int64
	distance float64
	weight   float64
}

// before orders by distance, then by id, so that equal distances choose alike
// everywhere.
func (a candidate) before(b candidate) bool {
	return a.distance < b.distance || a.distance == b.distance && a.passage < b.passage
}

// nearest keeps the NearestCount nearest of the candidates it is shown, as a heap
// with the farthest on top: most of a large library is turned away by one
// comparison, where a full sort would look at everything.
type nearest struct{ heap []candidate }

func (n *nearest) reset() { n.heap = n.heap[:0] }

func (n *nearest) add(c candidate) {
	switch {
	case len(n.heap) < NearestCount:
		n.heap = append(n.heap, c)
		n.up(len(n.heap) - 1)
	case c.before(n.heap[0]):
		n.heap[0] = c
		n.down()
	}
}

func (n *nearest) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !n.heap[parent].before(n.heap[i]) {
			return
		}
		n.heap[parent], n.heap[i] = n.heap[i], n.heap[parent]
		i = parent
	}
}

func (n *nearest) down() {
	for i := 0; ; {
		far := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(n.heap) && n.heap[far].before(n.heap[child]) {
				far = child
			}
		}
		if far == i {
			return
		}
		n.heap[far], n.heap[i] = n.heap[i], n.heap[far]
		i = far
	}
}

// sorted returns the kept candidates, nearest first. The heap is used up.
func (n *nearest) sorted() []candidate {
	slices.SortFunc(n.heap, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.passage, b.passage))
	})
	return n.heap
}

// choose draws one by weight alone: the first whose prefix sum reaches r, with r
// uniform in [0, Σ weight) from a generator of this seed. There must be one.
func choose(sorted []candidate, seed uint64) candidate {
	total := 0.0
	for _, c := range sorted {
		total += c.weight
	}
	generator := rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)
	r := float64(generator.Uint64()>>11) / (1 << 53) * total
	sum := 0.0
	for _, c := range sorted {
		sum += c.weight
		if sum >= r {
			return c
		}
	}
	return sorted[len(sorted)-1] // rounding: the last prefix sum may fall short of total
}
