package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rubato/sqlite"

	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// made is a library of 1 000 passages that tests copy and never open.
var made string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "rubato-sqlite-")
	if err == nil {
		made = filepath.Join(dir, "made.db")
		err = sqlite.Make(made, sqlite.Library{Passages: 1_000, Seed: 1}, nil)
	}
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// library gives a test its own copy.
func library(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "library.db")
	if err := sqlite.Copy(made, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// open opens a store that waits a little for locks and is closed in the end.
func open(t *testing.T, path string) *sqlite.Store {
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

// query reads rows as another process would.
func query(t *testing.T, path, sql string, row func(*driver.Stmt)) {
	t.Helper()
	conn := plainly(t, path)
	defer conn.Close()
	err := sqlitex.ExecuteTransient(conn, sql, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *driver.Stmt) error { row(stmt); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, path, sql string) (n int64) {
	t.Helper()
	query(t, path, sql, func(stmt *driver.Stmt) { n = stmt.ColumnInt64(0) })
	return n
}

func text(t *testing.T, path, sql string) (lines []string) {
	t.Helper()
	query(t, path, sql, func(stmt *driver.Stmt) { lines = append(lines, stmt.ColumnText(0)) })
	return lines
}

// change runs statements as another process would.
func change(t *testing.T, path, sql string) {
	t.Helper()
	conn := plainly(t, path)
	defer conn.Close()
	if err := sqlitex.ExecuteScript(conn, sql, nil); err != nil {
		t.Fatal(err)
	}
}

func plainly(t *testing.T, path string) *driver.Conn {
	t.Helper()
	conn, err := driver.OpenConn(path, driver.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetBusyTimeout(5 * time.Second)
	return conn
}

// lock holds the write lock until the function it returns is called.
func lock(t *testing.T, path string) (release func()) {
	t.Helper()
	conn := plainly(t, path)
	if err := sqlitex.ExecuteTransient(conn, "BEGIN IMMEDIATE", nil); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}
