package sqlite_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"rubato/player"
	"rubato/sqlite"

	driver "zombiezen.com/go/sqlite"
)

func TestReferences(t *testing.T) {
	t.Parallel()
	path := library(t)
	d := open(t, path).Director()
	for second, slot := range map[int]string{
		0: "night", 6*3600 - 1: "night", 6 * 3600: "morning", 9 * 3600: "forenoon", 13*3600 + 1: "afternoon",
		18 * 3600: "evening", 23*3600 - 1: "evening", 23 * 3600: "night", 86_399: "night",
	} {
		var want []uint64
		query(t, path, fmt.Sprintf(`SELECT p.flavor FROM timeslots AS s, timeslot_passages AS t, passages AS p
			WHERE s.name = '%s' AND t.timeslot = s.id AND p.id = t.passage ORDER BY p.id`, slot), func(row *driver.Stmt) {
			var f player.Flavor
			if err := f.Unpack(bytesOf(row, 0)); err != nil {
				t.Fatal(err)
			}
			want = append(want, f.Digest())
		})
		var got []uint64
		if err := d.References(second, func(f *player.Flavor) { got = append(got, f.Digest()) }); err != nil {
			t.Fatal(err)
		}
		if len(want) < 3 || !slices.Equal(got, want) {
			t.Errorf("second %d: references %x, want those of %s: %x", second, got, slot, want)
		}
	}
}

func TestReferencesWithoutTimeslots(t *testing.T) {
	t.Parallel()
	path := library(t)
	change(t, path, "DELETE FROM timeslots; DELETE FROM timeslot_passages")
	err := open(t, path).Director().References(0, func(*player.Flavor) { t.Error("visited something") })
	if err != nil {
		t.Error(err)
	}
}

func TestPassage(t *testing.T) {
	t.Parallel()
	path := library(t)
	d := open(t, path).Director()
	change(t, path, "INSERT INTO passages VALUES (5000, x'', 'Rubato', 3, 28, 0, 0, 0, 0, 'linear', 'linear')")
	for range 2 { // reading leaves the statement ready
		got, err := d.Passage(5000)
		want := player.Passage{ID: 5000, Title: "Rubato", Start: 3, End: 28}
		if err != nil || got != want {
			t.Errorf("passage %+v, %v, want %+v", got, err, want)
		}
		for _, id := range []int64{-1, 0, 1001} {
			if _, err := d.Passage(id); player.CodeOf(err) != player.NotFound {
				t.Errorf("passage %d: %v, want code %s", id, err, player.NotFound)
			}
		}
	}
}

// A play sets the songs of its passage, their artists and their works, and
// nothing else.
func TestRecordPlayed(t *testing.T) {
	t.Parallel()
	path := library(t)
	// Passage 5000 plays songs 1 and 2, which share artist 1 and have works 1, 2.
	change(t, path, `DELETE FROM song_artists WHERE song < 3; DELETE FROM song_works WHERE song < 3;
		INSERT INTO passages VALUES (5000, x'', 'Rubato', 0, 1, 0, 0, 0, 0, 'linear', 'linear');
		INSERT INTO passage_songs VALUES (5000, 1), (5000, 2);
		INSERT INTO song_artists VALUES (1, 1, 1), (2, 1, 0.5), (2, 2, 0.5);
		INSERT INTO song_works VALUES (1, 1), (1, 2)`)
	d := open(t, path).Director()
	at := sqlite.Epoch + 7
	rows, err := d.RecordPlayed(5000, at)
	if err != nil || rows != 6 {
		t.Errorf("set %d rows, %v, want 6", rows, err)
	}
	for _, table := range []string{"songs", "artists", "works"} {
		got := text(t, path, fmt.Sprintf("SELECT id FROM %s WHERE last_played = %d ORDER BY id", table, at))
		if !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("%s set: %v, want 1 and 2", table, got)
		}
	}
	if rows, err := d.RecordPlayed(6000, at); err != nil || rows != 0 {
		t.Errorf("an unknown passage sets %d rows, %v", rows, err)
	}
}

