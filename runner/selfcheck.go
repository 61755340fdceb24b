package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const selfcheckHelp = `Usage: %[1]s selfcheck [flags]

Does this machine measure well enough? Runs trials of which the answer is known, by
the machinery of %[1]s run: an arm, its twin (the same code) and the same arm slowed
down by 10 %%, each in a process of its own, in random order round by round. It does
so in quiet, beside a CPU hog and a memory hog, under a storm of garbage collection,
and with children that are stopped and resumed; and says how often it was wrong.

  -quick      some 50 s, short trials, wide intervals (default: 5 minutes)
  -json       the answer as JSON: type_i, coverage, smallest_effect (shares of 1),
              fit, and more; rates of all trials, smallest_effect of the quiet ones
  -seed N     the same orders and disturbances again (default: drawn, and told)
  -rates      measure the error rates of the method at length, some 20 minutes, and
              write them to -into; exit 1 if one is not reached
  -trials N   how many trials -rates makes beside the hog, and as many in quiet; of
              other kinds in proportion (default 100)
  -into FILE  where -rates writes (default docs/error-rates.md)

type I           share of twins that are called different, at a nominal 5 %%
coverage         share of 95 %% intervals that hold the planted slowness
smallest effect  what a run of all rounds of a pair of processes would find 9 times out
                 of 10 (how many is told); 7 (a factor of 8) stands
                 for more than that
over             share of twins that a gate at +5 %% would have refused
in turn          share of twins called different had one been measured after the
                 other, as many benchmarks do: the same blocks in another order

Exit codes: 0 fit for gates, 1 not fit, 2 usage, 3 inconclusive: too little was seen,
4 the self-check's own work differed between processes, 5 it failed or was stopped;
what was seen by then is told.
`

// selfcheckFlags are the arguments of rubato selfcheck.
type selfcheckFlags struct {
	quick, asJSON, rates bool
	seed                 uint64
	into                 string
	trials               int // beside the hog; in quiet as many again
}

func parseSelfcheck(args []string) (selfcheckFlags, error) {
	var ask selfcheckFlags
	flags := newFlags("selfcheck")
	flags.BoolVar(&ask.quick, "quick", false, "")
	flags.BoolVar(&ask.asJSON, "json", false, "")
	flags.BoolVar(&ask.rates, "rates", false, "")
	flags.Uint64Var(&ask.seed, "seed", 0, "")
	flags.StringVar(&ask.into, "into", "", "")
	flags.IntVar(&ask.trials, "trials", 0, "")
	names, err := parseAnywhere(flags, args)
	switch {
	case err != nil:
		return ask, err
	case len(names) > 0:
		return ask, usagef("selfcheck takes no names, not %q: it measures work of its own", names)
	case ask.rates && ask.quick:
		return ask, usagef("-quick and -rates exclude each other")
	case ask.trials != 0 && !ask.rates:
		return ask, usagef("-trials says how many -rates makes: give -rates, too")
	case ask.trials < 0 || ask.trials > mostTrials || ask.trials > 0 && ask.trials < fewestTrials:
		return ask, usagef("-trials %d: give %d to %d", ask.trials, fewestTrials, mostTrials)
	case ask.into != "" && !ask.rates:
		return ask, usagef("-into says where -rates writes: give -rates, too")
	}
	ask.trials = cmp.Or(ask.trials, hogTrials)
	ask.seed, ask.into = cmp.Or(ask.seed, uint64(rand.Uint32())), cmp.Or(ask.into, "docs/error-rates.md")
	return ask, nil
}

// selfcheck is the command.
func (p program) selfcheck(ctx context.Context, args []string) int {
	ask, err := parseSelfcheck(args)
	if errors.Is(err, flag.ErrHelp) {
		p.printHelp(p.stdout, "selfcheck")
		return exitPass
	}
	if err != nil {
		return p.fail(err)
	}
	t, err := p.trials(ask.seed)
	if err != nil {
		return p.fail(err)
	}
	defer p.clear()
	if ask.rates {
		return p.errorRates(ctx, t, ask)
	}
	length := wholeCheck
	if ask.quick {
		length = quickCheck
	}
	f := newFindings(p.suite, ask.seed, length)
	failure := f.measure(ctx, t, length, p.told)
	f.conclude(failure)
	return p.tell(f, ask.asJSON, failure)
}

// told is a line of progress.
func (p program) told(format string, args ...any) { fmt.Fprintf(p.stderr, format+"\n", args...) }

// tell prints the findings; what was seen is told whatever ended the check.
func (p program) tell(f *findings, asJSON bool, failure error) int {
	if asJSON {
		text, err := json.MarshalIndent(f, "", "  ")
		if err != nil {
			return p.fail(errors.Join(failure, err))
		}
		fmt.Fprintf(p.stdout, "%s\n", text)
	} else {
		fmt.Fprint(p.stdout, f.text())
	}
	if failure != nil {
		p.fail(fmt.Errorf("the self-check is incomplete: %w", failure))
		if errors.Is(failure, errKernelDiffers) {
			return exitInvalid
		}
		return exitFailed
	}
	return f.exit
}

// trials makes what all trials stand on: a folder that is gone at the end, and no
// record, as only rates are kept.
func (p program) trials(seed uint64) (*trials, error) {
	dir, err := os.MkdirTemp("", "selfcheck-")
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "tmp"), 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("making a folder to work in: %w", err)
	}
	folder := folder{path: dir, show: dir, work: dir}
	p.left.in(folder)
	return &trials{measurement: &measurement{ask: runFlags{effort: Quick, seed: seed}, limits: p.limits, folder: folder,
		floor: measureFloor(), leftovers: p.left, progress: newProgress(io.Discard, 0)}}, nil
}
