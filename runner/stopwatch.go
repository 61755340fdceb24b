package runner

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/reports"
)

// longest is the latency that the histogram still tells apart; longer ones count
// as this long.
const longest = time.Minute

// A latencies collects the latency of every operation of a block. A histogram and
// a mutex cost some 20 ns an operation, the same in every style, and no memory that
// would move the garbage collector.
type latencies struct {
	mu        sync.Mutex
	histogram *hdrhistogram.Histogram
}

func newLatencies() *latencies {
	return &latencies{histogram: hdrhistogram.New(1, int64(longest), 3)}
}

func (l *latencies) record(d time.Duration) {
	l.mu.Lock()
	_ = l.histogram.RecordValue(int64(min(max(d, 1), longest))) // in range: cannot fail
	l.mu.Unlock()
}

func (l *latencies) reset() {
	l.mu.Lock()
	l.histogram.Reset()
	l.mu.Unlock()
}

// encoded is the histogram as V2 compressed base64, empty when nothing was told.
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

// measure runs what was prepared and fills a block with what it took. Between the
// two readings of the clock stands Run and nothing else; the counters that are dear
// to read (ReadMemStats stops the world, the kernel's are files) are read outside.
func measure(load Workload, heard *latencies, on observers, ops int) (reports.Block, error) {
	heard.reset()
	tell := on.tell(heard)
	still, stop := on.watch(), on.profile()
	root, io := os.DirFS("/"), openIO()
	defer io.Close()
	runtime.GC()
	forgetPeak()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	counted := beginCount(root, io)
	at, used := clocksNow(), usageNow()
	start := time.Now()
	err := load.Run(tell)
	wall := time.Since(start)
	now := usageNow()
	sealed := seal(load) // before anything else: what comes later is late
	kernel := endCount(root, io).since(counted)
	disturbed := disturbance(still.end(), at, clocksNow(), wall)
	stop()
	runtime.ReadMemStats(&after)
	if err != nil {
		return reports.Block{}, fmt.Errorf("running %d stimuli: %w", ops, err)
	}
	if sealed != nil {
		return reports.Block{}, fmt.Errorf("noting what is durable when the clock stops: %w", sealed)
	}
	latency, err := heard.encoded()
	if err != nil {
		return reports.Block{}, err
	}
	spent := now.since(used)
	kernel.MinorFaults, kernel.MajorFaults, kernel.Apart = spent.minor, spent.major, spent.apart
	return reports.Block{
		Ops: ops, Wall: wall, User: spent.user, System: spent.system,
		Allocs: after.Mallocs - before.Mallocs, Bytes: after.TotalAlloc - before.TotalAlloc,
		GCs: after.NumGC - before.NumGC, GCPause: time.Duration(after.PauseTotalNs - before.PauseTotalNs),
		Voluntary: spent.voluntary, Involuntary: spent.involuntary,
		RSSPeak: peakRSS(), Goroutines: runtime.NumGoroutine(), Latency: latency, Disturbed: disturbed,
		Resources: &kernel,
	}, nil
}