// A play that cannot be recorded changes nothing, and the next one can be.
func TestRecordPlayedFails(t *testing.T) {
	t.Parallel()
	path := library(t)
	store := open(t, path)
	passage := number(t, path, "SELECT min(passage) FROM passage_songs JOIN song_works USING (song)")
	before, err := store.Stored()
	if err != nil {
		t.Fatal(err)
	}
	release := lock(t, path)
	if _, err := store.Director().RecordPlayed(passage, 1); err == nil {
		t.Error("recorded past another's lock")
	}
	release()
	change(t, path, "CREATE TRIGGER refuse BEFORE UPDATE ON works BEGIN SELECT raise(ABORT, 'no'); END")
	if _, err := store.Director().RecordPlayed(passage, 1); err == nil {
		t.Error("recorded past a refusal")
	}
	if after, err := store.Stored(); err != nil || after != before {
		t.Errorf("a failed play changed the store from %+v to %+v, %v", before, after, err)
	}
	change(t, path, "DROP TRIGGER refuse")
	if rows, err := store.Director().RecordPlayed(passage, 1); err != nil || rows < 3 {
		t.Errorf("after the failures: %d rows, %v", rows, err)
	}
	if after, err := store.Stored(); err != nil || after.Cooldowns == before.Cooldowns {
		t.Errorf("a play leaves the digest of cooldowns alone: %+v, %v", after, err)
	}
}

// An entity that is left out must weigh 1, and one that is visited must be as stored.
func TestStandings(t *testing.T) {
	t.Parallel()
	path := library(t)
	change(t, path, fmt.Sprintf(`UPDATE songs SET last_played = %d WHERE id = 3`, sqlite.Epoch+player.Day))
	d := open(t, path).Director()
	for table, scan := range map[string]func(player.Ticks, func(int64, player.Standing)) error{
		"songs": d.Songs, "artists": d.Artists, "works": d.Works,
	} {
		for _, target := range []player.Ticks{0, sqlite.Epoch, sqlite.Epoch + 3*player.Hour, sqlite.Epoch + 30*player.Day, math.MaxInt64} {
			got := map[int64]player.Standing{}
			err := scan(target, func(id int64, s player.Standing) {
				if _, twice := got[id]; twice {
					t.Errorf("%s %d visited twice at %d", table, id, target)
				}
				got[id] = s
			})
			if err != nil {
				t.Fatal(err)
			}
			compareStandings(t, path, table, target, got)
		}
	}
}

func compareStandings(t *testing.T, path, table string, target player.Ticks, got map[int64]player.Standing) {
	t.Helper()
	left := 0
	for id, want := range standings(t, path, table) {
		s, visited := got[id]
		switch {
		case visited && s != want:
			t.Errorf("%s %d at %d: %+v, want %+v", table, id, target, s, want)
		case !visited && want.Base*want.Multiplier(target) != 1:
			t.Errorf("%s %d at %d left out: %+v", table, id, target, want)
		case !visited:
			left++
		}
	}
	if left == 0 && target > sqlite.Epoch+20*player.Day {
		t.Errorf("%s at %d: no neutral one is left out", table, target)
	}
}

func standings(t *testing.T, path, table string) map[int64]player.Standing {
	t.Helper()
	all := map[int64]player.Standing{}
	query(t, path, "SELECT id, base, minimum, ramp, last_played FROM "+table, func(row *driver.Stmt) {
		all[row.ColumnInt64(0)] = player.Standing{
			Base:       row.ColumnFloat(1),
			Minimum:    player.Ticks(row.ColumnInt64(2)),
			Ramp:       player.Ticks(row.ColumnInt64(3)),
			LastPlayed: player.Ticks(row.ColumnInt64(4)),
			Played:     row.ColumnType(4) != driver.TypeNull,
		}
	})
	return all
}

