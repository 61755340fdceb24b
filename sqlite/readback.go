package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rubato/player"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// readback reads what is durable as another program would: on a connection that writes
// nothing.
type readback struct {
	*Conn

	begin, end                *sqlite.Stmt
	songs, artists, works     *sqlite.Stmt
	messages, newest, counted *sqlite.Stmt
	plays, history, settings  *sqlite.Stmt
	after, said, at           *sqlite.Stmt
}

func (r *readback) prepare() error {
	played := func(table string) string { return "SELECT id, last_played FROM " + table + " ORDER BY id" }
	return r.Conn.Prepare(
		Statement{&r.begin, "BEGIN"},
		Statement{&r.end, "COMMIT"},
		Statement{&r.songs, played("songs")},
		Statement{&r.artists, played("artists")},
		Statement{&r.works, played("works")},
		Statement{&r.messages, "SELECT max(id) FROM messages"},
		Statement{&r.newest, "SELECT username, message, timestamp FROM messages ORDER BY id DESC LIMIT 1000"},
		Statement{&r.plays, "SELECT max(id) FROM play_history"},
		Statement{&r.history, "SELECT passage, began, ended, reason FROM play_history ORDER BY id DESC LIMIT 1000"},
		Statement{&r.settings, "SELECT key, value FROM settings ORDER BY key"},
		Statement{&r.after, "SELECT username, message, timestamp FROM messages WHERE id > ?1 AND id <= ?2 ORDER BY id"},
		Statement{&r.said, "SELECT 1 FROM messages WHERE id > (SELECT max(id) FROM messages) - ?2 AND timestamp = ?1 ORDER BY id DESC LIMIT 1"},
		Statement{&r.at, "SELECT timestamp FROM messages WHERE id = ?1"},
		Statement{&r.counted, "SELECT username, messages FROM users ORDER BY username"},
	)
}

// stored reads everything in one transaction, so that the counts agree.
func (r *readback) stored() (s player.Stored, err error) {
	if err := r.Run(r.begin); err != nil {
		return s, Explain("begin to read", r.Path, err)
	}
	for _, read := range [...]func(*player.Stored) error{r.cooldowns, r.log, r.diary} {
		if err := read(&s); err != nil {
			return player.Stored{}, r.Undo("read", r.end, err)
		}
	}
	return s, Explain("end reading", r.Path, r.Run(r.end))
}

