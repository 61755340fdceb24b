package runner

import (
	"errors"
	"sync/atomic"
	"time"
)

// A Plant is a slowdown of known size, put into a stage of one arm so that the run
// can show that it would have found one. Its size is set once the baseline's time
// per operation is known; until then it costs a look at a number.
type Plant struct {
	Stage string // of the scenario's Stages; empty: the end of the block, where the runner puts it
	spin  atomic.Int64
}

// Set makes the plant so large, an operation. The runner does it when it knows what
// an operation takes.
func (p *Plant) Set(size time.Duration) { p.spin.Store(int64(size)) }

// Stall keeps the CPU busy for the size of the plant. The stage calls it once an
// operation, on the goroutine that does the stage's work. A nil Plant, which is that
// of every arm but one, stalls nobody.
func (p *Plant) Stall() {
	if p != nil {
		spin(time.Duration(p.spin.Load()))
	}
}

// spin is busy, as slower code would be: a sleep would leave the CPU to others.
func spin(d time.Duration) {
	if d <= 0 {
		return
	}
	for start := time.Now(); time.Since(start) < d; {
	}
}

// A slowed is a workload with the plant at the end of its block, for scenarios that
// name no stage. It shows that the run measures and decides, not that a stage counts.
type slowed struct {
	Workload
	plant *Plant
	n     int
}

func (s *slowed) Prepare(first, n int) error {
	s.n = n
	return s.Workload.Prepare(first, n)
}

func (s *slowed) Run(latency func(time.Duration)) error {
	if err := s.Workload.Run(latency); err != nil {
		return err
	}
	spin(time.Duration(s.n) * time.Duration(s.plant.spin.Load()))
	return nil
}

// Seal is the workload's own, if it has one.
func (s *slowed) Seal() error { return seal(s.Workload) }

// planted is the workload, slowed if nobody else does it.
func planted(load Workload, plant *Plant) Workload {
	if plant == nil || plant.Stage != "" {
		return load
	}
	return &slowed{Workload: load, plant: plant}
}

// plant sets the size of this child's plant.
func (c *child) plant(ask request) (reply, error) {
	if c.setup.Plant == nil {
		return reply{}, errors.New("this arm was opened without a plant")
	}
	c.setup.Plant.Set(ask.Wall)
	return reply{}, nil
}
