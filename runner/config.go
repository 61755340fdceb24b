package runner

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"time"

	"rubato/command"
	"rubato/results"
)

// A config says what a run measures, and how. The command line fills it.
type config struct {
	effort      effort
	out         string // empty: a folder named by the time, under out
	styles      []string
	seed        uint64
	set         settings
	scenarios   []string
	decide      decision
	against     string  // another revision, whose arms stand beside; empty: none
	controls    bool    // comparisons have an A/A control and an injected slowdown
	instruments bool    // comparisons have arms that differ by one instrument
	confidence  float64 // of each interval, so that all of the run err rarely enough together
	slowdown    float64 // size of the injected slowdown, as a share of the baseline's time
}

// parseRun reads flags and scenario names, which may come in any order.
func parseRun(args []string) (config, error) {
	c := config{effort: defaultEffort, set: settings{}}
	var quick, full, seeded, profiled bool
	var styles string
	var profile time.Duration
	flags := command.Flags("run")
	flags.BoolVar(&quick, "quick", false, "")
	flags.BoolVar(&full, "full", false, "")
	flags.StringVar(&c.out, "out", "", "a new folder, such as out/before")
	flags.DurationVar(&profile, "profile", 0, fmt.Sprintf("a time over 0 and at most %.0fh, such as 60s", maxDecisionTime.Hours()))
	flags.StringVar(&styles, "styles", "", "names that list shows, such as A,B")
	flags.Uint64Var(&c.seed, "seed", 0, seedWanted)
	flags.StringVar(&c.against, "against", "", "a commit, tag, branch, "+mergeBase+" or the file of another build")
	flags.Func("set", "KEY=VALUE, such as size=1000", c.addSet)
	c.decisionFlags(flags)
	names, err := parseAnywhere(flags, args)
	if err == nil {
		err = c.checkDecision(flags)
	}
	if err != nil {
		return config{}, err
	}
	empty := ""
	flags.Visit(func(f *flag.Flag) {
		seeded = seeded || f.Name == "seed"
		profiled = profiled || f.Name == "profile"
		if f.Value.String() == "" && f.Name != "set" { // it shows no value
			empty = f.Name
		}
	})
	if empty != "" {
		return config{}, usagef("-%s is given without a value: leave it out for the default", empty)
	}
	if !seeded {
		c.seed = uint64(rand.Uint32()) // short enough to type again
	}
	if quick && full {
		return config{}, usagef("-quick and -full exclude each other")
	}
	if quick {
		c.effort = quickEffort
	}
	if full {
		c.effort = fullEffort
	}
	if profiled {
		if profile <= 0 || profile > maxDecisionTime {
			return config{}, usage(command.Wrong(flags, "profile"))
		}
		c.effort.Profile = profile
	}
	if styles != "" {
		if c.styles, err = splitValues("-styles", styles); err != nil {
			return config{}, err
		}
	}
	c.scenarios = names
	return c, nil
}

func (c *config) addSet(text string) error {
	key, values, err := parseSet(text)
	if err != nil {
		return err
	}
	if _, twice := c.set[key]; twice {
		return usagef("key %s is set twice: give its values in one -set, separated by commas", key)
	}
	c.set[key] = values
	return nil
}

// parseAnywhere reads flags and names in any order.
func parseAnywhere(flags *flag.FlagSet, args []string) (names []string, err error) {
	names, err = command.Parse(flags, args)
	var unknown command.UnknownFlag
	if errors.As(err, &unknown) {
		if now, renamed := renamedFlags[unknown.Name]; renamed && flags.Lookup(now) != nil {
			return nil, usagef("-%s is now -%s", unknown.Name, now)
		}
	}
	return names, usage(err)
}

// usage makes an error one that the user can correct; nil and flag.ErrHelp stay.
func usage(err error) error {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	return usageError{err}
}

// renamedFlags are the flags of earlier versions. They do not work any more; the error
// gives the new name.
var renamedFlags = map[string]string{"proof": "controls", "ledger": "instruments", "plant": "slowdown", "trials": "sessions"}

// decisionFlags are those of a run that decides or has controls.
func (c *config) decisionFlags(flags *flag.FlagSet) {
	flags.BoolVar(&c.decide.on, "decide", false, "")
	flags.DurationVar(&c.decide.time, "time", 0, fmt.Sprintf("a time over 0 and at most %.0fh, such as 90s", maxDecisionTime.Hours()))
	command.ShareVar(flags, &c.decide.precision, "precision", 0, "a share over 0 % and at most 100 %, such as 0.01 or 1%")
	command.ShareVar(flags, &c.decide.margin, "margin", results.DefaultMargin, marginWanted)
	flags.StringVar(&c.decide.budgets, "budgets", defaultBudgets, "a file, such as "+defaultBudgets)
	flags.StringVar(&c.decide.machine, "machine", "", "a kind of machine that the budgets name, such as ci")
	flags.BoolVar(&c.controls, "controls", false, "")
	flags.BoolVar(&c.instruments, "instruments", false, "")
	command.ShareVar(flags, &c.slowdown, "slowdown", defaultSlowdown, "a share over 0 and at most 10, such as 0.10 or 10%")
}