func (r *readback) cooldowns(s *player.Stored) error {
	const never = math.MaxUint64 // no play is at the last tick before 1970
	for _, stmt := range [...]*sqlite.Stmt{r.songs, r.artists, r.works} {
		err := r.Each(stmt, func() error {
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

func (r *readback) log(s *player.Stored) (err error) {
	if s.Messages, err = r.Int(r.messages); err != nil {
		return err
	}
	err = r.Each(r.newest, func() error {
		s.Log = player.DigestText(s.Log, r.newest.ColumnText(0))
		s.Log = player.DigestText(s.Log, r.newest.ColumnText(1))
		s.Log = player.DigestWord(s.Log, uint64(r.newest.ColumnInt64(2)))
		return nil
	})
	if err != nil {
		return err
	}
	return r.Each(r.counted, func() error {
		n := r.counted.ColumnInt64(1)
		s.Said += n
		s.Log = player.DigestWord(player.DigestText(s.Log, r.counted.ColumnText(0)), uint64(n))
		return nil
	})
}

// diary reads what module log stores beside messages.
func (r *readback) diary(s *player.Stored) (err error) {
	if s.Plays, err = r.Int(r.plays); err != nil {
		return err
	}
	err = r.Each(r.history, func() error {
		for column := range 3 {
			s.History = player.DigestWord(s.History, uint64(r.history.ColumnInt64(column)))
		}
		s.History = player.DigestText(s.History, r.history.ColumnText(3))
		return nil
	})
	if err != nil {
		return err
	}
	return r.Each(r.settings, func() error {
		s.Settings = player.DigestText(player.DigestText(s.Settings, r.settings.ColumnText(0)), r.settings.ColumnText(1))
		return nil
	})
}

// The verifier of the work asks what follows, beside Stored, and never while the clock
// runs.

// A Tally counts what was done to a library: its commits by any connection since the
// write-ahead log began, and what the views have read and written since they were opened.
type Tally struct {
	Commits int64
	Queries int64 // statements that read
	Rows    int64 // that these returned
	Writes  int64 // statements that change rows
	// Receipts are those of Writes that concern receipts.
	Receipts int64
}

// Since is what was done after earlier.
func (t Tally) Since(earlier Tally) Tally {
	return Tally{t.Commits - earlier.Commits, t.Queries - earlier.Queries, t.Rows - earlier.Rows, t.Writes - earlier.Writes, t.Receipts - earlier.Receipts}
}

func (t Tally) String() string {
	return fmt.Sprintf("%d commits, %d reads of %d rows, %d writes", t.Commits, t.Queries, t.Rows, t.Writes)
}

// Tally takes microseconds, so it can show what was done at a moment.
func (s *Store) Tally() (t Tally, err error) {
	for _, c := range []*Conn{s.director.Conn, s.log.Conn, s.cuts.Conn} {
		t.Queries, t.Rows, t.Writes = t.Queries+c.queries.Load(), t.Rows+c.rows.Load(), t.Writes+c.writes.Load()
	}
	t.Receipts = s.log.receipts.Load()
	t.Commits, err = s.commits()
	return t, err
}

// The index of a write-ahead log begins with two copies of its header. SQLite writes the
// second one first; while they differ, a commit is under way. A counter in it grows by one
// with every commit (SQLite's documents: "WAL-mode File Format", 2.3.1).
const (
	indexHeader  = 48
	indexCounter = 8
)

// commits reads SQLite's own counter, which no style can pass by: it is the same for all
// connections to the file.
func (s *Store) commits() (int64, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	b := s.head[:2*indexHeader]
	for range 1000 {
		if err := s.readIndex(b); err != nil {
			return 0, err
		}
		if bytes.Equal(b[:indexHeader], b[indexHeader:]) {
			return int64(binary.NativeEndian.Uint32(b[indexCounter:])), nil
		}
	}
	return 0, fmt.Errorf("sqlite: the index of the write-ahead log of %s stays unfinished: it is damaged, copy the library and try again", s.readback.Path)
}

// readIndex reads the beginning of the index. The caller holds s.reading.
func (s *Store) readIndex(b []byte) (err error) {
	if s.index == nil {
		if s.index, err = os.Open(s.readback.Path + "-shm"); err != nil {
			return err
		}
	}
	_, err = s.index.ReadAt(b, 0)
	return Explain("read the index of the write-ahead log of", s.readback.Path, err)
}

// A header says how many frames the log has (mxFrame) and its number (aSalt[0]). After the headers
// comes how many of them checkpoints have moved into the library (nBackfill). When all are, the next
// commit begins a new log.
const (
	indexFrames = 16
	indexNumber = 32
	indexMoved  = 2 * indexHeader
)

// logState is what the index says of the log.
type logState struct{ number, frames, moved uint32 }

// Checkpoints is how many have moved frames since the first call, which returns 0. Two between calls
// count as one. It takes a microsecond and allocates nothing.
func (s *Store) Checkpoints() (int64, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if err := s.readIndex(s.head[:]); err != nil {
		return 0, err
	}
	at := func(offset int) uint32 { return binary.NativeEndian.Uint32(s.head[offset:]) }
	was, now := s.looked, logState{at(indexNumber), at(indexFrames), at(indexMoved)}
	ran := now.moved > was.moved
	if now.number != was.number {
		ran = was.moved < was.frames || now.moved > 0
	}
	if ran && was != (logState{}) {
		s.checkpoints++
	}
	s.looked = now
	return s.checkpoints, nil
}

// Newest is the id of the newest message that is durable; they count from 1.
func (s *Store) Newest() (int64, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	return s.readback.Int(s.readback.messages)
}

// MessagesAfter visits every durable message with a greater id, in the order of writing.
func (s *Store) MessagesAfter(id int64, visit func(player.Message)) error {
	return s.MessagesBetween(id, math.MaxInt64, visit)
}

// MessagesBetween visits those with an id greater than after, and not greater than last.
func (s *Store) MessagesBetween(after, last int64, visit func(player.Message)) error {
	s.reading.Lock()
	defer s.reading.Unlock()
	stmt := s.readback.after
	return s.readback.Each(stmt, func() error {
		visit(player.Message{Username: stmt.ColumnText(0), Text: stmt.ColumnText(1), At: player.Ticks(stmt.ColumnInt64(2))})
		return nil
	}, after, last)
}

// costPragmas are the pragmas that decide what a commit and a read cost.
var costPragmas = []string{"journal_mode", "synchronous", "page_size", "cache_size", "mmap_size", "wal_autocheckpoint",
	"locking_mode", "temp_store"}

// Settings are the settings of each view's connection as the connection itself reports
// them, by view: "journal_mode=wal synchronous=1 …".
func (s *Store) Settings() (map[string]string, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	settings := map[string]string{"sqlite": Version()}
	for view, c := range map[string]*Conn{"director": s.director.Conn, "log": s.log.Conn, "cuts": s.cuts.Conn} {
		var list []string
		for _, name := range costPragmas {
			value, err := c.pragma(name)
			if err != nil {
				return nil, err
			}
			list = append(list, name+"="+value)
		}
		settings[view] = strings.Join(list, " ")
	}
	return settings, nil
}

// Synchronous reads when the views' commits wait for the disk: 0 never, 1 at checkpoints, 2
// always.
func (s *Store) Synchronous() (levels [2]int64, err error) {
	for i, c := range []*Conn{s.director.Conn, s.log.Conn} {
		if levels[i], err = c.level(); err != nil {
			return levels, Explain("read synchronous of", c.Path, err)
		}
	}
	return levels, nil
}

// level reads the setting, not by Each: it is no query of the style.
func (c *Conn) level() (int64, error) {
	c.settings.Lock()
	defer c.settings.Unlock()
	if c.DB == nil {
		return 0, c.closed()
	}
	if _, err := c.synchronous.Step(); err != nil {
		return 0, err
	}
	level := c.synchronous.ColumnInt64(0)
	return level, c.synchronous.Reset()
}

// pragma reads a setting back.
func (c *Conn) pragma(name string) (value string, err error) {
	c.settings.Lock()
	defer c.settings.Unlock()
	if c.DB == nil {
		return "", c.closed()
	}
	err = sqlitex.ExecuteTransient(c.DB, "PRAGMA "+name, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error { value = stmt.ColumnText(0); return nil },
	})
	return value, Explain("read "+name+" of", c.Path, err)
}

// SynchronousOf is what Settings reports of synchronous for an Options value.
func SynchronousOf(option string) (string, error) {
	o, err := Options{Synchronous: option}.defaults()
	if err != nil {
		return "", err
	}
	return map[string]string{"normal": "synchronous=1", "full": "synchronous=2"}[o.Synchronous], nil
}

// Holds reports whether the durable message with this id, or else one of the newest depth, was
// said at this time.
func (s *Store) Holds(at player.Ticks, id int64, depth int) (bool, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	said, err := s.readback.Int(s.readback.at, id)
	if err != nil || player.Ticks(said) == at && at != 0 {
		return err == nil, err
	}
	found, err := s.readback.Int(s.readback.said, int64(at), int64(depth))
	return found == 1, err
}

// QuickestCommit makes a few commits of one row in a new database in dir, and returns the
// time of the quickest. No commit takes less while the disk is as busy as now.
func QuickestCommit(dir string, options Options) (quickest time.Duration, err error) {
	if options, err = options.defaults(); err != nil {
		return 0, err
	}
	path := filepath.Join(dir, "commits.db")
	c, err := Connect(path, sqlite.OpenReadWrite|sqlite.OpenCreate, options.Busy)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Close(), os.Remove(path)) }()
	var insert *sqlite.Stmt
	err = errors.Join(c.Set("journal_mode = wal", "synchronous = "+options.Synchronous), c.Script("CREATE TABLE t (n INTEGER)"))
	if err == nil {
		err = c.Prepare(Statement{&insert, "INSERT INTO t VALUES (?1)"})
	}
	const tries = 10
	quickest = time.Hour
	for i := int64(0); i < tries && err == nil; i++ {
		start := time.Now()
		err = c.Run(insert, i)
		quickest = min(quickest, time.Since(start))
	}
	return quickest, err
}

// Titles reads the title of every passage of the library at path, on a connection of its
// own, which it closes. It is for people who look, not for a style.
func Titles(path string) (titles map[int64]string, err error) {
	if err := CheckPath(path); err != nil {
		return nil, err
	}
	c, err := Connect(path, sqlite.OpenReadWrite, 5*time.Second) // one that cannot write leaves the log's files behind
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.checkSchema(); err != nil {
		return nil, err
	}
	titles = map[int64]string{}
	var all *sqlite.Stmt
	err = c.Prepare(Statement{&all, "SELECT id, title FROM passages"})
	if err == nil {
		err = c.Each(all, func() error { titles[all.ColumnInt64(0)] = all.ColumnText(1); return nil })
	}
	return titles, err
}
