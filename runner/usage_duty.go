package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	format "github.com/google/pprof/profile"
	psutil "github.com/shirou/gopsutil/v3/process"
)

// A DutyReading is a known load as each route to CPU % reads it. All are in % of one
// core, over the time that the load lasted.
type DutyReading struct {
	Wanted   float64 `json:"wanted"` // what was asked for
	Given    float64 `json:"given"`  // what the load counted on its own thread; less than Wanted where no CPU was free
	Gopsutil float64 `json:"gopsutil"`
	Rusage   float64 `json:"rusage"`
	Pprof    float64 `json:"pprof"`
}

// dutyPeriod is that of the load. Longer than the ticks by which kernels send the
// profiler's signals, so that its bursts hold some at each share.
const dutyPeriod = 100 * time.Millisecond

// dutyTurns of an empty loop stand between two looks at the clock, so few that the load
// ends where it should. Each look is a system call, from which Go takes the thread's
// processor away when it lasts: many of them would be a load of their own.
const dutyTurns = 100_000

// dutyGrace is for the start of a process, and for what stops its profile.
const dutyGrace = 30 * time.Second

// DutyCycle puts a load of share (0 to 1) of a core on for d in a process of its own,
// and reads it by the routes that a run reads styles by. Shorter than 2 s, ticks of
// 10 ms alone are half a point.
func DutyCycle(ctx context.Context, share float64, d time.Duration) (reading DutyReading, err error) {
	if !(share > 0 && share < 1) || d < dutyPeriod {
		return DutyReading{}, fmt.Errorf("a load of %v of a core for %v: want a share over 0 and under 1, for at least %v", share, d, dutyPeriod)
	}
	temp, err := os.MkdirTemp("", "duty-")
	if err != nil {
		return DutyReading{}, fmt.Errorf("making a folder to work in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	p, err := start("known load", temp, io.Discard)
	if err != nil {
		return DutyReading{}, err
	}
	answer, err := p.ask(ctx, request{Do: doDuty, Share: share, Wall: d}, d+dutyGrace)
	if err != nil {
		p.kill()
	}
	p.end(patience.Close)
	if err == nil && answer.Duty == nil {
		err = errors.New("no reading of the known load came back")
	}
	if err != nil {
		return DutyReading{}, err
	}
	return *answer.Duty, nil
}

// knownLoad is the side of the child.
func knownLoad(share float64, d time.Duration) (reply, error) {
	self, err := psutil.NewProcess(int32(os.Getpid()))
	if err != nil {
		return reply{}, fmt.Errorf("reading the own process: %w", err)
	}
	var recorded bytes.Buffer
	if err := pprof.StartCPUProfile(&recorded); err != nil {
		return reply{}, err
	}
	_, _ = self.Percent(0) // percentages are since the last call
	start, used := time.Now(), usageNow().cpu()
	spun, lasted := dutyLoad(share, d)
	rusage, wall := usageNow().cpu()-used, time.Since(start)
	ticks, err := self.Percent(0)
	pprof.StopCPUProfile()
	if err != nil {
		return reply{}, fmt.Errorf("reading the own process: %w", err)
	}
	sampled, err := sampledCPU(&recorded)
	if err != nil {
		return reply{}, err
	}
	percent := func(cpu, wall time.Duration) float64 { return window{Wall: wall, CPU: cpu}.percent() }
	return reply{Duty: &DutyReading{Wanted: 100 * share, Given: percent(spun, lasted), Gopsutil: ticks,
		Rusage: percent(rusage, wall), Pprof: percent(sampled, wall)}}, nil
}

// dutyLoad is busy for its share of each period, by its thread's own clock, and catches
// up on what it was kept from.
func dutyLoad(share float64, d time.Duration) (spun, lasted time.Duration) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start, used := time.Now(), threadCPU()
	ticker := time.NewTicker(dutyPeriod)
	defer ticker.Stop()
	for period := time.Duration(1); period*dutyPeriod <= d; period++ {
		due := time.Duration(math.Round(share * float64(period*dutyPeriod)))
		for threadCPU()-used < due && time.Since(start) < d {
			turned.Add(int64(emptyLoop(dutyTurns)))
		}
		for time.Since(start) < period*dutyPeriod {
			<-ticker.C
		}
	}
	return threadCPU() - used, time.Since(start)
}

// sampledCPU is the sum of a CPU profile.
func sampledCPU(recorded io.Reader) (sum time.Duration, err error) {
	read, err := format.Parse(recorded)
	if err != nil {
		return 0, fmt.Errorf("reading the profile of a known load: %w", err)
	}
	for _, sample := range read.Sample {
		sum += time.Duration(sample.Value[len(sample.Value)-1]) // CPU time is the last kind
	}
	return sum, nil
}
