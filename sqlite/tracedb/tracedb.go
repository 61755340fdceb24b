// Package tracedb keeps a trace in a SQLite database of its own, and answers
// questions about it.
//
// A Store is a player.TraceSink: a style that has actions appends its rows. The file
// is apart from the library, so a locked, full or missing trace never touches the
// player's data. The package knows rows and flows, and no concept of the player but
// one: the action that enqueues a passage, for the question why it was played.
//
// tracedb.go opens a trace and has its schema, write.go appends, read.go answers
// questions, find.go answers the user's own SQL condition.
package tracedb

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"rubato/player"
	"rubato/sqlite"

	driver "zombiezen.com/go/sqlite"
)

// Options say how a trace is kept. The zero value is usable.
type Options struct {
	// Keep is the largest number of rows that stay, default 1 000 000 (some 100 MB).
	// The oldest are dropped an eighth at a time, so at least seven eighths stay.
	Keep int
	// Busy is the longest wait for a lock that another process holds, default
	// 250 ms: a trace is worth less than the player's time.
	Busy time.Duration
	// Patience is the longest time for one Find, default 10 s.
	Patience time.Duration
	// ReadOnly is for asking only: the file must exist, and nothing is written.
	ReadOnly bool
}

// A Store is a trace in a database file. Other processes may read the file meanwhile.
//
// Flow tokens start again in every run of the player, so a store numbers runs: the
// rows that one Store appends are one run, and it belongs to one player at a time.
// Questions are answered from one run, the newest unless ChooseRun says otherwise, so
// flows of different runs are never mixed. Methods may be called from any goroutine.
// Questions have their own connection and do not wait for Append.
type Store struct {
	path    string
	options Options
	nonce   int64
	started time.Time

	mu     sync.Mutex // guards what follows
	writer *writer
	closed bool
	chosen int64 // the run that questions are about; 0: the newest
}

var _ player.TraceSink = (*Store)(nil)

// Open opens the trace at path, and creates it if it is missing.
func Open(path string, options Options) (*Store, error) {
	options.Keep = max(cmp.Or(max(options.Keep, 0), 1_000_000), segmentCount)
	options.Busy = cmp.Or(max(options.Busy, 0), 250*time.Millisecond)
	options.Patience = cmp.Or(max(options.Patience, 0), 10*time.Second)
	if err := sqlite.CheckPath(path); err != nil {
		return nil, err
	}
	s := &Store{path: path, options: options, nonce: rand.Int64(), started: time.Now()}
	if options.ReadOnly {
		if err := s.read(func(*reader) error { return nil }); err != nil {
			return nil, err
		}
		return s, nil
	}
	var err error
	if s.writer, err = s.connect(); err != nil {
		return nil, err
	}
	return s, nil
}

// Append writes rows in one transaction, all or none. After a failure the next Append
// tries again, on a new connection if the old one cannot be trusted. So a trace whose
// file was locked, full, removed or replaced resumes by itself.
func (s *Store) Append(rows []player.TraceRow) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return &player.Error{Code: player.Closed, Op: "sqlite: append to trace " + s.path}
	}
	if s.options.ReadOnly {
		return fmt.Errorf("sqlite: trace %s was opened for reading: open it without ReadOnly", s.path)
	}
	if len(rows) == 0 {
		return nil
	}
	if err := s.reconnect(); err != nil {
		return err
	}
	err := s.writer.append(rows)
	if err != nil && !temporary(err) {
		err = errors.Join(err, s.drop())
	}
	return err
}

// temporary failures leave the connection usable. After any other failure it is not
// trusted.
func temporary(err error) bool {
	code := driver.ErrCode(err).ToPrimary()
	return code == driver.ResultBusy || code == driver.ResultLocked || code == driver.ResultFull
}

