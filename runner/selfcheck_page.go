package runner

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A goal is an error rate to reach.
type goal struct {
	what, got string
	reached   bool
}

// goals are what the method promises, held against what was measured.
func (e *errorFigures) goals() []goal {
	in := func(s share, lo, hi float64) bool { return s.N > 0 && s.Share >= lo && s.Share <= hi }
	goals := []goal{
		{fmt.Sprintf("of %d A/A trials, half of them beside the hog, a gate at +5 %% refuses at most 1 %%", e.AA.Trials), e.AA.Over.String(), in(e.AA.Over, 0, overMost)},
		{"type I of a nominal 5 % between 2 and 7 %", e.AA.TypeI.String(), in(e.AA.TypeI, 0.02, typeIMost)},
		{"coverage of the 95 % interval between 92 and 98 %", e.AA.Coverage.String(), in(e.AA.Coverage, coverageLeast, 0.98)},
	}
	if n := len(e.Runs); n > 0 {
		all := e.Runs[n-1]
		median := middleOf(slices.Sorted(slices.Values(all.OverIn)))
		goals = append(goals,
			goal{fmt.Sprintf("a planted +10 %% is found in at least 90 %% of runs, within %.0f s", decidedIn.Seconds()), all.Found.String(), in(all.Found, 0.9, 1)},
			goal{"+20 % is decided in a median of 20 s", times(all.OverIn), median <= 20*time.Second})
	}
	goals = append(goals, e.simulatedGoals()...)
	for _, d := range e.Duty {
		goals = append(goals, goal{fmt.Sprintf("a load of %.0f %% of a core is read within %d points of what it was: %.1f %%", d.Wanted, dutyMost, d.Given), d.figures(), d.Right})
	}
	return goals
}

// simulatedGoals hold the same under the worst of the simulated noises.
func (e *errorFigures) simulatedGoals() []goal {
	if len(e.Simulated) == 0 {
		return nil
	}
	worst := func(of func(simulatedRow) float64) (lo, hi float64) {
		lo, hi = 1, 0
		for _, s := range e.Simulated {
			lo, hi = min(lo, of(s)), max(hi, of(s))
		}
		return lo, hi
	}
	typeLo, typeHi := worst(func(s simulatedRow) float64 { return s.Rates.TypeI.Share() })
	coverLo, coverHi := worst(func(s simulatedRow) float64 { return s.Rates.Coverage.Share() })
	_, over := worst(func(s simulatedRow) float64 { return s.Rates.Over.Share() })
	_, wrong := worst(func(s simulatedRow) float64 { return s.Wrong.Share() })
	between := func(lo, hi float64) string { return fmt.Sprintf("%.1f to %.1f %%", 100*lo, 100*hi) }
	return []goal{
		{"simulated, every noise: type I between 2 and 7 %", between(typeLo, typeHi), typeLo >= 0.02 && typeHi <= typeIMost},
		{"simulated, every noise: coverage between 92 and 98 %", between(coverLo, coverHi), coverLo >= coverageLeast && coverHi <= 0.98},
		{"simulated, every noise: a gate at +5 % refuses at most 1 % of twins", fmt.Sprintf("at most %.2f %%", 100*over), over <= overMost},
		{"simulated, every noise: a twin is called different at any look in at most 7 %", fmt.Sprintf("at most %.1f %%", 100*wrong), wrong <= typeIMost},
	}
}

func (e *errorFigures) reached() bool {
	return !slices.ContainsFunc(e.goals(), func(g goal) bool { return !g.reached })
}

