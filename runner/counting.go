package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"rubato/reports"
	"rubato/results"
	"rubato/runner/callgrind"
	"rubato/runner/host"
)

// countVersion is that of the words between rubato count and the programs that it counts, one of
// which may be another rubato.
const countVersion = 1

// countArgument, after childCommand, starts a child that reads one countRequest, does it, writes
// one countReply and ends.
const countArgument = "count"

// A countRequest asks for the work that is counted. With Run below Ops the child ends right after
// those operations, without looking at their effects: what it executes beside them is then the same
// as with another Run.
type countRequest struct {
	Version  int    `json:"version"`
	Scenario string `json:"scenario"`
	Setup    *Setup `json:"setup"`
	Ops      int    `json:"ops"` // operations to prepare; 0: as many as take Least, from Unit on
	Run      int    `json:"run"` // of these
	Check    bool   `json:"check"`

	Unit  int           `json:"unit,omitempty"`
	Least time.Duration `json:"least,omitempty"`
}

type countReply struct {
	Version   int           `json:"version"`
	Error     string        `json:"error,omitempty"`
	Wrong     string        `json:"wrong,omitempty"`     // why the work is not what it must be
	Work      *Work         `json:"work,omitempty"`      // of a check
	Processes []string      `json:"processes,omitempty"` // that the style has started
	House     string        `json:"house,omitempty"`     // how the names of the program's own functions begin
	Ops       int           `json:"ops,omitempty"`       // that took so long
	Took      time.Duration `json:"took,omitempty"`
}

// serveCount does one request; the result is the exit code.
func serveCount(suite Suite, in io.Reader, out io.Writer) int {
	var ask countRequest
	err := newLines(in, maxLine).next(&ask)
	if err == nil && ask.Version != countVersion {
		err = fmt.Errorf("it counts by version %d of the protocol, not %d: build both from sources of one time", countVersion, ask.Version)
	}
	var answer countReply
	if err == nil {
		answer, err = (&child{suite: suite}).count(ask)
	}
	if err != nil {
		answer = countReply{Error: err.Error()}
	}
	answer.Version = countVersion
	if writeLine(out, answer) != nil {
		return exitFailed
	}
	return exitPass
}

func (c *child) count(ask countRequest) (countReply, error) {
	if _, err := c.open(request{Scenario: ask.Scenario, Setup: ask.Setup}); err != nil {
		return countReply{}, err
	}
	if ask.Ops == 0 {
		return c.size(max(ask.Unit, 1), ask.Least)
	}
	if err := c.load.Prepare(0, ask.Ops); err != nil {
		return countReply{}, fmt.Errorf("preparing %d stimuli: %w", ask.Ops, err)
	}
	if err := c.load.Run(ask.Run, unrecorded); err != nil {
		return countReply{}, fmt.Errorf("running %d of %d stimuli: %w", ask.Run, ask.Ops, err)
	}
	if !ask.Check {
		return countReply{}, nil
	}
	answer := countReply{Processes: slices.Sorted(maps.Keys(host.UsageNow().Apart))}
	if built, is := debug.ReadBuildInfo(); is {
		answer.House = built.Main.Path + "/"
	}
	if err := seal(c.load); err != nil {
		return countReply{}, err
	}
	work, err := c.load.Work()
	if err != nil {
		return countReply{}, fmt.Errorf("counting effects: %w", err)
	}
	answer.Work, answer.Wrong = &work, work.wrong(ask.Ops)
	return answer, c.load.Close()
}

// size works ever more operations until they take long enough.
func (c *child) size(unit int, least time.Duration) (countReply, error) {
	for first, n := 0, unit; ; first, n = first+n, 2*n {
		if err := c.load.Prepare(first, n); err != nil {
			return countReply{}, fmt.Errorf("preparing stimuli %d to %d: %w", first, first+n-1, err)
		}
		before := host.OwnCPU() // others' work must not show
		if err := c.load.Run(n, unrecorded); err != nil {
			return countReply{}, fmt.Errorf("running %d stimuli: %w", n, err)
		}
		took := host.OwnCPU() - before
		if _, err := c.load.Work(); err != nil {
			return countReply{}, fmt.Errorf("counting effects: %w", err)
		}
		if took >= least || n >= maxBlockOps {
			return countReply{Ops: n, Took: took}, c.load.Close()
		}
	}
}

// A counting is a comparison whose arms are counted.
type counting struct {
	*comparison
	ask      countAsked
	programs map[*build]string // copies with the names of their functions
	arms     []countedArm
	n        int // operations
	dirs     int // that were made
}

