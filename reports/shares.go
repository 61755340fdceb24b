package reports

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/pprof/profile"
)

// shares are how much of the CPU samples each function had.
type shares struct {
	flat, cumulative map[string]float64 // 0 to 1
	callees          map[string]map[string]bool
	samples          int64
}

// readShares reads a CPU profile. The path is taken inside dir.
func readShares(dir string, p Profile) (shares, error) {
	if !filepath.IsLocal(p.Path) {
		return shares{}, fmt.Errorf("profile %q lies outside the folder of the run", p.Path)
	}
	f, err := os.Open(filepath.Join(dir, p.Path))
	if err != nil {
		return shares{}, fmt.Errorf("profile of %s: %w", p.Cell, err)
	}
	defer f.Close()
	prof, err := profile.Parse(io.LimitReader(f, maxProfile))
	if err != nil {
		return shares{}, fmt.Errorf("profile %s: %w: run again to replace it", p.Path, err)
	}
	return sharesOf(prof), nil
}

// sharesOf sums CPU time by function: flat where it ran, cumulative where it or
// what it called ran, a recursive function once a sample.
func sharesOf(prof *profile.Profile) shares {
	s := shares{flat: map[string]float64{}, cumulative: map[string]float64{}, callees: map[string]map[string]bool{}}
	counts, weight := 0, len(prof.SampleType)-1
	for i, t := range prof.SampleType {
		switch t.Type {
		case "samples":
			counts = i
		case "cpu":
			weight = i
		}
	}
	var total float64
	for _, sample := range prof.Sample {
		value := float64(sample.Value[weight])
		s.samples += sample.Value[counts]
		total += value
		seen := map[string]bool{}
		names := stack(sample)
		for i, name := range names {
			if i == 0 {
				s.flat[name] += value
			} else {
				s.calls(name, names[i-1])
			}
			if !seen[name] {
				s.cumulative[name] += value
				seen[name] = true
			}
		}
	}
	for _, m := range []map[string]float64{s.flat, s.cumulative} {
		for name := range m {
			m[name] /= max(total, 1)
		}
	}
	return s
}

func (s shares) calls(caller, callee string) {
	if caller == callee {
		return
	}
	if s.callees[caller] == nil {
		s.callees[caller] = map[string]bool{}
	}
	s.callees[caller][callee] = true
}

// stack is the sample's functions, innermost first, inlined ones included. The
// linker writes a dot in the last part of an import path as %2e.
func stack(sample *profile.Sample) []string {
	var names []string
	for _, location := range sample.Location {
		for _, line := range location.Line {
			if line.Function != nil {
				names = append(names, strings.ReplaceAll(line.Function.Name, "%2e", "."))
			}
		}
	}
	return names
}
