package sqlite_test

import (
	"fmt"
	"slices"
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