// What flags of several commands want.
const (
	seedWanted   = "a whole number from 0, such as 7"
	marginWanted = "a share from 0 to under 1, such as 0.02 or 2%"
)

// maxDecisionTime bounds a comparison: after a day something else is wrong.
const maxDecisionTime = 24 * time.Hour

// checkDecision rejects flags without effect, and values that make no sense.
func (c *config) checkDecision(flags *flag.FlagSet) error {
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	c.decide.named = given["budgets"]
	switch d := c.decide; {
	case c.instruments && d.on:
		return usagef("-instruments and -decide exclude each other: what measuring costs is measured for a fixed time")
	case c.instruments && d.precision > 0:
		return usagef("-instruments and -precision exclude each other: what measuring costs is measured for a fixed time")
	case given["slowdown"] && !c.controls:
		return usagef("-slowdown sets the size of the injected slowdown: give -controls, too")
	case given["time"] && (d.time <= 0 || d.time > maxDecisionTime):
		return usage(command.Wrong(flags, "time"))
	case given["precision"] && !(d.precision > 0 && d.precision <= 1):
		return usage(command.Wrong(flags, "precision"))
	case !(d.margin >= 0 && d.margin < 1):
		return usage(command.Wrong(flags, "margin"))
	case !(c.slowdown > 0 && c.slowdown <= 10):
		return usage(command.Wrong(flags, "slowdown"))
	}
	return nil
}

// trialTime is how long the trials of a comparison may take.
func (c config) trialTime() time.Duration {
	switch {
	case c.decide.time > 0:
		return c.decide.time
	case c.decide.precision > 0:
		return precisionTime
	case c.decide.on:
		return decisionTime
	}
	return c.effort.Time
}

// effort is how long and how often a run measures. The quick one answers "does it work?",
// the default is for make bench, the full one for publishing.
type effort struct {
	Name   string
	Rounds int           // paired rounds of a comparison; with less than 6 there is no 95 % interval
	Enough time.Duration // rounds end after this time, but not before fewRounds; longer for many arms
	Time   time.Duration // of the trials of a comparison, unless -time says it
	Block  time.Duration // shortest time of a block of the fastest arm
	Warmup int           // most warm-up blocks, if their times do not become steady

	// Active is the window in which one arm works and is sampled. 0: only while it is
	// profiled; the CPU % of the others is then that of their rounds.
	Active time.Duration
	Idle   time.Duration // window in which all arms wait for work

	// Profile is the CPU time of each arm's profile. The pass ends after 1.2 times that
	// of wall time, because an arm that waits may never use so much. It is a little over
	// 10 s, because the profiler finds some 97 % of what getrusage counts.
	Profile time.Duration
	// ProfileAll profiles every comparison, not only the first of each scenario. The
	// active window of a profiled comparison is that pass.
	ProfileAll bool
}

// The efforts. They differ in how many blocks there are and how long these are, never in
// what a block is.
var (
	quickEffort = effort{Name: "quick", Rounds: 10, Enough: 5 * time.Second, Time: 5 * time.Second, Block: 20 * time.Millisecond, Warmup: 3,
		Idle: time.Second, Profile: 300 * time.Millisecond}
	defaultEffort = effort{Name: "default", Rounds: 20, Enough: 10 * time.Second, Time: 25 * time.Second, Block: 100 * time.Millisecond, Warmup: 3,
		Active: time.Second, Idle: 5 * time.Second, Profile: 3150 * time.Millisecond}
	fullEffort = effort{Name: "full", Rounds: 500, Enough: 2 * time.Minute, Time: 2 * time.Minute, Block: 100 * time.Millisecond, Warmup: 8,
		Active: 5 * time.Second, Idle: 5 * time.Second, Profile: 10500 * time.Millisecond, ProfileAll: true}
)

// limits bound every wait for a child process. A style that hangs ends its comparison
// with its name.
type limits struct {
	Prepare time.Duration // making the shared library
	Open    time.Duration
	Script  time.Duration
	Block   time.Duration // one block; calibrated blocks are far shorter
	Profile time.Duration // the same while a profile is taken
	Close   time.Duration
	Usage   time.Duration // an idle child only reads its counters
}

// patience is long enough for a Pi with a microSD card.
var patience = limits{
	Prepare: 5 * time.Minute,
	Open:    2 * time.Minute,
	Script:  2 * time.Minute,
	Block:   2 * time.Minute,
	Profile: 30 * time.Second,
	Close:   10 * time.Second,
	Usage:   10 * time.Second,
}

// A usageError is one that the user can correct on the command line: exit 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// unknown reports a name that is not valid, with one that is near, if there is any.
func unknown(what, name string, valid []string) error {
	return usage(command.Unknown(what, name, valid))
}

// stopsOn are the signals that end a command: none if it handles them itself.
func stopsOn(suite Suite, args []string) []os.Signal {
	if slices.ContainsFunc(suite.Commands, func(c Command) bool { return c.Interrupts && len(args) > 0 && args[0] == c.Name }) {
		return nil
	}
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
}

// SeedAt returns the seed of position i in a script, by SplitMix64 (Steele, Lea and Flood,
// "Fast splittable pseudorandom number generators", OOPSLA 2014).
func SeedAt(seed uint64, i int) uint64 {
	z := seed + (uint64(i)+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
