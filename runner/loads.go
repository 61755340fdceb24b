package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	format "github.com/google/pprof/profile"
	psutil "github.com/shirou/gopsutil/v3/process"

	"rubato/runner/host"
)

// The disturbances of the self-check: processes that take the CPU or the memory bus, and
// garbage collection inside the measured process. selfcheck_trial.go stops processes.

// disturbanceKey is the option that names the disturbance inside the process of a kernel.
const (
	disturbanceKey   = "disturbance"
	disturbanceStorm = "storm"
)

// Kinds of hog.
const (
	hogCPU    = "cpu"
	hogMemory = "memory"
)

// hogScenario is a process that works from Open to Close and is never timed.
func hogScenario() Scenario {
	return Scenario{Name: hogName, Open: func(s Setup) (Workload, error) { return newHog(s), nil }}
}

// A phase of a hog lasts some turns. Shorter phases would be equal in all turns, longer
// ones in all turns of a trial.
const (
	shortestPhase = 30 * time.Millisecond
	longestPhase  = 400 * time.Millisecond
)

// A hog keeps each core busy half of the time. Each core has its own phases.
type hog struct {
	stop    chan struct{}
	working sync.WaitGroup
}

func newHog(s Setup) *hog {
	h := &hog{stop: make(chan struct{})}
	for core := range runtime.GOMAXPROCS(0) {
		step := spinStep
		if s.Style == hogMemory {
			step = newCopyStep()
		}
		p := phases{random: disturbanceSource(s.Seed, s.Style, core), least: shortestPhase, longest: longestPhase}
		h.working.Go(func() { h.work(p, step) })
	}
	return h
}

// disturbanceSource depends on the seed and on what it is for.
func disturbanceSource(seed uint64, name string, number int) *rand.Rand {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name)) // cannot fail
	return rand.New(rand.NewPCG(seed, sum.Sum64()+uint64(number)))
}

// work takes steps while a phase is on, and waits while it is off.
func (h *hog) work(p phases, step func()) {
	rest := time.NewTimer(p.next())
	defer rest.Stop()
	for {
		select {
		case <-h.stop:
			return
		case <-rest.C:
		}
		for start, long := time.Now(), p.next(); time.Since(start) < long && !h.stopped(); {
			step()
		}
		rest.Reset(p.next())
	}
}

func (h *hog) stopped() bool {
	select {
	case <-h.stop:
		return true
	default:
		return false
	}
}

// turned uses the result of the loop, so that the compiler keeps the loop.
var turned atomic.Int64

func spinStep() { turned.Add(int64(emptyLoop(100_000))) }

// copied is more than the caches of a core hold, and not too much for a small board.
const copied = 16 << 20

// newCopyStep returns a step that copies memory.
func newCopyStep() func() {
	from, to := make([]byte, copied), make([]byte, copied)
	at := 0
	return func() {
		const piece = 4 << 20
		copy(to[at:at+piece], from[at:at+piece])
		at = (at + piece) % len(to)
	}
}

// Prepare does nothing: a hog works by itself.
func (h *hog) Prepare(int, int) error { return nil }

// Run does nothing, see Prepare.
func (h *hog) Run(int, func(time.Duration)) error { return nil }

// Work is empty, see Prepare.
func (h *hog) Work() (Work, error) { return Work{}, nil }

// Close returns when all cores are free.
func (h *hog) Close() error {
	close(h.stop)
	h.working.Wait()
	return nil
}

// A gcStorm makes garbage beside the measured work in half of the slices, so that the
// collector runs nearly all the time.
type gcStorm struct {
	random *rand.Rand
	begin  chan chan struct{} // the channel that is closed at the end of the slice
	over   chan struct{}
	ended  chan struct{}
	blown  atomic.Int64 // slices
}

func newGCStorm(seed uint64, style string) *gcStorm {
	s := &gcStorm{random: disturbanceSource(seed, style, 0), begin: make(chan chan struct{}), over: make(chan struct{}), ended: make(chan struct{})}
	go s.work()
	return s
}

// blow makes garbage until the returned function is called, in half of its calls.
func (s *gcStorm) blow() (calm func()) {
	if s.random.IntN(2) == 0 {
		return func() {}
	}
	s.blown.Add(1)
	until := make(chan struct{})
	s.begin <- until
	return func() {
		close(until)
		<-s.over
	}
}

