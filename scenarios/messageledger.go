package scenarios

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"rubato/player"
)

// ledger is a store that writes down which messages were committed through it, and when.
// The database tells how many rows there are; the ledger, which of what was said they
// are. It stands outside of every style and costs each the same.
type ledger struct {
	player.Store
	log ledgerLog
}

// ledgerRow is a message as its committed row has it.
type ledgerRow struct {
	said    player.Ticks // which in the script it is: no two are said at the same time
	hash    uint64
	durable time.Time
}

func newLedger(store player.Store) *ledger {
	return &ledger{Store: store, log: ledgerLog{LogStore: store.Log()}}
}

// Log is module log's view.
func (l *ledger) Log() player.LogStore { return &l.log }

// forget begins anew.
func (l *ledger) forget() {
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	l.log.rows, l.log.users = l.log.rows[:0], 0
}

// rows are what was committed since, in the order of commits.
func (l *ledger) rows() []ledgerRow {
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	return slices.Clone(l.log.rows)
}

// counted is how often a user was counted since, durably.
func (l *ledger) counted() int64 {
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	return l.log.users
}

// sum is a digest of the rows that is the same in any order.
func (l *ledger) sum() (sum uint64) {
	for _, r := range l.rows() {
		sum += r.hash
	}
	return sum
}

// audit holds the ledger against what the database has more of than before. It is an
// error if they differ, or if a message and the count of its user came apart.
func (l *ledger) audit(before, after player.Stored) error {
	rows, counted := int64(len(l.rows())), l.counted()
	messages, said := after.Messages-before.Messages, after.Said-before.Said
	if rows != messages || counted != said || messages != said {
		return fmt.Errorf("the books do not balance: %d messages and %d counts were committed, the database has %d and %d", rows, counted, messages, said)
	}
	return nil
}

// ledgerLog is module log's view with a pen. One module writes, another goroutine reads.
type ledgerLog struct {
	player.LogStore
	mu      sync.Mutex
	pending []ledgerRow
	counts  int64 // pending
	rows    []ledgerRow
	users   int64
}

// AppendMessage notes a row that is pending.
func (l *ledgerLog) AppendMessage(m player.Message) error {
	err := l.LogStore.AppendMessage(m)
	if err == nil {
		h := player.DigestText(player.DigestText(0, m.Username), m.Text)
		l.pending = append(l.pending, ledgerRow{said: m.At, hash: player.DigestWord(h, uint64(m.At))})
	}
	return err
}

// CountUser notes a count that is pending.
func (l *ledgerLog) CountUser(username string) error {
	err := l.LogStore.CountUser(username)
	if err == nil {
		l.counts++
	}
	return err
}

// Commit enters what was pending. After a failed one nothing is.
func (l *ledgerLog) Commit() error {
	err := l.LogStore.Commit()
	if err == nil && len(l.pending)+int(l.counts) > 0 {
		l.enter(time.Now())
	}
	l.pending, l.counts = l.pending[:0], 0
	return err
}

func (l *ledgerLog) enter(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.pending {
		r.durable = now
		l.rows = append(l.rows, r)
	}
	l.users += l.counts
}

// Rollback forgets what was pending.
func (l *ledgerLog) Rollback() error {
	l.pending, l.counts = l.pending[:0], 0
	return l.LogStore.Rollback()
}
