package runner

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/results"
	"rubato/runner/host"
)

// longest is the highest latency of the histogram. Longer ones count as this long.
const longest = time.Minute

// A latencies collects the latency of every operation of a block. Histogram and mutex cost
// some 20 ns per operation, the same in every style, and allocate nothing.
type latencies struct {
	mu        sync.Mutex
	histogram *hdrhistogram.Histogram
	slowest   time.Duration // since it was last taken
}

func newLatencies() *latencies {
	return &latencies{histogram: hdrhistogram.New(1, int64(longest), 3)}
}

func (l *latencies) record(d time.Duration) {
	l.mu.Lock()
	_ = l.histogram.RecordValue(int64(min(max(d, 1), longest))) // in range: cannot fail
	l.slowest = max(l.slowest, d)
	l.mu.Unlock()
}

// takeSlowest is the slowest latency since it was last called.
func (l *latencies) takeSlowest() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	slowest := l.slowest
	l.slowest = 0
	return slowest
}

func (l *latencies) reset() {
	l.mu.Lock()
	l.histogram.Reset()
	l.mu.Unlock()
}

// encoded is the histogram as V2 compressed base64; empty if no latency was recorded.
func (l *latencies) encoded() (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.histogram.TotalCount() == 0 {
		return "", nil
	}
	text, err := l.histogram.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return "", fmt.Errorf("encoding latencies: %w", err)
	}
	return string(text), nil
}

// A timing measures what was prepared: as a whole, or in slices between which the child
// waits for its turn. The clock and the CPU time are read around each slice; nothing but
// Run happens between the two readings of the clock. The counters that are slow to read
// (ReadMemStats stops the world, the kernel's are files) are read before the first slice
// and after the last.
type timing struct {
	load     Workload
	slice    slicing
	recorded *latencies
	latency  func(time.Duration)
	still    *watch
	stop     func()
	phase    func(string) // labels what follows in a profile
	counters *host.Counters
	clocks   host.Clocks
	used     host.Usage // at the beginning
	runtime  host.Runtime
	changed  string           // what a slice left changed in the runtime
	stats    runtime.MemStats // of the last reading of the heap
	before   runtime.MemStats
	from, to heapReading // between which allocations are counted
	ended    heapReading

	forced      uint32 // collections of countHeap
	forcedPause time.Duration

	waits  host.Usage    // when the first timed turn began: before it, the other arms get ready, and collections settle
	worked host.Usage    // in all slices since then, with what made ready for them and untimed operations
	ready  time.Duration // what making ready took
	turn   int
	slices []time.Duration // of the timed turns
	slow   []time.Duration // the slowest latency in each
	events *events
	sum    host.Usage // in these
	err    error
	sealed error

	watcher Workload // load without what the runner adds
}

// A slicing says how a trial is cut into turns. An arm does Ops operations per turn; in
// the first Warmup turns, and in the first Hot operations of each turn, it is not timed.
type slicing struct {
	Ops    int `json:"ops"`
	Turns  int `json:"turns"`
	Warmup int `json:"warmup,omitempty"`
	Hot    int `json:"hot,omitempty"`
	// Pause is the wait before each turn, outside the clock.
	Pause time.Duration `json:"pause,omitempty"`
}

// stimuli is what an arm does in a trial.
func (s slicing) stimuli() int { return s.Turns * (s.Hot + s.Ops) }

// timed is how many of them are timed.
func (s slicing) timed() int { return (s.Turns - s.Warmup) * s.Ops }

// begin collects garbage and starts the counters. What slices need is allocated here.
func begin(load Workload, recorded *latencies, on instruments, slice slicing) *timing {
	recorded.reset()
	t := &timing{load: load, phase: func(string) {}, watcher: inner(load), slice: slice, recorded: recorded, latency: on.latency(recorded), still: on.watch(), stop: on.profile(),
		counters: host.OpenCounters(), slices: make([]time.Duration, 0, slice.Turns), slow: make([]time.Duration, 0, slice.Turns)}
	runtime.GC()
	t.events = newEvents(load, slice.Turns) // no cycle is under way now
	host.ResetPeakRSS()
	t.counters.Begin()
	t.from = t.readHeap()
	t.before = t.stats
	t.runtime = host.RuntimeNow()
	t.clocks, t.used = host.ClocksNow(), host.UsageNow()
	return t
}

func unrecorded(time.Duration) {}

