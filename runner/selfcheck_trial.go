package runner

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"rubato/inference"
	"rubato/results"
	"rubato/runner/host"
)

// trials runs trials with the code of rubato run.
type trials struct {
	*measurement
	say    func(format string, args ...any) // reports progress
	plan   time.Duration                    // trials are as long as those of a run of this time
	number int                              // of the series, so that each has its own seed and folder
}

// trials works in a folder that is removed at the end. It keeps no record: only rates
// are kept.
func (p program) trials(seed uint64) (*trials, error) {
	dir, err := os.MkdirTemp("", "selfcheck-")
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "tmp"), 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("making a folder to work in: %w", err)
	}
	folder := folder{path: dir, show: dir, work: dir}
	p.left.in(folder)
	return &trials{say: func(format string, args ...any) { fmt.Fprintf(p.stderr, format+"\n", args...) },
		measurement: &measurement{child: p.suite.Child, config: config{effort: quickEffort, seed: seed, confidence: inference.Confidence}, limits: p.limits, folder: folder,
			floor: measureFloor(), leftovers: p.left, progress: newProgress(io.Discard, 0)}}, nil
}

// A series is what some trials measured.
type series struct {
	arms    map[string][]float64 // the logarithm of the typical time per operation, for each trial
	took    []time.Duration      // from the start of the series to the end of each trial
	turns   []int                // that are timed, of each trial
	dropped int                  // trials that broke off
	timeUp  bool                 // it ended because its time was used up
}

// and adds the trials of another series.
func (s *series) and(more *series) {
	if s.arms == nil {
		s.arms = map[string][]float64{}
	}
	for style, logs := range more.arms {
		s.arms[style] = append(s.arms[style], logs...)
	}
	s.turns, s.dropped = append(s.turns, more.turns...), s.dropped+more.dropped
}

// session is a session of trials, by its number.
func (s *series) session(number int) inference.Session {
	of := func(style string) []float64 { return s.arms[style][number*sessionTrials : (number+1)*sessionTrials] }
	return inference.Session{Arm: of(kernelArm), AA: of(kernelAA), Slow: of(kernelSlow), Shift: math.Log1p(slowdownShares[kernelSlow])}
}

// against are the typical log-ratios of an arm to the baseline.
func (s *series) against(style string) []float64 {
	return inference.Ratios(s.arms[style], s.arms[kernelArm])
}

// keep adds a trial. The typical log-ratio of an arm is the median over turns, in which
// the arms alternate.
func (s *series) keep(arms []*arm, blocks []*results.Block) error {
	base := blocks[0]
	var times []float64
	for _, slice := range base.Slices {
		times = append(times, float64(slice)/float64(base.SliceOps))
	}
	typical := inference.Median(times)
	if len(blocks) != len(arms) || typical <= 0 {
		return fmt.Errorf("%d blocks of %d arms, an operation of %v ns: that cannot be", len(blocks), len(arms), typical)
	}
	for i, b := range blocks {
		s.arms[arms[i].style] = append(s.arms[arms[i].style], math.Log(typical)+inference.Median(b.TurnLogs(base)))
	}
	s.turns = append(s.turns, len(times))
	return nil
}

var errKernelDiffers = errors.New("the self-check's processes did different work, so none of its figures is valid")

// run measures trials of these arms until the time is up, or there are enough. It returns
// the trials so far if one fails.
func (t *trials) run(ctx context.Context, c condition, arms []string, limit time.Duration, enough func(*series) bool) (*series, error) {
	t.number++
	began, one, m := time.Now(), *t, *t.measurement
	m.config.seed += uint64(t.number) << 16
	m.config.decide.time = t.plan
	one.measurement = &m
	stop, err := one.startHog(ctx, c)
	if err != nil {
		return nil, err
	}
	defer stop()
	compared := one.comparison(c, arms)
	defer os.RemoveAll(compared.dir)
	defer compared.stop()
	if c.stops {
		stops := &stops{}
		compared.disturb = stops.during
		defer stops.start(ctx, disturbanceSource(t.config.seed, "stops", t.number))()
	}
	for _, step := range []func(context.Context) error{compared.prepare, compared.startProcesses, compared.checkScripts, compared.open, compared.calibrate} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	s := &series{arms: map[string][]float64{}}
	if err := s.measure(ctx, compared, began, limit, enough); err != nil {
		return s, err
	}
	return s, compared.close(ctx)
}

