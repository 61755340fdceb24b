package sqlite_test

import (
	"errors"
	"fmt"
	"testing"

	"rubato/player"
	"rubato/sqlite"
)

func receiptsOf(t *testing.T, store *sqlite.Store) player.Receipts {
	t.Helper()
	r, err := store.Receipts()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// noted notes a key, which must be new or not.
func noted(t *testing.T, r player.Receipts, key string, first bool) {
	t.Helper()
	if got, err := r.Note(key); err != nil || got != first {
		t.Errorf("note %s: first is %v, want %v: %v", key, got, first, err)
	}
}

// TestReceipts: a key is durable with its message's writes, or not at all, whichever process has the
// file next.
func TestReceipts(t *testing.T) {
	t.Parallel()
	path := library(t)
	store := open(t, path)
	log, r := store.Log(), receiptsOf(t, store)
	noted(t, r, "a.1", true)
	write(t, log, "ada")
	if n := number(t, path, "SELECT count(*) FROM receipts"); n != 0 {
		t.Errorf("%d keys are durable before their message", n)
	}
	if err := log.Rollback(); err != nil {
		t.Fatal(err)
	}
	noted(t, r, "a.1", true) // it went with its message
	write(t, log, "ada")
	noted(t, r, "a.2", true) // a batch
	write(t, log, "ada")
	noted(t, r, "a.3", true)
	if err := errors.Join(r.Drop("a.3"), log.Commit()); err != nil { // refused
		t.Fatal(err)
	}
	other := open(t, path)
	again := receiptsOf(t, other)
	noted(t, again, "a.1", false)
	noted(t, again, "a.2", false)
	noted(t, r, "a.3", true) // nothing is pending there, so the lock is free
	if err := r.Drop("a.3"); err != nil {
		t.Fatal(err)
	}
	noted(t, again, "a.3", true)
	if _, err := r.Note("a.4"); err == nil {
		t.Error("two processes write at a time")
	}
	write(t, other.Log(), "bo")
	if err := other.Log().Commit(); err != nil {
		t.Fatal(err)
	}
	noted(t, r, "a.3", false)
	if got := counts(t, path); got != [2]int64{3, 3} {
		t.Errorf("stored and counted: %v", got)
	}
	tally, err := store.Tally()
	if err != nil || tally.Receipts != 7 || tally.Writes != tally.Receipts+6 {
		t.Errorf("%+v, %v", tally, err)
	}
}

// TestReceiptsBounded: the oldest keys go. One that is there is never taken for new.
func TestReceiptsBounded(t *testing.T) {
	t.Parallel()
	path := library(t)
	store := open(t, path)
	r := receiptsOf(t, store)
	noted(t, r, "1", true)
	noted(t, r, "2", true)
	noted(t, r, "3", true)
	if err := store.Log().Commit(); err != nil {
		t.Fatal(err)
	}
	change(t, path, fmt.Sprintf("INSERT INTO receipts (id, key) VALUES (%d, 'many later')", sqlite.ReceiptsKept+1))
	noted(t, r, "1", true) // forgotten; now it is the newest
	noted(t, r, "2", true)
	noted(t, r, "3", true)
	noted(t, r, "many later", false)
	if err := store.Log().Commit(); err != nil {
		t.Fatal(err)
	}
	if n := number(t, path, "SELECT count(*) FROM receipts"); n != 4 {
		t.Errorf("%d keys are kept, want 4", n)
	}
}

// TestReceiptsClosed: a store that is closed says so, and one without receipts keeps its file as it was.
func TestReceiptsClosed(t *testing.T) {
	t.Parallel()
	path := library(t)
	store := open(t, path)
	if n := number(t, path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'receipts%'"); n != 0 {
		t.Errorf("%d tables of receipts that nobody asked for", n)
	}
	r := receiptsOf(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Note("a.1"); player.CodeOf(err) != player.Closed {
		t.Errorf("note: %v", err)
	}
	if _, err := store.Receipts(); err == nil {
		t.Error("receipts of a closed store")
	}
}