// A Readier is a Workload that makes ready for each slice, outside the clock and after the arm's
// wait: nothing but untimed operations of its own comes between.
type Readier interface{ BeforeSlice() error }

// next does the slice of the next turn. After the last one it notes what is durable.
func (t *timing) next() {
	timed := t.turn >= t.slice.Warmup
	latency := unrecorded
	if timed {
		latency = t.latency
	}
	if t.slice.Pause > 0 {
		<-time.After(t.slice.Pause)
	}
	t.phase("run")
	began := host.UsageNow()
	if t.turn == t.slice.Warmup {
		t.waits, t.worked = began, host.Usage{}
	}
	if r, can := t.watcher.(Readier); can && t.err == nil {
		start := time.Now()
		t.err = r.BeforeSlice()
		t.ready += time.Since(start)
	}
	if t.err == nil && t.slice.Hot > 0 {
		t.err = t.load.Run(t.slice.Hot, unrecorded)
	}
	if t.err == nil {
		t.err = t.events.look(-1)
	}
	used := host.UsageNow()
	start := time.Now()
	if t.err == nil {
		t.err = t.load.Run(t.slice.Ops, latency)
	}
	wall := time.Since(start)
	now := host.UsageNow()
	t.phase("count")
	if t.turn++; t.turn == t.slice.Turns {
		t.sealed = seal(t.load) // first: what becomes durable after this is too late
	}
	if t.err == nil && timed {
		t.err = t.events.look(len(t.slices))
	}
	if w, can := t.watcher.(Watcher); can && t.err == nil {
		t.err = w.AfterSlice()
	}
	if now := host.RuntimeNow(); now != t.runtime && t.changed == "" {
		t.changed = fmt.Sprintf("it changed its runtime while it was measured, from %v to %v", t.runtime, now)
	}
	t.worked.Add(now.Since(began))
	if timed {
		t.slices, t.slow = append(t.slices, wall), append(t.slow, t.recorded.takeSlowest())
		t.sum.Add(now.Since(used))
	}
	t.countHeap()
}

// usagesOfTurn is how often next reads what was used.
const usagesOfTurn = 3

// end stops the counters and fills a block. Time, CPU and switches are those of the timed
// slices. Allocations are a slope, see heapReading. Other counters have no reading at each slice: they
// are the timed share of what all operations used.
func (t *timing) end() (results.Block, error) {
	defer t.counters.Close()
	t.ended = t.readHeap()
	after := t.stats
	waited := host.UsageNow().Since(t.waits).CPU() - t.worked.CPU()
	resources, all := t.counters.End(), host.UsageNow().Since(t.used)
	var wall time.Duration
	for _, slice := range t.slices {
		wall += slice
	}
	disturbed := disturbance(t.still.end(), t.clocks, host.ClocksNow(), wall)
	t.stop()
	if t.err != nil {
		return results.Block{}, fmt.Errorf("running %d stimuli: %w", t.slice.stimuli(), t.err)
	}
	if t.sealed != nil {
		return results.Block{}, fmt.Errorf("noting what is durable when the clock stops: %w", t.sealed)
	}
	histogram, err := t.recorded.encoded()
	if err != nil {
		return results.Block{}, err
	}
	resources.MinorFaults, resources.MajorFaults, resources.Apart = all.MinorFaults, all.MajorFaults, t.sum.Apart
	share := float64(t.slice.timed()) / float64(t.slice.stimuli())
	b := results.Block{
		Ops: t.slice.timed(), Wall: wall, User: t.sum.User, System: t.sum.System,
		GCs: after.NumGC - t.before.NumGC - t.forced, GCPause: time.Duration(after.PauseTotalNs-t.before.PauseTotalNs) - t.forcedPause,
		Voluntary: t.sum.Voluntary, Involuntary: t.sum.Involuntary,
		RSSPeak: host.PeakRSS(), Goroutines: runtime.NumGoroutine(), Latency: histogram, Disturbed: disturbed,
	}
	if t.slice.Turns > 1 {
		resources.Scale(share, int64(t.slice.Turns))
		b.Slices, b.SliceOps, b.Hot, b.Waiting = t.slices, t.slice.Ops, t.slice.Hot, waited
		b.Marks = t.events.marks
		if histogram != "" {
			b.Slowest = t.slow
		}
	}
	b.Resources = &resources
	t.allocated(&b)
	t.keeps(&b)
	return b, nil
}

// gcPauses counts each pause of garbage collection. A cycle has two, at its beginning and its end, so
// while it is under way their number is odd.
const gcPauses = "/sched/pauses/total/gc:seconds"

