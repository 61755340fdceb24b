// Package runner measures any style under any scenario. It owns the clock, the
// child processes, the order of things and the command line; it names no style
// and knows no player, so that another system can be measured by registering its
// own Suite.
//
// It does no statistics and draws nothing: it hands raw blocks to package
// reports, and budgets to package ci.
//
// The way through it: arguments become a configuration (config) and a plan (plan). A plan
// is run comparison by comparison (run, comparison). In a comparison all arms do the same
// work in turn, each in a process of its own (process is the parent's side, child the
// measured side): script, calibration, rounds, windows. Each result is recorded at once
// (folder), and read by reports at the end (run).
package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"rubato/ci/history"
	"rubato/results"
)

// A Suite is what can be measured: styles of doing the same work, and scenarios, which are
// the work.
type Suite struct {
	Name      string
	Styles    []Style // the first is the baseline
	Scenarios []Scenario
	Versions  map[string]string // of what the styles stand on
	Commands  []Command         // of the system measured, beside the runner's own
	Published []results.Published
	Child     []string // what leads the program to Main when it is started as a measured child; nil: nothing has to
	Asked     []string // the command line that results name, after the program; nil: run and its arguments
}

// A Command is one more command of the program. Run gets the arguments after its name and
// returns the exit code. It must have a help text on -h, and end soon after ctx.
type Command struct {
	Name string
	Doc  string // what it does, in one line
	Run  func(ctx context.Context, args []string, stdout, stderr io.Writer) int
	// Interrupts: Run handles signals itself, and ctx is never done.
	Interrupts bool
}

// A Style is known to the runner by name only. Scenarios open it.
type Style struct {
	Name, Doc string
	// Plain: it adds nothing to the work. As the baseline it must be near Scenario.Floor.
	Plain bool
}

// Options are a scenario's settings, by key.
type Options map[string]string

// A Key is a setting of a scenario. Default may list several values, separated by commas:
// each makes a cell of its own, with the value in its name.
type Key struct {
	Name    string
	Doc     string
	Default string
	Values  []string           // all that are valid; empty: Check decides
	Check   func(string) error // reports what is wrong with a value
	Styles  []string           // styles it applies to; empty: all
}

