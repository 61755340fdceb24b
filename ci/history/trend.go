package history

import (
	"fmt"
	"math"
	"slices"
	"time"

	"rubato/inference"
	"rubato/reports"
	"rubato/results"
)

// followed are the metrics whose history is searched for changes: ratios, which do not move with
// the machine's own speed.
var followed = []string{"ratio", "mean_ratio", "cpu_ratio"}

const (
	risk    = 0.05 // that a clean history shows a change, all series of a trend together
	longest = 300  // newest runs that are looked at
	seed    = 1    // the same history gives the same answer
)

// A Series is the history of one figure.
type Series struct {
	Label  string
	Metric results.Metric
	Points []reports.HistoryPoint
	// Changes are the first runs after a change of level.
	Changes []inference.ChangePoint
}

// Trend finds the changes in the history of the machine and settings of e. Cells whose figures do not
// count are left out.
func (h History) Trend(e Entry) ([]Series, error) {
	type place struct{ key, metric string }
	at := map[place]int{}
	var all []Series
	for _, saved := range h.comparable(e) {
		for _, c := range saved.Cells {
			for _, name := range followed {
				f, is := c.Figures[name]
				if !is || c.Doubt != "" || !(f.Median > 0) || math.IsInf(f.Median, 0) {
					continue
				}
				i, known := at[place{c.Key, name}]
				if !known {
					i = len(all)
					at[place{c.Key, name}] = i
					m, _ := results.MetricNamed(name)
					all = append(all, Series{Label: c.Label, Metric: m})
				}
				all[i].Points = append(all[i].Points, reports.HistoryPoint{At: saved.Started, Commit: saved.Commit, Value: f})
			}
		}
	}
	for i := range all {
		s := &all[i]
		s.Points = s.Points[max(0, len(s.Points)-longest):]
		var values []float64
		for _, p := range s.Points {
			values = append(values, math.Log(p.Value.Median))
		}
		var err error
		if s.Changes, err = inference.ChangePoints(values, risk/float64(len(all)), seed); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Label, err)
		}
	}
	return all, nil
}

// comparable are the entries of e's machine and settings by the time of their runs, each run once.
func (h History) comparable(e Entry) (all []Entry) {
	seen := map[time.Time]bool{}
	for _, saved := range h.Entries {
		if e.Comparable(saved) == "" && !seen[saved.Started] {
			seen[saved.Started] = true
			all = append(all, saved)
		}
	}
	slices.SortStableFunc(all, func(a, b Entry) int { return a.Started.Compare(b.Started) })
	return all
}

// levels are the medians of the segments between changes.
func (s Series) levels() (all []float64) {
	begin := 0
	for i := range len(s.Changes) + 1 {
		end := len(s.Points)
		if i < len(s.Changes) {
			end = s.Changes[i].At
		}
		var values []float64
		for _, p := range s.Points[begin:end] {
			values = append(values, p.Value.Median)
		}
		all, begin = append(all, inference.Median(values)), end
	}
	return all
}

// plot draws the series.
func (s Series) plot() ([]byte, error) {
	p := reports.HistoryPlot{Title: s.Label + ": " + s.Metric.Title, Points: s.Points, Levels: s.levels()}
	for _, c := range s.Changes {
		p.Changes = append(p.Changes, c.At)
	}
	return p.SVG()
}
