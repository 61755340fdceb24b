package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rubato/player"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Conn is one connection with its prepared statements, for one goroutine at a time.
// It is exported for tracedb, which has tables of its own.
type Conn struct {
	DB   *sqlite.Conn // nil once it is closed
	Path string

	// settings keeps a reader of settings, and who closes, apart from statements: a style may still
	// be at work when it should not be.
	settings              sync.RWMutex
	synchronous           *sqlite.Stmt // reads the setting
	queries, rows, writes atomic.Int64 // see Tally
}

// Connect opens a connection that waits up to busy for a lock.
func Connect(path string, flags sqlite.OpenFlags, busy time.Duration) (*Conn, error) {
	db, err := sqlite.OpenConn(path, flags)
	if err != nil {
		return nil, Explain("open", path, err)
	}
	db.SetBusyTimeout(busy)
	return &Conn{DB: db, Path: path}, nil
}

// Set runs pragmas in order.
func (c *Conn) Set(pragmas ...string) error {
	for _, p := range pragmas {
		if err := sqlitex.ExecuteTransient(c.DB, "PRAGMA "+p, nil); err != nil {
			return Explain("set "+p+" of", c.Path, err)
		}
	}
	return nil
}

// Script runs statements in one transaction.
func (c *Conn) Script(statements string) error {
	return Explain("run the schema of", c.Path, sqlitex.ExecuteScript(c.DB, statements, nil))
}

// A Statement is SQL, and the variable that receives it prepared.
type Statement struct {
	Place **sqlite.Stmt
	SQL   string
}

// Prepare prepares each statement.
func (c *Conn) Prepare(statements ...Statement) error {
	for _, s := range statements {
		stmt, err := c.DB.Prepare(s.SQL)
		if err != nil {
			return Explain("prepare a statement for", c.Path, err)
		}
		*s.Place = stmt
	}
	return nil
}

// Each binds the parameters and calls row for every row. It always resets the
// statement, because an open one keeps its read transaction.
func (c *Conn) Each(stmt *sqlite.Stmt, row func() error, parameters ...int64) error {
	c.settings.RLock()
	defer c.settings.RUnlock()
	if c.DB == nil {
		return c.closed()
	}
	for i, p := range parameters {
		stmt.BindInt64(i+1, p)
	}
	rows := int64(0)
	defer func() {
		c.queries.Add(1)
		c.rows.Add(rows)
		_ = stmt.Reset() // returns the error of Step again
	}()
	for ; ; rows++ {
		more, err := stmt.Step()
		if err != nil {
			return Explain("read", c.Path, err)
		}
		if !more {
			return nil
		}
		if err := row(); err != nil {
			return err
		}
	}
}

// Write is Run for a statement that changes rows, and counts it. Its last parameters are
// texts.
func (c *Conn) Write(stmt *sqlite.Stmt, texts []string, parameters ...int64) error {
	c.writes.Add(1)
	c.settings.RLock()
	defer c.settings.RUnlock()
	if c.DB == nil {
		return c.closed()
	}
	for i, text := range texts {
		stmt.BindText(len(parameters)+i+1, text)
	}
	return run(stmt, parameters)
}

// changed is how many rows the last statement has.
func (c *Conn) changed() (int, error) {
	c.settings.RLock()
	defer c.settings.RUnlock()
	if c.DB == nil {
		return 0, c.closed()
	}
	return c.DB.Changes(), nil
}

// Run executes a statement that returns no rows. Parameters that are not given keep
// their last values.
func (c *Conn) Run(stmt *sqlite.Stmt, parameters ...int64) error {
	c.settings.RLock()
	defer c.settings.RUnlock()
	if c.DB == nil {
		return c.closed()
	}
	return run(stmt, parameters)
}

func run(stmt *sqlite.Stmt, parameters []int64) error {
	for i, p := range parameters {
		stmt.BindInt64(i+1, p)
	}
	_, err := stmt.Step()
	if reset := stmt.Reset(); err == nil {
		err = reset
	}
	return err
}

