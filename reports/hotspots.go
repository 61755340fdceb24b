package reports

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
)

const (
	hotspotRows    = 10 // functions a style
	maxProfile     = 64 << 20
	samplesForRank = 1000 // 10 s at 100 Hz
)

// hotspots are the tables of a comparison group: flat and cumulative, styles side
// by side. None when no cell of it was profiled.
func hotspots(dir string, g group, profiles []Profile) ([]grid, error) {
	all := make([]*shares, len(g.cells))
	for i, c := range g.cells {
		for _, p := range profiles {
			if p.Kind != "cpu" || p.Cell != c.Key() || c.Verdict == Void {
				continue
			}
			s, err := readShares(dir, p)
			if errors.Is(err, fs.ErrNotExist) {
				continue // the results may travel without their profiles
			}
			if err != nil {
				return nil, err
			}
			if len(s.flat) > 0 {
				all[i] = &s
			}
		}
	}
	if !slices.ContainsFunc(all, func(s *shares) bool { return s != nil }) {
		return nil, nil
	}
	flat := hotspotTable(g, all, "Flat: time in the function itself", func(s *shares) map[string]float64 { return s.flat })
	cumulative := hotspotTable(g, all, "Cumulative: time in the function and in what it called", func(s *shares) map[string]float64 { return s.cumulative })
	return []grid{flat, cumulative}, nil
}

func hotspotTable(g group, all []*shares, title string, of func(*shares) map[string]float64) grid {
	t := grid{Title: g.title + ". " + title, Head: []string{"function"}, Text: []int{0}}
	for i, s := range all {
		switch {
		case s == nil:
			t.Notes = append(t.Notes, g.labels[i]+": not profiled.")
			continue
		case s.samples < samplesForRank:
			t.Notes = append(t.Notes, fmt.Sprintf("%s: only %s samples; a share of 10 %% may be off by %.1f points, and small ones are noise.", g.labels[i], count(s.samples), 196*0.3/math.Sqrt(float64(s.samples))))
		}
		t.Head = append(t.Head, g.labels[i])
	}
	for _, name := range hottest(all, of) {
		cells := []string{name}
		for i, s := range all {
			if s != nil {
				cells = append(cells, hotspotCell(g, all, i, of, name))
			}
		}
		t.Rows = append(t.Rows, row{Cells: cells})
	}
	return t
}

// hottest is the union of each style's top functions, the largest share first.
func hottest(all []*shares, of func(*shares) map[string]float64) []string {
	largest := map[string]float64{}
	for _, s := range all {
		if s == nil {
			continue
		}
		names := slices.DeleteFunc(byShare(of(s)), func(name string) bool { return handsOn(all, name) })
		for _, name := range names[:min(hotspotRows, len(names))] {
			largest[name] = max(largest[name], of(s)[name])
		}
	}
	return byShare(largest)
}

func byShare(m map[string]float64) []string {
	names := slices.Sorted(maps.Keys(m))
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case m[a] > m[b]:
			return -1
		case m[a] < m[b]:
			return 1
		}
		return 0
	})
	return names
}

// handsOn tells of a function that does nothing itself and calls one other, in every
// style: the other has the same cumulative time and says more.
func handsOn(all []*shares, name string) bool {
	for _, s := range all {
		if s != nil && (s.flat[name] > 0 || len(s.callees[name]) > 1) {
			return false
		}
	}
	return true
}

// hotspotCell is share, time per operation (share of the CPU time that the timed
// rounds took) and that time's difference to the baseline.
func hotspotCell(g group, all []*shares, i int, of func(*shares) map[string]float64, name string) string {
	time := func(j int) float64 { return of(all[j])[name] * g.cells[j].CPUNsOp.Median }
	s := percent(100*of(all[i])[name]) + secondary + figure(time(i)/1e3) + noBreak + "µs/op"
	base := slices.Index(g.cells, g.baseline)
	if base < 0 || base == i || all[base] == nil {
		return s
	}
	return s + ", " + signed((time(i)-time(base))/1e3)
}
