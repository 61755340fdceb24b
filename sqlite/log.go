package sqlite

import (
	"errors"
	"fmt"
	"sync/atomic"

	"rubato/player"

	"zombiezen.com/go/sqlite"
)

// log is module log's view. Writes collect in one transaction until Commit.
//
// A write that fails discards the pending writes too, because SQLite may already have
// rolled back. If there were any, the next Commit fails unless a Rollback comes first, so
// that a lost message is never reported as durable.
type log struct {
	*Conn
	writes int   // pending
	lost   error // why earlier writes of this transaction were discarded

	begin, commit, rollback       *sqlite.Stmt
	insert, upsert, play, setting *sqlite.Stmt
	note, drop                    *sqlite.Stmt // of receipts; nil: nobody has asked for them
	receipts                      atomic.Int64 // see Tally
}

func (l *log) prepare() error {
	return l.Conn.Prepare(
		Statement{&l.begin, "BEGIN IMMEDIATE"},
		Statement{&l.insert, "INSERT INTO messages (timestamp, username, message) VALUES (?1, ?2, ?3)"},
		Statement{&l.upsert, "INSERT INTO users (username, messages) VALUES (?1, 1) ON CONFLICT (username) DO UPDATE SET messages = messages + 1"},
		Statement{&l.play, "INSERT INTO play_history (passage, began, ended, reason) VALUES (?1, ?2, ?3, 'end')"},
		Statement{&l.setting, "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"},
		Statement{&l.commit, "COMMIT"},
		Statement{&l.rollback, "ROLLBACK"},
	)
}

// AppendMessage inserts one row.
func (l *log) AppendMessage(m player.Message) error {
	return l.write("append a message to", l.insert, []string{m.Username, m.Text}, int64(m.At))
}

// CountUser adds one to the user's messages. The first message creates the user.
func (l *log) CountUser(username string) error {
	return l.write("count a user in", l.upsert, []string{username})
}

// AppendPlay inserts one row of play history.
func (l *log) AppendPlay(passage int64, began, ended player.Ticks) error {
	return l.write("append a play to", l.play, nil, passage, int64(began), int64(ended))
}

// PutSetting stores a value in place of the previous one.
func (l *log) PutSetting(key, value string) error {
	return l.write("put a setting into", l.setting, []string{key, value})
}

// write runs a statement, whose first parameters are the numbers.
func (l *log) write(op string, stmt *sqlite.Stmt, texts []string, numbers ...int64) error {
	if l.writes == 0 {
		if err := l.Run(l.begin); err != nil {
			return Explain("begin a write to", l.Path, err)
		}
	}
	if err := l.Write(stmt, texts, numbers...); err != nil {
		err = l.Undo(op, l.rollback, err)
		if l.writes > 0 {
			l.lost = fmt.Errorf("%d earlier writes are lost: %w", l.writes, err)
		}
		l.writes = 0
		return err
	}
	l.writes++
	return nil
}

// Commit makes the pending writes durable. If it fails, nothing is pending.
func (l *log) Commit() error {
	if err := l.lost; err != nil {
		return errors.Join(err, l.Rollback())
	}
	if l.writes == 0 {
		return nil
	}
	l.writes = 0
	if err := l.Run(l.commit); err != nil {
		return l.Undo("commit to", l.rollback, err)
	}
	return nil
}

// Rollback discards the pending writes.
func (l *log) Rollback() error {
	l.lost = nil
	if l.writes == 0 {
		return nil
	}
	l.writes = 0
	return Explain("roll back", l.Path, l.Run(l.rollback))
}

// cuts is module ap's view: where the sound of a passage is.
type cuts struct {
	*Conn
	cut *sqlite.Stmt
}

func (c *cuts) prepare() error {
	return c.Conn.Prepare(Statement{&c.cut, `SELECT
		coalesce((SELECT r.Path FROM passage_recordings AS l JOIN recordings AS r ON r.id = l.recording WHERE l.passage = p.id), ''),
		begins, ends, fade_in, fade_out, lead_in, lead_out, fade_in_curve, fade_out_curve,
		(SELECT count(*) FROM passage_songs AS s WHERE s.passage = p.id)
		FROM passages AS p WHERE id = ?1`})
}

// Cut reads the cut of one passage; NotFound when there is none.
func (c *cuts) Cut(passage int64) (cut player.Cut, err error) {
	err = c.Conn.passage("cut", c.cut, passage, func() error {
		ticks := func(column int) player.Ticks { return player.Ticks(c.cut.ColumnInt64(column)) }
		cut = player.Cut{
			Passage: passage,
			File:    c.cut.ColumnText(0),
			Start:   ticks(1), End: ticks(2),
			FadeIn: ticks(3), FadeOut: ticks(4),
			LeadIn: ticks(5), LeadOut: ticks(6),
			InCurve: player.Curve(c.cut.ColumnText(7)), OutCurve: player.Curve(c.cut.ColumnText(8)),
		}
		cut.Boundaries = boundaries(cut.End-cut.Start, c.cut.ColumnInt64(9))
		return nil
	})
	return cut, err
}

// boundaries are where the second, third … song of a passage begins. The library does not
// know, so the parts are equal, in whole frames.
func boundaries(length player.Ticks, songs int64) []player.Ticks {
	var list []player.Ticks
	for i := int64(1); i < songs; i++ {
		part := length / player.Ticks(songs) * player.Ticks(i)
		list = append(list, part-part%player.TicksPerFrame)
	}
	return list
}