// A Scenario is one workload and what must come of it.
type Scenario struct {
	Name    string
	Answers string // the question it answers, in one line
	Op      string // what one operation is, in one word
	Keys    []Key
	Script  int // stimuli of the untimed transcript
	Claims  []Claim
	// Arms, if there are any, take the place of the suite's styles. They are pieces that
	// do not do the same work: each has a block size of its own, their work is not
	// compared, and they have no windows or profiles. Ratios are to the first.
	// Setup.Style names the arm to open.
	Arms   []Style
	ArmKey string // what an arm is called in results and in -set, such as "piece"
	Pairs  []Pair // of arms: what a switch saves
	// Factors, if set, says that the values of a key are the corners of two factors.
	Factors *results.Factorial

	// Size, if set, gives the size of blocks for an effort ("quick", "default" or "full")
	// and the options that apply to all styles.
	Size func(effort string, options Options) Size
	// Grid, if set, are values of some keys that are measured together by default, a comparison
	// each. Whoever sets one of these keys gets all combinations of their values, as usual.
	Grid []Options
	// Pause is how long an arm waits before each slice, outside the clock. A slice is then as short
	// as can be, and the caches are cold. nil: turns follow one another.
	Pause func(Options) time.Duration
	// Fits, if set, reports what is wrong with values that are valid each alone, before anything
	// is measured.
	Fits func(Options) error
	// Paced: a clock or the length of the experiment sets the wall time, so time per
	// operation is no cost. Styles are compared by latency percentiles, CPU per
	// operation and Measures. Few rounds are then enough.
	Paced bool
	// Together: the blocks of all arms run at the same time. It is for Paced workloads
	// that wait nearly always.
	Together bool
	// Bare: there are no active and idle windows and no profile: the blocks are long
	// enough for CPU %, or another pass would take too long.
	Bare    bool
	Outside bool // other programs do the work, so the memory of the measured process says nothing
	// Unit is the fewest operations that are honest to time alone, such as those of a full
	// batch. Slices are multiples of it. nil: one.
	Unit func(Options) int
	// Anywhere means that the script can begin at any stimulus on new stores: each trial then
	// goes on where the one before stopped. So a style that does other work seldom, for one
	// stimulus of many, meets it in some trial, however short trials are. Where a stimulus
	// depends on those before, each trial begins the script again.
	Anywhere bool
	// Recurs means that stimuli come again, so any number of them fits; otherwise a trial has 50 000.
	Recurs bool
	// Cold says why its operations are measured with cold caches by default: they come
	// seldom. Empty: hot, as they run in loops.
	Cold string
	// Styles are those that it is measured in; empty: all. Styles of very different speed
	// have no slice that suits both.
	Styles []string
	// Alone names the scenario of which this is the conversation alone, without the work.
	Alone string
	// Stages names the stages in which Open can inject a slowdown; the first is used.
	// Empty: the runner injects it at the end of the block.
	Stages []string
	// Verified: Open obeys Setup.Verified, so -instruments can show what the equivalence check costs.
	Verified bool
	// Instruments are instruments of styles that options switch, see -instruments.
	Instruments []Instrument
	// Measures are the figures beside time that Work may report.
	Measures []Measure

	// Prepare makes what all styles share in setup.Shared, such as a library. It is
	// called once per comparison, in a process of its own, so that it can be stopped and
	// its memory counts for no style. Style and Dir are empty; Options has the keys that
	// apply to all styles. It may be nil.
	Prepare func(Setup) error
	// Open opens setup.Style, with its own copy of what is shared.
	Open func(Setup) (Workload, error)
	// Floor opens the work itself without a style. A plain baseline may need little more CPU
	// and no more calls than it. nil: there is none.
	Floor func(Setup) (Workload, error)
}

// VerifiedSetting is the name of the setting that says whether lanes are digested, "true"
// or "false".
const VerifiedSetting = "verified"

// Setup is what a workload is opened with.
type Setup struct {
	Style    string
	Options  Options
	Seed     uint64
	Shared   string    // folder filled by Prepare; read only for Open
	Before   string    // for Floor: folder of the baseline, which is at rest, to go on from its state
	Dir      string    // empty folder of this workload alone, on disk
	Effort   string    // "quick", "default" or "full": for sizes, never for the kind of work
	Keep     string    // folder that stays with the results; make it when there is something to keep
	Verbatim bool      // Work returns the lines of every lane
	Rates    Rates     // what the script showed; nil in the script
	Slowdown *Slowdown // its stage calls Stall once per operation; nil: none does
	// Instruments are the runner's instruments in timed blocks; nil: the usual ones.
	Instruments []string
}

// A Workload is one opened style. Prepare is called first, then Run until all that was prepared is
// done, then Work; and so on, any number of times. Positions in the script continue.
type Workload interface {
	// Prepare makes the next stimuli, first to first+n-1, outside the clock.
	Prepare(first, n int) error
	// Run does the next n of the prepared stimuli, inside the clock, and returns when
	// their last effect is durable. It never sleeps, except for the pace of a Paced
	// scenario, which is always run as a whole. It reports the latency of every operation
	// that has one, in an open loop from the intended time. latency may be called from
	// any goroutine.
	Run(n int, latency func(time.Duration)) error
	// Work counts the effects of all that was prepared last, outside the clock.
	Work() (Work, error)
	// Close leaves no goroutine, file handle or port behind.
	Close() error
}

