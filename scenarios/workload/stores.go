package workload

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rubato/player"
	"rubato/runner"
)

// CommitLog is a store that records which messages were committed through it, and when. The
// database shows how many rows there are; the log shows which messages they are. It stands
// outside of every style and costs each the same.
type CommitLog struct {
	player.Store
	log loggingStore
}

// Stall has the next commit take so much longer, as on a disk that hangs.
func (l *CommitLog) Stall(d time.Duration) { l.log.stall.Store(int64(d)) }

// Slow has every commit take so much longer that begins before end.
func (l *CommitLog) Slow(d time.Duration, end time.Time) { l.log.slow.Store(&slowness{d, end}) }

type slowness struct {
	more time.Duration
	end  time.Time
}

func (s *slowness) now() time.Duration {
	if s == nil || time.Now().After(s.end) {
		return 0
	}
	return s.more
}

// CommittedRow is a message that was committed.
type CommittedRow struct {
	Said    player.Ticks // identifies the message: no two have the same time
	hash    uint64
	Durable time.Time
}

func NewCommitLog(store player.Store) *CommitLog {
	return &CommitLog{Store: store, log: loggingStore{LogStore: store.Log()}}
}

// Log is the view of module log.
func (l *CommitLog) Log() player.LogStore { return &l.log }

// Forget empties the log.
func (l *CommitLog) Forget() {
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	l.log.rows, l.log.users = l.log.rows[:0], 0
}

// Rows returns what was committed since Forget, in the order of commits.
func (l *CommitLog) Rows() []CommittedRow {
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	return slices.Clone(l.log.rows)
}

// Quiet returns when nothing was committed for so long, or after most.
func (l *CommitLog) Quiet(wait, most time.Duration) {
	for start := time.Now(); time.Since(start) < most; {
		before := len(l.Rows())
		<-time.After(wait)
		if len(l.Rows()) == before {
			return
		}
	}
}

// Counted is the number of counts of users that were committed since Forget.
func (l *CommitLog) Counted() int64 {
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	return l.log.users
}

// Sum is a digest of the rows that does not depend on their order.
func (l *CommitLog) Sum() (sum uint64) {
	for _, r := range l.Rows() {
		sum += r.hash
	}
	return sum
}

// Audit compares the log with the growth of the database. It returns an error if they
// differ, or if there are not as many messages as counts of users.
func (l *CommitLog) Audit(before, after player.Stored) error {
	rows, counted := int64(len(l.Rows())), l.Counted()
	messages, said := after.Messages-before.Messages, after.Said-before.Said
	if rows != messages || counted != said || messages != said {
		return fmt.Errorf("%d messages and %d counts were committed, but the database has %d and %d", rows, counted, messages, said)
	}
	return nil
}

// loggingStore is the view of module log that records. The module writes; another goroutine
// reads.
type loggingStore struct {
	player.LogStore
	mu      sync.Mutex
	pending []CommittedRow
	counts  int64        // pending
	stall   atomic.Int64 // the next commit
	slow    atomic.Pointer[slowness]
	rows    []CommittedRow
	users   int64
}

// AppendMessage records a pending row.
func (l *loggingStore) AppendMessage(m player.Message) error {
	err := l.LogStore.AppendMessage(m)
	if err == nil {
		h := player.DigestText(player.DigestText(0, m.Username), m.Text)
		l.pending = append(l.pending, CommittedRow{Said: m.At, hash: player.DigestWord(h, uint64(m.At))})
	}
	return err
}

// CountUser records a pending count.
func (l *loggingStore) CountUser(username string) error {
	err := l.LogStore.CountUser(username)
	if err == nil {
		l.counts++
	}
	return err
}

// Commit moves what is pending to the log. After a failed commit nothing is pending.
func (l *loggingStore) Commit() error {
	if d := time.Duration(l.stall.Swap(0)) + l.slow.Load().now(); d > 0 {
		<-time.After(d)
	}
	err := l.LogStore.Commit()
	if err == nil && len(l.pending)+int(l.counts) > 0 {
		now := time.Now()
		l.mu.Lock()
		for _, r := range l.pending {
			r.Durable = now
			l.rows = append(l.rows, r)
		}
		l.users += l.counts
		l.mu.Unlock()
	}
	l.pending, l.counts = l.pending[:0], 0
	return err
}

// Rollback drops what is pending.
func (l *loggingStore) Rollback() error {
	l.pending, l.counts = l.pending[:0], 0
	return l.LogStore.Rollback()
}

// Stages that can be slowed down. Each is one call of the store per operation, on the
// goroutine that does the module's work in this style.
const (
	StageDirector = "director" // a passage is read once a selection
	StageLog      = "log"      // a message is appended once it is said
)

// slowed returns the store that the style gets: unchanged, except for the arm with the
// injected slowdown.
func slowed(setup runner.Setup, store player.Store) player.Store {
	if setup.Slowdown == nil || setup.Options["transport"] == SplitTransport { // see slowPlayer
		return store
	}
	return slowStore{store, setup.Slowdown}
}

// slowStore slows one stage down.
type slowStore struct {
	player.Store
	slowdown *runner.Slowdown
}

// Director is the view of the program director.
func (s slowStore) Director() player.DirectorStore {
	if s.slowdown.Stage == StageDirector {
		return slowPassage{s.Store.Director(), s.slowdown}
	}
	return s.Store.Director()
}

// Log is the view of module log.
func (s slowStore) Log() player.LogStore {
	if s.slowdown.Stage == StageLog {
		return slowAppend{s.Store.Log(), s.slowdown}
	}
	return s.Store.Log()
}

// planted is time in one part of a style, once an operation: an operation that begins gives a
// ticket, and the first call of the part takes it. The time is the steps of a slowdown. A spin until
// the thread's own clock has moved would not vary with neighbours, but reading it takes over 1 µs.
type planted struct {
	slowdown runner.Slowdown
	tickets  atomic.Int64
}

// plant plants what the options ask for; nil if nothing.
func plant(setup runner.Setup, c *player.Config) (*planted, error) {
	part, size, err := cutPlanted(setup.Options["planted"])
	if part == "" || err != nil {
		return nil, err
	}
	p := &planted{}
	p.slowdown.Set(size)
	c.Planted = player.Planted{Part: part, Stall: p.stall}
	return p, nil
}

func (p *planted) stall() {
	for n := p.tickets.Load(); n > 0; n = p.tickets.Load() {
		if p.tickets.CompareAndSwap(n, n-1) {
			p.slowdown.Stall()
			return
		}
	}
}

// ticketed gives a ticket for each stimulus.
type ticketed struct {
	player.Player
	planted *planted
}

func (t ticketed) Do(s player.Stimulus) error {
	t.planted.tickets.Add(1)
	return t.Player.Do(s)
}

func (t ticketed) Post(s player.Stimulus, done player.Done) error {
	t.planted.tickets.Add(1)
	return t.Player.Post(s, done)
}

type slowPassage struct {
	player.DirectorStore
	slowdown *runner.Slowdown
}

func (s slowPassage) Passage(id int64) (player.Passage, error) {
	s.slowdown.Stall()
	return s.DirectorStore.Passage(id)
}

type slowAppend struct {
	player.LogStore
	slowdown *runner.Slowdown
}

func (s slowAppend) AppendMessage(m player.Message) error {
	s.slowdown.Stall()
	return s.LogStore.AppendMessage(m)
}