// A countedArm is a style in one of the programs.
type countedArm struct {
	*arm
	work  *Work   // of 2n operations
	house string  // how the names of the program's own functions begin
	own   []int64 // calls of those, by repeat
}

func (c *counting) count(ctx context.Context) error {
	defer os.RemoveAll(c.dir)
	c.progress.begin(c.name, "making what its styles share")
	if err := c.prepare(ctx); err != nil {
		return err
	}
	c.progress.begin(c.name, "is the work the same?")
	for i := range c.arms {
		if err := c.named(&c.arms[i]); err != nil {
			return err
		}
	}
	if err := c.choose(ctx); err != nil {
		return err
	}
	for i := range c.arms {
		if err := c.check(ctx, &c.arms[i]); err != nil {
			return err
		}
	}
	c.progress.say("%s: counting %d and %d operations", c.name, c.n, 2*c.n)
	for repeat := range c.ask.repeats {
		for i := range c.arms {
			a := &c.arms[i]
			if a.invalid() {
				continue
			}
			c.progress.begin(c.name, fmt.Sprintf("counting %s, %d of %d", a.shown(), repeat+1, c.ask.repeats))
			if err := c.repeat(ctx, a); err != nil {
				return err
			}
		}
	}
	for i := range c.arms {
		for a := &c.arms[i]; reports.AnotherRepeat(a.own); {
			c.progress.begin(c.name, "its own calls disagree: counting once more "+a.shown())
			if err := c.repeat(ctx, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// repeat counts an arm once and records it.
func (c *counting) repeat(ctx context.Context, a *countedArm) error {
	executed, err := c.slope(ctx, a)
	if err != nil {
		return err
	}
	a.own = append(a.own, executed.HouseCalls)
	return c.record.add(results.Line{Block: a.block(len(a.own), c.n, executed)})
}

// choose chooses the number of operations, by the CPU time that the baseline takes for some.
func (c *counting) choose(ctx context.Context) error {
	unit := c.units(1)
	if c.n = c.ask.n; c.n == 0 {
		answer, err := c.natively(ctx, &c.arms[0], countRequest{Unit: unit, Least: countLeast / 3})
		if err != nil {
			return err
		}
		c.n = rounded(float64(answer.Ops) * float64(countLeast) / float64(max(answer.Took, 1)))
	}
	if c.n = c.units(c.n); c.n != c.ask.n && c.ask.n > 0 {
		c.progress.say("%s: %d operations are counted: it works in units of %d", c.name, c.n, unit)
	}
	return nil
}

// rounded is the nearest number below that is 1, 2 or 5 times a power of ten, at least 1: so the
// same is counted again, although times vary.
func rounded(n float64) int {
	best := 1
	for power := 1; float64(power) <= n && power < maxBlockOps; power *= 10 {
		for _, digit := range []int{1, 2, 5} {
			if float64(digit*power) <= n {
				best = digit * power
			}
		}
	}
	return best
}

// check works without valgrind, and looks at the effects.
func (c *counting) check(ctx context.Context, a *countedArm) error {
	answer, err := c.natively(ctx, a, countRequest{Ops: 2 * c.n, Run: 2 * c.n, Check: true})
	if err != nil {
		return err
	}
	a.work, a.cell.Work.Digest, a.house = answer.Work, answer.Work.Digest, answer.House
	switch {
	case answer.Wrong != "":
		a.invalidate("%s", answer.Wrong)
	case len(answer.Processes) > 0:
		return usagef("%s cannot be counted: it works in processes of its own, whom valgrind does not follow: %s", a.title(), strings.Join(answer.Processes, ", "))
	}
	return nil
}

// slope counts n and 2n operations, at the same time.
func (c *counting) slope(ctx context.Context, a *countedArm) (*results.Executed, error) {
	var both sync.WaitGroup
	var counts [2]callgrind.Profile
	var failed [2]error
	for i := range counts {
		setup, err := c.place(a)
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(setup.Dir)
		out := filepath.Join(c.dir, fmt.Sprintf("callgrind%d", i))
		both.Go(func() {
			if _, failed[i] = c.run(ctx, a, out, countRequest{Setup: setup, Ops: 2 * c.n, Run: (i + 1) * c.n}); failed[i] == nil {
				counts[i], failed[i] = callgrind.Read(out)
			}
		})
	}
	both.Wait()
	if err := errors.Join(failed[:]...); err != nil {
		return nil, err
	}
	x := slope(counts[0], counts[1], a.house)
	if min(x.Instructions, x.Calls, x.HouseCalls) < 0 {
		return nil, usagef("%s: %d operations execute less than what varies from one process to the next: give a larger -n", a.title(), c.n)
	}
	return x, nil
}

// slope is what the second profile has beyond the first.
func slope(n, twice callgrind.Profile, house string) *results.Executed {
	x := &results.Executed{Instructions: twice.Instructions - n.Instructions, Functions: map[string]int64{}}
	for name, calls := range twice.Calls {
		more := calls - n.Calls[name]
		x.Calls += more
		if more != 0 && (strings.HasPrefix(name, house) || strings.HasPrefix(name, "main.")) {
			x.HouseCalls += more
			x.Functions[name] = more
		}
	}
	for name, calls := range n.Calls {
		if _, both := twice.Calls[name]; !both {
			x.Calls -= calls
		}
	}
	return x
}

// block is a repeat.
func (a *countedArm) block(repeat, ops int, x *results.Executed) *results.Block {
	w := a.work
	return &results.Block{Cell: a.key, Round: repeat, Ops: ops, Executed: x, Stimuli: w.Stimuli, Effects: w.Effects, Expected: w.Expected,
		Digest: w.Digest, Payload: w.Bytes, Keys: w.Keys, Counts: w.Counts, Own: w.Own, Trace: w.Trace, Connections: w.Connections}
}

// named copies an arm's program, with the names of its functions.
func (c *counting) named(a *countedArm) error {
	if c.programs[a.build] != "" {
		return nil
	}
	of, err := a.build.file()
	if err != nil {
		return err
	}
	path := filepath.Join(c.folder.work, fmt.Sprintf("program%d", len(c.programs)))
	if err := callgrind.WithNames(of, path); err != nil {
		return usagef("cannot count: %w", err)
	}
	c.programs[a.build] = path
	return nil
}

// place makes a folder for a process, and says what it opens there.
func (c *counting) place(a *countedArm) (*Setup, error) {
	c.dirs++
	return c.setup(a.arm, fmt.Sprintf("counted%d", c.dirs))
}

// natively has a program work as it is.
func (c *counting) natively(ctx context.Context, a *countedArm, ask countRequest) (countReply, error) {
	setup, err := c.place(a)
	if err != nil {
		return countReply{}, err
	}
	defer os.RemoveAll(setup.Dir)
	ask.Setup = setup
	return c.run(ctx, a, "", ask)
}

// run has a program work in a process of its own, under callgrind if that is to write to a file.
func (c *counting) run(ctx context.Context, a *countedArm, out string, ask countRequest) (countReply, error) {
	ask.Version, ask.Scenario = countVersion, c.plan.scenario.Name
	program := c.programs[a.build]
	var in, stdout bytes.Buffer
	if err := writeLine(&in, ask); err != nil {
		return countReply{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, countWait, fmt.Errorf("%s: no end within %v: give fewer operations, as in -n %d", a.title(), countWait, max(1, c.n/10)))
	defer cancel()
	arguments := childArguments(c.child, countArgument)
	child := exec.CommandContext(ctx, program, arguments...)
	if out != "" {
		child = callgrind.Command(ctx, out, program, arguments...)
	}
	said := newExcerpt(a.title(), io.Discard)
	child.Env = callgrind.Environment(append(os.Environ(), "TMPDIR="+filepath.Join(c.folder.work, "tmp")))
	child.Stdin, child.Stdout, child.Stderr = &in, &stdout, said
	child.SysProcAttr, child.WaitDelay = host.ChildAttributes(), time.Second
	child.Cancel = func() error { return host.SignalGroup(child.Process.Pid, host.Kill) }
	err := child.Run()
	if ctx.Err() != nil {
		return countReply{}, context.Cause(ctx)
	}
	var answer countReply
	err = errors.Join(err, newLines(&stdout, maxLine).next(&answer))
	switch {
	case answer.Version == 0 && a.build != nil:
		return countReply{}, usagef("%s: that program is older than count, or cannot count: %s", a.title(), said.reason())
	case err != nil:
		return countReply{}, fmt.Errorf("%s: its process failed (%w): %s", a.title(), err, said.reason())
	}
	if answer.Error != "" {
		return countReply{}, fmt.Errorf("%s: %s", a.title(), answer.Error)
	}
	return answer, nil
}