func TestLinks(t *testing.T) {
	t.Parallel()
	path := library(t)
	d := open(t, path).Director()
	type link struct {
		from, to int64
		weight   float64
	}
	for table, c := range map[string]struct {
		columns string
		scan    func(visit func(link)) error
	}{
		"passage_songs": {"passage, song, 1.0", func(visit func(link)) error {
			return d.PassageSongs(func(a, b int64) { visit(link{a, b, 1}) })
		}},
		"song_works": {"song, work, 1.0", func(visit func(link)) error {
			return d.SongWorks(func(a, b int64) { visit(link{a, b, 1}) })
		}},
		"song_artists": {"song, artist, weight", func(visit func(link)) error {
			return d.SongArtists(func(a, b int64, w float64) { visit(link{a, b, w}) })
		}},
	} {
		var got, want []link
		if err := c.scan(func(l link) { got = append(got, l) }); err != nil {
			t.Fatal(err)
		}
		query(t, path, "SELECT "+c.columns+" FROM "+table+" ORDER BY 1, 2", func(row *driver.Stmt) {
			want = append(want, link{row.ColumnInt64(0), row.ColumnInt64(1), row.ColumnFloat(2)})
		})
		if len(want) < 800 || !slices.Equal(got, want) {
			t.Errorf("%s: %d links, want these %d in order", table, len(got), len(want))
		}
	}
}

func TestFlavors(t *testing.T) {
	t.Parallel()
	path := library(t)
	d := open(t, path).Director()
	packed := map[int64]string{}
	query(t, path, "SELECT id, flavor FROM passages", func(row *driver.Stmt) {
		packed[row.ColumnInt64(0)] = string(bytesOf(row, 1))
	})
	last := int64(0)
	err := d.Flavors(func(passage int64, got []byte) error {
		if passage <= last || string(got) != packed[passage] {
			t.Errorf("passage %d after %d: %d bytes, want %d in order", passage, last, len(got), len(packed[passage]))
		}
		last = passage
		delete(packed, passage)
		return nil
	})
	if err != nil || len(packed) != 0 {
		t.Errorf("%v; %d passages not visited", err, len(packed))
	}
}

// A visitor's error ends the scan, is returned unchanged, and leaves the view usable.
func TestVisitorFails(t *testing.T) {
	t.Parallel()
	path := library(t)
	store := open(t, path)
	enough := errors.New("enough")
	for range 3 {
		visits := 0
		err := store.Director().Flavors(func(int64, []byte) error { visits++; return enough })
		if err != enough || visits != 1 {
			t.Fatalf("error %v after %d visits, want the visitor's after one", err, visits)
		}
	}
	// An open read transaction would keep the log from being checkpointed.
	if err := say(store.Log(), "ada"); err != nil {
		t.Fatal(err)
	}
	if busy := number(t, path, "PRAGMA wal_checkpoint(TRUNCATE)"); busy != 0 {
		t.Error("a read transaction is still open")
	}
}

func TestFlavorOfWrongLength(t *testing.T) {
	t.Parallel()
	for name, blob := range map[string]string{"short": "x'00'", "long": "zeroblob(573)", "empty": "x''"} {
		path := library(t)
		change(t, path, "UPDATE passages SET flavor = "+blob+"; ")
		d := open(t, path).Director()
		var flavor player.Flavor
		err := d.Flavors(func(_ int64, packed []byte) error { return flavor.Unpack(packed) })
		if player.CodeOf(err) != player.Invalid {
			t.Errorf("%s: Flavors: %v, want code invalid", name, err)
		}
		err = d.References(0, func(*player.Flavor) {})
		if player.CodeOf(err) != player.Invalid {
			t.Errorf("%s: References: %v, want code invalid", name, err)
		}
	}
}

// The unusual entities come from the indexes alone: reading the tables would cost
// a large library milliseconds.
func TestStandingsAreCovered(t *testing.T) {
	t.Parallel()
	path := library(t)
	plan := strings.Join(text(t, path, `SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL`), "\n")
	for _, table := range []string{"songs", "artists", "works"} {
		sql := sqlite.Unusual(table)
		var steps []string
		query(t, path, "EXPLAIN QUERY PLAN "+strings.ReplaceAll(sql, "?1", "0"), func(row *driver.Stmt) {
			steps = append(steps, row.ColumnText(3))
		})
		for _, step := range steps {
			if strings.Contains(step, table) && !strings.Contains(step, "COVERING INDEX") {
				t.Errorf("%s: %s\n%s", table, step, plan)
			}
		}
		if len(steps) < 3 {
			t.Errorf("%s: a plan of %d steps: %q", table, len(steps), steps)
		}
	}
}

func bytesOf(row *driver.Stmt, column int) []byte {
	b := make([]byte, row.ColumnLen(column))
	return b[:row.ColumnBytes(column, b)]
}
