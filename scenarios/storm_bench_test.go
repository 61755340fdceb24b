package scenarios

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"rubato/openloop"
	"rubato/player"
	"rubato/runner"
	"rubato/scenarios/workload"
)

// Traffic of the stall test: two seconds.
const (
	stallSeed  = 5
	stallRate  = 1000
	stallCount = 2000
	stallAt    = 700 // which stimulus stalls
	stallFor   = 200 * time.Millisecond
)

// traced computes the latencies of a style that takes no time and stalls once.
func traced(due []time.Duration, stall time.Duration) []time.Duration {
	took, free := make([]time.Duration, len(due)), time.Duration(0)
	for i := range due {
		free = max(free, due[i])
		if i == stallAt {
			free += stall
		}
		took[i] = free - due[i]
	}
	return took
}

// perMille is a percentile in thousandths.
func perMille(of []time.Duration, q int) time.Duration {
	return slices.Sorted(slices.Values(of))[len(of)*q/1000-1]
}

// held is a style that stalls once while it accepts a stimulus.
type held struct {
	player.Player
	posted int
}

func (h *held) Post(s player.Stimulus, done player.Done) error {
	if h.posted++; h.posted == stallAt+1 {
		time.Sleep(stallFor)
	}
	return h.Player.Post(s, done)
}

// openHeld opens a storm at the rate of the stall test over such a style, until the
// benchmark ends.
func openHeld(b *testing.B, style player.Style) runner.Workload {
	b.Helper()
	stands := player.Style{Name: style.Name, Open: func(c player.Config) (player.Player, error) {
		p, err := style.Open(c)
		return &held{Player: p}, err
	}}
	storm, shared := styles{workload.Styles{stands}}.storm(), b.TempDir()
	if err := storm.Prepare(runner.Setup{Shared: shared, Seed: 1}); err != nil {
		b.Fatal(err)
	}
	load, err := storm.Open(runner.Setup{Style: style.Name, Seed: stallSeed, Dir: b.TempDir(), Shared: shared,
		Options: runner.Options{"sync": "normal", "rate": strconv.Itoa(stallRate), "pace": "coalesced"}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := load.Close(); err != nil {
			b.Error(err)
		}
	})
	return load
}

// BenchmarkStall measures, with real clocks and real styles, by how many percent the 99.9th
// percentile under a stall of 200 ms differs from the computed one: a style's stall counts
// as latency. A stall of the generator makes the block invalid instead, see package workload.
func BenchmarkStall(b *testing.B) {
	for _, style := range realStyles.Styles {
		b.Run(style.Name, func(b *testing.B) {
			load := openHeld(b, style)
			want := perMille(traced(openloop.Arrivals(stallSeed, 0, stallCount, stallRate), stallFor), 999)
			for i := 0; b.Loop(); i++ {
				if i > 0 {
					b.Fatal("it stalls once: -benchtime 1x")
				}
				var took []time.Duration
				if err := load.Prepare(0, stallCount); err != nil {
					b.Fatal(err)
				}
				if err := load.Run(stallCount, func(d time.Duration) { took = append(took, d) }); err != nil {
					b.Fatal(err)
				}
				work, err := load.Work()
				if err != nil || work.Wrong != "" || len(took) != stallCount {
					b.Fatalf("%v, wrong %q, %d latencies, no latency because %q", err, work.Wrong, len(took), work.NoLatency)
				}
				b.ReportMetric(100*(float64(perMille(took, 999))/float64(want)-1), "%-off-trace")
				b.ReportMetric(float64(perMille(took, 999).Milliseconds()), "p99.9-ms")
			}
		})
	}
}
