package player

import (
	"errors"
	"fmt"
	"slices"
)

// Limits of the queue.
const (
	QueueLimit     = 100         // passages; one more is QueueFull
	LowDepth       = 3           // fewer than this is low
	LowMusic       = 15 * Minute // less than this is low, too
	RefillInterval = 10 * Second // between two refill requests, at least
)

// An Entry is a passage that waits to be played, or plays.
type Entry struct {
	Passage int64
	Length  Ticks
}

// A Level is how full the queue is, and how long it will last.
type Level struct {
	Depth  int
	Music  Ticks // what is left to play
	Target Ticks // expected end of the last entry: when the next would start
	Refill bool  // low, and no refill was requested in the last RefillInterval
}

// Queue holds what plays and what plays next. Part of module ap. It starts with
// auto-play on and nothing in it.
type Queue struct {
	Lane       Lane
	AutoPlay   bool
	entries    []Entry
	headStart  Ticks // when the first entry started, or will
	lastRefill Ticks
	refilled   bool
	due        bool // the last PlayDown asked for a refill
}

// NewQueue returns an empty queue.
func NewQueue(verbatim bool) *Queue {
	return &Queue{Lane: NewLane("queue", verbatim), AutoPlay: true, entries: make([]Entry, 0, QueueLimit)}
}

// PlayDown drops entries from the front, as played, until fewer than LowDepth
// remain; the first that remains starts at at. It reports the level, and counts
// as the refill request when the level says Refill.
func (q *Queue) PlayDown(at Ticks) Level {
	played := max(0, len(q.entries)-(LowDepth-1))
	q.entries = append(q.entries[:0], q.entries[played:]...)
	q.headStart = at
	level := q.level(at)
	q.Lane.Record("play-down", "", int64(at), int64(played), int64(level.Depth), int64(level.Target))
	q.request(level, at)
	return level
}

// RefillDue tells whether the last PlayDown asked for a refill that has not come.
func (q *Queue) RefillDue() bool { return q.due }

// Advance drops the first entry, which has played to its end at at; the next starts
// there. It says which it was and when it began, and counts as the refill request
// when the level says Refill. NotFound when nothing is queued.
func (q *Queue) Advance(at Ticks) (ended Entry, began Ticks, level Level, err error) {
	if len(q.entries) == 0 {
		return Entry{}, 0, Level{}, fail(NotFound, "queue: advance", errors.New("nothing is queued"))
	}
	ended, began = q.entries[0], q.headStart
	q.entries = slices.Delete(q.entries, 0, 1)
	q.headStart = at
	level = q.level(at)
	q.Lane.Record("advance", "", int64(at), ended.Passage, int64(level.Depth), int64(level.Target))
	q.request(level, at)
	return ended, began, level, nil
}

// request notes whether the level asks for a refill.
func (q *Queue) request(level Level, at Ticks) {
	q.due = level.Refill
	if level.Refill {
		q.lastRefill, q.refilled = at, true
	}
}

// Drop takes out a passage that cannot be played. It counts as the refill request
// when the level says Refill. NotFound when the passage does not wait.
func (q *Queue) Drop(passage int64, at Ticks) (Level, error) {
	i := slices.IndexFunc(q.entries, func(e Entry) bool { return e.Passage == passage })
	if i < 0 {
		return Level{}, fail(NotFound, "queue: drop", fmt.Errorf("passage %d does not wait", passage))
	}
	q.entries = slices.Delete(q.entries, i, i+1)
	level := q.level(at)
	q.Lane.Record("drop", "", int64(at), passage, int64(level.Depth), int64(level.Target))
	q.request(level, at)
	return level, nil
}

// Review looks whether a refill is due, as time passes. If so it counts as the
// request.
func (q *Queue) Review(at Ticks) Level {
	level := q.level(at)
	if level.Refill {
		q.Lane.Record("review", "", int64(at), int64(level.Depth), int64(level.Target))
		q.request(level, at)
	}
	return level
}

// Next is the passage after the first, 0 for none.
func (q *Queue) Next() int64 {
	if len(q.entries) < 2 {
		return 0
	}
	return q.entries[1].Passage
}

// Head is the passage that plays next, or plays; 0 for none.
func (q *Queue) Head() int64 {
	if len(q.entries) == 0 {
		return 0
	}
	return q.entries[0].Passage
}

func (q *Queue) level(at Ticks) Level {
	l := Level{Depth: len(q.entries)}
	for _, e := range q.entries {
		l.Music += e.Length
	}
	l.Target = q.headStart + l.Music
	recent := q.refilled && at-q.lastRefill < RefillInterval
	l.Refill = (l.Depth < LowDepth || l.Music < LowMusic) && !recent
	return l
}

// Enqueue appends a passage; QueueFull when QueueLimit wait already, AlreadyQueued when
// this one does.
func (q *Queue) Enqueue(passage int64, length Ticks) error {
	const op = "queue: enqueue"
	if len(q.entries) >= QueueLimit {
		return fail(QueueFull, op, fmt.Errorf("%d passages wait", len(q.entries)))
	}
	if passage <= 0 || length <= 0 {
		return fail(Invalid, op, fmt.Errorf("passage %d of length %d", passage, length))
	}
	if slices.ContainsFunc(q.entries, func(e Entry) bool { return e.Passage == passage }) {
		return fail(AlreadyQueued, op, fmt.Errorf("passage %d waits already", passage))
	}
	q.due = false
	q.entries = append(q.entries, Entry{Passage: passage, Length: length})
	q.Lane.Record("enqueue", "", passage, int64(length), int64(len(q.entries)))
	return nil
}

// Entries returns a copy of what waits, first to play first.
func (q *Queue) Entries() []Entry { return append([]Entry(nil), q.entries...) }
