package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"rubato/command"
	"rubato/results"
)

// selfcheckHelp has the sizes of slowdowns from the constants. It is a format, so their
// percent signs are doubled.
var selfcheckHelp = strings.NewReplacer("SLOW", plus(slowdownShares[kernelSlow])+"%", "GATE", plus(gateShare)+"%").Replace(`Usage: %[1]s selfcheck [flags]

Does this machine measure well enough? The self-check runs trials whose answer is
known, with the same code as %[1]s run. A trial has three arms: an arm, its A/A control
(the same code) and the arm with an injected slowdown of SLOW. Each arm has a new
process in each trial. The arms take turns: one operation of about 1 ms, then the next
arm. ` + strconv.Itoa(sessionTrials) + ` trials make a session, which is judged like a run. Half of the time the machine is
quiet. The other sessions are beside a CPU hog, beside a memory hog, with constant
garbage collection, and with processes that are stopped and resumed. The answer says
which change the machine finds in ` + inSeconds(effectTime) + `, and how often the method was wrong.

  -quick       take under 2 minutes: fewer sessions, wide intervals (default: 5 minutes)
  -json        print the answer as JSON: headline, type_i, coverage and
               minimum_detectable_effect (1 is 100 %%), fit, and more. Rates are of all
               sessions, the effect is of the quiet ones
  -seed N      a whole number: repeat the orders and disturbances of an earlier
               self-check (default: random; the answer shows it)
  -rates       measure the error rates of the method for up to 20 minutes and write them
               to the file of -into; exit 1 if a goal is not reached
  -sessions N  a whole number: sessions that -rates runs beside the CPU hog, and again on the
               quiet machine; other sessions in proportion (default ` + strconv.Itoa(hogSessions) + `)
  -into FILE   the file that -rates writes (default docs/error-rates.md)

type I      share of A/A controls that are called different, at a nominal 5 %%
coverage    share of 95 %% intervals that contain the injected slowdown
over        share of A/A controls that a gate at GATE would refuse
in turn     share of A/A controls that would be called different if one arm were
            measured after the other, as many benchmarks do: the same trials in
            another order
minimum detectable effect
            the smallest change that a run of ` + inSeconds(effectTime) + ` finds 9 times out of 10;
            7 (a factor of 8) means 7 or more

Exit codes: 0 fit for gates, 1 not fit, 2 usage, 3 inconclusive: too few sessions,
4 the processes of the self-check did different work, 5 it failed or was stopped.
In all cases but 2 the answer shows the sessions so far.
`)

// plus shows a slowdown: +1 %.
func plus(share float64) string { return fmt.Sprintf("+%.4g %%", 100*share) }

// inSeconds shows a time: 20 s.
func inSeconds(d time.Duration) string { return fmt.Sprintf("%.4g s", d.Seconds()) }

// selfcheckFlags are the arguments of rubato selfcheck.
type selfcheckFlags struct {
	asJSON, rates bool
	length        checkLength
	seed          uint64
	into          string
}

const (
	// sessionTrials is how many trials a session has. Its interval goes from the second to
	// the eighth value. It errs in 3.9 % of sessions; that of 10 trials has the same rank
	// and errs in 2.1 %: 3.9 % is closer to the nominal 5 %.
	sessionTrials = 9
	// sessionTime is about what a session takes on a quiet machine. Trials are as short as
	// those of a run of this time, so that there are many sessions.
	sessionTime = 2 * time.Second
	// effectTime is the time of a long series. Its trials are as rubato run plans them for
	// this time, and a minimum detectable effect is computed from them.
	effectTime = 20 * time.Second
)

// A checkLength is the length of a self-check.
type checkLength struct {
	series  time.Duration // of short trials under one condition, one after the other
	effects int           // long series of the quiet machine
	others  int           // long series under each other condition
	atLeast int           // sessions that a verdict needs
	time    time.Duration // for all series, long ones included
	hog     int           // for -rates, instead of time: sessions beside the CPU hog, and again on the quiet machine
}

var (
	quickCheck = checkLength{series: 4 * time.Second, effects: 1, atLeast: 30, time: 100 * time.Second}
	wholeCheck = checkLength{series: 4 * time.Second, effects: 5, others: 1, atLeast: 60, time: 285 * time.Second}
)

func parseSelfcheck(args []string) (selfcheckFlags, error) {
	ask := selfcheckFlags{length: wholeCheck}
	flags := command.Flags("selfcheck")
	quick := flags.Bool("quick", false, "")
	flags.BoolVar(&ask.asJSON, "json", false, "")
	flags.BoolVar(&ask.rates, "rates", false, "")
	flags.Uint64Var(&ask.seed, "seed", 0, seedWanted)
	flags.StringVar(&ask.into, "into", "docs/error-rates.md", "a file, such as docs/error-rates.md")
	sessions := flags.Int("sessions", 0, fmt.Sprintf("a whole number from %d to %d, such as %d", fewestSessions, mostSessions, hogSessions))
	names, err := parseAnywhere(flags, args)
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case err != nil:
		return ask, err
	case len(names) > 0:
		return ask, usagef("selfcheck takes no names, not %q: it measures its own work", names)
	case ask.rates && *quick:
		return ask, usagef("-quick and -rates exclude each other")
	case !ask.rates && (given["sessions"] || given["into"]):
		return ask, usagef("-sessions and -into belong to -rates: give -rates, too")
	case given["sessions"] && (*sessions < fewestSessions || *sessions > mostSessions):
		return ask, usage(command.Wrong(flags, "sessions"))
	case *quick:
		ask.length = quickCheck
	case ask.rates:
		n := cmp.Or(*sessions, hogSessions)
		ask.length = checkLength{series: effectTime, effects: 3, others: 1, atLeast: 2 * n, hog: n}
	}
	ask.seed = cmp.Or(ask.seed, uint64(rand.Uint32()))
	return ask, nil
}

// selfcheck is the command.
func (p program) selfcheck(ctx context.Context, args []string) int {
	ask, err := parseSelfcheck(args)
	if errors.Is(err, flag.ErrHelp) {
		p.printHelp(p.stdout, "selfcheck")
		return exitPass
	}
	if err == nil && ask.rates {
		err = toWrite("into", ask.into)
	}
	if err = cmp.Or(err, p.cannot); err != nil {
		return p.fail(err)
	}
	t, err := p.trials(ask.seed)
	if err != nil {
		return p.fail(err)
	}
	defer p.clear()
	return p.check(ctx, t, newFindings(p.suite, ask.seed, ask.length), ask)
}

// check measures, and prints the answer even after a failure. It returns the exit code.
func (p program) check(ctx context.Context, t *trials, f *findings, ask selfcheckFlags) int {
	measure, name := f.measure, "text"
	if ask.rates {
		measure, name = f.measureRates, "page"
	}
	failure := measure(ctx, t)
	f.conclude(failure)
	text, err := f.render(name, p.name)
	switch failure = errors.Join(failure, err); {
	case ask.rates && failure == nil:
		t.say("writing %s", ask.into)
		failure = results.WriteFile(ask.into, []byte(text))
	case ask.rates:
		failure = fmt.Errorf("%s is not written: %w", ask.into, failure)
	}
	if ask.asJSON {
		data, err := json.MarshalIndent(f, "", "  ")
		text, failure = string(data)+"\n", errors.Join(failure, err)
	}
	fmt.Fprint(p.stdout, text)
	if failure == nil {
		return f.exit
	}
	exit := p.fail(fmt.Errorf("the self-check is incomplete: %w", failure))
	if errors.Is(failure, errKernelDiffers) {
		return exitInvalid
	}
	return exit
}
