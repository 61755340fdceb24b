package reports

import (
	"maps"
	"math"
	"slices"

	"rubato/inference"
	"rubato/results"
)

// A factorial is a scenario's corners of two factors, with the same other options. Cells of one
// corner were measured side by side, so their ratios are paired by trial. Corners were measured
// one after the other: what compares them is not paired, and a machine that changed meanwhile is
// in it.
type factorial struct {
	of         results.Factorial
	title      string    // other named options
	corners    [4]*group // as in of.Corners; nil: not measured
	blocks     map[string][]results.Block
	confidence float64 // of each interval between corners, so that all hold together
}

// Corners by the factors that they have.
const (
	neither = iota
	firstFactor
	secondFactor
	bothFactors
)

// intervalsBetween is the number of intervals between corners for each arm: four of the factors,
// four of how much the arm's ratio changes, and the whole.
const intervalsBetween = 9

// factorials are those of a scenario, in the order of its groups.
func factorials(s results.Scenario, gs []group, details results.Details) (all []*factorial) {
	others := map[string]*factorial{}
	arms := 0
	for i := range gs {
		g := &gs[i]
		arms = max(arms, len(g.cells))
		if g.baseline == nil {
			continue
		}
		corner := slices.Index(s.Factors.Corners[:], g.baseline.Options[s.Factors.Key])
		if corner < 0 {
			continue
		}
		rest := *g.baseline
		rest.Options, rest.Named = maps.Clone(rest.Options), slices.DeleteFunc(slices.Clone(rest.Named), func(k string) bool { return k == s.Factors.Key })
		delete(rest.Options, s.Factors.Key)
		f := others[rest.Key()]
		if f == nil {
			f = &factorial{of: *s.Factors, title: rest.OptionsLabel(), blocks: byCell(details.Blocks)}
			others[rest.Key()], all = f, append(all, f)
		}
		f.corners[corner] = g
	}
	for _, f := range all {
		f.confidence = 1 - (1-inference.Confidence)/float64(intervalsBetween*max(arms, 1))
	}
	return all
}

// arm is the cell of an arm in a corner, nil if it was not measured or is invalid.
func (f *factorial) arm(corner int, label string) *results.Cell {
	g := f.corners[corner]
	if g == nil {
		return nil
	}
	if i := slices.Index(g.labels, label); i >= 0 && g.cells[i].Verdict != results.Invalid {
		return g.cells[i]
	}
	return nil
}

// arms are the labels of all arms.
func (f *factorial) arms() (labels []string) {
	for _, g := range f.corners {
		if g != nil {
			for _, label := range g.labels {
				labels = results.AddOnce(labels, label)
			}
		}
	}
	return labels
}

// baseline is the label of the baseline.
func (f *factorial) baseline() string {
	for _, g := range f.corners {
		if g != nil {
			return g.labels[slices.Index(g.cells, g.baseline)]
		}
	}
	return ""
}

// times are the logarithms of what is typical of each trial, in ns per operation.
func (f *factorial) times(c *results.Cell) (logs []float64) {
	typical, _ := results.MetricNamed("typical_ns_op")
	for _, b := range f.blocks[c.Key()] {
		t, sliced := typical.Round(&b)
		if !sliced {
			t = float64(b.Wall) / float64(b.Ops)
		}
		logs = append(logs, math.Log(t))
	}
	return logs
}

// change is how an arm's time changes from one corner to another, as a log-ratio.
func (f *factorial) change(label string, from, to int) (results.Estimate, bool) {
	return f.between(label, from, label, to)
}

// between compares an arm in one corner with an arm in another. The machine can be another
// there, by nobody knows how much. So the interval is wider by as much as the machine changed
// within a corner, and by what other programs can have taken from each.
func (f *factorial) between(before string, from int, after string, to int) (results.Estimate, bool) {
	old, new := f.arm(from, before), f.arm(to, after)
	if old == nil || new == nil {
		return results.Estimate{}, false
	}
	was, is := f.times(old), f.times(new)
	e, known := f.shift(was, is)
	drift := max(drift(was), drift(is))
	e.Lo, e.Hi = e.Lo-drift+math.Log(1-f.taken(to)), e.Hi+drift-math.Log(1-f.taken(from))
	return e, known
}

// drift is how far the second half of the trials lies from the first.
func drift(logs []float64) float64 {
	half := len(logs) / 2
	return math.Abs(inference.Median(logs[half:]) - inference.Median(logs[:half]))
}

// taken is the largest share of a corner's time that other programs can have taken. A long
// slice is interrupted more often than a short one, so on a busy machine corners would differ
// that do not. The baseline has one thread at work: when it used no CPU although it was ready
// to run, another program had it.
func (f *factorial) taken(corner int) float64 {
	base := f.arm(corner, f.baseline())
	if base == nil {
		return 0
	}
	var shares []float64
	for _, b := range f.blocks[base.Key()] {
		idle := max(0, b.Wall-b.User-b.System)
		if b.Resources != nil && b.Resources.Waited != nil {
			idle = min(idle, *b.Resources.Waited)
		}
		shares = append(shares, float64(idle)/float64(b.Wall))
	}
	return min(inference.Median(shares), 0.99)
}

func (f *factorial) shift(before, after []float64) (results.Estimate, bool) {
	e, err := estimateOf(inference.Shift(before, after, f.confidence))
	return e, err == nil
}

// cost is the log-ratio of an arm to the baseline in a corner, paired by trial.
func (f *factorial) cost(label string, corner int) (results.Estimate, bool) {
	c := f.arm(corner, label)
	if c == nil || c.Ratio == nil {
		return results.Estimate{}, false
	}
	return c.Ratio.Mapped(math.Log), true
}

// changeOfCost is how that log-ratio changes from one corner to another. A machine that became
// slower meanwhile did so for both arms, so it is not in it.
func (f *factorial) changeOfCost(label string, from, to int) (results.Estimate, bool) {
	var logs [2][]float64
	for i, corner := range []int{from, to} {
		c, base := f.arm(corner, label), f.arm(corner, f.baseline())
		if c == nil || base == nil {
			return results.Estimate{}, false
		}
		logs[i], _ = pair(f.blocks[c.Key()], f.blocks[base.Key()])
	}
	return f.shift(logs[0], logs[1])
}

// weighted is a sum of estimates, each with its weight. The interval takes the worst case of
// all, so it is wider than it must be.
func weighted(weights []float64, of ...results.Estimate) (sum results.Estimate) {
	for i, e := range of {
		lo, hi := weights[i]*e.Lo, weights[i]*e.Hi
		sum.Median, sum.Lo, sum.Hi = sum.Median+weights[i]*e.Median, sum.Lo+min(lo, hi), sum.Hi+max(lo, hi)
	}
	return sum
}
