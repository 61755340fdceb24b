package player

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestMessageLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		username, text int
		ok             bool
	}{
		"nobody":             {0, 5, false},
		"nothing said":       {1, 0, true},
		"longest":            {UsernameLimit, TextLimit, true},
		"username too long":  {UsernameLimit + 1, 5, false},
		"text too long":      {1, TextLimit + 1, false},
		"both much too long": {1 << 16, 1 << 20, false},
	} {
		m := Message{Username: strings.Repeat("u", c.username), Text: strings.Repeat("t", c.text)}
		want := Invalid
		if c.ok {
			want = ""
		}
		var store memoryLog
		part := &Messages{Lane: NewLane("messages", true), store: &store}
		if err := part.Append(m); CodeOf(err) != want || m.Check() == nil != c.ok {
			t.Errorf("%s: %v, want code %q", name, err, want)
		}
		if written := len(store.pending) == 1 && part.Lane.Count == 1; written != c.ok {
			t.Errorf("%s: wrote %q, lane %q", name, store.pending, part.Lane.Lines)
		}
	}
}

func TestMessageSaid(t *testing.T) {
	t.Parallel()
	var store memoryLog
	messages, users := &Messages{Lane: NewLane("messages", true), store: &store}, &Users{Lane: NewLane("users", true), store: &store}
	if err := messages.Append(Message{"ada", "stolen time", 5}); err != nil {
		t.Fatal(err)
	}
	if err := users.Count("ada"); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(store.pending, []string{"message ada", "user ada"}) {
		t.Errorf("wrote %q", store.pending)
	}
	if len(messages.Lane.Lines) != 1 || !strings.HasPrefix(messages.Lane.Lines[0], `append "stolen time" `) || !strings.HasSuffix(messages.Lane.Lines[0], " 5") {
		t.Errorf("lane %q", messages.Lane.Lines)
	}
	if !slices.Equal(users.Lane.Lines, []string{`count "ada"`}) {
		t.Errorf("lane %q", users.Lane.Lines)
	}
	store.err = errors.New("no")
	if err := messages.Append(Message{"ada", "", 5}); CodeOf(err) != Unavailable || messages.Lane.Count != 1 {
		t.Errorf("a failed write: %v, %d lines", err, messages.Lane.Count)
	}
	if err := users.Count("ada"); CodeOf(err) != Unavailable || users.Lane.Count != 1 {
		t.Errorf("a failed write: %v, %d lines", err, users.Lane.Count)
	}
}

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
		var store memoryLog
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
	var store memoryLog
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

// A failed write cannot be separated from the others of its batch, so all of them fail.
func TestStoreFailureFailsTheBatch(t *testing.T) {
	t.Parallel()
	var store memoryLog
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

// Do also commits and reports the messages that wait.
func TestDoTakesTheBatchAlong(t *testing.T) {
	t.Parallel()
	var store memoryLog
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
