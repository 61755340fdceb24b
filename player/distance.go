package player

// Distance is how far two flavors lie apart: (Db + Dc) / 2, where Db is the mean
// squared difference of the first elements of the binary categories present in
// both, and Dc the mean over the complex categories present in both of each
// one's mean squared difference. A side with nothing in common counts 1.
// 0 is the same; 1 is the farthest.
func Distance(a, b *Flavor) float64 {
	return distance(Categories, a.Present&b.Present, a.Values[:], b.Values[:])
}

func distance(categories []Category, shared uint32, a, b []float64) float64 {
	var binary, complexes side
	for i := range categories {
		if shared&(1<<i) == 0 {
			continue
		}
		c := &categories[i]
		if len(c.Elements) == 2 {
			d := a[c.First] - b[c.First]
			binary.add(d * d)
			continue
		}
		sum := 0.0
		y := b[c.First : c.First+len(c.Elements)]
		for j, x := range a[c.First : c.First+len(c.Elements)] {
			d := x - y[j]
			sum += d * d
		}
		complexes.add(sum / float64(len(y)))
	}
	return (binary.mean() + complexes.mean()) / 2
}

// side is one half of the distance: a mean that is 1 over nothing.
type side struct {
	sum float64
	n   int
}

func (s *side) add(d float64) { s.sum += d; s.n++ }

func (s *side) mean() float64 {
	if s.n == 0 {
		return 1
	}
	return s.sum / float64(s.n)
}