// comparison compares these arms of the kernel. A slice is one operation.
func (t *trials) comparison(c condition, arms []string) *comparison {
	plan := comparisonPlan{scenario: kernelScenario(), options: Options{cachesKey: cachesCold}, size: Size{Ops: 1, Warmup: 2}}
	if c.storm {
		plan.options[disturbanceKey] = disturbanceStorm
	}
	cells := map[string]*results.Cell{}
	for _, style := range arms {
		a := armPlan{style: style, options: plan.options}
		cell := a.cell(kernelName)
		plan.arms, cells[cell.Key()] = append(plan.arms, a), &cell
	}
	return newComparison(t.measurement, t.number, plan, cells)
}

// measure adds trials. As in rubato run, a trial that breaks off is dropped as a whole, and
// no trial starts that would end after the limit.
func (s *series) measure(ctx context.Context, c *comparison, began time.Time, limit time.Duration, enough func(*series) bool) error {
	log, longest, inRow := &trialLog{logs: map[*arm]inference.Trials{}}, time.Duration(0), 0
	for {
		start := time.Now()
		c.config.seed++ // each trial has other disturbances
		blocks, err := c.trial(ctx, len(s.took), log)
		if broken := (lost{}); errors.As(err, &broken) {
			c.stop()
			s.dropped++
			if inRow++; inRow == mostDropped {
				return fmt.Errorf("%d trials in a row broke off: %w", mostDropped, err)
			}
			continue
		}
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(c.arms, (*arm).invalid); i >= 0 {
			return fmt.Errorf("%w: %s", errKernelDiffers, c.arms[i].cell.Why)
		}
		if err := s.keep(c.arms, blocks); err != nil {
			return err
		}
		s.took = append(s.took, time.Since(began))
		if enough(s) {
			return nil
		}
		longest, inRow = max(longest, time.Since(start)), 0
		if s.timeUp = time.Since(began)+longest > limit; s.timeUp {
			return nil
		}
	}
}

// startHog starts the hog of this condition, if it has one.
func (t *trials) startHog(ctx context.Context, c condition) (stop func(), err error) {
	if c.hog == "" {
		return func() {}, nil
	}
	p, err := t.start(nil, c.Name)
	if err != nil {
		return nil, err
	}
	stop = func() {
		p.kill()
		p.end(t.limits.Close)
		t.leftovers.drop(p)
	}
	setup := &Setup{Style: c.hog, Seed: t.config.seed}
	if _, err := p.ask(ctx, request{Do: doOpen, Scenario: hogName, Setup: setup}, t.limits.Open); err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

// A stops stops one process after the other for a moment, as a debugger, a freezer or the
// lid of a laptop does. It pauses while processes are started or ended: those would wait
// for one another.
type stops struct {
	mu     sync.Mutex
	groups []int // process groups of the trial that takes turns; none between trials
}

// start stops processes until end is called. All of them run again when that returns.
func (s *stops) start(ctx context.Context, random *rand.Rand) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	stopped := phases{random: random, least: 10 * time.Millisecond, longest: 80 * time.Millisecond}
	running := phases{random: random, least: 50 * time.Millisecond, longest: 400 * time.Millisecond}
	var stopping sync.WaitGroup
	stopping.Go(func() {
		for pause(ctx, running.next()) == nil {
			s.stopOne(ctx, random.Uint32(), stopped.next())
		}
	})
	return func() {
		cancel()
		stopping.Wait()
	}
}

func (s *stops) stopOne(ctx context.Context, which uint32, long time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.groups) == 0 {
		return
	}
	group := s.groups[int(which)%len(s.groups)]
	_ = host.SignalGroup(group, host.Pause)
	_ = pause(ctx, long)
	_ = host.SignalGroup(group, host.Resume)
}

// during lets processes be stopped until calm is called. All of them run again when that
// returns.
func (s *stops) during(arms []*arm) (calm func()) {
	var groups []int
	for _, a := range arms {
		groups = append(groups, a.process.command.Process.Pid)
	}
	set := func(groups []int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.groups = groups
	}
	set(groups)
	return func() { set(nil) }
}

