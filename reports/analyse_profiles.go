package reports

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/google/pprof/profile"

	"rubato/results"
)

const (
	hotspotRows    = 10 // functions a style
	maxProfile     = 64 << 20
	samplesForRank = 1000 // 10 s at 100 Hz
)

// hotspots returns the flat and the cumulative table of a comparison group, with the
// styles side by side. There are none if no cell was profiled.
func hotspots(g group, books map[string]*book) []Grid {
	all := make([]*shares, len(g.cells))
	for i, c := range g.cells {
		if b := books[c.Key()]; b != nil {
			all[i] = sharesOf(b)
		}
	}
	if !slices.ContainsFunc(all, func(s *shares) bool { return s != nil }) {
		return nil
	}
	flat := hotspotTable(g, all, "Flat: time in the function itself", func(s *shares) map[string]float64 { return s.flat })
	cumulative := hotspotTable(g, all, "Cumulative: time in the function and in what it called", func(s *shares) map[string]float64 { return s.cumulative })
	return []Grid{flat, cumulative}
}

func hotspotTable(g group, all []*shares, title string, of func(*shares) map[string]float64) Grid {
	t := Grid{Title: g.title + ". " + title, Head: []string{"function"}, Text: []int{0}}
	for i, s := range all {
		switch {
		case s == nil:
			t.Notes = append(t.Notes, g.labels[i]+": not profiled.")
			continue
		case s.book.samples < samplesForRank:
			t.Notes = append(t.Notes, fmt.Sprintf("%s: only %s samples; a share of 10 %% may be off by %.1f points, and small ones are noise.", g.labels[i], count(int64(s.book.samples)), 196*0.3/math.Sqrt(s.book.samples)))
		}
		t.Head = append(t.Head, g.labels[i])
	}
	var base *shares
	if i := slices.Index(g.cells, g.baseline); i >= 0 {
		base = all[i]
	}
	for _, name := range hottest(all, of) {
		cells, mark := []string{name}, "noise"
		for _, s := range all {
			if s == nil {
				continue
			}
			own := of(s)[name]
			text := percent(100*own/s.book.cpu) + secondary + figure(own/1e3) + noBreak + "µs/op"
			if base != nil && s != base {
				d := balance{base: base.book, own: s.book}.between(own, of(base)[name])
				text += secondary + inline(microseconds(d))
				if noise(d) == "" {
					mark = ""
				}
			}
			cells = append(cells, text)
		}
		if base == nil || len(cells) < 3 {
			mark = ""
		}
		t.Add(mark, cells...)
	}
	return t
}

// hottest merges the top functions of all styles, the largest share first.
func hottest(all []*shares, of func(*shares) map[string]float64) []string {
	largest := map[string]float64{}
	for _, s := range all {
		if s == nil {
			continue
		}
		names := slices.DeleteFunc(byShare(of(s)), func(name string) bool { return onlyForwards(all, name) })
		for _, name := range names[:min(hotspotRows, len(names))] {
			largest[name] = max(largest[name], of(s)[name])
		}
	}
	return byShare(largest)
}

func byShare(m map[string]float64) []string {
	names := slices.Sorted(maps.Keys(m))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(m[b], m[a]) })
	return names
}

// onlyForwards reports whether a function, in every style, has no time of its own and calls
// only one other function. The other has the same cumulative time and says more.
func onlyForwards(all []*shares, name string) bool {
	for _, s := range all {
		if s != nil && (s.flat[name] > 0 || len(s.callees[name]) > 1) {
			return false
		}
	}
	return true
}

// shares are how much CPU time of an operation each function had, in ns.
type shares struct {
	book             *book
	flat, cumulative map[string]float64
	callees          map[string]map[string]bool
}

// readProfile reads a CPU profile. Its path must lie inside dir.
func readProfile(dir, path string) (*profile.Profile, error) {
	if !filepath.IsLocal(path) {
		return nil, fmt.Errorf("profile %q lies outside the folder of the run", path)
	}
	f, err := os.Open(filepath.Join(dir, path))
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	defer f.Close()
	prof, err := profile.Parse(io.LimitReader(f, maxProfile))
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w: run again to replace it", path, err)
	}
	return prof, nil
}

