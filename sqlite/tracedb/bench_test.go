package tracedb_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"rubato/orchestrated"
	"rubato/player"
	"rubato/sqlite"
	"rubato/sqlite/tracedb"
)

// spent is the CPU time of this process. Its clock may tick in steps of 4 ms, so
// it is read over a whole benchmark only.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkTraceAppend appends to a full trace, so that every row removes another: CPU per
// row, with checkpoints and garbage collection.
func BenchmarkTraceAppend(b *testing.B) {
	for _, flows := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("rows=%d", flows*5), func(b *testing.B) {
			s := fullTraceOf(b, 50_000)
			var rows []player.TraceRow
			for flow := range uint64(flows) {
				rows = append(rows, selected(flow+1)...)
			}
			b.ReportAllocs()
			before, n := spent(b), 0
			for b.Loop() {
				if err := s.Append(rows); err != nil {
					b.Fatal(err)
				}
				n += len(rows)
			}
			b.ReportMetric(float64(spent(b)-before)/float64(n), "cpu-ns/row")
		})
	}
}

// BenchmarkTraceAsk asks a full trace of the default size.
func BenchmarkTraceAsk(b *testing.B) {
	s := fullTraceOf(b, 1_000_000)
	ask := func(name string, f func() error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	ask("flow", func() error { _, _, err := s.Flow(199_000); return err })
	ask("why", func() error { _, err := s.Why(3, 10); return err })
	ask("why-never", func() error { _, err := s.Why(999, 10); return err })
	ask("caused", func() error { _, err := s.Caused("AutoSelectWhenQueueLow", noon, noon.Add(time.Hour), 10); return err })
	ask("find-nothing", func() error {
		_, err := s.Find("action = 'pd::Director::select' AND took_us > 1e6 AND err IS NULL", 10)
		return err
	})
	ask("rules", func() error { _, err := s.Rules(); return err })
}

func fullTraceOf(b *testing.B, keep int) *tracedb.Store {
	b.Helper()
	s, err := tracedb.Open(filepath.Join(b.TempDir(), "trace.db"), tracedb.Options{Keep: keep})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	for flow := uint64(0); flow < uint64(keep/5); {
		var rows []player.TraceRow
		for range 200 {
			flow++
			rows = append(rows, selected(flow)...)
		}
		if err := s.Append(rows); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// BenchmarkSelectionBesideTrace selects in turns from two libraries of 50 000 passages, alone
// and with one of the selections traced into a file. An operation is one of each. The page
// caches of all databases of a process share their memory, so a trace whose pages have
// another size than the library's slows both down.
func BenchmarkSelectionBesideTrace(b *testing.B) {
	library := made(b, 50_000)
	for _, name := range []string{"alone", "traced"} {
		b.Run(name, func(b *testing.B) {
			tracings, players := [2]player.Tracing{}, [2]player.Player{}
			if name == "traced" {
				tracings[1] = player.Tracing{On: true, Sink: openTrace(b, filepath.Join(b.TempDir(), "trace.db"), tracedb.Options{})}
			}
			for i := range players {
				var err error
				if players[i], err = orchestrated.Open(player.Config{Store: open(b, library), Trace: tracings[i]}); err != nil {
					b.Fatal(err)
				}
			}
			for seq := uint64(1); b.Loop(); seq++ {
				for _, p := range players {
					at := sqlite.Epoch + player.Ticks(1+seq%24)*player.Hour
					if err := p.Do(player.Stimulus{Kind: player.Suggestion, Seq: seq, At: at, Seed: seq}); err != nil {
						b.Fatal(err)
					}
				}
			}
			if err := errors.Join(players[0].Close(), players[1].Close()); err != nil {
				b.Error(err)
			}
		})
	}
}