// phases are random times for which something is on, and then off.
type phases struct {
	random         *rand.Rand
	least, longest time.Duration
}

func (p phases) next() time.Duration {
	return p.least + time.Duration(p.random.Int64N(int64(p.longest-p.least)))
}

// The arms of the kernel. The A/A control is the same code as the arm. The others take
// more steps of the same kind in each operation, so they are slower by their share of
// slowdownShares in every condition. A slowdown that spins by the clock would not be:
// time in which the process has no core would count as slowdown.
const (
	kernelArm    = "arm"
	kernelAA     = "aa"
	kernelSlow   = "slow"
	kernelSlower = "slower"
)

var slowdownShares = map[string]float64{kernelSlow: 0.01, kernelSlower: 0.03}

// Scenarios that only the self-check opens: no list shows them.
const (
	kernelName = "selfcheck-kernel"
	hogName    = "selfcheck-hog"
)

// withKernel is the suite of a measured child: the user's scenarios and those of the
// self-check.
func withKernel(suite Suite) Suite {
	suite.Scenarios = slices.Concat(suite.Scenarios, []Scenario{kernelScenario(), hogScenario()})
	return suite
}

// kernelScenario is work without a player: hashing, a map larger than the nearer caches,
// small allocations.
func kernelScenario() Scenario {
	return Scenario{
		Name: kernelName, Answers: "Does this machine measure well enough?", Op: "turn", Script: 3,
		Open: func(s Setup) (Workload, error) { return newKernel(s), nil },
	}
}

const (
	kernelSteps = 1000    // of an operation, which then takes some 1 ms
	kernelKeys  = 1 << 16 // of the map
	kernelHeld  = 1 << 10 // allocations that stay alive
	// One step of so many allocates. They are few enough for a slice to end before the
	// collector starts.
	kernelRare = 8
)

// A kernel is the workload.
type kernel struct {
	setup  Setup
	more   int // steps of an operation that are the injected slowdown
	text   []byte
	counts map[uint64]int
	held   [kernelHeld][]byte
	state  [sha256.Size]byte
	shadow [sha256.Size]byte // state of the injected steps, so that the result of the work is the same
	n      int
	done   int64
	lines  []string
	storm  *gcStorm // nil: none
}

func newKernel(s Setup) *kernel {
	k := &kernel{setup: s, more: int(math.Round(slowdownShares[s.Style] * kernelSteps)), text: make([]byte, 1<<10), counts: make(map[uint64]int, kernelKeys)}
	for i := range uint64(kernelKeys) {
		k.counts[i] = 0
	}
	if s.Options[disturbanceKey] == disturbanceStorm {
		k.storm = newGCStorm(s.Seed, s.Style)
	}
	return k
}

func (k *kernel) Prepare(first, n int) error {
	k.n, k.done, k.lines = n, 0, nil
	binary.LittleEndian.PutUint64(k.text, uint64(first))
	return nil
}

func (k *kernel) Run(n int, latency func(time.Duration)) error {
	if k.storm != nil {
		defer k.storm.blow()()
	}
	for range n {
		start := time.Now()
		k.turn()
		latency(time.Since(start))
	}
	return nil
}

// turn is an operation.
func (k *kernel) turn() {
	k.steps(&k.state, kernelSteps)
	k.steps(&k.shadow, k.more)
	k.done++
	if k.setup.Verbatim {
		k.lines = append(k.lines, hex.EncodeToString(k.state[:8]))
	}
}

func (k *kernel) steps(state *[sha256.Size]byte, n int) {
	for range n {
		copy(k.text[8:], state[:])
		*state = sha256.Sum256(k.text)
		key := binary.LittleEndian.Uint64(state[:])
		k.counts[key%kernelKeys]++
		if key%kernelRare == 0 {
			k.held[key/kernelRare%kernelHeld] = append(make([]byte, 0, 64+key%64), state[:]...)
		}
	}
}

func (k *kernel) Work() (Work, error) {
	work := Work{Stimuli: int64(k.n), Effects: k.done, Expected: int64(k.n), Digest: hex.EncodeToString(k.state[:])}
	if k.setup.Verbatim {
		work.Lanes = map[string][]string{"kernel": k.lines}
	}
	return work, nil
}

func (k *kernel) Close() error {
	if k.storm != nil {
		k.storm.end()
	}
	return nil
}
