package runner

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"rubato/inference"
)

// The numbers that the error rates rest on.
const (
	hogSessions       = 100 // beside the CPU hog, and again on the quiet machine, without -sessions
	fewestSessions    = 10
	mostSessions      = 1_000
	otherShare        = 0.2 // of that number, under each other condition
	decidedShare      = 0.1 // of that number: runs that stop when they are certain, quiet and beside the CPU hog
	simulatedSessions = 10_000
	simulatedRuns     = 1_000 // that stop when they are certain
)

// measureRates measures what the page of error rates shows.
func (f *findings) measureRates(ctx context.Context, t *trials) error {
	looks, err := inference.NewSequentialPaired(inference.DefaultLooks(), inference.Confidence)
	if err != nil {
		return err
	}
	if err := f.simulate(ctx, t, looks); err != nil {
		return err
	}
	if err := f.duties(ctx, t); err != nil {
		return err
	}
	if err := f.fixed(ctx, t); err != nil {
		return err
	}
	return f.decide(ctx, t, looks)
}

// A simulatedRow is the result of sessions under one kind of noise.
type simulatedRow struct {
	Name   string          `json:"name"`
	Doc    string          `json:"doc"`
	Rates  inference.Rates `json:"rates"`
	Wrong  inference.Rate  `json:"wrong"`
	Found  inference.Rate  `json:"found"`
	Trials int             `json:"trials"` // median until the slowdown was found
}

// simulate draws sessions under every noise.
func (f *findings) simulate(ctx context.Context, t *trials, looks *inference.Sequential) (err error) {
	slow := math.Log1p(slowdownShares[kernelSlow])
	for _, n := range inference.Noises() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		row := simulatedRow{Name: n.Name, Doc: n.Doc}
		if row.Rates, err = inference.Simulate(n, f.Seed, simulatedSessions, sessionTrials, slow, math.Log1p(gateShare)); err != nil {
			return err
		}
		var trials []int
		if row.Wrong, row.Found, trials, err = inference.SimulateDecided(n, f.Seed, simulatedRuns, looks, slow); err != nil {
			return err
		}
		row.Trials = medianOf(trials, 0)
		f.Simulated = append(f.Simulated, row)
	}
	t.say("simulated %d sessions under each of %d noises", simulatedSessions, len(f.Simulated))
	return nil
}

// fixed runs the long series, and then short trials up to a fixed number of sessions: quiet
// and CPU hog in turn, then the other conditions.
func (f *findings) fixed(ctx context.Context, t *trials) error {
	if err := f.long(ctx, t); err != nil {
		return err
	}
	want := func(number int) int {
		if number < 2 {
			return f.length.hog
		}
		return int(otherShare * float64(f.length.hog))
	}
	for from, to := 0, 2; from < len(f.Conditions); from, to = to, len(f.Conditions) {
		for done := false; !done; {
			done = true
			for number := from; number < to; number++ {
				if f.Conditions[number].Sessions >= want(number) {
					continue
				}
				if err := f.series(ctx, t, number, want(number), false); err != nil {
					return err
				}
				done = false
				t.say("%s: %d of %d sessions", f.Conditions[number].Name, f.Conditions[number].Sessions, want(number))
			}
		}
	}
	return nil
}

const (
	// decidedIn is how long a run may look for an answer.
	decidedIn = 60 * time.Second
	// decidedBudget is the budget of the gates here: the larger slowdown is decided against it.
	decidedBudget = 0.01
)

// decided is the result of runs that stop when they are certain.
type decided struct {
	Name     string          `json:"name"`
	Slowdown float64         `json:"slowdown"` // that is to be found
	Found    inference.Rate  `json:"found"`    // it is found in time
	Decided  inference.Rate  `json:"decided"`  // quiet: the larger slowdown is called over decidedBudget in time
	Wrong    inference.Rate  `json:"wrong"`    // the A/A control is called different at any look
	FoundIn  []time.Duration `json:"found_in"`
	OverIn   []time.Duration `json:"over_in"` // decidedIn for a run that is not decided in time

	style    string // the arm with the slowdown
	budgeted bool   // the run goes on until the budget is decided, too
}

// newDecided are the runs of each condition, still without figures. Beside the CPU hog the
// larger slowdown is to be found, and the budget is no question: it may take the whole time.
func newDecided() []decided {
	runs := []decided{{Name: conditions[0].Name, style: kernelSlow, budgeted: true}, {Name: conditions[1].Name, style: kernelSlower}}
	for i := range runs {
		runs[i].Slowdown = slowdownShares[runs[i].style]
	}
	return runs
}

// Show is the slowdown that is to be found.
func (d decided) Show() string { return plus(d.Slowdown) }

// decide runs until the answers are certain, with trials as long as those of rubato run.
func (f *findings) decide(ctx context.Context, t *trials, looks *inference.Sequential) error {
	t.plan = decidedIn
	f.Runs = newDecided()
	runs := len(f.Runs) * int(decidedShare*float64(f.length.hog))
	for i := range runs {
		d := &f.Runs[i%len(f.Runs)]
		s, err := t.run(ctx, f.Conditions[i%len(f.Runs)], []string{kernelArm, kernelAA, kernelSlow, kernelSlower}, decidedIn, func(s *series) bool {
			n := len(s.took)
			return n >= looks.Last() || looks.Due(n) && s.certain(looks, d.style, 0) && (!d.budgeted || s.certain(looks, kernelSlower, decidedBudget))
		})
		if err != nil {
			return err // trials so far do not count: they would count as not found
		}
		f.Dropped += s.dropped
		if err := d.add(s, looks); err != nil {
			return err
		}
		t.say("%d of %d runs that stop when they are certain: %s: %s found in %v", i+1, runs, d.Name, d.Show(),
			d.FoundIn[len(d.FoundIn)-1].Round(time.Second/10))
	}
	return nil
}

