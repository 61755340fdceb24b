package orchestrated

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/player"
)

// meter counts what a rule did. Counters are atomic and the histogram is behind a
// lock, because developers look while the player works.
type meter struct {
	activations, rejections, failures, aborts atomic.Uint64

	mu   sync.Mutex
	took *hdrhistogram.Histogram // nil before the first: most of many rules never run
	most time.Duration           // exact, where the histogram has a bucket's edge
}

// longest is what the histogram tells apart at most; longer counts as this.
const longest = 10 * time.Second

func (m *meter) record(took time.Duration) {
	m.mu.Lock()
	if m.took == nil {
		m.took = hdrhistogram.New(1, int64(longest), 2)
	}
	m.most = max(m.most, took)
	_ = m.took.RecordValue(int64(min(max(took, 1), longest))) // within bounds, so it cannot fail
	m.mu.Unlock()
}

func (m *meter) fail(err error) {
	m.failures.Add(1)
	if errors.Is(err, ErrAborted) {
		m.aborts.Add(1)
	}
}

func (m *meter) read() player.RuleMetrics {
	out := player.RuleMetrics{Activations: m.activations.Load(), Rejections: m.rejections.Load(),
		Failures: m.failures.Load(), Aborts: m.aborts.Load()}
	m.mu.Lock()
	defer m.mu.Unlock()
	if h := m.took; h != nil {
		// A percentile is the upper edge of its bucket, which may lie above the longest.
		at := func(percentile float64) float64 {
			return float64(min(h.ValueAtPercentile(percentile), int64(m.most))) / 1e3
		}
		out.Mean, out.P95, out.P99, out.Max = h.Mean()/1e3, at(95), at(99), float64(m.most)/1e3
	}
	return out
}
