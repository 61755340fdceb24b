package scenarios

import (
	"strconv"
	"testing"
	"time"

	"rubato/player"
	"rubato/runner"
)

// held is a style that stands still once, in the middle of accepting a stimulus.
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

// openHeld is a storm at the rate of the stall tests over such a style, until the
// benchmark ends.
func openHeld(b *testing.B, style player.Style) runner.Workload {
	b.Helper()
	stands := player.Style{Name: style.Name, Open: func(c player.Config) (player.Player, error) {
		p, err := style.Open(c)
		return &held{Player: p}, err
	}}
	load, err := styleSet{stands}.storm().Open(runner.Setup{Style: style.Name, Seed: stallSeed, Dir: b.TempDir(), Shared: sharedLibrary(b),
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

// BenchmarkStall is by how much the 99.9th percentile under a stall of 200 ms is off
// what the trace says, in percent: a style's stall is in the latency, by real clocks and
// through real styles. The generator's own tells no latency, and voids the block.
func BenchmarkStall(b *testing.B) {
	for _, style := range realStyles {
		b.Run(style.Name, func(b *testing.B) {
			load := openHeld(b, style)
			want := perMille(traced(arrivals(stallSeed, 0, stallCount, stallRate), stallFor), 999)
			for i := 0; b.Loop(); i++ {
				if i > 0 {
					b.Fatal("it stalls once: -benchtime 1x")
				}
				var took []time.Duration
				if err := load.Prepare(0, stallCount); err != nil {
					b.Fatal(err)
				}
				if err := load.Run(func(d time.Duration) { took = append(took, d) }); err != nil {
					b.Fatal(err)
				}
				work, err := load.Work()
				if err != nil || work.Wrong != "" || len(took) != stallCount {
					b.Fatalf("%v, wrong %q, %d latencies, untold %q", err, work.Wrong, len(took), work.Untold)
				}
				b.ReportMetric(100*(float64(perMille(took, 999))/float64(want)-1), "%-off-trace")
				b.ReportMetric(float64(perMille(took, 999).Milliseconds()), "p99.9-ms")
			}
		})
	}
	b.Run("generator", func(b *testing.B) {
		stimuli, due := stallTraffic()
		for b.Loop() {
			alarm, waits, told := newAlarm(), 0, 0
			c := clock{time.Now, func(at time.Time) {
				if alarm(at); waits == stallAt {
					time.Sleep(stallFor)
				}
				waits++
			}}
			g, err := openLoopBy(c, &stalling{clock: &virtual{}}, stimuli, due, func(time.Duration) { told++ })
			if err != nil || told > 0 || g.wrong() == "" {
				b.Fatalf("%v, %d latencies told, wrong %q", err, told, g.wrong())
			}
			b.ReportMetric(float64(told), "latencies-told")
		}
	})
}