// decide asks whether an arm is over a budget; without one, whether it differs from the
// baseline.
func (s *series) decide(looks *inference.Sequential, style string, budget float64) (verdict inference.Verdict, trials int, err error) {
	return looks.Decide(s.against(style), func(i inference.Interval) inference.Verdict {
		if budget > 0 {
			return inference.AgainstLimit(i, math.Log1p(budget))
		}
		return inference.AgainstNone(i, 0, 0)
	})
}

func (s *series) certain(looks *inference.Sequential, style string, budget float64) bool {
	verdict, _, err := s.decide(looks, style, budget)
	return err == nil && verdict != inference.Inconclusive
}

// add judges a run. If its time was used up, it is looked at a last time.
func (d *decided) add(s *series, looks *inference.Sequential) error {
	if s.timeUp {
		looks = looks.EndingAt(len(s.took))
	}
	found, foundAt, err1 := s.decide(looks, d.style, 0)
	over, overAt, err2 := s.decide(looks, kernelSlower, decidedBudget)
	aa, _, err3 := s.decide(looks, kernelAA, 0)
	d.FoundIn = append(d.FoundIn, countInTime(&d.Found, found, s.took[foundAt-1]))
	if d.budgeted {
		d.OverIn = append(d.OverIn, countInTime(&d.Decided, over, s.took[overAt-1]))
	}
	d.Wrong.Count(aa != inference.Inconclusive)
	return errors.Join(err1, err2, err3)
}

// countInTime counts whether a verdict is right and in time, and returns the time it took.
func countInTime(r *inference.Rate, v inference.Verdict, took time.Duration) time.Duration {
	right := v == inference.Over && took <= decidedIn
	r.Count(right)
	if !right {
		return decidedIn
	}
	return took
}

// A goal is an error rate to reach.
type goal struct {
	What, Got string
	Reached   bool
}

// within is a goal for a rate, or for the rates under all simulated noises. The latter are
// shown by format, which gets the lowest and the highest in percent.
func within(least, most float64, what, format string, rates ...inference.Rate) goal {
	lo, hi, n := 1.0, 0.0, 0
	for _, r := range rates {
		lo, hi, n = min(lo, r.Share()), max(hi, r.Share()), n+r.N
	}
	got := fmt.Sprintf(format, 100*lo, 100*hi)
	if format == "" {
		got = rates[0].String()
	}
	return goal{what, got, n > 0 && lo >= least && hi <= most}
}

// Goals compares what the method promises with what was measured.
func (f *findings) Goals() []goal {
	var typeI, coverage, over, wrong []inference.Rate
	for _, s := range f.Simulated {
		typeI, coverage = append(typeI, s.Rates.TypeI), append(coverage, s.Rates.Coverage)
		over, wrong = append(over, s.Rates.Over), append(wrong, s.Wrong)
	}
	runs := f.Runs
	if len(runs) == 0 {
		runs = newDecided()
	}
	gate := fmt.Sprintf("a gate at %s refuses at most %.0f %% of ", plus(gateShare), 100*overMost)
	typeIs := fmt.Sprintf("between %.0f and %.0f %%", 100*typeILeast, 100*typeIMost)
	covers := fmt.Sprintf("between %.0f and %.0f %%", 100*coverageLeast, 100*coverageMost)
	const between = "%.1f to %.1f %%"
	goals := []goal{
		within(0, overMost, fmt.Sprintf("%s%d A/A sessions, half of them beside the CPU hog", gate, f.AA.Sessions), "", f.AA.Over),
		within(typeILeast, typeIMost, "type I of a nominal 5 % "+typeIs, "", f.AA.TypeI),
		within(coverageLeast, coverageMost, "coverage of the 95 % interval "+covers, "", f.AA.Coverage),
	}
	for _, d := range runs {
		goals = append(goals, within(power, 1, fmt.Sprintf("%s: an injected %s is found in at least %.0f of 10 runs, within %s", d.Name, d.Show(), 10*power, inSeconds(decidedIn)), "", d.Found))
	}
	overIn := runs[0].OverIn
	goals = append(goals,
		goal{fmt.Sprintf("quiet: %s over a budget of %s is decided in a median of at most %s", plus(slowdownShares[kernelSlower]), plus(decidedBudget), inSeconds(effectTime)),
			times(overIn), medianOf(overIn, decidedIn) <= effectTime},
		within(typeILeast, typeIMost, "simulated, every noise: type I "+typeIs, between, typeI...),
		within(coverageLeast, coverageMost, "simulated, every noise: coverage "+covers, between, coverage...),
		within(0, overMost, "simulated, every noise: "+gate+"A/A controls", "at most %.2[2]f %%", over...),
		within(0, typeIMost, fmt.Sprintf("simulated, every noise: at most %.0f %% of A/A controls are called different at any look", 100*typeIMost), "at most %.1[2]f %%", wrong...))
	for _, d := range f.Duty {
		goals = append(goals, goal{fmt.Sprintf("a load of %.0f %% of a core is read within %d points of the load that there was: %.1f %%", d.Wanted, dutyMost, d.Given), d.Routes(), d.Right})
	}
	return goals
}

// times shows the median and the longest of some times.
func times(of []time.Duration) string {
	if len(of) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f s, longest %.1f s", medianOf(of, 0).Seconds(), slices.Max(of).Seconds())
}
