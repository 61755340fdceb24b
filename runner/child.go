package runner

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"time"

	format "github.com/google/pprof/profile"

	"rubato/results"
	"rubato/runner/host"
)

// childCommand is the hidden command by which the runner starts itself as a child.
const childCommand = "measured-child"

// childArguments are those of a child: the suite's, the hidden command, and more.
func childArguments(suites []string, more ...string) []string {
	return slices.Concat(suites, []string{childCommand}, more)
}

// orphanGrace is how long a child may still work when its runner is gone.
const orphanGrace = 3 * time.Second

// A child is one arm in a process of its own. It waits for a request, does it, replies,
// and ends when its stdin does.
type child struct {
	suite    Suite
	scenario Scenario
	setup    Setup
	turns    handover
	load     Workload
	recorded *latencies
	started  time.Time
	before   int // goroutines before the workload was opened
	stray    *stray
}

// serveChild answers requests until in ends; the result is the exit code. orphaned
// is called when in ended, which may be in the middle of a request.
func serveChild(suite Suite, in io.Reader, out io.Writer, turns handover, printed *stray, orphaned func()) int {
	c := &child{suite: suite, turns: turns, stray: printed, recorded: newLatencies(), started: time.Now()}
	requests := make(chan request)
	go receive(in, requests, orphaned)
	for ask := range requests {
		answer, err := c.do(ask)
		if err != nil {
			answer = reply{Error: err.Error()}
		}
		if err := writeLine(out, answer); err != nil {
			fmt.Fprintln(os.Stderr, "an answer cannot be written:", err) // the runner is gone, or the answer has no JSON
			return exitFailed
		}
	}
	if c.load != nil {
		_ = c.load.Close() // nobody is left to report an error to
	}
	return exitPass
}

// receive passes requests on. There is only one at a time, so it reads again while that one
// is worked on, and sees the end of the runner at once.
func receive(in io.Reader, requests chan<- request, orphaned func()) {
	defer close(requests)
	defer orphaned()
	input := newLines(in, maxLine)
	for {
		var ask request
		if err := input.next(&ask); err != nil {
			return
		}
		requests <- ask
	}
}

func (c *child) do(ask request) (reply, error) {
	switch ask.Do {
	case doPrepare:
		return reply{}, c.prepare(ask)
	case doScript:
		return c.script(ask)
	case doOpen:
		return c.open(ask)
	case doDuty:
		return knownLoad(ask.Share, ask.Wall)
	case doUsage:
		return reply{Window: &window{Wall: time.Since(c.started), CPU: host.UsageNow().CPU()}}, nil
	}
	if c.load == nil {
		return reply{}, fmt.Errorf("%s before open", ask.Do)
	}
	switch ask.Do {
	case doSlowdown:
		return c.setSlowdown(ask)
	case doBlock:
		return c.trial(request{First: ask.First, Slices: slicing{Ops: ask.N, Turns: 1}})
	case doTrial:
		return c.trial(ask)
	case doWitness:
		return c.witness(ask)
	case doDrive:
		return c.drive(ask)
	case doClose:
		return c.close()
	}
	return reply{}, fmt.Errorf("unknown request %q", ask.Do)
}

// choose finds the scenario. It labels this goroutine, and all that it starts, for
// profiles.
func (c *child) choose(ask request) error {
	if ask.Protocol > protocol {
		return fmt.Errorf("it is asked in version %d of the runner's protocol and knows version %d", ask.Protocol, protocol)
	}
	for _, s := range c.suite.Scenarios {
		if s.Name == ask.Scenario && ask.Setup != nil {
			c.scenario, c.setup = s, *ask.Setup
			c.phase("count")
			return nil
		}
	}
	return fmt.Errorf("no scenario %q to open", ask.Scenario)
}

// phase labels what this goroutine does next in profiles. "prepare" and "count" are the
// harness's own work, "run" is the style's.
func (c *child) phase(name string) {
	labels := pprof.Labels("style", c.setup.Style, "scenario", c.scenario.Name, "phase", name)
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), labels))
}

func (c *child) prepare(ask request) error {
	if err := c.choose(ask); err != nil {
		return err
	}
	if c.scenario.Prepare == nil {
		return nil
	}
	return c.scenario.Prepare(c.setup)
}

