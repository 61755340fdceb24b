package reports

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// otherMachine says in what two runs are not of one machine, as far as they tell:
// what the hardware is, and how much of it the run could use. Two machines of one
// model are not told apart. A kernel, a governor, a Go version can change on one
// machine: those are settings.
func otherMachine(a, b Machine) []string {
	out := []string{}
	add := func(what string, a, b any) {
		if a != b {
			out = append(out, fmt.Sprintf("%s: %s in OLD, %s in NEW", what, shown(a), shown(b)))
		}
	}
	add("CPU", a.CPU, b.CPU)
	add("cores", a.Cores, b.Cores)
	add("system", a.OS+"/"+a.Arch, b.OS+"/"+b.Arch)
	add("GOMAXPROCS", a.GOMAXPROCS, b.GOMAXPROCS)
	add("CPU quota", a.Quota, b.Quota)
	if x, y := float64(a.Memory), float64(b.Memory); math.Abs(x-y) > 0.1*max(x, y) { // a kernel keeps more or less for itself
		add("memory", oneLine(memory(x)), oneLine(memory(y)))
	}
	return out
}

func shown(v any) string {
	if s := oneLine(fmt.Sprint(v)); s != "" {
		return s
	}
	return "unknown"
}

// settings warns of what differs between the runs beside the code, and of what each
// run warns of itself.
func settings(a, b *Run) []string {
	out := []string{}
	add := func(what string, a, b any) {
		if a != b {
			out = append(out, fmt.Sprintf("%s differs: %s in OLD, %s in NEW", what, shown(a), shown(b)))
		}
	}
	add("effort", a.Effort, b.Effort)
	add("-fresh", fmt.Sprint(a.Fresh), fmt.Sprint(b.Fresh))
	if a.Seed != b.Seed {
		out = append(out, fmt.Sprintf("the seed differs: %d in OLD, %d in NEW; so the stimuli do, and that the work is the same was not checked across the runs (run both with one -seed)", a.Seed, b.Seed))
	}
	x, y := a.Machine, b.Machine
	add("Go", x.Go, y.Go)
	add("GOGC", x.GOGC, y.GOGC)
	if len(otherMachine(x, y)) == 0 {
		add("kernel", x.Kernel, y.Kernel)
		add("governor", x.Governor, y.Governor)
		add("turbo", x.Turbo, y.Turbo)
		add("throttling", x.Throttled, y.Throttled)
	}
	for _, name := range slices.Sorted(maps.Keys(joined(x.Versions, y.Versions))) {
		add(name, x.Versions[name], y.Versions[name])
	}
	if d := math.Abs(x.Load[0] - y.Load[0]); d > float64(max(1, x.Cores, y.Cores))/4 {
		out = append(out, fmt.Sprintf("the load before the run differs: %.2f in OLD, %.2f in NEW", x.Load[0], y.Load[0]))
	}
	if x.Commit != "" && x.Commit != "unknown" && x.Commit == y.Commit && !x.Dirty && !y.Dirty {
		out = append(out, "both runs are of commit "+oneLine(x.Commit)+": a difference is not one of the code")
	}
	return orEmpty(slices.Concat(out, ownWarnings("OLD", a), ownWarnings("NEW", b)))
}

func joined(a, b map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}

func ownWarnings(side string, r *Run) []string {
	var out []string
	if r.Incomplete != "" {
		out = append(out, "the run is incomplete: "+r.Incomplete)
	}
	out = append(out, r.Machine.Warnings...)
	for i := range out {
		out[i] = side + ": " + out[i]
	}
	return out
}
