package sqlite

import (
	"errors"
	"strconv"

	"rubato/player"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Receipts are the keys of the messages that the log has, each written in its message's own
// transaction: both are durable or neither. So whoever delivers a message again, to this process,
// to another with the same file, or to the next one after this one was killed, learns that it is
// there.
//
// A library has the table only when somebody asks for receipts, so that the files of all others
// stay as they were.

// ReceiptsKept bounds the table: twice as many as a stream of the style with a network holds. A
// trigger removes the oldest, because several processes may write.
const ReceiptsKept = 1 << 17

var receiptTable = `
CREATE TABLE IF NOT EXISTS receipts (
	id  INTEGER PRIMARY KEY, -- grows, since the newest row is never deleted
	key TEXT    NOT NULL UNIQUE
) STRICT;
CREATE TRIGGER IF NOT EXISTS receipts_kept AFTER INSERT ON receipts BEGIN
	DELETE FROM receipts WHERE id <= new.id - ` + strconv.Itoa(ReceiptsKept) + `;
END;`

var _ player.Receipts = (*log)(nil)

// Receipts are those of module log's view. Use both from one goroutine at a time.
func (s *Store) Receipts() (player.Receipts, error) {
	end, err := sqlitex.ImmediateTransaction(s.log.DB) // another process may make it, too
	if err == nil {
		err = s.log.Script(receiptTable)
		end(&err)
	}
	if err != nil {
		return nil, Explain("make the receipts of", s.log.Path, err)
	}
	return s.log, s.log.Prepare(
		Statement{&s.log.note, "INSERT INTO receipts (key) VALUES (?1) ON CONFLICT (key) DO NOTHING"},
		Statement{&s.log.drop, "DELETE FROM receipts WHERE key = ?1"},
	)
}

// Note adds a key to what is pending, and reports false if it was there. It holds the lock of a
// write, so of two processes one is first.
func (l *log) Note(key string) (first bool, err error) {
	if err := l.keep("note a receipt in", l.note, key); err != nil {
		return false, err
	}
	changed, err := l.changed()
	if changed == 0 && l.writes == 1 {
		err = errors.Join(err, l.Rollback()) // nothing is pending, and others may write
	}
	return changed > 0, err
}

// Drop takes a key back that is pending.
func (l *log) Drop(key string) error {
	if l.writes == 1 { // it is all there is
		return l.Rollback()
	}
	return l.keep("drop a receipt of", l.drop, key)
}

// keep is write that is counted apart, too: only a style to which messages are delivered again
// has receipts.
func (l *log) keep(op string, stmt *sqlite.Stmt, key string) error {
	err := l.write(op, stmt, []string{key})
	if err == nil {
		l.receipts.Add(1)
	}
	return err
}
