package sqlite

import (
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// oldestRun is the first run that zones still speak of.
var oldestRun = func() string {
	var parts []string
	for i := range traceSegments {
		parts = append(parts, fmt.Sprintf("SELECT run FROM zones_%d", i))
	}
	return "(SELECT min(run) FROM (" + strings.Join(parts, " UNION ALL ") + "))"
}()

// look learns, within the transaction, what somebody else may have changed.
func (w *traceWriter) look() error {
	var version int64
	err := w.each(w.version, func() error { version = w.version.ColumnInt64(0); return nil })
	if err != nil {
		return err
	}
	if w.known && version == w.seen {
		return nil
	}
	if err := w.survey(); err != nil {
		return err
	}
	if err := w.enrol(); err != nil {
		return err
	}
	w.kinds = make(map[kind]int64)
	w.known, w.seen = true, version
	return nil
}

// survey finds the newest row and how full each segment is. Rows of a segment
// have numbers without gaps.
func (w *traceWriter) survey() error {
	w.last, w.current = 0, 0
	for i := range w.segments {
		var first, last int64
		query := fmt.Sprintf("SELECT (SELECT min(seq) FROM rows_%[1]d), (SELECT max(seq) FROM rows_%[1]d)", i)
		err := sqlitex.Execute(w.conn, query, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
			first, last = stmt.ColumnInt64(0), stmt.ColumnInt64(1)
			return nil
		}})
		if err != nil {
			return err
		}
		w.segments[i].rows = 0
		if last > 0 {
			w.segments[i].rows = last - first + 1
		}
		if last > w.last {
			w.last, w.current = last, i
		}
	}
	return nil
}

// enrol finds the number of this run, or takes the next.
func (w *traceWriter) enrol() error {
	err := sqlitex.Execute(w.conn, "INSERT INTO runs (nonce, started) VALUES (?1, ?2) ON CONFLICT (nonce) DO NOTHING",
		&sqlitex.ExecOptions{Args: []any{w.store.nonce, w.store.started.UnixMicro()}})
	if err != nil {
		return err
	}
	return sqlitex.Execute(w.conn, "SELECT id FROM runs WHERE nonce = ?1", &sqlitex.ExecOptions{
		Args:       []any{w.store.nonce},
		ResultFunc: func(stmt *sqlite.Stmt) error { w.run = stmt.ColumnInt64(0); return nil },
	})
}

// kind is the number of what a row shares with others.
func (w *traceWriter) kind(k kind) (int64, error) {
	if id, ok := w.kinds[k]; ok {
		return id, nil
	}
	args := []any{k.rule, k.trigger, k.action}
	err := sqlitex.Execute(w.conn, "INSERT INTO kinds (rule, trigger, action) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", &sqlitex.ExecOptions{Args: args})
	if err != nil {
		return 0, err
	}
	var id int64
	err = sqlitex.Execute(w.conn, "SELECT id FROM kinds WHERE rule = ?1 AND trigger = ?2 AND action = ?3", &sqlitex.ExecOptions{
		Args:       args,
		ResultFunc: func(stmt *sqlite.Stmt) error { id = stmt.ColumnInt64(0); return nil },
	})
	if len(w.kinds) >= maxKinds {
		clear(w.kinds)
	}
	w.kinds[k] = id
	return id, err
}