// page is docs/error-rates.md.
func (e *errorFigures) page(program string) string {
	var out strings.Builder
	m := e.Machine
	fmt.Fprintf(&out, "# Error rates\n\nHow often the method is wrong where the answer is known. Written by `%s selfcheck -rates` (seed %d, %.0f min) on %s.\n\n",
		program, e.Seed, e.Seconds/60, e.started.UTC().Format("2 January 2006"))
	fmt.Fprintf(&out, "Machine: %s, %d cores, GOMAXPROCS %d, GOGC %s, %s/%s, kernel %s, %s; load at the start %.2f, %.1f %% of CPU time stolen.\n\n",
		m.CPU, m.Cores, m.GOMAXPROCS, m.GOGC, m.OS, m.Arch, m.Kernel, m.Go, m.Load[0], m.StealPct)
	if e.Incomplete != "" {
		fmt.Fprintf(&out, "**Incomplete**: %s\n\n", e.Incomplete)
	}
	for _, w := range m.Warnings {
		fmt.Fprintf(&out, "- warning: %s\n", w)
	}
	fmt.Fprint(&out, "\n## To reach, and reached\n\nRates stand with their 95 % interval (Clopper and Pearson).\n\n| to reach | measured | |\n|---|---|---|\n")
	for _, g := range e.goals() {
		verdict := "reached"
		if !g.reached {
			verdict = "**not reached**"
		}
		fmt.Fprintf(&out, "| %s | %s | %s |\n", g.what, g.got, verdict)
	}
	e.pageOfTrials(&out)
	e.pageOfRuns(&out)
	e.pageOfSimulated(&out)
	return out.String()
}

// pageOfTrials is a line for each weather.
func (e *errorFigures) pageOfTrials(out *strings.Builder) {
	fmt.Fprintf(out, "\n## On the machine, by weather\n\nA trial is %d paired rounds in random order of an arm, its twin and the arm slowed down by 10 %%, "+
		"each in a process of its own, started for this trial. The slowness is so many steps more, of the same kind as the others. "+
		"An interval errs in somewhat less than 5 %% by itself, as its ranks are whole numbers. *In turn* takes the same blocks as if one arm had been measured after the other, "+
		"and compares them as many benchmarks do (Mann and Whitney, at 5 %%).\n\n", e.Rounds)
	fmt.Fprint(out, "| weather | type I | coverage | +10 % found | over +5 % | in turn | smallest effect |\n|---|---|---|---|---|---|---|\n")
	for _, c := range append(append([]condition{}, e.Conditions...), e.AA, e.All) {
		fmt.Fprintf(out, "| %s%s | %s | %s | %s | %s | %s | %s |\n", c.Name, explained(c.Doc), c.TypeI, c.Coverage, c.Found, c.Over, c.InTurn, c.effect())
	}
}

func explained(doc string) string {
	if doc == "" {
		return ""
	}
	return ": " + doc
}

// pageOfRuns is a line for each weather of the runs that stop when they know.
func (e *errorFigures) pageOfRuns(out *strings.Builder) {
	fmt.Fprintf(out, "\n## Runs that stop when they know\n\nBlocks of %v; looks after 8, 12, 16, 24 … rounds, which together err in 5 %%. "+
		"Times are from the start of the processes; what was not decided in %.0f s counts as that.\n\n", Default.Block, decidedIn.Seconds())
	fmt.Fprint(out, "| weather | +10 % found | in a median of | +20 % over a budget of +10 % | in a median of | twin called different at any look |\n|---|---|---|---|---|---|\n")
	for _, d := range e.Runs {
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", d.Name, d.Found, times(d.FoundIn), d.Decided, times(d.OverIn), d.Wrong)
	}
}

// pageOfSimulated is a line for each noise.
func (e *errorFigures) pageOfSimulated(out *strings.Builder) {
	fmt.Fprintf(out, "\n## Simulated\n\n%d trials of %d rounds under each noise, and %d runs that stop when they know, of %d rounds at most.\n\n",
		simulatedTrials, e.Rounds, simulatedRuns, 512)
	fmt.Fprint(out, "| noise | type I | coverage | +10 % found | over +5 % | in turn | at any look: twin different | +10 % found | after rounds |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range e.Simulated {
		fmt.Fprintf(out, "| %s: %s | %s | %s | %s | %s | %s | %s | %s | %d |\n", s.Name, s.Doc,
			s.Rates.TypeI, s.Rates.Coverage, s.Rates.Found, s.Rates.Over, s.Rates.InTurn, s.Wrong, s.Found, s.Rounds)
	}
}

func medianOf(of []int) int {
	if len(of) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(of))[len(of)/2]
}
