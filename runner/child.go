package runner

import (
	"context"
	"fmt"
	"io"
	"runtime/pprof"
	"time"
)

// childCommand is the hidden command by which the runner starts itself as a child.
const childCommand = "measured-child"

// orphanGrace is how long a child whose runner is gone may still be at work before
// it ends in the middle of it.
const orphanGrace = 3 * time.Second

// A child is the measured side: one arm, in a process that does nothing else. It
// waits for a request, does it, replies, and ends when its stdin does.
type child struct {
	suite    Suite
	scenario Scenario
	setup    Setup
	load     Workload
	heard    *latencies
	started  time.Time
	before   int // goroutines before the workload was opened
}

// serveChild answers requests until in ends; the result is the exit code. orphaned
// is called when in ended, which may be in the middle of a request.
func serveChild(suite Suite, in io.Reader, out io.Writer, orphaned func()) int {
	c := &child{suite: suite, heard: newLatencies(), started: time.Now()}
	requests := make(chan request)
	go receive(in, requests, orphaned)
	for ask := range requests {
		answer, err := c.do(ask)
		if err != nil {
			answer = reply{Error: err.Error()}
		}
		if err := writeLine(out, answer); err != nil {
			return exitFailed // the runner is gone
		}
	}
	if c.load != nil {
		_ = c.load.Close() // nobody is left to be told
	}
	return exitPass
}

// receive hands requests on. As never two are under way, it is back at reading
// while one is worked on, and so sees the end of the runner at once.
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
		return reply{Window: &window{Wall: time.Since(c.started), CPU: usageNow().cpu()}}, nil
	}
	if c.load == nil {
		return reply{}, fmt.Errorf("%s before open", ask.Do)
	}
	switch ask.Do {
	case doPlant:
		return c.plant(ask)
	case doBlock:
		return c.block(ask.First, ask.N)
	case doDrive:
		return c.drive(ask)
	case doClose:
		return c.close()
	}
	return reply{}, fmt.Errorf("unknown request %q", ask.Do)
}

// choose finds the scenario and labels this goroutine, and all that it will start,
// for profiles.
func (c *child) choose(ask request) error {
	for _, s := range c.suite.Scenarios {
		if s.Name == ask.Scenario && ask.Setup != nil {
			c.scenario, c.setup = s, *ask.Setup
			c.phase("count")
			return nil
		}
	}
	return fmt.Errorf("no scenario %q to open", ask.Scenario)
}

// phase labels what this goroutine does from here on in profiles: "prepare" and
// "count" are the harness's own work, "run" is the style's.
func (c *child) phase(name string) {
	labels := pprof.Labels("style", c.setup.Style, "scenario", c.scenario.Name, "phase", name)
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), labels))
}