// reconnect makes sure that the connection is to the file that has the name now.
// SQLite would go on writing into a file that has been removed.
func (s *Store) reconnect() error {
	if s.writer != nil {
		info, err := os.Stat(s.path)
		if err == nil && os.SameFile(info, s.writer.file) {
			return nil
		}
		s.writer.checkpoint()
		if err := s.drop(); err != nil {
			return err
		}
	}
	writer, err := s.connect()
	s.writer = writer
	return err
}

func (s *Store) drop() error {
	w := s.writer
	s.writer = nil
	if w == nil {
		return nil
	}
	return w.Close()
}

// ChooseRun says which run questions are about; 0 is the newest.
func (s *Store) ChooseRun(run int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chosen = run
}

// Close ends the run. Closing twice is no error.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.drop()
}

// The header of a stored trace. A change of schema is a new version.
const (
	applicationID = 0x72756274 // "rubt"
	schemaVersion = 1
)

// segmentCount is the number of pairs of tables that hold the rows. The oldest pair is
// emptied as a whole, which SQLite does page by page. Deleting row by row cost nearly
// half as much again as writing the row.
const segmentCount = 8

// schema creates an empty trace. Rule, trigger and action repeat in every row, so they
// are stored once as a kind and referred to by number: written out, they made a row a
// quarter more expensive. There is no index but the order of arrival: one on the flow
// alone cost at least a third more. Instead each Append adds a zone, one row that says
// which run, flows and times a range of rows has. A question reads only the zones it
// needs.
func schema() string {
	var b strings.Builder
	b.WriteString(`
CREATE TABLE runs (
	id      INTEGER PRIMARY KEY,
	nonce   INTEGER NOT NULL UNIQUE, -- tells a run that resumes from a new one
	started INTEGER NOT NULL         -- µs since 1970
) STRICT;
CREATE TABLE kinds (
	id      INTEGER PRIMARY KEY,
	rule    TEXT NOT NULL, -- '': called from outside the rules
	trigger TEXT NOT NULL,
	action  TEXT NOT NULL,
	UNIQUE (rule, trigger, action)
) STRICT;`)
	for i := range segmentCount {
		fmt.Fprintf(&b, `
CREATE TABLE rows_%[1]d (
	seq    INTEGER PRIMARY KEY, -- order of arrival, over all segments
	flow   INTEGER NOT NULL,
	id     INTEGER NOT NULL,
	cause  INTEGER NOT NULL,
	kind   INTEGER NOT NULL REFERENCES kinds,
	start  INTEGER NOT NULL, -- µs since 1970
	took   INTEGER NOT NULL, -- ns
	input  TEXT NOT NULL,
	output TEXT, -- NULL: none
	err    TEXT  -- NULL: it did not fail
) STRICT;
CREATE TABLE zones_%[1]d (
	first INTEGER PRIMARY KEY, -- seq
	last  INTEGER NOT NULL,
	run   INTEGER NOT NULL REFERENCES runs,
	low   INTEGER NOT NULL, -- lowest and highest flow
	high  INTEGER NOT NULL,
	began INTEGER NOT NULL, -- earliest and latest start
	ended INTEGER NOT NULL
) STRICT;`, i)
	}
	fmt.Fprintf(&b, "\nPRAGMA application_id = %d;\nPRAGMA user_version = %d;\n", applicationID, schemaVersion)
	return b.String()
}

// checkSchema refuses a file that is not a trace of this schema. An empty file is one
// that holds nothing yet.
func checkSchema(c *sqlite.Conn) (empty bool, err error) {
	application, version, err := c.Header()
	if err != nil {
		return false, err
	}
	if application == 0 && version == 0 {
		tables, err := c.Number("SELECT count(*) FROM sqlite_schema")
		if err != nil || tables == 0 {
			return err == nil, err
		}
	}
	if application != applicationID {
		return false, fmt.Errorf("sqlite: %s is a database, but not a trace of rubato: give another path", c.Path)
	}
	if version != schemaVersion {
		return false, fmt.Errorf("sqlite: trace %s has schema version %d, this program knows %d: move it away, and rubato makes a new one",
			c.Path, version, schemaVersion)
	}
	return false, nil
}
