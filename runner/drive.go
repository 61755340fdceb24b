package runner

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"time"
)

// profileEnding is that of a profile's file name; kind is "cpu" or "heap".
func profileEnding(kind string) string { return "-" + kind + ".pb.gz" }

// drive works block after block for a time, outside the timed rounds: the active
// window, with a profile when one is asked for. Only time inside Run counts.
func (c *child) drive(ask request) (answer reply, err error) {
	if ask.N < 1 {
		return reply{}, fmt.Errorf("cannot drive blocks of %d stimuli", ask.N)
	}
	if ask.Profile != "" {
		stop, err := profile(ask.Profile)
		if err != nil {
			return reply{}, err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	var w window
	start, used, first := time.Now(), usageNow().cpu(), ask.First
	for enough := false; !enough; first += ask.N {
		spent, wrong, err := c.turn(first, ask.N)
		if err != nil || wrong != "" {
			return reply{Wrong: wrong}, err
		}
		w.Wall, w.CPU = w.Wall+spent.Wall, w.CPU+spent.CPU
		enough = time.Since(start) >= ask.Wall || ask.CPU > 0 && usageNow().cpu()-used >= ask.CPU
	}
	return reply{Window: &w}, nil
}

// turn is a block without the counters that are dear to read.
func (c *child) turn(first, n int) (spent window, wrong string, err error) {
	c.phase("prepare")
	if err := c.load.Prepare(first, n); err != nil {
		return window{}, "", fmt.Errorf("preparing stimuli %d to %d: %w", first, first+n-1, err)
	}
	c.heard.reset()
	c.phase("run")
	before := window{Wall: time.Since(c.started), CPU: usageNow().cpu()}
	err = c.load.Run(c.heard.record)
	after := window{Wall: time.Since(c.started), CPU: usageNow().cpu()}
	c.phase("count")
	if err != nil {
		return window{}, "", fmt.Errorf("running %d stimuli: %w", n, err)
	}
	work, err := c.load.Work()
	return after.since(before), work.wrong(n), err
}

// profile starts a CPU profile; stop ends it and takes one of the heap.
func profile(path string) (stop func() error, err error) {
	cpu, err := os.Create(path + profileEnding("cpu"))
	if err != nil {
		return nil, fmt.Errorf("CPU profile: %w", err)
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(err, cpu.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return errors.Join(cpu.Close(), writeFile(path+profileEnding("heap"), heap))
	}, nil
}

// heap writes what is live now and what was allocated since the start.
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
