package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"rubato/inference"
)

// How much the error rates rest on.
const (
	hogTrials       = 100 // unless -trials says otherwise; in quiet as many again
	fewestTrials    = 10
	mostTrials      = 1_000
	otherShare      = 0.4 // of that many, of each other weather
	decidedShare    = 0.2 // of that many, runs that stop when they know, in quiet and under the hog
	simulatedTrials = 10_000
	simulatedRuns   = 1_000 // that stop when they know
)

// ratesLength is that of the trials behind the error rates.
func ratesLength(trials int) checkLength {
	return checkLength{rounds: Default.Rounds, cuts: 1, atLeast: 2 * trials}
}

// errorFigures are what docs/error-rates.md is written from.
type errorFigures struct {
	*findings
	trials    int
	AA        condition      `json:"aa"` // quiet and hog together
	Runs      []*decided     `json:"decided"`
	Simulated []simulatedRow `json:"simulated"`
}

// A simulatedRow is what one kind of noise came to.
type simulatedRow struct {
	Name   string          `json:"name"`
	Doc    string          `json:"doc"`
	Rates  inference.Rates `json:"rates"`
	Wrong  inference.Rate  `json:"wrong"`
	Found  inference.Rate  `json:"found"`
	Rounds int             `json:"rounds"` // median until +10 % was found
}

// errorRates measures them and writes the page.
func (p program) errorRates(ctx context.Context, t *trials, ask selfcheckFlags) int {
	e := &errorFigures{findings: newFindings(p.suite, ask.seed, ratesLength(ask.trials)), trials: ask.trials}
	failure := e.measureAll(ctx, t, p.told)
	e.conclude(failure)
	e.AA = condition{Name: "quiet and cpu hog", Trials: e.Conditions[0].Trials + e.Conditions[1].Trials,
		rates: e.Conditions[0].rates.And(e.Conditions[1].rates)}
	e.AA.sum()
	page := e.page(p.name)
	if failure == nil {
		if failure = os.WriteFile(ask.into, []byte(page), 0o644); failure == nil {
			p.told("written to %s", ask.into)
		}
	}
	if ask.asJSON {
		text, err := json.MarshalIndent(e, "", "  ")
		failure = errors.Join(failure, err)
		fmt.Fprintf(p.stdout, "%s\n", text)
	} else {
		fmt.Fprint(p.stdout, page)
	}
	switch {
	case errors.Is(failure, errKernelDiffers):
		p.fail(failure)
		return exitInvalid
	case failure != nil:
		return p.fail(fmt.Errorf("the error rates are incomplete, and nothing is written: %w", failure))
	case !e.reached():
		return exitNotFit
	}
	return exitPass
}

func (e *errorFigures) measureAll(ctx context.Context, t *trials, say func(string, ...any)) error {
	for _, step := range []func(context.Context, *trials, func(string, ...any)) error{e.simulate, e.duties, e.fixed, e.decided} {
		if err := step(ctx, t, say); err != nil {
			return err
		}
	}
	return nil
}

// fixed makes the trials of a number of rounds: quiet and hog in turn, then the others.
func (e *errorFigures) fixed(ctx context.Context, t *trials, say func(string, ...any)) error {
	length := ratesLength(e.trials)
	for i := range 2 * e.trials {
		if err := e.life(ctx, t, i%2, length, time.Time{}); err != nil {
			return err
		}
		if i%20 == 19 {
			say("%d of %d trials, quiet and beside a hog", i+1, 2*e.trials)
		}
	}
	others := int(otherShare * float64(e.trials))
	for i := range others {
		for w := 2; w < len(weathers); w++ {
			if err := e.life(ctx, t, w, length, time.Time{}); err != nil {
				return err
			}
		}
		if i%10 == 9 {
			say("%d of %d trials in each other weather", i+1, others)
		}
	}
	return nil
}

// decided makes the runs that stop when they know, with blocks as long as those of
// rubato run.
func (e *errorFigures) decided(ctx context.Context, t *trials, say func(string, ...any)) error {
	looks, err := inference.NewPeeking(inference.DefaultLooks(), inference.Confidence)
	if err != nil {
		return err
	}
	m := *t.measurement
	m.ask.effort = Default
	long := &trials{measurement: &m, number: t.number}
	e.Runs = []*decided{{Name: weathers[0].name}, {Name: weathers[1].name}}
	runs := 2 * int(decidedShare*float64(e.trials))
	for i := range runs {
		d := e.Runs[i%2]
		if err := d.hold(ctx, long, weathers[i%2], looks); err != nil {
			return err
		}
		say("%d of %d runs that stop when they know: found in %v, decided in %v", i+1, runs,
			d.FoundIn[len(d.FoundIn)-1].Round(time.Second/10), d.OverIn[len(d.OverIn)-1].Round(time.Second/10))
	}
	e.Runs = append(e.Runs, e.Runs[0].and(e.Runs[1]))
	return nil
}

// simulate draws trials under every noise.
func (e *errorFigures) simulate(ctx context.Context, _ *trials, say func(string, ...any)) error {
	looks, err := inference.NewPeeking(inference.DefaultLooks(), inference.Confidence)
	if err != nil {
		return err
	}
	slower := math.Log1p(plantedShares[kernelSlow])
	for _, n := range inference.Noises() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		row := simulatedRow{Name: n.Name, Doc: n.Doc}
		if row.Rates, err = inference.Simulate(n, e.Seed, simulatedTrials, Default.Rounds, slower, gateLimit); err != nil {
			return err
		}
		var rounds []int
		if row.Wrong, row.Found, rounds, err = inference.SimulateDecided(n, e.Seed, simulatedRuns, looks, slower); err != nil {
			return err
		}
		row.Rounds = medianOf(rounds)
		e.Simulated = append(e.Simulated, row)
	}
	say("simulated %d trials under each of %d noises", simulatedTrials, len(e.Simulated))
	return nil
}