// sharesOf sums CPU time by function: flat where it ran, cumulative where it or
// what it called ran, a recursive function once a sample. The harness's phases are not in a book.
func sharesOf(b *book) *shares {
	s := shares{book: b, flat: map[string]float64{}, cumulative: map[string]float64{}, callees: map[string]map[string]bool{}}
	for _, stack := range b.stacks {
		seen := map[string]bool{}
		for i, name := range stack.frames {
			if i == 0 {
				s.flat[name] += stack.ns
			} else {
				s.calls(name, stack.frames[i-1])
			}
			if !seen[name] {
				s.cumulative[name] += stack.ns
				seen[name] = true
			}
		}
	}
	return &s
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

// functions lists the sample's functions, innermost first, with inlined ones. The linker
// writes a dot in the last part of an import path as %2e.
func functions(sample *profile.Sample) []string {
	var names []string
	for _, location := range sample.Location {
		for _, line := range location.Line {
			if line.Function != nil {
				names = append(names, untyped(line.Function.Name))
			}
		}
	}
	return names
}

// Owners of CPU time that no module of the program has called for.
const (
	collecting = "Go runtime: garbage collection"
	scheduling = "Go runtime: scheduler and the rest"
	elsewhere  = "other modules"
)

// ownerTable divides the CPU time between the program's packages and the libraries in
// Machine.Versions. So an embedded server has a figure although it has no process of its
// own. The table is empty if nothing was profiled.
func ownerTable(dir string, run *results.Run, g group, profiles []results.Profile) (Grid, error) {
	t := Grid{Title: g.title + ". Whose code the CPU time goes to", Head: []string{"owner"}, Text: []int{0}}
	var of []*results.Cell
	var shares []map[string]float64
	largest := map[string]float64{}
	for i, c := range g.cells {
		prof, err := cpuProfile(dir, profiles, c)
		if err != nil {
			return Grid{}, err
		}
		if prof == nil {
			continue
		}
		own, samples := ownersOf(prof, run.Machine.Versions)
		if samples < samplesForRank {
			t.Notes = append(t.Notes, fmt.Sprintf("%s: only %s samples, so small shares are noise.", g.labels[i], count(samples)))
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
		t.Add("", cells...)
	}
	t.Notes = append(t.Notes, "The samples of the profile pass in which a style was working, each given to the owner of its innermost owned function. The time is this share of the CPU time per operation. An embedded server has no process of its own, so this share is the only figure for it.")
	return t, nil
}

// cpuProfile reads the cell's CPU profile. It is nil if there is none: results may travel
// without their profiles.
func cpuProfile(dir string, profiles []results.Profile, c *results.Cell) (*profile.Profile, error) {
	i := slices.IndexFunc(profiles, func(p results.Profile) bool { return p.Kind == "cpu" && p.Cell == c.Key() })
	if i < 0 || c.Verdict == results.Invalid {
		return nil, nil
	}
	prof, err := readProfile(dir, profiles[i].Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return prof, err
}

// ownersOf divides the samples between owners. Work of the harness between blocks is left out.
func ownersOf(prof *profile.Profile, known map[string]string) (own map[string]float64, samples int64) {
	own, total := map[string]float64{}, 0.0
	for _, sample := range prof.Sample {
		if phase := sample.Label["phase"]; len(phase) > 0 && phase[0] != "run" {
			continue
		}
		value := float64(sample.Value[len(sample.Value)-1]) // CPU time is the last kind
		own[ownerOf(functions(sample), known)] += value
		total += value
		samples += sample.Value[0]
	}
	for name := range own {
		own[name] /= max(total, 1)
	}
	return own, samples
}

// ownerOf is the owner of the innermost owned function in the stack.
func ownerOf(stack []string, known map[string]string) string {
	rest := scheduling
	for _, function := range stack {
		folder := packageOf(function)
		if folder == "main" && function != "main.main" { // which calls all else
			return mainModule
		}
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

// untyped is a function's name without type arguments, which can be whole structs: a.(*T[...]).M.
func untyped(function string) string {
	open, end := strings.IndexByte(function, '['), strings.LastIndexByte(function, ']')
	if open < 0 || end < open {
		return function
	}
	return function[:open] + "[...]" + function[end+1:]
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

// mainModule is the module whose packages are listed one by one.
var mainModule = func() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path != "" {
		return info.Main.Path
	}
	return "rubato"
}()
