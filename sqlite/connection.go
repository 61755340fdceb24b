package sqlite

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"rubato/player"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// connection is one connection with its statements, for one goroutine at a time.
// Statements are prepared once, when the store is opened.
type connection struct {
	conn    *sqlite.Conn
	path    string
	visited atomic.Uint64 // rows, by each
}

func connect(path string, flags sqlite.OpenFlags, busy time.Duration) (*connection, error) {
	conn, err := sqlite.OpenConn(path, flags)
	if err != nil {
		return nil, explain("open", path, err)
	}
	conn.SetBusyTimeout(busy)
	return &connection{conn: conn, path: path}, nil
}

// set runs pragmas in order.
func (c *connection) set(pragmas ...string) error {
	for _, p := range pragmas {
		if err := sqlitex.ExecuteTransient(c.conn, "PRAGMA "+p, nil); err != nil {
			return explain("set "+p, c.path, err)
		}
	}
	return nil
}

// script runs statements in one transaction.
func (c *connection) script(statements string) error {
	return explain("run schema", c.path, sqlitex.ExecuteScript(c.conn, statements, nil))
}

// prepare fills each place with the statement of its text.
func (c *connection) prepare(statements ...prepared) error {
	for _, p := range statements {
		stmt, err := c.conn.Prepare(p.sql)
		if err != nil {
			return explain("prepare", c.path, err)
		}
		*p.place = stmt
	}
	return nil
}

// prepared is a statement to be, and where it goes.
type prepared struct {
	place **sqlite.Stmt
	sql   string
}

// each binds the parameters and steps through the rows. It resets the statement
// whatever happens: an open one would keep its read transaction.
func (c *connection) each(stmt *sqlite.Stmt, row func() error, parameters ...int64) error {
	if c.conn == nil {
		return c.closed()
	}
	for i, p := range parameters {
		stmt.BindInt64(i+1, p)
	}
	rows := uint64(0)
	defer func() {
		c.visited.Add(rows)
		_ = stmt.Reset() // it tells again what Step has told
	}()
	for ; ; rows++ {
		more, err := stmt.Step()
		if err != nil {
			return explain("read", c.path, err)
		}
		if !more {
			return nil
		}
		if err := row(); err != nil {
			return err
		}
	}
}

// run executes a statement that returns no rows. Parameters that are not given
// stay as they were bound.
func (c *connection) run(stmt *sqlite.Stmt, parameters ...int64) error {
	if c.conn == nil {
		return c.closed()
	}
	for i, p := range parameters {
		stmt.BindInt64(i+1, p)
	}
	_, err := stmt.Step()
	if reset := stmt.Reset(); err == nil {
		err = reset
	}
	return err
}

// number reads one integer by a statement that is used once; a missing row or
// NULL is 0.
func (c *connection) number(query string) (n int64, err error) {
	err = sqlitex.ExecuteTransient(c.conn, query, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error { n = stmt.ColumnInt64(0); return nil },
	})
	return n, explain("read", c.path, err)
}

func (c *connection) closed() error {
	return &player.Error{Code: player.Closed, Op: "sqlite: use " + c.path}
}

func (c *connection) close() error {
	if c == nil || c.conn == nil {
		return nil
	}
	err := c.conn.Close()
	c.conn = nil
	return explain("close", c.path, err)
}

// explain says what was being done to which file, and what to do about it.
func explain(op, path string, err error) error {
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
		return "; it is no intact SQLite database: move it away, and make it anew if it was rubato's"
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

// plain refuses paths that SQLite would not take as the name of a file.
func plain(path string) error {
	if path == "" || strings.HasPrefix(path, ":") || strings.HasPrefix(path, "file:") {
		return fmt.Errorf("sqlite: %q names no file on disk: give the path of one", path)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("sqlite: %s is no regular file: give the path of a database file", path)
	}
	return nil
}
