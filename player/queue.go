package player

import (
	"errors"
	"fmt"
	"slices"
)

// Limits of the queue.
const (
	QueueLimit     = 100         // passages; one more is QueueFull
	LowDepth       = 3           // fewer passages are low
	LowMusic       = 15 * Minute // less music is low, too
	RefillInterval = 10 * Second // shortest time between two refill requests
)

// An Entry is a passage in the queue. The first one may be playing.
type Entry struct {
	Passage int64
	Length  Ticks
}

// A Level is how full the queue is and how long it lasts.
type Level struct {
	Depth  int
	Music  Ticks // length of all entries
	Target Ticks // expected end of the last entry: when the next one would start
	Refill bool  // the queue is low, and the last RefillInterval had no refill request
	// Starved: the queue has just run empty, and its refill has to wait for the rest of
	// RefillInterval. It is true once until the next Enqueue.
	Starved bool
}

// Queue holds what plays and what plays next. Part of module ap. It starts empty, with
// auto-play on.
type Queue struct {
	Lane       Lane
	AutoPlay   bool
	entries    []Entry
	headStart  Ticks // when the first entry started or will start
	lastRefill Ticks
	refilled   bool
	due        bool // the last change requested a refill that has not come
	starved    bool // the last level that was Starved is not yet followed by an Enqueue
}

// NewQueue returns an empty queue.
func NewQueue(verbatim bool) *Queue {
	return &Queue{Lane: NewLane("queue", verbatim), AutoPlay: true, entries: make([]Entry, 0, QueueLimit)}
}

// PlayDown drops entries from the front, as if played, until fewer than LowDepth
// remain. The first of these starts at at. If the level says Refill, this is a refill
// request.
func (q *Queue) PlayDown(at Ticks) Level {
	played := max(0, len(q.entries)-(LowDepth-1))
	q.entries = append(q.entries[:0], q.entries[played:]...)
	q.headStart = at
	level := q.level(at)
	q.Lane.Record("play-down", "", int64(at), int64(played), int64(level.Depth), int64(level.Target))
	q.request(level, at)
	return level
}

// RefillDue reports whether a refill was requested and has not come.
func (q *Queue) RefillDue() bool { return q.due }

// Advance drops the first entry, which ended at at; the next one starts there. It
// returns the entry and when it began. If the level says Refill, this is a refill
// request. NotFound if the queue is empty.
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

// request records whether the level requests a refill, or is Starved.
func (q *Queue) request(level Level, at Ticks) {
	q.due, q.starved = level.Refill, q.starved || level.Starved
	if level.Refill {
		q.lastRefill, q.refilled = at, true
	}
}

// Drop removes a passage that cannot be played. If the level says Refill, this is a
// refill request. NotFound if the passage is not in the queue.
func (q *Queue) Drop(passage int64, at Ticks) (Level, error) {
	i := slices.IndexFunc(q.entries, func(e Entry) bool { return e.Passage == passage })
	if i < 0 {
		return Level{}, fail(NotFound, "queue: drop", fmt.Errorf("passage %d is not queued", passage))
	}
	q.entries = slices.Delete(q.entries, i, i+1)
	level := q.level(at)
	q.Lane.Record("drop", "", int64(at), passage, int64(level.Depth), int64(level.Target))
	q.request(level, at)
	return level, nil
}

// Review checks whether a refill is due by now. If so, this is a refill request. What is
// enqueued in an empty queue starts now.
func (q *Queue) Review(at Ticks) Level {
	if len(q.entries) == 0 {
		q.headStart = at
	}
	level := q.level(at)
	if level.Refill {
		q.Lane.Record("review", "", int64(at), int64(level.Depth), int64(level.Target))
		q.request(level, at)
	}
	return level
}

// Next is the passage behind the first, 0 for none.
func (q *Queue) Next() int64 {
	if len(q.entries) < 2 {
		return 0
	}
	return q.entries[1].Passage
}

// Depth is the number of entries.
func (q *Queue) Depth() int { return len(q.entries) }

// Head is the passage that plays or plays next, 0 for none.
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
	l.Starved = l.Depth == 0 && recent && !q.starved
	return l
}

// Enqueue appends a passage. QueueFull if the queue holds QueueLimit passages,
// AlreadyQueued if it holds this one.
func (q *Queue) Enqueue(passage int64, length Ticks) error {
	const op = "queue: enqueue"
	if len(q.entries) >= QueueLimit {
		return fail(QueueFull, op, fmt.Errorf("%d passages are queued", len(q.entries)))
	}
	if passage <= 0 || length <= 0 {
		return fail(Invalid, op, fmt.Errorf("passage %d of length %d", passage, length))
	}
	if slices.ContainsFunc(q.entries, func(e Entry) bool { return e.Passage == passage }) {
		return fail(AlreadyQueued, op, fmt.Errorf("passage %d is queued already", passage))
	}
	q.due, q.starved = false, false
	q.entries = append(q.entries, Entry{Passage: passage, Length: length})
	q.Lane.Record("enqueue", "", passage, int64(length), int64(len(q.entries)))
	return nil
}

// Entries returns a copy of the queue in playing order.
func (q *Queue) Entries() []Entry { return append([]Entry(nil), q.entries...) }
