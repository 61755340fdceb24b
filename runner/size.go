package runner

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"rubato/reports"
)

// A Size says how much a contest measures, where the scenario knows it better than
// the effort. The zero Size leaves all to the effort.
type Size struct {
	Ops    int           // operations in every block; 0: found by calibration
	Rounds int           // rounds at most; 0: the effort's. Below 6, what is not Paced is inconclusive
	Warmup int           // warm-up blocks; 0: until block times are level, one when Paced; below 0: none
	Limit  time.Duration // longest wait for a block; 0: two minutes
}

// A Measure is a figure beside time; the fields are those of reports.Measure.
type Measure = reports.Measure

// A Point is a value of a series; the fields are those of reports.Point.
type Point = reports.Point

// MaxPoints bounds a series: a plot shows no more, and a result stays small.
const MaxPoints = 1000

// size is the scenario's for a run of this effort.
func (s Scenario) size(effort Effort, options Options) (Size, error) {
	if s.Size == nil {
		return Size{}, nil
	}
	size := s.Size(effort.Name, options)
	if size.Ops < 0 || size.Rounds < 0 || size.Limit < 0 {
		return Size{}, fmt.Errorf("scenario %s, effort %s: a size below zero: %+v", s.Name, effort.Name, size)
	}
	if size.Ops > 0 && s.apart() {
		return Size{}, fmt.Errorf("scenario %s: its arms are apart, so each finds a block size of its own: leave Size.Ops out", s.Name)
	}
	return size, nil
}

// sound says what is wrong with a scenario as it is registered, if anything.
func (s Scenario) sound() error {
	var wrong []error
	if s.Together && (!s.Paced || s.apart()) {
		wrong = append(wrong, errors.New("the field Together is for Paced scenarios of styles: others would take the CPU from each other"))
	}
	names := map[string]bool{}
	for _, m := range s.Measures {
		wrong = append(wrong, m.Sound())
		if names[m.Name] {
			wrong = append(wrong, fmt.Errorf("measure %s is declared twice", m.Name))
		}
		names[m.Name] = true
	}
	for _, claim := range s.Claims {
		if name, is := strings.CutPrefix(claim.Quantity, reports.FigureQuantity); is && !names[name] {
			wrong = append(wrong, fmt.Errorf("claim %q: no measure %q is declared", claim.Text, name))
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	return nil
}

// figures refuses what no report could show: names that are not declared, and
// values that are no number.
func (s Scenario) figures(w Work) error {
	declared := func(name string) bool {
		return slices.ContainsFunc(s.Measures, func(m Measure) bool { return m.Name == name })
	}
	for name, v := range w.Figures {
		if !declared(name) {
			return fmt.Errorf("figure %q is not among the scenario's Measures: declare it", name)
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("figure %q is %v: leave out what was not measured", name, v)
		}
	}
	for name, points := range w.Series {
		if !declared(name) {
			return fmt.Errorf("series %q is not among the scenario's Measures: declare it", name)
		}
		if len(points) > MaxPoints {
			return fmt.Errorf("series %q has %d points, at most %d fit: thin it out", name, len(points), MaxPoints)
		}
		for _, p := range points {
			if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) || p.At < 0 {
				return fmt.Errorf("series %q: %v at %v is no point of it", name, p.Value, p.At)
			}
		}
	}
	return nil
}