// Work is what one Run was asked to do, and its effects.
type Work struct {
	Stimuli     int64
	Effects     int64                         // counted where they are durable
	Expected    int64                         // effects that these stimuli must have
	Digest      string                        // equal in all styles; "" in all: not compared
	Bytes       int64                         // payload of the effects, as read back; equal in all styles
	Counts      results.Counts                // what was done when the clock stopped, as the harness counts it; equal in all styles
	Own         results.Counts                // the same of what only some styles do: messages that crossed
	Connections *int                          // that join the style's modules; 0: none, they are one process; nil: not counted
	Rates       Rates                         // of Own, from the script alone
	Trace       string                        // digest of what the trace kept, in the script; equal in all styles that have one
	Keys        string                        // digest of the order within each key; equal in all styles
	NoLatency   string                        // why this block has no latency, though its operations have one; "" if it has
	Wrong       string                        // what else is wrong with the work; "" if nothing is
	Settings    []Setting                     // what the style really ran under; it must not change
	Least       time.Duration                 // the shortest time that the effects can have taken; 0: unknown
	Again       func() (time.Duration, error) `json:"-"` // measures Least again where a block seems too fast; nil: it stands
	Lanes       map[string][]string           // only when Setup.Verbatim
	Figures     map[string]float64            // by name of the scenario's Measures; what is left out was not measured
	Series      map[string][]Point            // the same over the time of the block, at most MaxPoints each
}

// A Sealer is a Workload that counts what is done and reads its settings when the clock has
// stopped, so that Work can find what came later or was changed.
type Sealer interface{ Seal() error }

// A Watcher is a Workload that looks at something after each slice, outside the clock.
type Watcher interface{ AfterSlice() error }

// A Teller is a Workload that tells how often something has happened that an operation may have to
// wait for, by the names of results.Marks. It is asked before and after every slice while no clock
// runs, so it must take microseconds and not allocate.
type Teller interface {
	Happened(tell func(mark string, times int64)) error
}

// A Witness is a Workload that can look at every stimulus, as it does in the script, while
// the style is set up as in a timed block.
type Witness interface {
	// Witness has Prepare and Work look at every stimulus from now on, or no longer.
	Witness(on bool)
	// Isolate takes away what joins the style's modules, and says what works without it that
	// should not; "" if nothing does. Nothing but Close follows.
	Isolate() (wrong string, err error)
}

// A Rate is the least and the most of something that one stimulus takes.
type Rate struct{ Least, Most int64 }

// Rates are by the name of what is counted, then by the kind of stimulus.
type Rates map[string]map[string]Rate

// A Setting is what a style really runs under.
type Setting = results.Setting

// A Claim is a published figure or a budget that the scenario answers.
type Claim = results.Claim

// A Pair is two arms that differ by one switch.
type Pair = results.Pair

// A Size says how much a comparison measures, if the scenario knows it better than the
// effort. With the zero Size the effort decides.
type Size struct {
	Ops    int           // operations in a block; 0: found by calibration
	Rounds int           // the most; 0: the effort's. With less than 6 the result is inconclusive, unless Paced
	Warmup int           // warm-up blocks; 0: until block times are steady, one if Paced; below 0: none
	Limit  time.Duration // longest wait for a block; 0: two minutes
}

// A Measure is a figure beside time.
type Measure = results.Measure

// A Point is a value of a series.
type Point = results.Point

// MaxPoints bounds a series: a plot shows no more, and a result stays small.
const MaxPoints = 1000

// The values of the key that says what the caches hold when an operation is timed.
const (
	cachesKey  = "caches"
	cachesHot  = "hot"
	cachesCold = "cold"
)

// complete adds the command baseline, and the key caches to the scenarios that are measured in
// trials. It is an option like others, so that both can be measured side by side.
func (s Suite) complete() Suite {
	s.Commands = append([]Command{{Name: "baseline", Doc: "keep what runs found, and see when a ratio changed its level",
		Run: func(_ context.Context, args []string, stdout, stderr io.Writer) int {
			return history.Main(args, stdout, stderr)
		}}}, s.Commands...)
	s.Scenarios = slices.Clone(s.Scenarios)
	for i, scenario := range s.Scenarios {
		if !scenario.controllable() {
			continue
		}
		key := Key{Name: cachesKey, Values: []string{cachesHot, cachesCold}, Default: cachesHot,
			Doc: "hot: each slice follows untimed operations of its own, as in a loop; cold: it follows the other arms' turns"}
		if scenario.Cold != "" {
			key.Default = cachesCold
		}
		s.Scenarios[i].Keys = append(slices.Clone(scenario.Keys), key)
	}
	return s
}

