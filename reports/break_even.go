package reports

import (
	"errors"
	"fmt"
	"image/color"
	"maps"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"rubato/inference"
	"rubato/results"
)

// A sweep is a style in the comparisons of a scenario that differ by an option, such as the size of
// a library, and so by how long the operation takes.
type sweep struct {
	scenario, label, style string
	points                 []sweepPoint
	unmeasured             int  // comparisons that have no figure of it
	plain                  bool // not all of its comparisons have sizes
}

// A sweepPoint is one comparison, in nanoseconds per operation; lo and hi are the interval of more.
type sweepPoint struct {
	base, more, lo, hi float64
	sizes              *sizes // nil: the sweep is plain
}

// sizes are what makes an operation cost more, by the keys of its comparison: work, payload,
// fanout, rate.
type sizes struct {
	work, payload, fanout float64
	paused                bool
}

// sizesOf is nil if the options do not have these keys.
func sizesOf(options map[string]string) *sizes {
	var s sizes
	for key, to := range map[string]*float64{"work": &s.work, "payload": &s.payload, "fanout": &s.fanout} {
		n, err := strconv.ParseFloat(options[key], 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return nil
		}
		*to = n
	}
	_, err := strconv.ParseFloat(options["rate"], 64)
	s.paused = err == nil
	if options["rate"] == "" {
		return nil
	}
	return &s
}

const (
	// fewestPoints is of which a line is fitted, and still one can be left out.
	fewestPoints = 4
	// leastSpread is how much longer the longest operation takes than the shortest.
	leastSpread = 3
	// closeBy is how well the time of a comparison that was left out has to be predicted.
	closeBy = 0.15
)

// sweeps are those of the run, in the order of its cells.
func sweeps(run *results.Run) (all []*sweep) {
	for _, cells := range byLabel(run) {
		of := map[string]*sweep{}
		for _, n := range cells {
			s := of[n.Scenario]
			if s == nil {
				s = &sweep{scenario: n.Scenario, label: n.label, style: n.Style}
				of[n.Scenario], all = s, append(all, s)
			}
			s.plain = s.plain || sizesOf(n.Options) == nil
			base := results.BaselineOf(run, *n.Cell)
			if n.Verdict != results.Measured || !known(n.OverheadNs) || base == nil || !(base.NsOp.Median > 0) || math.IsInf(base.NsOp.Median, 0) {
				s.unmeasured++
				continue
			}
			time := base.NsOp.Median
			if base.TypicalNsOp != nil {
				time = base.TypicalNsOp.Median
			}
			s.points = append(s.points, sweepPoint{time, n.OverheadNs.Median, n.OverheadNs.Lo, n.OverheadNs.Hi, sizesOf(n.Options)})
		}
	}
	for _, s := range all {
		for i := range s.points {
			if s.plain {
				s.points[i].sizes = nil
			}
		}
	}
	return all
}

// isWide reports whether a line can be fitted, from which operation to which.
func (s *sweep) isWide() (least, most float64, wide bool) {
	least = math.Inf(1)
	for _, p := range s.points {
		least, most = min(least, p.base), max(most, p.base)
	}
	return least, most, len(s.points) >= fewestPoints && most >= leastSpread*least
}

// A term is one thing that an operation costs. It can be told only where what it varies by does.
type term struct {
	name string
	of   func(sweepPoint) float64
	by   func(sweepPoint) float64
}

var (
	each   = term{name: "each operation", of: func(sweepPoint) float64 { return 1 }}
	ofTime = term{name: "of its own time", of: timeOf}
	ofWork = term{name: "each step of work", of: func(p sweepPoint) float64 { return p.sizes.work }}
	ofSize = []term{ // a payload is carried to each part that is reached
		{"each part reached", fanout, fanout},
		{"each KiB to each part", func(p sweepPoint) float64 { return p.sizes.fanout * p.sizes.payload / 1024 }, func(p sweepPoint) float64 { return payloadOf(*p.sizes) }},
		{"after a pause", func(p sweepPoint) float64 { return oneIf(p.sizes.paused) }, func(p sweepPoint) float64 { return oneIf(p.sizes.paused) }},
		{"each part asleep", func(p sweepPoint) float64 { return p.sizes.fanout * oneIf(p.asleep()) }, func(p sweepPoint) float64 { return oneIf(p.asleep()) }},
	}
)

