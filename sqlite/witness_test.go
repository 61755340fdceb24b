package sqlite_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"rubato/player"
	"rubato/sqlite"
)

// Commits tells of a commit by another connection at once, and of nothing else.
func TestCommitsAreSeenAtOnce(t *testing.T) {
	t.Parallel()
	store := open(t, library(t))
	last := int64(-1)
	moved := func() bool {
		now, err := store.Commits()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { last = now }()
		return now != last
	}
	moved()
	if _, err := store.Stored(); err != nil || moved() {
		t.Errorf("reading moved it, error %v", err)
	}
	if err := store.Log().AppendMessage(player.Message{Username: "a", Text: "b"}); err != nil || moved() {
		t.Errorf("a write that is pending moved it, error %v", err)
	}
	if id, err := store.Newest(); err != nil || id != 0 {
		t.Errorf("newest %d, error %v", id, err)
	}
	if err := store.Log().Commit(); err != nil || !moved() {
		t.Errorf("a commit did not move it, error %v", err)
	}
	if id, err := store.Newest(); err != nil || id != 1 || moved() {
		t.Errorf("newest %d, error %v", id, err)
	}
	if _, err := store.Director().RecordPlayed(1, sqlite.Epoch); err != nil || !moved() {
		t.Errorf("another view's commit did not move it, error %v", err)
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
		depth int
		want  bool
	}{{2, 1, true}, {1, 1, false}, {1, 2, true}, {3, 100, false}} {
		if found, err := store.Holds(test.at, test.depth); err != nil || found != test.want {
			t.Errorf("said at %d among the newest %d: %v, error %v", test.at, test.depth, found, err)
		}
	}
}

// Settings are what the connections say, and rows that the views read are counted.
func TestSettingsAndVisits(t *testing.T) {
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
		before := store.Visited()
		if err := store.Director().Flavors(func(int64, []byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if n := store.Visited() - before; n != 1000 {
			t.Errorf("%d rows visited", n)
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
