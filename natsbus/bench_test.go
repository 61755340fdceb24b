package natsbus

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkRights compares a server that checks passwords and rights with one that is open
// to everybody, in turns: ratio is the median over the turns. The password is checked once
// for a connection, the rights of the sender for every message.
func BenchmarkRights(b *testing.B) {
	for _, transport := range []string{"pipe", "tcp"} {
		checked, err := OpenRung(transport)
		if err != nil {
			b.Fatal(err)
		}
		free, err := openRung(transport)
		if err != nil {
			b.Fatal(err)
		}
		compare(b, "publish/"+transport, 1000, free.Publish, checked.Publish)
		compare(b, "request/"+transport, 50, free.Request, checked.Request)
		for _, r := range []*Rung{free, checked} {
			if err := r.Close(); err != nil {
				b.Error(err)
			}
		}
	}
}

func compare(b *testing.B, name string, n int, before, after func(int) error) {
	b.Run(name, func(b *testing.B) {
		var ratios []float64
		took := func(send func(int) error) float64 {
			start := time.Now()
			if err := send(n); err != nil {
				b.Fatal(err)
			}
			return float64(time.Since(start))
		}
		for b.Loop() {
			was := took(before)
			ratios = append(ratios, took(after)/was)
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "ratio")
	})
}
