package runner

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// What a child does when asked: prepare, script, open, block, close. Driving has a
// file of its own.

func (c *child) prepare(ask request) error {
	if err := c.choose(ask); err != nil {
		return err
	}
	if c.scenario.Prepare == nil {
		return nil
	}
	return c.scenario.Prepare(c.setup)
}

// script runs the transcript on a workload of its own, so that the timed one starts
// from the same store in every style whatever the script did.
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
	if err := load.Run(func(time.Duration) {}); err != nil {
		return reply{}, fmt.Errorf("running the script: %w", err)
	}
	if err := seal(load); err != nil {
		return reply{}, fmt.Errorf("noting what is durable after the script: %w", err)
	}
	work, err := load.Work()
	work.Settings = append(work.Settings, processSettings()...)
	return reply{Work: &work, Wrong: work.wrong(c.scenario.Script)}, err
}

func (c *child) open(ask request) (reply, error) {
	if err := c.choose(ask); err != nil {
		return reply{}, err
	}
	c.before = runtime.NumGoroutine()
	c.phase("run") // what Open starts inherits the label and works inside Run only
	load, err := c.scenario.Open(c.setup)
	if err != nil {
		return reply{}, fmt.Errorf("opening: %w", err)
	}
	c.load = planted(load, c.setup.Plant)
	gogc := debug.SetGCPercent(100)
	debug.SetGCPercent(gogc)
	return reply{Procs: runtime.GOMAXPROCS(0), GOGC: gogc}, nil
}

// block does n stimuli from first: prepare, measured run, count.
func (c *child) block(first, n int) (reply, error) {
	c.phase("prepare")
	if err := c.load.Prepare(first, n); err != nil {
		return reply{}, fmt.Errorf("preparing stimuli %d to %d: %w", first, first+n-1, err)
	}
	c.phase("run")
	block, err := measure(c.load, c.heard, c.setup.observers(), n)
	c.phase("count")
	if err != nil {
		return reply{}, err
	}
	work, err := c.load.Work()
	if err != nil {
		return reply{}, fmt.Errorf("counting effects: %w", err)
	}
	block.Stimuli, block.Effects, block.Expected = work.Stimuli, work.Effects, work.Expected
	block.Digest, block.Payload, block.Visited, block.Keys = work.Digest, work.Bytes, work.Visited, work.Keys
	if err := c.scenario.figures(work); err != nil {
		return reply{}, err
	}
	block.Figures, block.Series, block.Untold = work.Figures, work.Series, work.Untold
	if work.Settings != nil {
		work.Settings = append(work.Settings, processSettings()...)
	}
	return reply{Block: &block, Wrong: work.wrong(n), Least: work.Least, Settings: work.Settings}, nil
}

// close closes the workload and counts the goroutines that it leaves behind.
func (c *child) close() (reply, error) {
	err := c.load.Close()
	c.load = nil
	left := 0
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for range 50 { // what ends by itself may take a moment
		if left = runtime.NumGoroutine() - c.before; left <= 0 {
			return reply{}, err
		}
		<-look.C
	}
	return reply{Left: left}, err
}

// wrong says what is missing or too much, if anything.
func (w Work) wrong(asked int) string {
	switch {
	case w.Wrong != "":
		return w.Wrong
	case w.Stimuli != int64(asked):
		return fmt.Sprintf("asked for %d stimuli, worked %d", asked, w.Stimuli)
	case w.Effects < w.Expected:
		return fmt.Sprintf("%d of %d effects are missing", w.Expected-w.Effects, w.Expected)
	case w.Effects > w.Expected:
		return fmt.Sprintf("%d effects more than the %d expected", w.Effects-w.Expected, w.Expected)
	}
	return ""
}
