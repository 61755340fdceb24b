package sqlite_test

import (
	"testing"

	"rubato/player"
	"rubato/sqlite"
)

func TestStored(t *testing.T) {
	t.Parallel()
	path := library(t)
	store := open(t, path)
	read := func() player.Stored {
		t.Helper()
		s, err := store.Stored()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := read()
	if before.Cooldowns == 0 || before.Messages != 0 || before.Said != 0 || before.Log != 0 {
		t.Errorf("new library: %+v", before)
	}
	for i := range 1_100 {
		write(t, store.Log(), []string{"ada", "bo", "cy"}[i%3])
	}
	if uncommitted := read(); uncommitted != before {
		t.Errorf("counts what is not durable: %+v", uncommitted)
	}
	if err := store.Log().Commit(); err != nil {
		t.Fatal(err)
	}
	after := read()
	if rows := number(t, path, "SELECT count(*) FROM messages"); after.Messages != rows || rows != 1_100 {
		t.Errorf("counts %d messages of %d", after.Messages, rows)
	}
	if after.Said != 1_100 || after.Log == 0 || after.Cooldowns != before.Cooldowns {
		t.Errorf("stored %+v", after)
	}
	if again := read(); again != after {
		t.Errorf("differs the second time: %+v, %+v", after, again)
	}
}

// Every column that a digest stands for changes it.
func TestDigestsNotice(t *testing.T) {
	t.Parallel()
	path := library(t)
	store := open(t, path)
	for range 3 {
		if err := say(store.Log(), "ada"); err != nil {
			t.Fatal(err)
		}
	}
	last, err := store.Stored()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sql            string
		cooldowns, log bool
	}{
		{"UPDATE songs SET last_played = 0 WHERE id = 9", true, false},
		{"UPDATE songs SET last_played = NULL WHERE id = 9", true, false},
		{"UPDATE artists SET last_played = 1 WHERE id = 9", true, false},
		{"UPDATE works SET last_played = 1 WHERE id = 9", true, false},
		{"UPDATE songs SET base = 7 WHERE id = 9", false, false},
		{"UPDATE messages SET message = 'x' WHERE id = 2", false, true},
		{"UPDATE messages SET username = 'x' WHERE id = 2", false, true},
		{"UPDATE messages SET timestamp = 8 WHERE id = 2", false, true},
		{"UPDATE users SET messages = 9", false, true},
		{"UPDATE users SET username = 'y'", false, true},
	} {
		change(t, path, c.sql)
		now, err := store.Stored()
		if err != nil {
			t.Fatal(err)
		}
		if (now.Cooldowns != last.Cooldowns) != c.cooldowns || (now.Log != last.Log) != c.log {
			t.Errorf("%s: from %+v to %+v", c.sql, last, now)
		}
		last = now
	}
}

// Two stores with the same history digest alike, whatever order of commits.
func TestDigestsAgree(t *testing.T) {
	t.Parallel()
	var found [2]player.Stored
	for i := range found {
		store := open(t, library(t))
		for range 4 {
			write(t, store.Log(), "ada")
			if i == 0 {
				if err := store.Log().Commit(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := store.Log().Commit(); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Director().RecordPlayed(1, sqlite.Epoch); err != nil {
			t.Fatal(err)
		}
		var err error
		if found[i], err = store.Stored(); err != nil {
			t.Fatal(err)
		}
	}
	if found[0] != found[1] {
		t.Errorf("%+v and %+v differ", found[0], found[1])
	}
}
