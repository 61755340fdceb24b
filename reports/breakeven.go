package reports

import (
	"fmt"
	"math"

	"github.com/montanaflynn/stats"

	"rubato/results"
)

// A sweep is a style in the comparisons of a scenario that differ by an option, such as the size of
// a library, and so by how long the operation takes.
type sweep struct {
	scenario, label string
	points          []sweepPoint
}

// A sweepPoint is one comparison, in nanoseconds per operation.
type sweepPoint struct{ base, more float64 }

const (
	// fewestPoints is of which a line is fitted, and still one can be left out.
	fewestPoints = 4
	// leastSpread is how much longer the longest operation takes than the shortest.
	leastSpread = 3
	// closeBy is how well the time of a comparison that was left out has to be predicted.
	closeBy = 0.15
)

// sweeps are those of the run that are wide enough, in the order of its cells.
func sweeps(run *results.Run) (wide []sweep) {
	for _, cells := range byLabel(run) {
		of := map[string]*sweep{}
		var order []*sweep
		for _, n := range cells {
			base := results.BaselineOf(run, *n.Cell)
			if n.Verdict != results.Measured || n.OverheadNs == nil || base == nil {
				continue
			}
			s := of[n.Scenario]
			if s == nil {
				s = &sweep{scenario: n.Scenario, label: n.label}
				of[n.Scenario], order = s, append(order, s)
			}
			time := base.NsOp.Median
			if base.TypicalNsOp != nil {
				time = base.TypicalNsOp.Median
			}
			s.points = append(s.points, sweepPoint{time, n.OverheadNs.Median})
		}
		for _, s := range order {
			if s.isWide() {
				wide = append(wide, *s)
			}
		}
	}
	return wide
}

func (s sweep) isWide() bool {
	least, most := math.Inf(1), 0.0
	for _, p := range s.points {
		least, most = min(least, p.base), max(most, p.base)
	}
	return len(s.points) >= fewestPoints && most >= leastSpread*least
}

// line is the least squares fit of the overhead: what each operation costs more, and the share of
// its own time on top.
func line(points []sweepPoint) (fixed, share float64, err error) {
	var series stats.Series
	first, last := points[0].base, points[0].base
	for _, p := range points {
		series = append(series, stats.Coordinate{X: p.base, Y: p.more})
		first, last = min(first, p.base), max(last, p.base)
	}
	fit, err := stats.LinearRegression(series)
	if err != nil {
		return 0, 0, err
	}
	var atFirst, atLast float64
	for _, c := range fit {
		if c.X == first {
			atFirst = c.Y
		}
		if c.X == last {
			atLast = c.Y
		}
	}
	share = (atLast - atFirst) / (last - first)
	return atFirst - share*first, share, nil
}

// leftOut predicts each point from the others, and counts those whose time comes near.
func (s sweep) leftOut() (good int) {
	for i, p := range s.points {
		others := append(append([]sweepPoint(nil), s.points[:i]...), s.points[i+1:]...)
		fixed, share, err := line(others)
		if err == nil && math.Abs((p.base+fixed+share*p.base)/(p.base+p.more)-1) <= closeBy {
			good++
		}
	}
	return good
}

// breakEven is from which time on the overhead is cheap, in words.
func breakEven(fixed, share float64) string {
	switch {
	case share >= cheap:
		return "none: it grows with the operation"
	case fixed <= 0:
		return "any"
	}
	return nanoseconds(fixed / (cheap - share))
}

// breakEvenSection fits each sweep of the run. There is none without one.
func breakEvenSection(run *results.Run) []section {
	t := Grid{Text: []int{0, 1}, Cards: true, Head: []string{"scenario", "style", "operations", "each costs more", "and of its time", "under " + percent(100*cheap) + " from", "predicted when left out"}}
	for _, s := range sweeps(run) {
		fixed, share, err := line(s.points)
		if err != nil {
			continue
		}
		least, most := math.Inf(1), 0.0
		for _, p := range s.points {
			least, most = min(least, p.base), max(most, p.base)
		}
		t.Add("", s.scenario, s.label, nanoseconds(least)+" to "+nanoseconds(most), nanoseconds(fixed), percent(100*share), breakEven(fixed, share),
			fmt.Sprintf("%d of %d", s.leftOut(), len(s.points)))
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []section{{ID: "break-even", Title: "Break-even: how long an operation must take", Grids: []Grid{t}, Text: []string{fmt.Sprintf(
		"Comparisons of one scenario that differ by an option, and so by how long the operation takes in the baseline. A line is fitted to the overhead (least squares of the medians): what each operation costs more, and a share of its own time. The last column leaves each comparison out and predicts its time from the others: within %s is near enough. Outside of the measured range the line is a guess.", percent(100*closeBy))}}}
}
