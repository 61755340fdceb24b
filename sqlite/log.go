package sqlite

import (
	"errors"
	"fmt"

	"rubato/player"

	"zombiezen.com/go/sqlite"
)

// log is module log's view. Writes gather in a transaction until Commit.
//
// A write that fails takes with it whatever was pending, because SQLite may have
// rolled back already. If that was anything, the next Commit fails unless a
// Rollback comes first: nobody is told that a lost message is durable.
type log struct {
	*connection
	writes int   // pending
	lost   error // why earlier writes of this transaction are gone

	begin, commit, rollback       *sqlite.Stmt
	insert, upsert, play, setting *sqlite.Stmt
}

func (l *log) prepare() error {
	return l.connection.prepare(
		prepared{&l.begin, "BEGIN IMMEDIATE"},
		prepared{&l.insert, "INSERT INTO messages (username, message, timestamp) VALUES (?1, ?2, ?3)"},
		prepared{&l.upsert, "INSERT INTO users (username, messages) VALUES (?1, 1) ON CONFLICT (username) DO UPDATE SET messages = messages + 1"},
		prepared{&l.play, "INSERT INTO play_history (passage, began, ended, reason) VALUES (?1, ?2, ?3, 'end')"},
		prepared{&l.setting, "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"},
		prepared{&l.commit, "COMMIT"},
		prepared{&l.rollback, "ROLLBACK"},
	)
}

// AppendMessage inserts one row.
func (l *log) AppendMessage(m player.Message) error {
	if l.conn == nil {
		return l.closed()
	}
	l.insert.BindText(1, m.Username)
	l.insert.BindText(2, m.Text)
	l.insert.BindInt64(3, int64(m.At))
	return l.write(l.insert, "append a message to")
}

// CountUser adds one to the user's messages; the first makes the user known.
func (l *log) CountUser(username string) error {
	if l.conn == nil {
		return l.closed()
	}
	l.upsert.BindText(1, username)
	return l.write(l.upsert, "count a user in")
}

// AppendPlay inserts one row of play history.
func (l *log) AppendPlay(passage int64, began, ended player.Ticks) error {
	if l.conn == nil {
		return l.closed()
	}
	l.play.BindInt64(1, passage)
	l.play.BindInt64(2, int64(began))
	l.play.BindInt64(3, int64(ended))
	return l.write(l.play, "append a play to")
}

// PutSetting keeps a value, in place of what was there.
func (l *log) PutSetting(key, value string) error {
	if l.conn == nil {
		return l.closed()
	}
	l.setting.BindText(1, key)
	l.setting.BindText(2, value)
	return l.write(l.setting, "put a setting into")
}

func (l *log) write(stmt *sqlite.Stmt, op string) error {
	if l.writes == 0 {
		if err := l.run(l.begin); err != nil {
			return explain("begin a write to", l.path, err)
		}
	}
	if err := l.run(stmt); err != nil {
		err = l.undo(op, l.rollback, err)
		if l.writes > 0 {
			l.lost = fmt.Errorf("%d earlier writes are lost: %w", l.writes, err)
		}
		l.writes = 0
		return err
	}
	l.writes++
	return nil
}

// Commit makes what was written durable. When it fails nothing is pending.
func (l *log) Commit() error {
	if err := l.lost; err != nil {
		return errors.Join(err, l.Rollback())
	}
	if l.writes == 0 {
		return nil
	}
	l.writes = 0
	if err := l.run(l.commit); err != nil {
		return l.undo("commit to", l.rollback, err)
	}
	return nil
}

// Rollback forgets what is pending.
func (l *log) Rollback() error {
	l.lost = nil
	if l.writes == 0 {
		return nil
	}
	l.writes = 0
	return explain("roll back", l.path, l.run(l.rollback))
}

// undo rolls back after a failure and explains it. SQLite has rolled back by
// itself when the disk is full or broken.
func (c *connection) undo(op string, rollback *sqlite.Stmt, err error) error {
	err = explain(op, c.path, err)
	if c.conn != nil && !c.conn.AutocommitEnabled() {
		err = errors.Join(err, c.run(rollback))
	}
	return err
}
