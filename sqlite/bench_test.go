package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"rubato/player"
	"rubato/sqlite"
)

// open makes and opens a library for one benchmark.
func benchStore(b *testing.B, passages int) *sqlite.Store {
	b.Helper()
	path := filepath.Join(b.TempDir(), "library.db")
	if err := sqlite.Make(path, sqlite.Library{Passages: passages, Seed: 1}, nil); err != nil {
		b.Fatal(err)
	}
	store, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	return store
}

func perSize(b *testing.B, f func(b *testing.B, passages int)) {
	for _, passages := range []int{1_000, 10_000, 50_000} {
		b.Run(fmt.Sprintf("passages=%d", passages), func(b *testing.B) { f(b, passages) })
	}
}

// BenchmarkScan reads what a selection reads, statement by statement.
func BenchmarkScan(b *testing.B) {
	perSize(b, func(b *testing.B, passages int) {
		d := benchStore(b, passages).Director()
		standing := func(int64, player.Standing) {}
		link := func(int64, int64) {}
		for name, scan := range map[string]func() error{
			"Songs":        func() error { return d.Songs(sqlite.Epoch, standing) },
			"Artists":      func() error { return d.Artists(sqlite.Epoch, standing) },
			"Works":        func() error { return d.Works(sqlite.Epoch, standing) },
			"PassageSongs": func() error { return d.PassageSongs(link) },
			"SongArtists":  func() error { return d.SongArtists(func(int64, int64, float64) {}) },
			"SongWorks":    func() error { return d.SongWorks(link) },
			"Flavors":      func() error { return d.Flavors(func(int64, []byte) error { return nil }) },
			"References":   func() error { return d.References(0, func(*player.Flavor) {}) },
		} {
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := scan(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}

// BenchmarkSelect is a selection alone. BenchmarkQueueLow adds the target flavor and the
// record of the play, one hour later each time.
func BenchmarkSelect(b *testing.B) {
	perSize(b, func(b *testing.B, passages int) {
		store := benchStore(b, passages)
		director := player.NewDirector(store.Director(), false)
		wanted, err := player.NewTimeslots(store.Director(), false).FlavorAt(sqlite.Epoch)
		if err != nil {
			b.Fatal(err)
		}
		seed := uint64(0)
		b.ReportAllocs()
		for b.Loop() {
			seed++
			if _, err := director.Select(sqlite.Epoch, wanted, seed); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkQueueLow(b *testing.B) {
	perSize(b, func(b *testing.B, passages int) {
		store := benchStore(b, passages)
		view := store.Director()
		timeslots := player.NewTimeslots(view, false)
		director := player.NewDirector(view, false)
		cooldowns := player.NewCooldowns(view, false)
		at := sqlite.Epoch
		b.ReportAllocs()
		for b.Loop() {
			at += player.Hour
			wanted, err := timeslots.FlavorAt(at)
			if err != nil {
				b.Fatal(err)
			}
			p, err := director.Select(at, wanted, uint64(at))
			if err != nil {
				b.Fatal(err)
			}
			if err := cooldowns.Record(p.ID, at); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRecordPlayed(b *testing.B) {
	for _, synchronous := range []string{"normal", "full"} {
		b.Run("synchronous="+synchronous, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "library.db")
			if err := sqlite.Make(path, sqlite.Library{}, nil); err != nil {
				b.Fatal(err)
			}
			store, err := sqlite.Open(path, sqlite.Options{Synchronous: synchronous})
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			d := store.Director()
			at := sqlite.Epoch
			for b.Loop() {
				at += player.Hour
				if _, err := d.RecordPlayed(int64(at/player.Hour)%1000+1, at); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMessage(b *testing.B) {
	log := benchStore(b, 1_000).Log()
	b.ReportAllocs()
	for b.Loop() {
		if err := log.AppendMessage(player.Message{Username: "ada", Text: "stolen time", At: sqlite.Epoch}); err != nil {
			b.Fatal(err)
		}
		if err := log.CountUser("ada"); err != nil {
			b.Fatal(err)
		}
		if err := log.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMake(b *testing.B) {
	perSize(b, func(b *testing.B, passages int) {
		dir := b.TempDir()
		i := 0
		for b.Loop() {
			i++
			if err := sqlite.Make(filepath.Join(dir, fmt.Sprint(i)), sqlite.Library{Passages: passages}, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
