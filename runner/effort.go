package runner

import "time"

// Effort is how long and how often a run measures. Quick answers "does it work and
// is it far off?", Default is what make bench takes, Full is for publishing.
type Effort struct {
	Name   string
	Rounds int           // paired rounds in a contest; below 6 no 95 % interval exists
	Enough time.Duration // after so long rounds end early, though not before fewRounds; more for many arms
	Block  time.Duration // what the fastest arm's block lasts at least
	Warmup int           // warm-up blocks at most, when their times do not become level

	// Active is the window in which one arm works and is sampled. 0: only under its
	// profile; CPU % of the others is then that of their rounds, which is as exact.
	Active time.Duration
	Idle   time.Duration // window in which all arms wait for work

	// Profile is CPU time to collect in the profile pass of each arm; the pass ends
	// at 1.2 times that on the wall, as an arm that waits may never use so much. A
	// little over 10 s, as the profiler catches some 97 % of what getrusage counts.
	Profile time.Duration
	// ProfileAll profiles every contest, else the first of each scenario only. A
	// contest that is profiled takes its active window from that pass.
	ProfileAll bool
}

// The efforts to choose from. Timed blocks are the same kind in all of them: an
// effort changes how many and how long, never how.
var (
	Quick = Effort{Name: "quick", Rounds: 10, Enough: 5 * time.Second, Block: 20 * time.Millisecond, Warmup: 3,
		Idle: time.Second, Profile: 300 * time.Millisecond}
	Default = Effort{Name: "default", Rounds: 20, Enough: 10 * time.Second, Block: 100 * time.Millisecond, Warmup: 3,
		Active: time.Second, Idle: 2 * time.Second, Profile: 10500 * time.Millisecond}
	Full = Effort{Name: "full", Rounds: 500, Enough: 2 * time.Minute, Block: 100 * time.Millisecond, Warmup: 8,
		Active: 5 * time.Second, Idle: 5 * time.Second, Profile: 10500 * time.Millisecond, ProfileAll: true}
)

// fewRounds are measured however long they take: with them an interval spans the
// second to the ninth value. That rounds end early depends on time alone, never on
// what was found, so it favours no result.
const fewRounds = 10

// limits bound every wait on a child process, so that a hung style ends the run
// with its name instead of hanging it.
type limits struct {
	Prepare time.Duration // making the shared library
	Open    time.Duration
	Script  time.Duration
	Block   time.Duration // one block; calibration stops doubling long before
	Close   time.Duration
	Usage   time.Duration // a child that is idle has only to read its counters
}

// patience is generous: a Pi with a microSD card has to fit in it.
var patience = limits{
	Prepare: 5 * time.Minute,
	Open:    2 * time.Minute,
	Script:  2 * time.Minute,
	Block:   2 * time.Minute,
	Close:   10 * time.Second,
	Usage:   10 * time.Second,
}
