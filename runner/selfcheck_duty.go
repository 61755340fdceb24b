package runner

import (
	"context"
	"fmt"
	"math"
	"time"
)

// dutyMost is how far, in points, a route to CPU % may lie from a load that is known.
const dutyMost = 2

// dutyShares are the loads that are read, each for dutyTime.
var dutyShares = []float64{0.20, 0.50, 0.90}

const dutyTime = 2 * time.Second

// A duty is a reading, and whether all routes lie within 2 points of the load that
// there was: where no CPU is free, that is less than the load that was wanted.
type duty struct {
	DutyReading
	Right bool `json:"right"`
}

func newDuty(r DutyReading) duty {
	d := duty{DutyReading: r, Right: true}
	for _, read := range []float64{r.Gopsutil, r.Rusage, r.Pprof} {
		d.Right = d.Right && math.Abs(read-r.Given) <= dutyMost
	}
	return d
}

// duties reads the loads.
func (f *findings) duties(ctx context.Context, _ *trials, say func(string, ...any)) error {
	for _, share := range dutyShares {
		r, err := givenDuty(ctx, share)
		if err != nil {
			return err
		}
		f.Duty = append(f.Duty, newDuty(r))
		say("%s", f.Duty[len(f.Duty)-1])
	}
	return nil
}

// givenDuty reads a load again, a few times at most, while no core was free for it: of
// a process that waits for a core the routes tell other things.
func givenDuty(ctx context.Context, share float64) (r DutyReading, err error) {
	for range 3 {
		if r, err = DutyCycle(ctx, share, dutyTime); err != nil || math.Abs(r.Given-r.Wanted) <= dutyMost {
			break
		}
	}
	return r, err
}

func (d duty) String() string {
	verdict := fmt.Sprintf("within %d points", dutyMost)
	if !d.Right {
		verdict = fmt.Sprintf("off by more than %d points", dutyMost)
	}
	return fmt.Sprintf("A load of %.1f %% of a core is read as %s: %s.", d.Given, d.figures(), verdict)
}

func (d duty) figures() string {
	return fmt.Sprintf("%.1f (gopsutil), %.1f (rusage), %.1f (pprof)", d.Gopsutil, d.Rusage, d.Pprof)
}
