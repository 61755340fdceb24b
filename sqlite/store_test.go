package sqlite_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"rubato/player"
	"rubato/sqlite"
)

func TestOpenSettings(t *testing.T) {
	t.Parallel()
	for synchronous, want := range map[string]int64{"": 1, "normal": 1, "full": 2} {
		path := library(t)
		store, err := sqlite.Open(path, sqlite.Options{Synchronous: synchronous})
		if err != nil {
			t.Fatalf("synchronous %q: %v", synchronous, err)
		}
		if mode := text(t, path, "PRAGMA journal_mode")[0]; mode != "wal" {
			t.Errorf("synchronous %q: journal mode %s, want wal", synchronous, mode)
		}
		if got, err := sqlite.Synchronous(store); err != nil || got != [3]int64{want, want, want} {
			t.Errorf("synchronous %q: set to %v, %v, want %d", synchronous, got, err, want)
		}
		if err := store.Close(); err != nil {
			t.Errorf("synchronous %q: %v", synchronous, err)
		}
	}
	if _, err := sqlite.Open(library(t), sqlite.Options{Synchronous: "off"}); err == nil || !strings.Contains(err.Error(), "use normal or full") {
		t.Errorf("synchronous off: error %v does not say what to use", err)
	}
}

func TestCloseLeavesOneFile(t *testing.T) {
	t.Parallel()
	path := library(t)
	store := open(t, path)
	if err := store.Log().CountUser("ada"); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("left %v, %v, want the library alone", files, err)
	}
	if n := number(t, path, "SELECT count(*) FROM users"); n != 0 {
		t.Errorf("%d users are durable without a commit", n)
	}
}

func TestUseAfterClose(t *testing.T) {
	t.Parallel()
	store := open(t, library(t))
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	_, played := store.Director().RecordPlayed(1, sqlite.Epoch)
	_, passage := store.Director().Passage(1)
	_, stored := store.Stored()
	for name, err := range map[string]error{
		"RecordPlayed": played,
		"Passage":      passage,
		"Stored":       stored,
		"Songs":        store.Director().Songs(sqlite.Epoch, nil),
		"Append":       store.Log().AppendMessage(player.Message{Username: "ada"}),
	} {
		if player.CodeOf(err) != player.Closed {
			t.Errorf("%s after Close: %v, want code %s", name, err, player.Closed)
		}
	}
}

// A store that is closed while a module is still at work waits for its statement, and refuses the
// next. The process crashed.
func TestCloseUnderWork(t *testing.T) {
	t.Parallel()
	path := library(t)
	for range 10 {
		store := open(t, path)
		begun, ended := make(chan struct{}), make(chan error)
		go func() {
			var err error
			for n := 0; err == nil; n++ {
				err = errors.Join(store.Log().AppendMessage(player.Message{Username: "ada", Text: "still here"}), store.Log().Commit())
				if n == 3 {
					close(begun)
				}
			}
			ended <- err
		}()
		<-begun
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; player.CodeOf(err) != player.Closed {
			t.Errorf("a late write: %v, want code closed", err)
		}
	}
}

// Views of different modules are used at once, during reading back.
func TestViewsAtOnce(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(library(t), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	const rounds = 20
	var wait sync.WaitGroup
	each := func(f func(i int) error) {
		wait.Go(func() {
			for i := range rounds {
				if err := f(i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	each(func(i int) error {
		_, err := store.Director().RecordPlayed(int64(i+1), sqlite.Epoch)
		return err
	})
	each(func(i int) error { return say(store.Log(), "ada") })
	each(func(i int) error { _, err := store.Stored(); return err })
	wait.Wait()
	got, err := store.Stored()
	if err != nil || got.Messages != rounds || got.Said != rounds {
		t.Errorf("stored %+v, %v, want %d messages", got, err, rounds)
	}
}

func say(log player.LogStore, username string) error {
	if err := log.AppendMessage(player.Message{Username: username, Text: "hear, hear", At: sqlite.Epoch}); err != nil {
		return err
	}
	if err := log.CountUser(username); err != nil {
		return err
	}
	return log.Commit()
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if v := sqlite.Version(); !regexp.MustCompile(`^3\.\d+\.\d+$`).MatchString(v) {
		t.Errorf("version %q", v)
	}
}

func TestCopyIsTheSameAndItsOwn(t *testing.T) {
	t.Parallel()
	from := library(t)
	to := from + ".copy"
	if err := sqlite.Copy(from, to); err != nil {
		t.Fatal(err)
	}
	a, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(to)
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("the copy differs: %d and %d bytes, %v", len(a), len(b), err)
	}
	if err := say(open(t, to).Log(), "ada"); err != nil {
		t.Fatal(err)
	}
	if n := number(t, from, "SELECT count(*) FROM messages"); n != 0 {
		t.Error("what is written to the copy is in the original")
	}
}

// TestCopyLive: what is committed and still in the write-ahead log is in the copy, and the original
// goes on.
func TestCopyLive(t *testing.T) {
	t.Parallel()
	from := library(t)
	log := open(t, from).Log()
	if err := say(log, "ada"); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.CopyLive(from, from+".copy"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(say(log, "bob"), say(open(t, from+".copy").Log(), "eve"), say(log, "joe")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int64{from: 3, from + ".copy": 2} {
		if n := number(t, path, "SELECT count(*) FROM messages"); n != want {
			t.Errorf("%s has %d messages, want %d", path, n, want)
		}
	}
	if err := sqlite.CopyLive(from, from+".copy"); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("over another file: %v", err)
	}
	if err := sqlite.CopyLive(from+".missing", from+".other"); err == nil {
		t.Error("a library that is not there was copied")
	}
	if _, err := os.Stat(from + ".other"); err == nil {
		t.Error("it left a copy of nothing")
	}
}

func TestCopyRefuses(t *testing.T) {
	t.Parallel()
	from := library(t)
	dir := filepath.Dir(from)
	if err := say(open(t, from).Log(), "ada"); err != nil {
		t.Fatal(err)
	}
	clean := library(t)
	for name, c := range map[string]struct{ from, to, want string }{
		"open":      {from, filepath.Join(dir, "a"), "close the program that has it open"},
		"missing":   {filepath.Join(dir, "missing"), filepath.Join(dir, "a"), "no such file"},
		"a folder":  {dir, filepath.Join(dir, "a"), "not a regular file"},
		"to itself": {clean, clean, "exists already"},
		"no folder": {clean, filepath.Join(dir, "missing", "a"), "no such file"},
	} {
		err := sqlite.Copy(c.from, c.to)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, c.want)
		}
		if _, err := os.Stat(filepath.Join(dir, "a")); err == nil {
			t.Errorf("%s: left a copy", name)
		}
	}
}
