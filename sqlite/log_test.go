package sqlite_test

import (
	"strings"
	"testing"

	"rubato/player"
	"rubato/sqlite"
)

func counts(t *testing.T, path string) [2]int64 {
	t.Helper()
	return [2]int64{
		number(t, path, "SELECT count(*) FROM messages"),
		number(t, path, "SELECT coalesce(sum(messages), 0) FROM users"),
	}
}

func write(t *testing.T, log player.LogStore, username string) {
	t.Helper()
	if err := log.AppendMessage(player.Message{Username: username, Text: "", At: 5}); err != nil {
		t.Fatal(err)
	}
	if err := log.CountUser(username); err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsDurableBeforeCommit(t *testing.T) {
	t.Parallel()
	path := library(t)
	log := open(t, path).Log()
	if err := log.Commit(); err != nil {
		t.Errorf("Commit with nothing pending: %v", err)
	}
	write(t, log, "ada")
	write(t, log, "ada")
	write(t, log, "bo")
	if got := counts(t, path); got != [2]int64{} {
		t.Errorf("durable before Commit: %v", got)
	}
	if err := log.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := counts(t, path); got != [2]int64{3, 3} {
		t.Errorf("durable after Commit: %v, want 3 and 3", got)
	}
	if got := strings.Join(text(t, path, "SELECT username || messages FROM users ORDER BY 1"), " "); got != "ada2 bo1" {
		t.Errorf("users %s", got)
	}
}

func TestRollback(t *testing.T) {
	t.Parallel()
	path := library(t)
	log := open(t, path).Log()
	if err := log.Rollback(); err != nil {
		t.Errorf("Rollback with nothing pending: %v", err)
	}
	write(t, log, "ada")
	if err := log.Rollback(); err != nil {
		t.Fatal(err)
	}
	write(t, log, "bo")
	if err := log.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := text(t, path, "SELECT username FROM messages"); len(got) != 1 || got[0] != "bo" {
		t.Errorf("messages of %v, want bo alone", got)
	}
}

// Bytes that are no text, and NUL, come back as they were.
func TestMessagesAreKeptExactly(t *testing.T) {
	t.Parallel()
	path := library(t)
	log := open(t, path).Log()
	want := player.Message{Username: "Zoë", Text: "a\x00b'\"\xff\n♪", At: -3}
	if err := log.AppendMessage(want); err != nil {
		t.Fatal(err)
	}
	if err := log.Commit(); err != nil {
		t.Fatal(err)
	}
	n := number(t, path, "SELECT count(*) FROM messages WHERE username = 'Zoë' AND timestamp = -3 AND hex(message) = '61006227"+
		"22FF0AE299AA'")
	if n != 1 {
		t.Errorf("kept as %q", text(t, path, "SELECT hex(message) FROM messages"))
	}
}

func TestFirstWriteWaitsForTheLock(t *testing.T) {
	t.Parallel()
	path := library(t)
	log := open(t, path).Log()
	release := lock(t, path)
	err := log.AppendMessage(player.Message{Username: "ada"})
	if err == nil || !strings.Contains(err.Error(), "another process has it locked") {
		t.Errorf("write past a lock: %v", err)
	}
	release()
	if err := say(log, "ada"); err != nil {
		t.Errorf("after the lock: %v", err)
	}
	if got := counts(t, path); got != [2]int64{1, 1} {
		t.Errorf("durable: %v, want the second message alone", got)
	}
}

// A write that fails halfway takes the earlier ones with it; nobody may then be
// told that they are durable.
func TestFailedWriteFailsTheCommit(t *testing.T) {
	t.Parallel()
	path := library(t)
	change(t, path, `CREATE TRIGGER refuse BEFORE INSERT ON users WHEN new.username = 'eve'
		BEGIN SELECT raise(ROLLBACK, 'not you'); END`)
	log := open(t, path).Log()
	for name, recover := range map[string]func() error{
		"commit": func() error {
			if err := log.Commit(); err == nil {
				t.Error("committed what was lost")
			}
			return nil
		},
		"rollback":             log.Rollback,
		"write, then rollback": func() error { write(t, log, "bo"); return log.Rollback() },
		"write, then commit": func() error {
			write(t, log, "bo")
			if err := log.Commit(); err == nil {
				t.Error("committed although earlier writes were lost")
			}
			return nil
		},
	} {
		write(t, log, "ada")
		if err := log.CountUser("eve"); err == nil {
			t.Fatal("the trigger lets eve in")
		}
		if err := recover(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := counts(t, path); got != [2]int64{} {
			t.Errorf("%s: durable: %v, want nothing", name, got)
		}
	}
	if err := log.CountUser("eve"); err == nil { // alone: nothing else is lost
		t.Fatal("the trigger lets eve in")
	}
	if err := say(log, "ada"); err != nil {
		t.Errorf("after all failures: %v", err)
	}
}

func TestFailedCommitLeavesNothing(t *testing.T) {
	t.Parallel()
	path := library(t)
	// A deferred constraint shows at commit only.
	change(t, path, `CREATE TABLE ghosts (id INTEGER REFERENCES passages DEFERRABLE INITIALLY DEFERRED) STRICT;
		CREATE TRIGGER haunt AFTER INSERT ON messages WHEN new.username = 'eve' BEGIN INSERT INTO ghosts VALUES (-1); END`)
	store := open(t, path)
	if err := sqlite.EnforceForeignKeys(store); err != nil {
		t.Fatal(err)
	}
	if err := say(store.Log(), "eve"); err == nil {
		t.Error("committed a ghost")
	}
	if err := say(store.Log(), "ada"); err != nil {
		t.Errorf("after a failed commit: %v", err)
	}
	if got := counts(t, path); got != [2]int64{1, 1} {
		t.Errorf("durable: %v, want ada's message alone", got)
	}
}
