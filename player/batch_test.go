package player

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// outcomes keeps what a batch reported, in order.
type outcomes []string

func (o *outcomes) done(seq uint64, err error) { *o = append(*o, fmt.Sprint(seq, " ", CodeOf(err))) }

func (o *outcomes) check(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(*o, want) {
		t.Errorf("reported %q, want %q", *o, want)
	}
}

func TestBatchCommitsAtItsLimit(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{-1, 0, 1, 3} {
		var store ledger
		var o outcomes
		b := NewBatch(&store, limit)
		for seq := range uint64(7) {
			if err := store.write(fmt.Sprint(seq)); err != nil {
				t.Fatal(err)
			}
			b.Add(seq, nil, o.done)
			size := max(limit, 1)
			done := (int(seq) + 1) / size * size
			if len(o) != done || len(store.durable) != done || b.Waiting() != int(seq)+1-done {
				t.Errorf("limit %d, %d added: %d reported, %d durable, %d wait", limit, seq+1, len(o), len(store.durable), b.Waiting())
			}
		}
		if err := b.Flush(); err != nil || len(o) != 7 || len(store.durable) != 7 || b.Waiting() != 0 {
			t.Errorf("limit %d, flushed: %v, %d reported, %d durable, %d wait", limit, err, len(o), len(store.durable), b.Waiting())
		}
		if err := b.Flush(); err != nil || len(o) != 7 {
			t.Errorf("limit %d, flushed again: %v, %d reported", limit, err, len(o))
		}
	}
}

func TestRefusedMessageFailsAlone(t *testing.T) {
	t.Parallel()
	var store ledger
	var o outcomes
	b := NewBatch(&store, 2)
	b.Add(1, nil, o.done)
	b.Add(2, fail(Invalid, "message", nil), o.done)
	if b.Do(fail(Invalid, "message", nil)) == nil {
		t.Error("Do takes what was refused")
	}
	o.check(t, "2 invalid")
	b.Add(3, nil, o.done)
	o.check(t, "2 invalid", "1 ", "3 ")
	if store.rollbacks != 0 {
		t.Error("rolled back for a refused message")
	}
}

// A write that failed cannot be told from its neighbours, so all of them fail.
func TestStoreFailureFailsTheBatch(t *testing.T) {
	t.Parallel()
	var store ledger
	var o outcomes
	b := NewBatch(&store, 3)
	store.pending = []string{"lost"}
	b.Add(1, nil, o.done)
	b.Add(2, errors.New("no"), o.done)
	o.check(t, "1 unavailable", "2 unavailable")
	if store.rollbacks != 1 || len(store.durable) != 0 || b.Waiting() != 0 {
		t.Errorf("%d rollbacks, durable %q, %d wait", store.rollbacks, store.durable, b.Waiting())
	}
	b.Add(3, nil, o.done)
	store.err = errors.New("commit failed")
	if err := b.Flush(); CodeOf(err) != Unavailable {
		t.Errorf("Flush: %v", err)
	}
	o.check(t, "1 unavailable", "2 unavailable", "3 unavailable")
}

// Do makes durable what waits, and reports that, too.
func TestDoTakesTheBatchAlong(t *testing.T) {
	t.Parallel()
	var store ledger
	var o outcomes
	b := NewBatch(&store, 10)
	for _, fails := range []error{nil, errors.New("no")} {
		o = nil
		b.Add(1, nil, o.done)
		err := b.Do(fails)
		if (err != nil) != (fails != nil) || b.Waiting() != 0 {
			t.Errorf("Do(%v): %v, %d wait", fails, err, b.Waiting())
		}
		o.check(t, fmt.Sprint("1 ", CodeOf(fails)))
	}
	if store.rollbacks != 1 {
		t.Errorf("%d rollbacks, want 1", store.rollbacks)
	}
}
