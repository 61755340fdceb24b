package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rubato/player"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// What a witness of the work asks of a store, beside Stored: none of it is asked
// within the clock.

// Commits is a number that is another one after every commit that anybody but the
// witness has made. It is read in microseconds, so that it can tell what was durable
// at a moment.
func (s *Store) Commits() (int64, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	var version int64
	err := s.readback.each(s.readback.version, func() error { version = s.readback.version.ColumnInt64(0); return nil })
	return version, err
}

// Newest is the id of the newest message that is durable; they count from 1.
func (s *Store) Newest() (int64, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	var id int64
	err := s.readback.each(s.readback.messages, func() error { id = s.readback.messages.ColumnInt64(0); return nil })
	return id, err
}

// MessagesAfter visits every durable message with a greater id, in the order in which
// they were written.
func (s *Store) MessagesAfter(id int64, visit func(player.Message)) error {
	s.reading.Lock()
	defer s.reading.Unlock()
	stmt := s.readback.after
	return s.readback.each(stmt, func() error {
		visit(player.Message{Username: stmt.ColumnText(0), Text: stmt.ColumnText(1), At: player.Ticks(stmt.ColumnInt64(2))})
		return nil
	}, id)
}

// Visited is how many rows the player's views have read since the store was opened.
func (s *Store) Visited() uint64 {
	return s.director.visited.Load() + s.cuts.visited.Load()
}

// witnessed are the pragmas that decide what a commit and a read cost.
var witnessed = []string{"journal_mode", "synchronous", "page_size", "cache_size", "mmap_size", "wal_autocheckpoint",
	"locking_mode", "temp_store"}

// Settings are what each view's connection really works under, as the connection
// itself says: "journal_mode=wal synchronous=1 …", by view. They are asked of a
// store is given to anybody.
func (s *Store) Settings() (map[string]string, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	settings := map[string]string{"sqlite": Version()}
	for view, c := range map[string]*connection{"director": s.director.connection, "log": s.log.connection, "cuts": s.cuts.connection} {
		var list []string
		for _, name := range witnessed {
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

// pragma reads a setting back.
func (c *connection) pragma(name string) (value string, err error) {
	if c.conn == nil {
		return "", c.closed()
	}
	err = sqlitex.ExecuteTransient(c.conn, "PRAGMA "+name, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error { value = stmt.ColumnText(0); return nil },
	})
	return value, explain("read "+name+" of", c.path, err)
}

// SynchronousOf is what Settings tells of synchronous for an Options value.
func SynchronousOf(option string) (string, error) {
	level := map[string]int{"": 1, "normal": 1, "full": 2}
	n, known := level[option]
	if !known {
		return "", fmt.Errorf("sqlite: synchronous %q: use normal or full", option)
	}
	return "synchronous=" + strconv.Itoa(n), nil
}

// Holds tells whether one of the newest depth messages, all durable, was said at this
// time.
func (s *Store) Holds(at player.Ticks, depth int) (found bool, err error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	err = s.readback.each(s.readback.said, func() error { found = true; return nil }, int64(at), int64(depth))
	return found, err
}

// QuickestCommit makes a few commits of one row in a database of its own in dir, and
// answers what the quickest took: less than that no commit takes here.
func QuickestCommit(dir string, options Options) (quickest time.Duration, err error) {
	if options, err = options.defaults(); err != nil {
		return 0, err
	}
	path := filepath.Join(dir, "commits.db")
	c, err := connect(path, sqlite.OpenReadWrite|sqlite.OpenCreate, options.Busy)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.close(), os.Remove(path)) }()
	var insert *sqlite.Stmt
	err = errors.Join(c.set("journal_mode = wal", "synchronous = "+options.Synchronous), c.script("CREATE TABLE t (n INTEGER)"))
	if err == nil {
		err = c.prepare(prepared{&insert, "INSERT INTO t VALUES (?1)"})
	}
	const tries = 10
	quickest = time.Hour
	for i := int64(0); i < tries && err == nil; i++ {
		start := time.Now()
		err = c.run(insert, i)
		quickest = min(quickest, time.Since(start))
	}
	return quickest, err
}