// drowsy is after how long without work, in ns, the thread of a part sleeps and must be woken: Go's
// scheduler looks for work for some ten microseconds, then the kernel's threads rest.
const drowsy = 100_000

// asleep reports whether the parts that an operation reaches have slept before: after a pause, or
// because the operation itself works for long.
func (p sweepPoint) asleep() bool { return p.sizes.paused || p.base > drowsy }

func fanout(p sweepPoint) float64 { return p.sizes.fanout }
func fanoutOf(s sizes) float64    { return s.fanout }
func payloadOf(s sizes) float64   { return s.payload }
func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// terms are those that the comparisons of a sweep differ in, and the first. several: it has to
// tell more than one thing from the operation's own time.
func (s *sweep) terms() (all []term, several bool) {
	all = []term{each}
	if s.plain {
		return all, false
	}
	for _, t := range ofSize {
		if slices.ContainsFunc(s.points, func(p sweepPoint) bool { return t.by(p) != t.by(s.points[0]) }) {
			all = append(all, t)
		}
	}
	return all, len(all) > 1
}

// A fit is what each term costs.
type fit struct {
	terms   []term
	factors []float64
}

func (f fit) at(p sweepPoint) (sum float64) {
	for i, t := range f.terms {
		sum += f.factors[i] * t.of(p)
	}
	return sum
}

func (f fit) share() float64          { return f.factors[len(f.factors)-1] }
func middleOf(p sweepPoint) float64   { return p.more }
func lowerEnd(p sweepPoint) float64   { return p.lo }
func upperEnd(p sweepPoint) float64   { return p.hi }
func timeOf(p sweepPoint) float64     { return p.base }
func lastly(t []term, at term) []term { return append(slices.Clone(t), at) }

// fixed is what an operation of these sizes and this time costs more, without the share of its time.
func (f fit) fixed(s sizes, time float64) float64 {
	return f.at(sweepPoint{sizes: &s, base: time}) - f.share()*time
}

// from is from which time on the style is cheap: with parts that are awake, if an operation of that
// time leaves them so.
func (f fit) from(s sizes) float64 {
	if at := enough(f.fixed(s, 0), f.share()); at <= drowsy {
		return at
	}
	return max(drowsy, enough(f.fixed(s, 2*drowsy), f.share()))
}

// fitted are the factors with the least squares of value, each weighed by how exact it is:
// an interval's width, or a share of the time.
func fitted(points []sweepPoint, terms []term, value, width func(sweepPoint) float64) (fit, error) {
	var rows [][]float64
	var y, weights []float64
	for _, p := range points {
		row := make([]float64, len(terms))
		for i, t := range terms {
			row[i] = t.of(p)
		}
		rows, y = append(rows, row), append(y, value(p))
		weights = append(weights, math.Pow(width(p), -2))
	}
	factors, err := inference.LeastSquares(rows, y, weights)
	var d inference.Dependent
	if errors.As(err, &d) {
		err = fmt.Errorf("what is added by %q cannot be told from the rest in %d comparisons", terms[d.Column].name, len(points))
	}
	return fit{terms, factors}, err
}

// exactness is the width of the interval of the overhead, and at least a thousandth of the time:
// an interval of few trials can be narrow by chance.
func exactness(p sweepPoint) float64 { return max(p.hi-p.lo, 1e-3*p.base) }

// A model is a sweep with what its style costs: by the medians, and by both ends of the intervals.
type model struct {
	*sweep
	middle, lower, upper fit
	predicted            int // of the comparisons, each from the others
}