// An events notes in which timed turns something happened that an operation may have to wait for.
// It allocates nothing after the first look.
type events struct {
	told   Teller // nil: only garbage collection is known
	gc     []metrics.Sample
	idle   uint64 // pauses when no cycle was under way
	seen   map[string]int64
	marks  results.Marks
	turns  int
	turn   int // -1: what happened was in no timed slice
	noting func(mark string, times int64)
}

func newEvents(load Workload, turns int) *events {
	e := &events{gc: []metrics.Sample{{Name: gcPauses}}, seen: map[string]int64{}, marks: results.Marks{}, turns: turns}
	e.told, _ = inner(load).(Teller)
	e.noting = e.note
	e.idle = e.pauses()
	return e
}

func (e *events) pauses() (n uint64) {
	metrics.Read(e.gc)
	if e.gc[0].Value.Kind() == metrics.KindFloat64Histogram {
		for _, count := range e.gc[0].Value.Float64Histogram().Counts {
			n += count
		}
	}
	return n
}

// look asks what has happened since the last look, and notes it for the turn.
func (e *events) look(turn int) error {
	e.turn = turn
	e.noteGC(int64(e.pauses() - e.idle))
	if e.told == nil {
		return nil
	}
	return e.told.Happened(e.noting)
}

// noteGC notes pauses. A cycle that was under way ran in this slice, whether it has ended or not.
func (e *events) noteGC(pauses int64) {
	if e.seen[results.MarkGC]%2 == 1 {
		e.seen[results.MarkGC]--
	}
	e.note(results.MarkGC, pauses)
}

// note compares with the last look.
func (e *events) note(mark string, times int64) {
	of, known := e.marks[mark]
	if !known {
		of = make([]int, 0, e.turns)
	}
	if times != e.seen[mark] && e.turn >= 0 {
		of = append(of, e.turn)
	}
	e.marks[mark], e.seen[mark] = of, times
}

const (
	// watchEvery is how often the watch looks. Each look costs some 10 µs of CPU.
	watchEvery = 100 * time.Millisecond
	// stillAfter is how long a process may stand still before its block counts as
	// disturbed. A busy machine does not keep a goroutine waiting for so long.
	stillAfter = 500 * time.Millisecond
	// clockJump is how much two clocks may differ in a block. A clock that is being
	// corrected may differ by a thousandth more.
	clockJump = 10 * time.Millisecond
)

// A watch finds out whether the whole process stood still during a block: stopped,
// frozen, or without a CPU. While a style waits, the watch goes on; so a style's own
// waiting always counts.
type watch struct {
	mu      sync.Mutex
	last    time.Time
	used    time.Duration // CPU time at last
	longest time.Duration // without CPU to show for it
	stop    chan struct{}
	stopped chan struct{}
}

// startWatch starts a watch. All that it allocates is allocated here.
func startWatch() *watch {
	w := &watch{last: time.Now(), used: host.OwnCPU(), stop: make(chan struct{}), stopped: make(chan struct{})}
	ticker := time.NewTicker(watchEvery)
	go func() {
		defer close(w.stopped)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				w.look()
			case <-w.stop:
				return
			}
		}
	}()
	return w
}

// look notes the time since the last look, unless the process used the CPU meanwhile.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, used := time.Now(), host.OwnCPU()
	if gap := now.Sub(w.last); used-w.used < gap/2 {
		w.longest = max(w.longest, gap)
	}
	w.last, w.used = now, used
}

// end returns the longest time for which the process stood still; 0 if there is no watch.
func (w *watch) end() time.Duration {
	if w == nil {
		return 0
	}
	w.look()
	close(w.stop)
	<-w.stopped
	return w.longest
}

// disturbance says what disturbed the process or its clocks in a block; "" if nothing did.
func disturbance(still time.Duration, before, after host.Clocks, wall time.Duration) string {
	may := clockJump + wall/1000
	switch asleep, set := after.Boot-before.Boot-(after.Steady-before.Steady), after.Wall-before.Wall-(after.Steady-before.Steady); {
	case asleep > may:
		return fmt.Sprintf("the machine slept for %v", asleep.Round(time.Millisecond))
	case still > stillAfter:
		return fmt.Sprintf("the process stood still for %v", still.Round(time.Millisecond))
	case max(set, -set) > may:
		return fmt.Sprintf("the clock was set by %v", set.Round(time.Millisecond))
	}
	return ""
}
