package live

import (
	"math"
	"slices"
	"sync"
	"time"

	"rubato/player"
	"rubato/runner/host"
)

// Figures are how one style does now, under the load that it is served with.
type Figures struct {
	Style   string   `json:"style"`
	CPU     *float64 `json:"cpu_percent"` // of one core, over the last ten seconds; nil: not yet known
	P50     *float64 `json:"p50_us"`      // of a stimulus until its last effect; nil: there was none
	P99     *float64 `json:"p99_us"`      // nil: under 100 stimuli
	Stimuli int      `json:"stimuli"`     // in the window
	Window  float64  `json:"window_s"`
	Lacks   string   `json:"lacks,omitempty"` // why there are none
}

// Windows of the figures.
const (
	spanWindow = 2 * time.Minute
	cpuWindow  = 10 * time.Second
	mostSpans  = 8192
	enoughP99  = 100 // stimuli, as in results
)

// A meter is a player that notes how long each stimulus takes, from the moment it is its turn
// until its last effect is durable and visible. Periods of sound are not counted: there are a
// hundred a second.
type meter struct {
	player.Player
	style string
	cpu   func() time.Duration // of this process, so far

	mu    sync.Mutex
	spans []span // the oldest first
	used  []span // CPU time so far, about once a second
}

type span struct {
	at   time.Time
	took time.Duration
}

func newMeter(style string, p player.Player) *meter {
	return &meter{Player: p, style: style, cpu: host.OwnCPU}
}

// Do does, and notes how long it took.
func (m *meter) Do(s player.Stimulus) error {
	start := time.Now()
	err := m.Player.Do(s)
	end := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.Kind != player.Period {
		m.spans = append(since(m.spans, end.Add(-spanWindow)), span{end, end.Sub(start)})
		m.spans = m.spans[max(0, len(m.spans)-mostSpans):]
	}
	if len(m.used) == 0 || end.Sub(m.used[len(m.used)-1].at) >= time.Second {
		m.used = append(since(m.used, end.Add(-cpuWindow)), span{end, m.cpu()})
	}
	return err
}

// since drops what is older.
func since(all []span, from time.Time) []span {
	return slices.DeleteFunc(all, func(s span) bool { return s.at.Before(from) })
}

// figures are those of now.
func (m *meter) figures(now time.Time) Figures {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spans = since(m.spans, now.Add(-spanWindow))
	f := Figures{Style: m.style, Stimuli: len(m.spans), Window: spanWindow.Seconds()}
	if len(m.used) > 0 {
		if first := m.used[0]; now.Sub(first.at) >= time.Second {
			percent := 100 * float64(m.cpu()-first.took) / float64(now.Sub(first.at))
			f.CPU = &percent
		}
	}
	sorted := slices.Clone(m.spans)
	slices.SortFunc(sorted, func(a, b span) int { return int(a.took - b.took) })
	f.P50 = percentile(sorted, 0.5, 1)
	f.P99 = percentile(sorted, 0.99, enoughP99)
	return f
}

// percentile is in µs, by nearest rank; nil if there are fewer than least.
func percentile(sorted []span, share float64, least int) *float64 {
	if len(sorted) < least {
		return nil
	}
	us := float64(sorted[int(math.Ceil(share*float64(len(sorted))))-1].took) / float64(time.Microsecond)
	return &us
}