// newModel says what is missing if the comparisons do not tell enough.
func newModel(s *sweep, terms []term) (m model, err error) {
	m.sweep = s
	if need := len(terms) + 2; len(s.points) < need {
		return m, fmt.Errorf("%s a figure of it; %d are needed to tell %d costs apart and leave one out", comparisonsHave(len(s.points)), need, len(terms)+1)
	}
	if least, most, _ := s.isWide(); most < leastSpread*least {
		return m, fmt.Errorf("the operations take %s to %s, so a share of their time cannot be told: the longest needs %d times the work of the shortest", nanoseconds(least), nanoseconds(most), leastSpread)
	}
	all := lastly(terms, ofTime)
	for _, f := range []struct {
		to  *fit
		end func(sweepPoint) float64
	}{{&m.middle, middleOf}, {&m.lower, lowerEnd}, {&m.upper, upperEnd}} {
		if *f.to, err = fitted(s.points, all, f.end, exactness); err != nil {
			return m, err
		}
	}
	for i, p := range s.points {
		others := slices.Delete(slices.Clone(s.points), i, i+1)
		time, err := predict(others, terms, p)
		if err == nil && math.Abs(time/(p.base+p.more)-1) <= closeBy {
			m.predicted++
		}
	}
	return m, nil
}

// predict is the time of a comparison in the style, from others. Where the size of its work is known,
// its time in the baseline is predicted as well, not read.
func predict(others []sweepPoint, terms []term, p sweepPoint) (float64, error) {
	if p.sizes != nil {
		base, err := fitted(others, lastly(terms, ofWork), timeOf, timeOf)
		if err != nil {
			return 0, err
		}
		p.base = base.at(p)
	}
	more, err := fitted(others, lastly(terms, ofTime), middleOf, exactness)
	if err != nil {
		return 0, err
	}
	return p.base + more.at(p), nil
}

// from is from which time on the style is cheap, by the lower and by the upper ends: 0 any, infinite none.
func (m model) from(s sizes) (lo, hi float64) {
	return m.lower.from(s), m.upper.from(s)
}

// measured are the values of a size in the comparisons, in order.
func (m model) measured(of func(sizes) float64) []float64 {
	seen := map[float64]bool{}
	for _, p := range m.points {
		seen[of(*p.sizes)] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// columns are the measured fan-outs and twice the largest, which is a guess.
func (m model) columns() []float64 {
	all := m.measured(fanoutOf)
	return append(all, 2*all[len(all)-1])
}

// guess marks what lies outside of what was measured.
const guess = "*"

// breakEvenMaps draw for each style whether it is cheap: by the parts that an operation reaches, and
// by its time. Payload is the middle one that was measured. They are of no comparison.
func (p palette) breakEvenMaps(run *results.Run) (all []drawing, err error) {
	taken := map[string]bool{}
	for _, s := range sweeps(run) {
		terms, several := s.terms()
		if !several {
			continue
		}
		m, failed := newModel(s, terms)
		if failed != nil || len(m.columns()) < 3 {
			continue // the section says why, or its table says as much
		}
		d, err := m.sketch(p.colour(s.style)).draw()
		if err != nil {
			return nil, fmt.Errorf("map of %s: %w", s.label, err)
		}
		d.name = free(taken, slug(s.scenario+" "+s.label)+"-map")
		all = append(all, d)
	}
	return all, nil
}

// sketch is the map, in the colour of the style.
func (m model) sketch(colour color.RGBA) *sketch {
	payloads := m.measured(payloadOf)
	field := &evenField{model: m, columns: m.columns(), bytes: payloads[len(payloads)/2], colour: colour}
	field.least, field.most, _ = m.isWide()
	p := newPlot("parts that an operation reaches")
	p.Add(field)
	var names []string
	for _, f := range field.columns {
		names = append(names, Compact(f))
	}
	p.NominalX(names...)
	p.X.Min, p.X.Max = -0.5, float64(len(names))-0.5
	p.Y.Min, p.Y.Max = field.rows()[0], field.rows()[len(field.rows())-1]
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, latencyTicks{}
	return &sketch{title: m.label + ": under " + percent(100*cheap) + " or not", upward: "time in the baseline", height: mapHeight, panel: p, caption: fmt.Sprintf(
		"With %s bytes, one operation after the other. Cheap: the overhead is under %s by the upper ends of the intervals; not: over it by the lower ends; open: this run cannot tell. The line is the fit of the medians. %s a guess, outside of what was measured.", Compact(field.bytes), percent(100*cheap), guess)}
}

const mapHeight = vg.Length(280)
