package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"rubato/player"

	"zombiezen.com/go/sqlite"
)

// TraceOptions say how a trace is kept. The zero value is usable.
type TraceOptions struct {
	// Keep is how many rows stay at most, default 1 000 000 (some 100 MB). The oldest
	// go an eighth at a time, so at least seven eighths of Keep stay.
	Keep int
	// Busy is the longest wait for a lock that another process holds, default
	// 250 ms: a trace is worth less than the player's time.
	Busy time.Duration
	// ReadOnly is for asking only: the file must exist, and nothing is written.
	ReadOnly bool
}

// A TraceStore is a trace in a database file of its own, which somebody else may
// read meanwhile. It is a player.TraceSink.
//
// Tokens of flows begin again with every run of the player, so a store numbers
// runs: the rows that one TraceStore appends are one run, and one player at a time
// belongs to it. Questions are answered from one run, the newest unless ChooseRun
// says otherwise, so that flows of different runs are never mixed. Methods may be
// called from any goroutine; questions have a connection of their own, and do not
// wait for Append.
type TraceStore struct {
	path    string
	options TraceOptions
	nonce   int64
	started time.Time

	mu     sync.Mutex // guards what follows
	writer *traceWriter
	closed bool
	chosen int64 // run that questions are about; 0: the newest
}

var _ player.TraceSink = (*TraceStore)(nil)

// OpenTrace opens the trace at path, and makes one if there is none.
func OpenTrace(path string, options TraceOptions) (*TraceStore, error) {
	if options.Keep <= 0 {
		options.Keep = 1_000_000
	}
	options.Keep = max(options.Keep, traceSegments)
	if options.Busy <= 0 {
		options.Busy = 250 * time.Millisecond
	}
	if err := plain(path); err != nil {
		return nil, err
	}
	s := &TraceStore{path: path, options: options, nonce: rand.Int64(), started: time.Now()}
	if options.ReadOnly {
		if err := s.read(func(*traceReader) error { return nil }); err != nil {
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

// Append keeps rows in one transaction, all or none. After a failure the next
// Append tries again, on a new connection if the old one is of no use: a trace
// whose file was locked, full, gone or replaced resumes by itself.
func (s *TraceStore) Append(rows []player.TraceRow) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return &player.Error{Code: player.Closed, Op: "sqlite: append to trace " + s.path}
	}
	if s.options.ReadOnly {
		return fmt.Errorf("sqlite: trace %s was opened to be read: open it without ReadOnly", s.path)
	}
	if len(rows) == 0 {
		return nil
	}
	if err := s.current(); err != nil {
		return err
	}
	err := s.writer.append(rows)
	if err != nil && !passing(err) {
		err = errors.Join(err, s.drop())
	}
	return err
}

// passing failures leave a connection of use. After any other it is not trusted.
func passing(err error) bool {
	code := sqlite.ErrCode(err).ToPrimary()
	return code == sqlite.ResultBusy || code == sqlite.ResultLocked || code == sqlite.ResultFull
}

// current sees to a connection to the file that bears the name now. SQLite would
// go on writing into a file that has been removed.
func (s *TraceStore) current() error {
	if s.writer != nil {
		info, err := os.Stat(s.path)
		if err == nil && os.SameFile(info, s.writer.file) {
			return nil
		}
		s.writer.empties()
		if err := s.drop(); err != nil {
			return err
		}
	}
	writer, err := s.connect()
	s.writer = writer
	return err
}

func (s *TraceStore) drop() error {
	w := s.writer
	s.writer = nil
	if w == nil {
		return nil
	}
	return w.close()
}

// ChooseRun says which run questions are about; 0 is the newest there is.
func (s *TraceStore) ChooseRun(run int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chosen = run
}

// Close ends the run. Closing twice is no error.
func (s *TraceStore) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.drop()
}

// explainTrace says what to do about a failure, as explain does for libraries.
func explainTrace(op, path string, err error) error {
	if err == nil {
		return nil
	}
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultBusy, sqlite.ResultLocked:
		return fmt.Errorf("sqlite: %s trace %s: %w; another process has it locked: close that one", op, path, err)
	case sqlite.ResultNotADB, sqlite.ResultCorrupt:
		return fmt.Errorf("sqlite: %s trace %s: %w; it is no intact trace: move it away, and a new one is made", op, path, err)
	}
	return fmt.Errorf("sqlite: %s trace %s: %w%s", op, path, err, advice(path, err))
}
