package reports

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// Owners of CPU time that no module of the program has called for.
const (
	collecting = "Go runtime: garbage collection"
	scheduling = "Go runtime: scheduler and the rest"
	elsewhere  = "other modules"
)

// ownerTable says whose code the CPU time went to: the program's own packages, and what
// the styles stand on, by name as in Machine.Versions. So an embedded server, which is
// no process of its own, still has a figure. None when nothing was profiled.
func ownerTable(dir string, run *Run, g group, profiles []Profile) (grid, error) {
	t := grid{Title: g.title + ". Whose code the CPU time goes to", Head: []string{"owner"}, Text: []int{0}}
	var of []*Cell
	var shares []map[string]float64
	largest := map[string]float64{}
	for i, c := range g.cells {
		path := cpuProfile(profiles, c)
		if path == "" {
			continue
		}
		own, samples, err := readOwners(dir, path, run.Machine.Versions)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the results may travel without their profiles
		}
		if err != nil {
			return grid{}, err
		}
		if samples < samplesForRank {
			t.Notes = append(t.Notes, fmt.Sprintf("%s: only %s samples, so that small shares are noise.", g.labels[i], count(samples)))
		}
		of, shares, t.Head = append(of, c), append(shares, own), append(t.Head, g.labels[i])
		for name, share := range own {
			largest[name] = max(largest[name], share)
		}
	}
	for _, name := range byShare(largest) {
		cells := []string{name}
		for i, own := range shares {
			cells = append(cells, percent(100*own[name])+secondary+nanoseconds(own[name]*of[i].CPUNsOp.Median))
		}
		t.Rows = append(t.Rows, row{Cells: cells})
	}
	t.Notes = append(t.Notes, "Of the samples of the profile pass in which a style was at work, by the innermost function that one of the owners has; time is that share of the CPU time per operation. A server that is embedded is no process of its own: this share is all that can be told apart of it.")
	return t, nil
}

// cpuProfile is where the cell's is, "" if it has none.
func cpuProfile(profiles []Profile, c *Cell) string {
	i := slices.IndexFunc(profiles, func(p Profile) bool { return p.Kind == "cpu" && p.Cell == c.Key() })
	if i < 0 || c.Verdict == Void {
		return ""
	}
	return profiles[i].Path
}

func readOwners(dir, path string, known map[string]string) (own map[string]float64, samples int64, err error) {
	if !filepath.IsLocal(path) {
		return nil, 0, fmt.Errorf("profile %q lies outside the folder of the run", path)
	}
	f, err := os.Open(filepath.Join(dir, path))
	if err != nil {
		return nil, 0, fmt.Errorf("profile: %w", err)
	}
	defer f.Close()
	prof, err := profile.Parse(io.LimitReader(f, maxProfile))
	if err != nil {
		return nil, 0, fmt.Errorf("profile %s: %w: run again to replace it", path, err)
	}
	own, samples = ownersOf(prof, known)
	return own, samples, nil
}

// ownersOf shares the samples out. What the harness does between blocks is left out.
func ownersOf(prof *profile.Profile, known map[string]string) (own map[string]float64, samples int64) {
	own, total := map[string]float64{}, 0.0
	for _, sample := range prof.Sample {
		if phase := sample.Label["phase"]; len(phase) > 0 && phase[0] != "run" {
			continue
		}
		value := float64(sample.Value[len(sample.Value)-1]) // CPU time is the last kind
		own[ownerOf(linked(sample), known)] += value
		total += value
		samples += sample.Value[0]
	}
	for name := range own {
		own[name] /= max(total, 1)
	}
	return own, samples
}

// linked is the sample's functions as the linker names them, innermost first.
func linked(sample *profile.Sample) []string {
	var names []string
	for _, location := range sample.Location {
		for _, line := range location.Line {
			if line.Function != nil {
				names = append(names, line.Function.Name)
			}
		}
	}
	return names
}

// ownerOf is whose innermost function stands in the stack.
func ownerOf(stack []string, known map[string]string) string {
	rest := scheduling
	for _, function := range stack {
		folder := packageOf(function)
		if folder == mainModule || strings.HasPrefix(folder, mainModule+"/") {
			return folder
		}
		for _, element := range strings.Split(folder, "/") {
			if _, is := known[element]; is {
				return element
			}
		}
		first, _, _ := strings.Cut(folder, "/")
		switch {
		case strings.Contains(first, "."):
			rest = elsewhere
		case rest == scheduling && strings.HasPrefix(function, "runtime.gc"):
			rest = collecting
		}
	}
	return rest
}

// packageOf is the import path of a function such as "a.b/c.(*T).M". The linker
// writes a dot in the last part of a path as %2e, so that the first dot there ends it.
func packageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	dot := strings.IndexByte(function[slash:], '.')
	if dot < 0 {
		return function
	}
	return strings.ReplaceAll(function[:slash+dot], "%2e", ".")
}

// mainModule is whose packages are told one by one.
var mainModule = func() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path != "" {
		return info.Main.Path
	}
	return "rubato"
}()
