package playertest_test

import (
	"path/filepath"
	"testing"

	"rubato/player"
	"rubato/sqlite"
)

// BenchmarkStyles runs every style outside the harness for a first look. To compare
// styles, use rubato run.
func BenchmarkStyles(b *testing.B) {
	made := filepath.Join(b.TempDir(), "library.db")
	if err := sqlite.Make(made, sqlite.Library{Passages: 1000, Seed: 1}, nil); err != nil {
		b.Fatal(err)
	}
	for _, style := range styles {
		b.Run("QueueLow/style="+style.Name, func(b *testing.B) {
			run(b, made, style, func(i int) player.Stimulus {
				return player.Stimulus{Kind: player.QueueLow, Seq: uint64(i), At: sqlite.Epoch + player.Ticks(i)*player.Hour, Seed: uint64(i)}
			})
		})
		b.Run("Message/style="+style.Name, func(b *testing.B) {
			run(b, made, style, func(i int) player.Stimulus {
				return player.Stimulus{Kind: player.MessageSaid, Seq: uint64(i), Message: player.Message{Username: "ada", Text: "stolen time, given back", At: sqlite.Epoch}}
			})
		})
	}
}

func run(b *testing.B, made string, style player.Style, stimulus func(int) player.Stimulus) {
	path := filepath.Join(b.TempDir(), "copy.db")
	if err := sqlite.Copy(made, path); err != nil {
		b.Fatal(err)
	}
	store, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	p, err := style.Open(player.Config{Store: store, Trace: player.Tracing{On: true}})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if err := p.Do(stimulus(i)); err != nil {
			b.Fatal(err)
		}
	}
}
