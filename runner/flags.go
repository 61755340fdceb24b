package runner

import (
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"strings"
)

// runFlags are the arguments of rubato run.
type runFlags struct {
	effort    Effort
	out       string // empty: a folder named by the time, under out
	styles    []string
	seed      uint64
	set       settings
	scenarios []string
	decide    decision
	proof     bool    // every contest that can carries a twin and a plant
	ledger    bool    // every contest that can carries arms that differ by one instrument
	fresh     bool    // each round of a contest that compares times has processes of its own
	plant     float64 // share of the baseline's time by which the plant slows it down
}

// parseRun reads flags and scenario names, which may come in any order.
func parseRun(args []string) (runFlags, error) {
	ask := runFlags{effort: Default, set: settings{}}
	var quick, full, seeded bool
	var styles string
	flags := newFlags("run")
	flags.BoolVar(&quick, "quick", false, "")
	flags.BoolVar(&full, "full", false, "")
	flags.StringVar(&ask.out, "out", "", "")
	flags.StringVar(&styles, "styles", "", "")
	flags.Uint64Var(&ask.seed, "seed", 0, "")
	flags.Func("set", "", ask.addSet)
	flags.BoolVar(&ask.fresh, "fresh", false, "")
	ask.decisionFlags(flags)
	names, err := parseAnywhere(flags, args)
	if err == nil {
		err = ask.checkDecision(flags)
	}
	if err != nil {
		return runFlags{}, err
	}
	empty := ""
	flags.Visit(func(f *flag.Flag) {
		seeded = seeded || f.Name == "seed"
		if f.Value.String() == "" && f.Name != "set" {
			empty = f.Name
		}
	})
	if empty != "" {
		return runFlags{}, usagef("-%s is given without a value: leave it out for the default", empty)
	}
	if !seeded {
		ask.seed = uint64(rand.Uint32()) // short enough to be typed again
	}
	ask.fresh = ask.fresh || ask.ledger // an instrument costs less than processes differ
	if quick && full {
		return runFlags{}, usagef("-quick and -full exclude each other")
	}
	if quick {
		ask.effort = Quick
	}
	if full {
		ask.effort = Full
	}
	if styles != "" {
		if ask.styles, err = splitValues("-styles", styles); err != nil {
			return runFlags{}, err
		}
	}
	ask.scenarios = names
	return ask, nil
}

func (ask *runFlags) addSet(text string) error {
	key, values, err := parseSet(text)
	if err != nil {
		return err
	}
	if _, twice := ask.set[key]; twice {
		return usagef("key %s is set twice: give its values in one -set, separated by commas", key)
	}
	ask.set[key] = values
	return nil
}

// newFlags is a silent flag set: what it finds wrong is said by this package, with
// the nearest valid name.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	return flags
}

// parseAnywhere lets flags follow names, which package flag alone does not.
func parseAnywhere(flags *flag.FlagSet, args []string) (names []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, flagError(flags, err)
		}
		if flags.NArg() == 0 {
			return names, nil
		}
		names = append(names, flags.Arg(0))
		args = flags.Args()[1:]
	}
}

func flagError(flags *flag.FlagSet, err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	message := err.Error()
	if name, found := strings.CutPrefix(message, "flag provided but not defined: -"); found {
		var valid []string
		flags.VisitAll(func(f *flag.Flag) { valid = append(valid, "-"+f.Name) })
		return unknown("flag", "-"+name, valid)
	}
	// A flag.Func error carries ours inside: `invalid value "x" for flag -set: …`.
	if _, ours, found := strings.Cut(message, "for flag -set: "); found {
		message = ours
	}
	return usageError{message}
}