func (s *gcStorm) work() {
	defer close(s.ended)
	for until := range s.begin {
		litter(until)
		s.over <- struct{}{}
	}
}

// litter makes linked lists: pointers cost the collector most.
func litter(until <-chan struct{}) {
	type link struct{ next *link }
	kept := make([]*link, 1<<12)
	for i := 0; ; i++ {
		select {
		case <-until:
			return
		default:
		}
		var list *link
		for range 64 {
			list = &link{list}
		}
		kept[i%len(kept)] = list
	}
}

func (s *gcStorm) end() {
	close(s.begin)
	<-s.ended
}

// A dutyReading is a known load as each route to CPU % reads it. All are in % of one
// core, over the time that the load lasted.
type dutyReading struct {
	Wanted   float64 `json:"wanted"` // what was asked for
	Given    float64 `json:"given"`  // what the load counted on its own thread; less than Wanted where no CPU was free
	Gopsutil float64 `json:"gopsutil"`
	Rusage   float64 `json:"rusage"`
	Pprof    float64 `json:"pprof"`
	Right    bool    `json:"right"` // all routes lie within dutyMost of Given
}

// dutyMost is how far a route may lie from a known load, in percentage points.
const dutyMost = 2

// right compares the routes with the given load, not with the wanted one: without a free
// CPU it is less.
func (r dutyReading) right() bool {
	return max(math.Abs(r.Gopsutil-r.Given), math.Abs(r.Rusage-r.Given), math.Abs(r.Pprof-r.Given)) <= dutyMost
}

// Routes lists the readings.
func (r dutyReading) Routes() string {
	return fmt.Sprintf("%.1f (gopsutil), %.1f (rusage), %.1f (pprof)", r.Gopsutil, r.Rusage, r.Pprof)
}

func (r dutyReading) String() string {
	verdict := "within"
	if !r.Right {
		verdict = "off by more than"
	}
	return fmt.Sprintf("A load of %.1f %% of a core is read as %s: %s %d points.", r.Given, r.Routes(), verdict, dutyMost)
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

// dutyCycle puts a load of share (0 to 1) of a core on for d in a process of its own,
// and reads it by the routes that a run reads styles by. Shorter than 2 s, ticks of
// 10 ms alone are half a point.
func dutyCycle(ctx context.Context, share float64, d time.Duration) (reading dutyReading, err error) {
	if !(share > 0 && share < 1) || d < dutyPeriod {
		return dutyReading{}, fmt.Errorf("a load of %v of a core for %v: want a share over 0 and under 1, for at least %v", share, d, dutyPeriod)
	}
	temp, err := os.MkdirTemp("", "duty-")
	if err != nil {
		return dutyReading{}, fmt.Errorf("making a folder to work in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	p, err := start(nil, nil, "known load", temp, io.Discard)
	if err != nil {
		return dutyReading{}, err
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
		return dutyReading{}, err
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
	start, used := time.Now(), host.UsageNow().CPU()
	spun, lasted := dutyLoad(share, d)
	rusage, wall := host.UsageNow().CPU()-used, time.Since(start)
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
	reading := dutyReading{Wanted: 100 * share, Given: percent(spun, lasted), Gopsutil: ticks, Rusage: percent(rusage, wall), Pprof: percent(sampled, wall)}
	reading.Right = reading.right()
	return reply{Duty: &reading}, nil
}

// dutyLoad is busy for its share of each period, by its thread's own clock, and catches
// up on what it was kept from.
func dutyLoad(share float64, d time.Duration) (spun, lasted time.Duration) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start, used := time.Now(), host.ThreadCPU()
	ticker := time.NewTicker(dutyPeriod)
	defer ticker.Stop()
	for period := time.Duration(1); period*dutyPeriod <= d; period++ {
		due := time.Duration(math.Round(share * float64(period*dutyPeriod)))
		for host.ThreadCPU()-used < due && time.Since(start) < d {
			turned.Add(int64(emptyLoop(dutyTurns)))
		}
		for time.Since(start) < period*dutyPeriod {
			<-ticker.C
		}
	}
	return host.ThreadCPU() - used, time.Since(start)
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