// script runs the transcript on a workload of its own. So the timed one starts from the
// same store, whatever the script did.
func (c *child) script(ask request) (answer reply, err error) {
	if err := c.choose(ask); err != nil {
		return reply{}, err
	}
	c.phase("run")
	load, err := c.scenario.Open(c.setup)
	if err != nil {
		return reply{}, fmt.Errorf("opening: %w", err)
	}
	defer func() { err = errors.Join(err, load.Close()) }()
	if err := load.Prepare(0, c.scenario.Script); err != nil {
		return reply{}, fmt.Errorf("preparing the script: %w", err)
	}
	if err := load.Run(c.scenario.Script, unrecorded); err != nil {
		return reply{}, fmt.Errorf("running the script: %w", err)
	}
	if err := seal(load); err != nil {
		return reply{}, fmt.Errorf("noting what is durable after the script: %w", err)
	}
	work, err := load.Work()
	work.Settings = append(work.Settings, processSettings()...)
	return reply{Work: &work, Wrong: cmp.Or(work.wrong(c.scenario.Script), c.stray.wrong()), Speaks: protocol}, err
}

func (c *child) open(ask request) (reply, error) {
	if err := c.choose(ask); err != nil {
		return reply{}, err
	}
	c.before = runtime.NumGoroutine()
	c.phase("run") // goroutines that Open starts inherit the label; they work inside Run only
	load, err := c.scenario.Open(c.setup)
	if err != nil {
		return reply{}, fmt.Errorf("opening: %w", err)
	}
	c.load = withSlowdown(load, c.setup.Slowdown)
	gogc := debug.SetGCPercent(100)
	debug.SetGCPercent(gogc)
	return reply{Procs: runtime.GOMAXPROCS(0), GOGC: gogc, Speaks: protocol}, nil
}

// trial prepares the stimuli from ask.First, runs them in turns, and counts the effects. A
// trial of one turn, which is a block, waits for nothing.
func (c *child) trial(ask request) (reply, error) {
	first, slices := ask.First, ask.Slices
	n := slices.stimuli()
	c.phase("prepare")
	if err := c.load.Prepare(first, n); err != nil {
		err = fmt.Errorf("preparing stimuli %d to %d: %w", first, first+n-1, err)
		if slices.Turns > 1 {
			err = errors.Join(err, c.turns.answer(noTurns, 0))
		}
		return reply{}, err
	}
	c.phase("run")
	t := begin(c.load, c.recorded, c.setup.instruments(), slices)
	var err error
	if slices.Turns == 1 {
		t.next()
	} else {
		err = c.serve(t, ask.Profile)
	}
	if err == nil && ask.Held {
		err = c.turns.released()
	}
	block, failed := t.end()
	c.phase("count")
	if err = errors.Join(err, failed); err != nil {
		return reply{}, err
	}
	work, err := c.load.Work()
	if err != nil {
		return reply{}, fmt.Errorf("counting effects: %w", err)
	}
	block.Stimuli, block.Effects, block.Expected = work.Stimuli, work.Effects, work.Expected
	block.Digest, block.Payload, block.Keys = work.Digest, work.Bytes, work.Keys
	block.Counts, block.Own, block.Trace, block.Connections = work.Counts, work.Own, work.Trace, work.Connections
	if err := c.scenario.figures(work); err != nil {
		return reply{}, err
	}
	if c.scenario.Outside {
		block.RSSPeak, block.KeptOp = 0, nil
	}
	block.Figures, block.Series, block.NoLatency = work.Figures, work.Series, work.NoLatency
	if work.Settings != nil {
		work.Settings = append(work.Settings, processSettings()...)
	}
	least, err := work.least(block.Wall, float64(slices.timed())/float64(n))
	if err != nil {
		return reply{}, fmt.Errorf("measuring the least time again: %w", err)
	}
	return reply{Block: &block, Wrong: cmp.Or(work.wrong(n), t.changed, c.stray.wrong()), Least: least, Settings: work.Settings, Ready: t.ready / time.Duration(slices.Turns)}, nil
}

// serve takes the turns of a trial, under a profile if it has a path.
func (c *child) serve(t *timing, profiled string) error {
	if profiled == "" {
		return c.turns.serve(t.slice.Turns, t.next)
	}
	stop, err := profile(profiled)
	if err != nil {
		return errors.Join(err, c.turns.answer(noTurns, 0))
	}
	c.phase("count")
	t.phase = c.phase
	err = c.turns.serve(t.slice.Turns, t.next)
	return errors.Join(err, stop(t.slice.stimuli()))
}

