// Package runner measures any style under any scenario. It owns the clock, the
// child processes, the order of things and the command line; it names no style
// and knows no player, so that another system can be measured by registering its
// own Suite.
//
// It does no statistics and draws nothing: it hands raw blocks to package
// reports, and budgets to package ci.
//
// The way through it: arguments become a plan (flags, options, plan); a plan is
// run contest by contest (run, contest); in a contest all arms do the same work in
// lockstep, each in a process of its own (process is the parent's side, child the
// measured side): certificate, calibrate or size, rounds, windows. What comes is recorded
// at once (record) and read by reports at the end (finish).
package runner

import (
	"context"
	"io"
	"time"

	"rubato/reports"
)

// A Suite is what there is to measure: styles of doing the same work, and
// scenarios that ask for it.
type Suite struct {
	Name      string
	Styles    []Style // the first is the baseline
	Scenarios []Scenario
	Versions  map[string]string // of what the styles stand on
	Commands  []Command         // of the system measured, beside the runner's own
}

// A Command is one more word of the command line. Run answers by exit code; it
// gets the arguments after the word, and teaches on -h. It ends soon after ctx.
type Command struct {
	Name string
	Doc  string // what it does, in one line
	Run  func(ctx context.Context, args []string, stdout, stderr io.Writer) int
}

// A Style is known to the runner by name only; scenarios open it.
type Style struct{ Name, Doc string }

// Options are a scenario's settings, by key.
type Options map[string]string

// A Key is a setting of a scenario. Default may list several values separated by
// commas: each makes a cell of its own, and its value then stands in the name.
type Key struct {
	Name    string
	Doc     string
	Default string
	Values  []string           // all that are valid; empty: Check decides
	Check   func(string) error // says what is wrong with a value
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
	// Arms, if there are any, take the place of the suite's styles: pieces of a
	// whole, side by side. They do not do the same work, so each has a block size of
	// its own and none is held against another; no windows or profiles are taken of
	// them. The first is what ratios are to. Setup.Style names the arm to open.
	Arms   []Style
	ArmKey string // what an arm is called in results and in -set, such as "piece"
	Pairs  []Pair // of arms: what a switch saves

	// Size, if it is set, sizes the blocks for an effort ("quick", "default" or
	// "full") and the options that apply to all styles.
	Size func(effort string, options Options) Size
	// Paced: a clock, or the length of the experiment, sets the wall time, so that
	// time per operation is no cost. Styles are compared by latency percentiles, by
	// CPU per operation and by Measures. A run of few rounds is then no lack.
	Paced bool
	// Together: the blocks of all arms run at the same time. For workloads that wait
	// nearly always, and are Paced.
	Together bool
	// Bare: no window, active or idle, and no profile is taken: the blocks are long
	// enough to tell CPU %, or another pass would take too long.
	Bare bool
	// Stages names the stages of the work in which Open can plant a slowdown; the
	// first is taken. Empty: a run that proves itself has it at the end of the block.
	Stages []string
	// Witnessed: Open heeds Setup.Witnessed, so that -ledger can show what a certificate costs.
	Witnessed bool
	// Observers are instruments of styles that options switch, see -ledger.
	Observers []Observer
	// Measures are the figures beside time that Work may tell.
	Measures []Measure

	// Prepare makes what all styles share under setup.Shared: a library, a script.
	// It is called once a set of options, in a process of its own, so that it can be
	// stopped and its memory counts for nobody. Style and Dir are empty; Options
	// hold the keys that apply to all styles. May be nil.
	Prepare func(Setup) error
	// Open opens setup.Style, with a copy of its own of what is shared.
	Open func(Setup) (Workload, error)
}

// WitnessedSetting is the name of the setting by which Work tells whether lanes are
// digested, "true" or "false".
const WitnessedSetting = "witnessed"

// Setup is what a workload is opened with.
type Setup struct {
	Style    string
	Options  Options
	Seed     uint64
	Shared   string // folder filled by Prepare; read only for Open
	Dir      string // folder of this workload alone, empty, on disk
	Effort   string // "quick", "default" or "full": for sizes, never for the kind of work
	Keep     string // folder that stays with the results; make it when there is something to keep
	Verbatim bool   // Work returns every lane's lines
	Plant    *Plant // the stage that it names calls Stall, once an operation; nil: none does
	// Observers are the runner's own instruments in timed blocks; nil: the usual ones.
	Observers []string
}

// A Workload is one style, opened and waiting. Prepare, Run, Work are called in
// turn, any number of times; positions in the script go on where they stopped.
type Workload interface {
	// Prepare makes the next stimuli, first to first+n-1, outside the clock.
	Prepare(first, n int) error
	// Run drives what was prepared, inside the clock, and returns when the last
	// effect is durable. It never sleeps, but for the pace of a Paced scenario. It
	// tells latency of every operation that has one of its own, in an open loop from
	// the intended time; latency may be called from any goroutine.
	Run(latency func(time.Duration)) error
	// Work counts what came of the last Run, outside the clock.
	Work() (Work, error)
	// Close leaves no goroutine, file handle or port behind.
	Close() error
}

// Work is what one Run was asked and what came of it.
type Work struct {
	Stimuli  int64
	Effects  int64               // counted where they are durable
	Expected int64               // effects that these stimuli must have
	Digest   string              // equal in all styles; "" in all: not compared
	Bytes    int64               // payload that the effects hold, as read back; equal in all styles
	Visited  int64               // rows that the style read to have them; equal in all styles
	Keys     string              // digest of the order within each key, whatever the order of keys; equal in all styles
	Untold   string              // why this block tells no latency, though its operations have one; "" if it does
	Wrong    string              // what else shows that the work is not what it must be; "" if nothing does
	Settings []Setting           // what the style really ran under; stays as it is
	Least    time.Duration       // less than this the effects cannot have taken; 0: nothing is known
	Lanes    map[string][]string // only when Setup.Verbatim
	Figures  map[string]float64  // by name of the scenario's Measures; one left out is not measured
	Series   map[string][]Point  // the same over the time of the block, at most MaxPoints each
}

// A Sealer is a Workload that notes what is durable at the moment when the clock has
// stopped, so that Work can tell what came later. It takes microseconds and allocates
// nothing.
type Sealer interface{ Seal() error }

// A Setting is what a style really runs under; the fields are those of
// reports.Setting.
type Setting = reports.Setting

// A Claim is a published figure or a budget that the scenario answers; the fields
// are those of reports.Claim.
type Claim = reports.Claim

// A Pair is two arms that differ by one switch; the fields are those of
// reports.Pair.
type Pair = reports.Pair
