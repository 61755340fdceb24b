package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rubato/sqlite"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	file := func(name, content string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	altered := func(sql string) string {
		path := library(t)
		change(t, path, sql)
		return path
	}
	cut := library(t)
	if err := os.Truncate(cut, 10_000); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, want string }{
		"missing":        {filepath.Join(t.TempDir(), "missing.db"), "no such file"},
		"a folder":       {t.TempDir(), "not a regular file"},
		"text":           {file("text", strings.Repeat("no database ", 1000)), "not an intact SQLite database: move it away"},
		"empty":          {file("empty", ""), "not a library of rubato"},
		"cut short":      {cut, "not an intact SQLite database: move it away"},
		"another's":      {altered("PRAGMA application_id = 1"), "not a library of rubato: give another path"},
		"another schema": {altered("PRAGMA user_version = 3"), "schema version 3, this program reads 2: remove it and make the library again"},
		"a table less":   {altered("DROP TABLE users"), "no such table: users"},
		"memory":         {":memory:", "names no file"},
	} {
		store, err := sqlite.Open(c.path, sqlite.Options{})
		if err == nil {
			store.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: error %v, want the path and %q in it", name, err, c.want)
		}
	}
}

// A process that holds a fresh library open keeps it from becoming WAL. The wait ends.
func TestOpenLocked(t *testing.T) {
	t.Parallel()
	path := library(t)
	defer lock(t, path)()
	_, err := sqlite.Open(path, sqlite.Options{Busy: 20 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "another process has it locked") {
		t.Errorf("opened past a lock: %v", err)
	}
}