// witness goes on as in a timed part, and looks at every stimulus. Then it takes away what
// joins the modules.
func (c *child) witness(ask request) (reply, error) {
	load, can := inner(c.load).(Witness)
	if !can {
		return reply{}, nil
	}
	load.Witness(true)
	if err := c.load.Prepare(ask.First, ask.N); err != nil {
		return reply{}, fmt.Errorf("preparing stimuli %d to %d: %w", ask.First, ask.First+ask.N-1, err)
	}
	if err := c.load.Run(ask.N, unrecorded); err != nil {
		return reply{}, fmt.Errorf("running %d stimuli that are looked at: %w", ask.N, err)
	}
	if err := seal(c.load); err != nil {
		return reply{}, err
	}
	work, err := c.load.Work()
	if err != nil {
		return reply{}, err
	}
	load.Witness(false)
	answer := reply{Work: &work, Wrong: work.wrong(ask.N)}
	if ask.Setup != nil {
		if answer.Floor, err = c.floor(*ask.Setup, ask.First+ask.N, ask.N); err != nil {
			return reply{}, err
		}
	}
	wrong, err := load.Isolate()
	answer.Wrong = cmp.Or(answer.Wrong, wrong)
	return answer, err
}

// close closes the workload and counts the goroutines that it leaves behind.
func (c *child) close() (reply, error) {
	err := c.load.Close()
	c.load = nil
	left := 0
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for range 500 { // goroutines may take a moment to end
		if left = runtime.NumGoroutine() - c.before; left <= 0 {
			return reply{}, err
		}
		<-look.C
	}
	return reply{Left: left}, err
}

// wrong says which effects are missing or too many; "" if none are.
func (w Work) wrong(asked int) string {
	switch {
	case w.Wrong != "":
		return w.Wrong
	case w.Stimuli != int64(asked):
		return fmt.Sprintf("asked for %d stimuli, worked %d", asked, w.Stimuli)
	}
	return results.Work{Effects: w.Effects, Expected: w.Expected}.Fault()
}

// profileEnding is that of a profile's file name; kind is "cpu" or "heap".
func profileEnding(kind string) string { return "-" + kind + ".pb.gz" }

// drive works for a while outside the timed rounds: it is the active window, and takes a
// profile if one is asked for. Only time inside Run counts.
func (c *child) drive(ask request) (answer reply, err error) {
	if ask.N < 1 {
		return reply{}, fmt.Errorf("cannot drive blocks of %d stimuli", ask.N)
	}
	var w window
	if ask.Profile != "" {
		stop, failed := profile(ask.Profile)
		if failed != nil {
			return reply{}, failed
		}
		defer func() { err = errors.Join(err, stop(w.Ops)) }()
	}
	start, used, first := time.Now(), host.UsageNow().CPU(), ask.First
	for enough := false; !enough; first += ask.N {
		spent, wrong, err := c.turn(first, ask.N)
		if err != nil || wrong != "" {
			return reply{Wrong: wrong}, err
		}
		w.Wall, w.CPU, w.Ops = w.Wall+spent.Wall, w.CPU+spent.CPU, w.Ops+ask.N
		enough = time.Since(start) >= ask.Wall || ask.CPU > 0 && host.UsageNow().CPU()-used >= ask.CPU
	}
	return reply{Window: &w}, nil
}

// turn is a block without the counters that are slow to read.
func (c *child) turn(first, n int) (spent window, wrong string, err error) {
	c.phase("prepare")
	if err := c.load.Prepare(first, n); err != nil {
		return window{}, "", fmt.Errorf("preparing stimuli %d to %d: %w", first, first+n-1, err)
	}
	c.recorded.reset()
	c.phase("run")
	before := window{Wall: time.Since(c.started), CPU: host.UsageNow().CPU()}
	err = c.load.Run(n, c.recorded.record)
	after := window{Wall: time.Since(c.started), CPU: host.UsageNow().CPU()}
	c.phase("count")
	if err != nil {
		return window{}, "", fmt.Errorf("running %d stimuli: %w", n, err)
	}
	work, err := c.load.Work()
	return after.since(before), work.wrong(n), err
}

// profile starts a CPU profile; stop ends it, notes in it how many operations it covers,
// and takes a profile of the heap.
func profile(path string) (stop func(ops int) error, err error) {
	var recorded bytes.Buffer
	if err := pprof.StartCPUProfile(&recorded); err != nil {
		return nil, fmt.Errorf("CPU profile: %w", err)
	}
	return func(ops int) error {
		pprof.StopCPUProfile()
		cpu, err := format.Parse(&recorded)
		if err != nil {
			return fmt.Errorf("CPU profile: %w", err)
		}
		cpu.Comments = append(cpu.Comments, fmt.Sprintf("operations: %d", ops))
		return errors.Join(writeFile(path+profileEnding("cpu"), cpu.Write), writeFile(path+profileEnding("heap"), heap))
	}, nil
}

// heap writes a heap profile: what is live, and what was allocated since the start.
func heap(w io.Writer) error {
	runtime.GC()
	return pprof.WriteHeapProfile(w)
}

func writeFile(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