// Int reads one integer. A missing row or NULL is 0.
func (c *Conn) Int(stmt *sqlite.Stmt, parameters ...int64) (n int64, err error) {
	err = c.Each(stmt, func() error { n = stmt.ColumnInt64(0); return nil }, parameters...)
	return n, err
}

// passage reads the row of one passage; NotFound when there is none.
func (c *Conn) passage(what string, stmt *sqlite.Stmt, id int64, row func() error) error {
	found := false
	err := c.Each(stmt, func() error { found = true; return row() }, id)
	if err == nil && !found {
		err = &player.Error{Code: player.NotFound, Op: "sqlite: " + what, Err: fmt.Errorf("no passage %d in %s", id, c.Path)}
	}
	return err
}

// Number reads one integer with a statement that is used once. A missing row or
// NULL is 0.
func (c *Conn) Number(query string) (n int64, err error) {
	err = sqlitex.ExecuteTransient(c.DB, query, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error { n = stmt.ColumnInt64(0); return nil },
	})
	return n, Explain("read", c.Path, err)
}

// Header reads what the file's header says it is: the application id and the schema
// version.
func (c *Conn) Header() (application, version int64, err error) {
	if application, err = c.Number("PRAGMA application_id"); err == nil {
		version, err = c.Number("PRAGMA user_version")
	}
	return application, version, err
}

func (c *Conn) closed() error {
	return &player.Error{Code: player.Closed, Op: "sqlite: use " + c.Path}
}

// Close closes the connection when the statement under way has ended. Closing twice, or closing nil, is no error.
func (c *Conn) Close() error {
	if c == nil {
		return nil
	}
	c.settings.Lock()
	defer c.settings.Unlock()
	if c.DB == nil {
		return nil
	}
	err := c.DB.Close()
	c.DB = nil
	return Explain("close", c.Path, err)
}

// Undo rolls back after a failure and explains the failure. SQLite has already rolled
// back by itself when the disk is full or broken.
func (c *Conn) Undo(op string, rollback *sqlite.Stmt, err error) error {
	err = Explain(op, c.Path, err)
	c.settings.RLock()
	open := c.DB != nil && !c.DB.AutocommitEnabled()
	c.settings.RUnlock()
	if open {
		err = errors.Join(err, c.Run(rollback))
	}
	return err
}

// Explain adds to err what was being done to which file, and what the user can do.
func Explain(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sqlite: %s %s: %w%s", op, path, err, advice(path, err))
}

func advice(path string, err error) string {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultBusy, sqlite.ResultLocked:
		return "; another process has it locked: close that one, or work on a copy"
	case sqlite.ResultNotADB, sqlite.ResultCorrupt:
		return "; it is not an intact SQLite database: move it away, and make a new one if it was rubato's"
	case sqlite.ResultFull:
		return "; the disk is full: free some space"
	case sqlite.ResultReadOnly, sqlite.ResultCantOpen, sqlite.ResultPerm:
		if _, missing := os.Stat(path); errors.Is(missing, os.ErrNotExist) {
			return "; there is no such file, or its folder cannot be written"
		}
		return "; the file and its folder must both be writable, because the write-ahead log lies beside it"
	}
	return ""
}

// longestPath is how long the path of a database may be, in bytes. SQLite takes 512, with what
// it adds for its own files and an unfinished library.
const longestPath = 490

// CheckPath refuses a path that SQLite would not take as the name of a file.
func CheckPath(path string) error {
	if full, err := filepath.Abs(path); err == nil && len(full) > longestPath {
		return fmt.Errorf("sqlite: the path is too long: it has %d bytes, SQLite takes at most %d: %s", len(full), longestPath, full)
	}
	if path == "" || strings.HasPrefix(path, ":") || strings.HasPrefix(path, "file:") {
		return fmt.Errorf("sqlite: %q names no file on disk: give the path of a file", path)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("sqlite: %s is not a regular file: give the path of a database file", path)
	}
	return nil
}
