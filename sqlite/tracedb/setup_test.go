package tracedb_test

import (
	"path/filepath"
	"testing"
	"time"

	"rubato/sqlite"

	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// library makes a small library.
func library(t *testing.T) string { return made(t, 1_000) }

func made(t testing.TB, passages int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "library.db")
	if err := sqlite.Make(path, sqlite.Library{Passages: passages, Seed: 1}, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

// open opens a library that waits a little for locks and is closed in the end.
func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(path, sqlite.Options{Busy: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// other is a connection as another process has it.
func other(t *testing.T, path string) *sqlite.Conn {
	t.Helper()
	c, err := sqlite.Connect(path, driver.OpenReadWrite, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func number(t *testing.T, path, query string) int64 {
	t.Helper()
	c := other(t, path)
	defer c.Close()
	n, err := c.Number(query)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// lock holds the write lock until the function it returns is called.
func lock(t *testing.T, path string) (release func()) {
	t.Helper()
	c := other(t, path)
	if err := sqlitex.ExecuteTransient(c.DB, "BEGIN IMMEDIATE", nil); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
