package player

// This file is module log: messages and their users, the history of plays, settings,
// and the batch in which messages share a commit.

import (
	"errors"
	"fmt"
)

// Limits of a message, in bytes.
const (
	UsernameLimit = 64
	TextLimit     = 4096
)

// MostShared is how many messages, or outcomes of messages, can be one message on the wire.
const MostShared = 100

// A Message is what a user said.
type Message struct {
	Username string
	Text     string
	At       Ticks
}

// Check returns Invalid for a message that has no user or is too long.
func (m Message) Check() error {
	const op = "message"
	if m.Username == "" || len(m.Username) > UsernameLimit {
		return fail(Invalid, op, fmt.Errorf("username of %d bytes, want 1 to %d", len(m.Username), UsernameLimit))
	}
	if len(m.Text) > TextLimit {
		return fail(Invalid, op, fmt.Errorf("text of %d bytes, want %d at most", len(m.Text), TextLimit))
	}
	return nil
}

// Messages stores messages. Part of module log.
type Messages struct {
	Lane  Lane
	store LogStore
}

// Append writes one row. It is durable after the store's Commit.
func (m *Messages) Append(msg Message) error {
	if err := msg.Check(); err != nil {
		return err
	}
	if err := m.store.AppendMessage(msg); err != nil {
		return fail(Unavailable, "messages: append", err)
	}
	var who uint64
	if !m.Lane.Quiet {
		who = DigestText(0, msg.Username)
	}
	m.Lane.Record("append", msg.Text, int64(who), int64(msg.At))
	return nil
}

// Users counts the messages of each user. Part of module log.
type Users struct {
	Lane  Lane
	store LogStore
}

// Count adds one to the user's messages. It is durable after the store's Commit.
func (u *Users) Count(username string) error {
	if err := u.store.CountUser(username); err != nil {
		return fail(Unavailable, "users: count", err)
	}
	u.Lane.Record("count", username)
	return nil
}

// History stores what was played. Part of module log.
type History struct {
	Lane  Lane
	store LogStore
}

// Record writes and commits one row.
func (h *History) Record(passage int64, began, ended Ticks) error {
	if err := h.store.AppendPlay(passage, began, ended); err != nil {
		return fail(Unavailable, "history: record", err)
	}
	if err := h.store.Commit(); err != nil {
		return fail(Unavailable, "history: commit", err)
	}
	h.Lane.Record("record", "", passage, int64(began), int64(ended))
	return nil
}

// Settings are what the player restores when it starts. Part of module log.
type Settings struct {
	Lane  Lane
	store LogStore
}

// Put writes and commits a value under a key.
func (s *Settings) Put(key, value string) error {
	if err := s.store.PutSetting(key, value); err != nil {
		return fail(Unavailable, "settings: put", err)
	}
	if err := s.store.Commit(); err != nil {
		return fail(Unavailable, "settings: commit", err)
	}
	s.Lane.Record("put "+key, value)
	return nil
}

// Filters say what they make of a draft, each for itself. They keep nothing. Part of module log.
type Filters struct {
	Lane Lane
	of   []func(text string) uint64
}

// Count is how many there are; of nil it is 0.
func (f *Filters) Count() int {
	if f == nil {
		return 0
	}
	return len(f.of)
}

// Check has one filter, counted from 0, look at a draft.
func (f *Filters) Check(filter int, text string) error {
	const op = "filters: check"
	if filter < 0 || filter >= f.Count() {
		return fail(NotFound, op, fmt.Errorf("filter %d of %d", filter, f.Count()))
	}
	if len(text) > TextLimit {
		return fail(Invalid, op, fmt.Errorf("text of %d bytes, want %d at most", len(text), TextLimit))
	}
	f.Lane.Record("check", "", int64(filter), int64(f.of[filter](text)))
	return nil
}

// Batch lets messages share a commit. Every style has it in module log, so that no
// style is faster only because it batches. Config.Batch is its size; at 1, every
// message has its own commit.
type Batch struct {
	store   LogStore
	limit   int
	waiting []waiting
}

type waiting struct {
	seq  uint64
	done Done
}

// NewBatch returns an empty batch that commits when it has limit stimuli.
func NewBatch(store LogStore, limit int) *Batch {
	limit = max(limit, 1)
	return &Batch{store: store, limit: limit, waiting: make([]waiting, 0, limit)}
}

// Add adds a stimulus whose writes were made, or failed with err, and commits when the
// batch is full. done is called with the outcome. A transaction cannot drop the writes
// of one stimulus, so a failure of the store fails the whole batch. A refused message
// fails alone.
func (b *Batch) Add(seq uint64, err error, done Done) {
	if CodeOf(err) == Invalid {
		done(seq, err)
		return
	}
	b.waiting = append(b.waiting, waiting{seq, done})
	switch {
	case err != nil:
		b.finish(b.abandon(err))
	case len(b.waiting) >= b.limit:
		b.finish(b.commit())
	}
}

// Do takes a stimulus whose writes were made, or failed with err, and commits it at
// once, together with the batch.
func (b *Batch) Do(err error) error {
	switch {
	case CodeOf(err) == Invalid:
		return err
	case err != nil:
		err = b.abandon(err)
	default:
		err = b.commit()
	}
	b.finish(err)
	return err
}

// Flush commits the batch unless it is empty.
func (b *Batch) Flush() error {
	if len(b.waiting) == 0 {
		return nil
	}
	err := b.commit()
	b.finish(err)
	return err
}

// Waiting is how many stimuli wait for a commit.
func (b *Batch) Waiting() int { return len(b.waiting) }

func (b *Batch) commit() error {
	if err := b.store.Commit(); err != nil {
		return fail(Unavailable, "log: commit", err)
	}
	return nil
}

func (b *Batch) abandon(err error) error {
	if rollback := b.store.Rollback(); rollback != nil {
		return fail(Unavailable, "log: rollback", rollback)
	}
	return err
}

func (b *Batch) finish(err error) {
	for _, w := range b.waiting {
		w.done(w.seq, err)
	}
	clear(b.waiting)
	b.waiting = b.waiting[:0]
}

// errStopped is the answer of a stopped module.
var errStopped = errors.New("module log is stopped")

// logGate is module log's store. While the module is stopped, writes to it fail. Every
// style has it, even one in which a stopped module cannot be reached at all.
type logGate struct {
	LogStore // the real store, or a stoppedLog
	real     LogStore
}

func newLogGate(real LogStore) *logGate { return &logGate{real, real} }

// StopModule commits what waits in module log and stops it. No other module can be
// stopped: log is the one that the published case moved behind NATS.
func (p *Parts) StopModule(module string) error {
	if err := checkModule(module); err != nil {
		return err
	}
	err := p.Batch.Flush()
	p.gate.LogStore = stoppedLog{p.gate.real}
	return err
}

// StartModule starts it again.
func (p *Parts) StartModule(module string) error {
	err := checkModule(module)
	if err == nil {
		p.gate.LogStore = p.gate.real
	}
	return err
}

func checkModule(module string) error {
	if module != "log" {
		return fail(Invalid, "stop or start a module", fmt.Errorf("%q: only log can", module))
	}
	return nil
}

// stoppedLog refuses to write.
type stoppedLog struct{ LogStore }

func (stoppedLog) AppendMessage(Message) error          { return errStopped }
func (stoppedLog) CountUser(string) error               { return errStopped }
func (stoppedLog) AppendPlay(int64, Ticks, Ticks) error { return errStopped }
func (stoppedLog) PutSetting(string, string) error      { return errStopped }
