package runner

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"rubato/inference"
	"rubato/results"
	"rubato/runner/host"
)

// The baseline is bounded from above: by the same work without a style. It runs in the
// baseline's own process, in turns with the baseline, after a trial.

const (
	// floorTurns are the turns of baseline and floor, each of as many operations as fill a
	// slice or a script.
	floorTurns = 30
	// fewestFloorTurns give an interval. More are left out after floorTime, or beyond mostStimuli.
	fewestFloorTurns = 10
	floorTime        = 5 * time.Second
	// aboveFloor is how much more CPU per operation the baseline may need, as a ratio. Calls
	// of the parts, lanes and digests are in it.
	aboveFloor = 1.25
	// moreCalls is how many more calls of the store it may make. Which rows a selection reads
	// depends on the cooldowns, and so on the operations before.
	moreCalls = 1.1
)

// A floorReading compares the baseline with its floor.
type floorReading struct {
	Logs      []float64      `json:"logs"` // log-ratios of CPU time per operation, by turn
	Done      results.Counts `json:"done"` // by the baseline
	FloorDone results.Counts `json:"floor_done"`
}

// floor has the baseline and the floor take turns from the stimulus first on. n operations are
// enough for a script, so a turn has a part of them.
func (c *child) floor(setup Setup, first, n int) (_ *floorReading, err error) {
	floor, err := c.scenario.Floor(setup)
	if err != nil {
		return nil, fmt.Errorf("opening the work without a style: %w", err)
	}
	defer func() { err = errors.Join(err, floor.Close()) }()
	ops := max(1, n/floorTurns)
	if c.scenario.Unit != nil {
		unit := max(1, c.scenario.Unit(setup.Options))
		ops = (ops + unit - 1) / unit * unit
	}
	both := []Workload{c.load, floor}
	turns := min(floorTurns, max(fewestFloorTurns, mostStimuli/ops))
	for _, load := range both {
		if err := load.Prepare(first, ops*turns); err != nil {
			return nil, err
		}
	}
	reading := &floorReading{}
	done := 0
	for start := time.Now(); done < turns && (done < fewestFloorTurns || time.Since(start) < floorTime); done++ {
		var cpu [2]float64
		for k := range both {
			k := (k + done) % len(both) // who goes first changes from turn to turn
			before := host.OwnCPU()
			if err := both[k].Run(ops, unrecorded); err != nil {
				return nil, err
			}
			cpu[k] = float64(max(1, host.OwnCPU()-before))
		}
		reading.Logs = append(reading.Logs, math.Log(cpu[0]/cpu[1]))
	}
	if done < turns {
		return reading, nil // the rest of what was prepared is not done, so nothing can be counted
	}
	for k, counted := range []*results.Counts{&reading.Done, &reading.FloorDone} {
		if err := seal(both[k]); err != nil {
			return nil, err
		}
		work, err := both[k].Work()
		if err != nil {
			return nil, err
		}
		*counted = work.Counts
	}
	return reading, nil
}

// checkFloor marks the baseline invalid if it is clearly above its floor.
func (c *comparison) checkFloor(a *arm, r floorReading) {
	for _, name := range slices.Sorted(maps.Keys(r.FloorDone)) {
		if got, want := r.Done[name], r.FloorDone[name]; float64(got) > moreCalls*float64(want) {
			a.invalidate("after a timed part, style %s: it is no fair baseline. %s: %d, where the same work without a style has %d", a.style, name, got, want)
		}
	}
	interval, err := inference.Fixed(r.Logs, c.config.confidence)
	if err != nil || !interval.Bounded() {
		return
	}
	of := func(log float64) float64 { return math.Exp(log) }
	a.cell.Equivalence.Floor = &results.Estimate{Median: of(inference.Median(r.Logs)), Lo: of(interval.Lo), Hi: of(interval.Hi)}
	if of(interval.Lo) > aboveFloor && a.plain {
		a.invalidate("after a timed part, style %s: it is no fair baseline. It takes %.2f [%.2f, %.2f] times the CPU of the same work without a style; at most %v is allowed",
			a.style, of(inference.Median(r.Logs)), of(interval.Lo), of(interval.Hi), aboveFloor)
	}
}
