package player

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func filled(t *testing.T, lengths ...Ticks) *Queue {
	t.Helper()
	q := NewQueue(true)
	for i, length := range lengths {
		if err := q.Enqueue(int64(i)+1, length); err != nil {
			t.Fatal(err)
		}
	}
	return q
}

func TestPlayDown(t *testing.T) {
	t.Parallel()
	const at = 40 * Day
	for name, c := range map[string]struct {
		lengths []Ticks
		want    Level
		left    []int64
	}{
		"empty":          {nil, Level{0, 0, at, true, false}, nil},
		"one":            {[]Ticks{Minute}, Level{1, Minute, at + Minute, true, false}, []int64{1}},
		"two":            {[]Ticks{Minute, Hour}, Level{2, Minute + Hour, at + Minute + Hour, true, false}, []int64{1, 2}},
		"three":          {[]Ticks{Hour, Minute, Minute}, Level{2, 2 * Minute, at + 2*Minute, true, false}, []int64{2, 3}},
		"seven":          {slices.Repeat([]Ticks{Minute}, 7), Level{2, 2 * Minute, at + 2*Minute, true, false}, []int64{6, 7}},
		"much music too": {[]Ticks{Minute, Day, Day}, Level{2, 2 * Day, at + 2*Day, true, false}, []int64{2, 3}},
	} {
		q := filled(t, c.lengths...)
		if got := q.PlayDown(at); got != c.want {
			t.Errorf("%s: level %+v, want %+v", name, got, c.want)
		}
		var left []int64
		for _, e := range q.Entries() {
			left = append(left, e.Passage)
		}
		if !slices.Equal(left, c.left) {
			t.Errorf("%s: left %v, want %v", name, left, c.left)
		}
	}
}

// What counts as low: fewer than three passages, or less than 15 minutes.
func TestLevelIsLow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lengths []Ticks
		low     bool
	}{
		"two long":        {[]Ticks{Hour, Hour}, true},
		"three, 15 min":   {[]Ticks{5 * Minute, 5 * Minute, 5 * Minute}, false},
		"three, a little": {[]Ticks{5 * Minute, 5 * Minute, 5*Minute - 1}, true},
		"many short":      {slices.Repeat([]Ticks{Minute}, 14), true},
		"many":            {slices.Repeat([]Ticks{Minute}, 15), false},
	} {
		if got := filled(t, c.lengths...).level(0).Refill; got != c.low {
			t.Errorf("%s: refill %v, want %v", name, got, c.low)
		}
	}
}

func TestRefillIsRequestedOnceInTenSeconds(t *testing.T) {
	t.Parallel()
	q := NewQueue(false)
	for _, c := range []struct {
		at     Ticks
		refill bool
	}{
		{0, true}, {1, false}, {10*Second - 1, false}, {10 * Second, true},
		{19 * Second, false}, {20 * Second, true}, {Hour, true},
	} {
		if got := q.PlayDown(c.at).Refill; got != c.refill || q.RefillDue() != c.refill {
			t.Errorf("at %v: refill %v, due %v, want %v", c.at.Duration(), got, q.RefillDue(), c.refill)
		}
	}
	if err := q.Enqueue(1, Minute); err != nil || q.RefillDue() {
		t.Errorf("a refill has come and is still due; %v", err)
	}
}

// TestStarved: an empty queue whose refill has to wait says so once, until something is
// enqueued. The refill comes with the first review after the ten seconds, and starts then.
func TestStarved(t *testing.T) {
	t.Parallel()
	q := NewQueue(false)
	if level := q.PlayDown(0); !level.Refill || level.Starved {
		t.Errorf("a refill is due: %+v", level)
	}
	for round := range Ticks(2) {
		at := round * 10 * Second
		if err := q.Enqueue(1, 3*Second); err != nil {
			t.Fatal(err)
		}
		_, _, level, err := q.Advance(at + 3*Second)
		if err != nil || level.Refill || !level.Starved {
			t.Errorf("round %d: the queue is empty and its refill waits: %+v, %v", round, level, err)
		}
		if level := q.PlayDown(at + 4*Second); level.Starved {
			t.Errorf("round %d: it says so twice", round)
		}
		if level := q.Review(at + 10*Second - 1); level.Refill || level.Starved {
			t.Errorf("round %d: before the ten seconds: %+v", round, level)
		}
		if level := q.Review(at + 10*Second); !level.Refill || level.Starved || level.Target != at+10*Second {
			t.Errorf("round %d: after the ten seconds: %+v", round, level)
		}
	}
}

func TestEnqueueRefuses(t *testing.T) {
	t.Parallel()
	q := NewQueue(true)
	for name, e := range map[string]Entry{"no passage": {0, Minute}, "negative": {-1, Minute}, "no length": {1, 0}, "backwards": {1, -1}} {
		if err := q.Enqueue(e.Passage, e.Length); CodeOf(err) != Invalid {
			t.Errorf("%s: %v, want code invalid", name, err)
		}
	}
	for i := range QueueLimit {
		if err := q.Enqueue(int64(i+1), Minute); err != nil {
			t.Fatal(err)
		}
		if err := q.Enqueue(1, Minute); i < QueueLimit-1 && CodeOf(err) != AlreadyQueued {
			t.Errorf("a passage twice: %v, want code already-queued", err)
		}
	}
	if err := q.Enqueue(101, Minute); CodeOf(err) != QueueFull {
		t.Errorf("passage 101: %v, want code queue-full", err)
	}
	if len(q.Entries()) != QueueLimit || q.Lane.Count != QueueLimit {
		t.Errorf("%d entries, %d lines after refusals", len(q.Entries()), q.Lane.Count)
	}
}

func TestEntriesIsACopy(t *testing.T) {
	t.Parallel()
	q := filled(t, Minute, Hour)
	q.Entries()[0].Passage = 99
	if q.Entries()[0].Passage != 1 {
		t.Error("a change of the copy changes the queue")
	}
}

// After any calls, the queue equals a plain list.
func TestQueueAgainstList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q, list, at := NewQueue(false), []Entry(nil), Ticks(0)
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "step") > 0 {
				e := Entry{rapid.Int64Range(1, 120).Draw(t, "passage"), Ticks(rapid.Int64Range(1, int64(Hour)).Draw(t, "length"))}
				waits := slices.ContainsFunc(list, func(o Entry) bool { return o.Passage == e.Passage })
				if err := q.Enqueue(e.Passage, e.Length); err == nil && !waits {
					list = append(list, e)
				} else if err == nil || !waits && len(list) < QueueLimit {
					t.Fatal(err)
				}
				continue
			}
			at += Minute
			level := q.PlayDown(at)
			list = list[max(0, len(list)-2):]
			end := at
			for _, e := range list {
				end += e.Length
			}
			if level.Depth != len(list) || level.Target != end || level.Music != end-at || !level.Refill {
				t.Fatalf("level %+v of %v", level, list)
			}
		}
		if !slices.Equal(q.Entries(), list) {
			t.Fatalf("holds %v, want %v", q.Entries(), list)
		}
	})
}