// cold reports whether no untimed operations warm the caches before a slice.
func (p comparisonPlan) cold() bool { return p.options[cachesKey] == cachesCold }

// gridded reports whether the scenario's grid is measured: none of its keys is set.
func (s Scenario) gridded(set settings) bool {
	return len(s.Grid) > 0 && !slices.ContainsFunc(slices.Collect(maps.Keys(s.Grid[0])), func(key string) bool { return set[key] != nil })
}

// combinations are those of all values, or those of the grid with all values of the other keys.
func (s Scenario) combinations(shared []setting, set settings) (all []Options) {
	if !s.gridded(set) {
		return product(shared)
	}
	for _, options := range product(shared) {
		for _, point := range s.Grid {
			all = append(all, options.and(point))
		}
	}
	return all
}

// pause is how long an arm waits before each slice.
func (s Scenario) pause(options Options) time.Duration {
	if s.Pause == nil {
		return 0
	}
	return s.Pause(options)
}

// size is the scenario's size for an effort.
func (s Scenario) size(effort effort, options Options) (Size, error) {
	if s.Size == nil {
		return Size{}, nil
	}
	size := s.Size(effort.Name, options)
	if size.Ops < 0 || size.Rounds < 0 || size.Limit < 0 {
		return Size{}, fmt.Errorf("scenario %s, effort %s: a size below zero: %+v", s.Name, effort.Name, size)
	}
	if size.Ops > 0 && s.apart() {
		return Size{}, fmt.Errorf("scenario %s: its arms are apart, so each finds a block size of its own: leave Size.Ops out", s.Name)
	}
	return size, nil
}

// sound returns what is wrong with a scenario.
func (s Scenario) sound() error {
	var wrong []error
	if s.Together && (!s.Paced || s.apart()) {
		wrong = append(wrong, errors.New("the field Together is for Paced scenarios of styles: others would take the CPU from each other"))
	}
	names := map[string]bool{}
	for _, m := range s.Measures {
		wrong = append(wrong, m.Sound())
		if names[m.Name] {
			wrong = append(wrong, fmt.Errorf("measure %s is declared twice", m.Name))
		}
		names[m.Name] = true
	}
	for _, claim := range s.Claims {
		if name, is := strings.CutPrefix(claim.Quantity, results.MeasurePrefix); is && !names[name] {
			wrong = append(wrong, fmt.Errorf("claim %q: no measure %q is declared", claim.Text, name))
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	return nil
}

// figures rejects what a report cannot show: names that are not declared, and values that
// are not numbers.
func (s Scenario) figures(w Work) error {
	declared := func(name string) bool {
		return slices.ContainsFunc(s.Measures, func(m Measure) bool { return m.Name == name })
	}
	for name, v := range w.Figures {
		if !declared(name) {
			return fmt.Errorf("figure %q is not among the scenario's Measures: declare it", name)
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("figure %q is %v: leave out what was not measured", name, v)
		}
	}
	for name, points := range w.Series {
		if !declared(name) {
			return fmt.Errorf("series %q is not among the scenario's Measures: declare it", name)
		}
		if len(points) > MaxPoints {
			return fmt.Errorf("series %q has %d points, at most %d fit: thin it out", name, len(points), MaxPoints)
		}
		for _, p := range points {
			if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) || p.At < 0 {
				return fmt.Errorf("series %q: %v at %v is no point of it", name, p.Value, p.At)
			}
		}
	}
	return nil
}
