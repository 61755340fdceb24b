package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// Every commit counts one at once, whichever connection made it, also when the log begins
// again after a checkpoint. Nothing else counts.
func TestTallyOfCommits(t *testing.T) {
	t.Parallel()
	path := library(t)
	store := open(t, path)
	commits := func() int64 {
		tally, err := store.Tally()
		if err != nil {
			t.Fatal(err)
		}
		return tally.Commits
	}
	first, want := commits(), int64(0)
	expect := func(more int64, what string) {
		t.Helper()
		if want += more; commits()-first != want {
			t.Fatalf("%s: %d commits, want %d", what, commits()-first, want)
		}
	}
	if _, err := store.Stored(); err != nil {
		t.Fatal(err)
	}
	expect(0, "reading")
	for range 3000 { // a checkpoint comes after 1 000 pages
		if err := store.Log().AppendMessage(player.Message{Username: "a", Text: "b"}); err != nil {
			t.Fatal(err)
		}
		expect(0, "a write that is pending")
		if err := store.Log().Commit(); err != nil {
			t.Fatal(err)
		}
		expect(1, "a commit of the log")
	}
	if _, err := store.Director().RecordPlayed(1, sqlite.Epoch); err != nil {
		t.Fatal(err)
	}
	expect(1, "a commit of the director")
	for i := range 5 {
		change(t, path, fmt.Sprintf("UPDATE songs SET last_played = %d WHERE id = 9", i))
		expect(1, "another program's commit")
	}
	if id, err := store.Newest(); err != nil || id != 3000 {
		t.Errorf("newest %d, error %v", id, err)
	}
}

// The other counts are of statements: what reads, its rows, and what writes.
func TestTallyOfStatements(t *testing.T) {
	t.Parallel()
	store := open(t, library(t))
	before, err := store.Tally()
	if err != nil {
		t.Fatal(err)
	}
	errs := []error{
		store.Director().Flavors(func(int64, []byte) error { return nil }),  // 1 query, 1 000 rows
		store.Log().AppendMessage(player.Message{Username: "a", Text: "b"}), // 1 write
		store.Log().CountUser("a"), store.Log().PutSetting("volume", "1"), store.Log().Commit(), // 2 writes
	}
	_, reading := store.Cuts().Cut(1) // 1 query, 1 row
	after, err := store.Tally()
	if err := errors.Join(append(errs, reading, err)...); err != nil {
		t.Fatal(err)
	}
	got := sqlite.Tally{Commits: after.Commits - before.Commits, Queries: after.Queries - before.Queries,
		Rows: after.Rows - before.Rows, Writes: after.Writes - before.Writes}
	if want := (sqlite.Tally{Commits: 1, Queries: 2, Rows: 1001, Writes: 3}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func TestMessagesAfter(t *testing.T) {
	t.Parallel()
	store := open(t, library(t))
	want := []string{"one", "two", "three"}
	for i, text := range want {
		if err := store.Log().AppendMessage(player.Message{Username: "u", Text: text, At: player.Ticks(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Log().Commit(); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := store.MessagesAfter(1, func(m player.Message) { got = append(got, m.Text) }); err != nil {
		t.Fatal(err)
	}
	if strings.Join(got, " ") != "two three" {
		t.Errorf("got %q", got)
	}
	for _, test := range []struct {
		at    player.Ticks
		id    int64
		depth int
		want  bool
	}{{2, 0, 1, true}, {1, 0, 1, false}, {1, 0, 2, true}, {3, 0, 100, false}, {1, 2, 1, true}, {1, 3, 1, false}, {2, 9, 1, true}} {
		if found, err := store.Holds(test.at, test.id, test.depth); err != nil || found != test.want {
			t.Errorf("said at %d among the newest %d: %v, error %v", test.at, test.depth, found, err)
		}
	}
}

// Settings are what the connections report.
func TestSettings(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"normal", "full"} {
		store, err := sqlite.Open(library(t), sqlite.Options{Synchronous: level})
		if err != nil {
			t.Fatal(err)
		}
		settings, err := store.Settings()
		if err != nil {
			t.Fatal(err)
		}
		want, err := sqlite.SynchronousOf(level)
		if err != nil || !strings.Contains(settings["log"], want+" ") || !strings.Contains(settings["log"], "journal_mode=wal ") {
			t.Errorf("%s: %v, error %v", level, settings, err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	dir := t.TempDir()
	if took, err := sqlite.QuickestCommit(dir, sqlite.Options{}); err != nil || took <= 0 || took > time.Minute {
		t.Errorf("the quickest commit took %v, error %v", took, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
	if _, err := sqlite.SynchronousOf("off"); err == nil {
		t.Error("off is an answer")
	}
}

// The titles are those of the tracks, which take turns, and a passage without one keeps its
// own. Reading them leaves no file behind.
func TestTitles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "library.db")
	tracks := []sqlite.Track{{Path: "a.wav", Title: "Slow River", Length: player.Second}, {Path: "b.wav", Length: player.Second}}
	if err := sqlite.Make(path, sqlite.Library{Passages: 200, Seed: 1, Tracks: tracks}, nil); err != nil {
		t.Fatal(err)
	}
	titles, err := sqlite.Titles(path)
	if err != nil || len(titles) != 200 || titles[1] != "Slow River" || titles[199] != "Slow River" || titles[2] == "" || titles[2] == "Slow River" || titles[201] != "" {
		t.Errorf("%d titles, %v: %q, %q, %q", len(titles), err, titles[1], titles[2], titles[199])
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("left %v, %v", files, err)
	}
	if _, err := sqlite.Titles(filepath.Join(t.TempDir(), "none.db")); err == nil {
		t.Error("it reads a library that is not there")
	}
}

// Checkpoints grow when the library's file changes, and at no other time: in write-ahead mode only a
// checkpoint writes to it.
func TestCheckpoints(t *testing.T) {
	t.Parallel()
	path := library(t)
	store := open(t, path)
	last, err := store.Checkpoints()
	if err != nil || last != 0 {
		t.Fatalf("at first %d, %v", last, err)
	}
	file := read(t, path)
	for i := range 40 {
		for range 100 {
			if err := errors.Join(store.Log().AppendMessage(player.Message{Username: "a", Text: "b"}), store.Log().Commit()); err != nil {
				t.Fatal(err)
			}
		}
		now, err := store.Checkpoints()
		if err != nil {
			t.Fatal(err)
		}
		after := read(t, path)
		if changed := !bytes.Equal(file, after); changed != (now > last) || now > last+1 {
			t.Errorf("after %d commits: %d checkpoints, before %d; the file changed: %v", 100*(i+1), now, last, changed)
		}
		last, file = now, after
	}
	if last < 2 {
		t.Errorf("%d checkpoints of 4 000 commits, one comes after 1 000 pages", last)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
