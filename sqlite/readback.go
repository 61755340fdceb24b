package sqlite

import (
	"math"

	"rubato/player"

	"zombiezen.com/go/sqlite"
)

// readback counts what is durable, as somebody else would: on a connection that
// writes nothing.
type readback struct {
	*connection

	begin, end                *sqlite.Stmt
	songs, artists, works     *sqlite.Stmt
	messages, newest, counted *sqlite.Stmt
	plays, settings           *sqlite.Stmt
	version, after, said      *sqlite.Stmt
}

func (r *readback) prepare() error {
	played := func(table string) string { return "SELECT id, last_played FROM " + table + " ORDER BY id" }
	return r.connection.prepare(
		prepared{&r.begin, "BEGIN"},
		prepared{&r.end, "COMMIT"},
		prepared{&r.songs, played("songs")},
		prepared{&r.artists, played("artists")},
		prepared{&r.works, played("works")},
		prepared{&r.messages, "SELECT max(id) FROM messages"},
		prepared{&r.newest, "SELECT username, message, timestamp FROM messages ORDER BY id DESC LIMIT 1000"},
		prepared{&r.plays, "SELECT max(id) FROM play_history"},
		prepared{&r.settings, "SELECT key, value FROM settings ORDER BY key"},
		prepared{&r.version, "PRAGMA data_version"},
		prepared{&r.after, "SELECT username, message, timestamp FROM messages WHERE id > ?1 ORDER BY id"},
		prepared{&r.said, "SELECT 1 FROM messages WHERE id > (SELECT max(id) FROM messages) - ?2 AND timestamp = ?1 ORDER BY id DESC LIMIT 1"},
		prepared{&r.counted, "SELECT username, messages FROM users ORDER BY username"},
	)
}

// stored reads everything in one transaction, so that the counts agree.
func (r *readback) stored() (s player.Stored, err error) {
	if err := r.run(r.begin); err != nil {
		return s, explain("begin to read", r.path, err)
	}
	for _, read := range [...]func(*player.Stored) error{r.cooldowns, r.log, r.diary} {
		if err := read(&s); err != nil {
			return player.Stored{}, r.undo("read", r.end, err)
		}
	}
	return s, explain("end reading", r.path, r.run(r.end))
}

func (r *readback) cooldowns(s *player.Stored) error {
	const never = math.MaxUint64 // no play lies at the last tick before 1970
	for _, stmt := range [...]*sqlite.Stmt{r.songs, r.artists, r.works} {
		err := r.each(stmt, func() error {
			at := uint64(stmt.ColumnInt64(1))
			if stmt.ColumnIsNull(1) {
				at = never
			}
			s.Cooldowns = player.DigestWord(player.DigestWord(s.Cooldowns, uint64(stmt.ColumnInt64(0))), at)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *readback) log(s *player.Stored) error {
	err := r.each(r.messages, func() error { s.Messages = r.messages.ColumnInt64(0); return nil })
	if err != nil {
		return err
	}
	err = r.each(r.newest, func() error {
		s.Log = player.DigestText(s.Log, r.newest.ColumnText(0))
		s.Log = player.DigestText(s.Log, r.newest.ColumnText(1))
		s.Log = player.DigestWord(s.Log, uint64(r.newest.ColumnInt64(2)))
		return nil
	})
	if err != nil {
		return err
	}
	return r.each(r.counted, func() error {
		n := r.counted.ColumnInt64(1)
		s.Said += n
		s.Log = player.DigestWord(player.DigestText(s.Log, r.counted.ColumnText(0)), uint64(n))
		return nil
	})
}

// diary reads what module log keeps beside messages.
func (r *readback) diary(s *player.Stored) error {
	err := r.each(r.plays, func() error { s.Plays = r.plays.ColumnInt64(0); return nil })
	if err != nil {
		return err
	}
	return r.each(r.settings, func() error {
		s.Settings = player.DigestText(player.DigestText(s.Settings, r.settings.ColumnText(0)), r.settings.ColumnText(1))
		return nil
	})
}
