package sqlite

import (
	"errors"
	"fmt"
	"os"

	"rubato/player"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// traceWriter appends to one trace file. What it remembers of the file is read
// anew after a failure, and after somebody else has written.
type traceWriter struct {
	*connection
	store *TraceStore
	file  os.FileInfo

	begin, commit, rollback, version *sqlite.Stmt
	segments                         [traceSegments]segment

	known   bool  // what follows is true
	seen    int64 // data_version
	run     int64
	last    int64 // seq of the newest row
	current int   // segment that is written
	kinds   map[kind]int64
}

// kind is what a row shares with thousands of others.
type kind struct{ rule, trigger, action string }

// maxKinds bounds what is remembered, not what is kept.
const maxKinds = 1 << 14

// segment is an eighth of the rows, and its statements.
type segment struct {
	insert, zone, clearRows, clearZones *sqlite.Stmt
	rows                                int64
}

// connect opens the file, and makes a trace of it if it is empty.
func (s *TraceStore) connect() (*traceWriter, error) {
	if err := plain(s.path); err != nil {
		return nil, err
	}
	conn, err := sqlite.OpenConn(s.path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return nil, explainTrace("open", s.path, err)
	}
	conn.SetBusyTimeout(s.options.Busy)
	w := &traceWriter{connection: &connection{conn: conn, path: s.path}, store: s}
	if err := w.open(); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *traceWriter) open() error {
	empty, err := w.checkTrace()
	if err != nil {
		return err
	}
	// A page of 8 KiB took a fifth off the cost of a row against one of 4 KiB.
	if err := w.set("page_size = 8192", "journal_mode = wal", "synchronous = normal", otherCache, mapped,
		"temp_store = memory", "journal_size_limit = 16777216"); err != nil {
		return err
	}
	if empty {
		if err := sqlitex.ExecuteScript(w.conn, traceTables(), nil); err != nil {
			return explainTrace("make", w.path, err)
		}
	}
	if w.file, err = os.Stat(w.path); err != nil {
		return fmt.Errorf("sqlite: open trace: %w", err)
	}
	statements := []prepared{{&w.begin, "BEGIN IMMEDIATE"}, {&w.commit, "COMMIT"}, {&w.rollback, "ROLLBACK"}, {&w.version, "PRAGMA data_version"}}
	for i := range w.segments {
		g := &w.segments[i]
		statements = append(statements,
			prepared{&g.insert, fmt.Sprintf("INSERT INTO rows_%d VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", i)},
			prepared{&g.zone, fmt.Sprintf("INSERT INTO zones_%d VALUES (?, ?, ?, ?, ?, ?, ?)", i)},
			prepared{&g.clearRows, fmt.Sprintf("DELETE FROM rows_%d", i)},
			prepared{&g.clearZones, fmt.Sprintf("DELETE FROM zones_%d", i)})
	}
	return w.prepare(statements...)
}

// empties brings what the log holds home to a file that lost its name. SQLite would
// take a log left beside a file of that name for that file's own. If this cannot
// be done, the file may be on a disk that is gone, there is nothing left to do.
func (w *traceWriter) empties() { _ = w.set("wal_checkpoint(TRUNCATE)") }

// append writes rows in one transaction.
func (w *traceWriter) append(rows []player.TraceRow) error {
	if err := w.connection.run(w.begin); err != nil {
		return explainTrace("append to", w.path, err)
	}
	err := w.write(rows)
	if err == nil {
		err = w.connection.run(w.commit)
	}
	if err == nil {
		return nil
	}
	w.known = false
	err = explainTrace("append to", w.path, err)
	if !w.conn.AutocommitEnabled() {
		err = errors.Join(err, w.connection.run(w.rollback))
	}
	return err
}

func (w *traceWriter) write(rows []player.TraceRow) error {
	if err := w.look(); err != nil {
		return err
	}
	for len(rows) > 0 {
		room := w.room() - w.segments[w.current].rows
		if room <= 0 {
			if err := w.turn(); err != nil {
				return err
			}
			continue
		}
		n := min(int64(len(rows)), room)
		if err := w.fill(rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// room is how many rows a segment holds.
func (w *traceWriter) room() int64 { return int64(w.store.options.Keep / traceSegments) }

// fill writes rows that the current segment has room for, and their zone.
func (w *traceWriter) fill(rows []player.TraceRow) error {
	g := &w.segments[w.current]
	first := w.last + 1
	low, high := int64(rows[0].Flow), int64(rows[0].Flow)
	began, ended := rows[0].Start.UnixMicro(), rows[0].Start.UnixMicro()
	for i := range rows {
		r := &rows[i]
		flow, start := int64(r.Flow), r.Start.UnixMicro()
		low, high = min(low, flow), max(high, flow)
		began, ended = min(began, start), max(ended, start)
		kind, err := w.kind(kind{r.Rule, r.Trigger, r.Action})
		if err != nil {
			return err
		}
		w.last++
		g.insert.BindText(8, r.In)
		bindOrNull(g.insert, 9, r.Out)
		bindOrNull(g.insert, 10, r.Err)
		if err := w.connection.run(g.insert, w.last, flow, int64(r.ID), int64(r.Cause), kind, start, int64(r.Took)); err != nil {
			return err
		}
	}
	g.rows += int64(len(rows))
	return w.connection.run(g.zone, first, w.last, w.run, low, high, began, ended)
}

func bindOrNull(stmt *sqlite.Stmt, at int, s string) {
	if s == "" {
		stmt.BindNull(at)
		return
	}
	stmt.BindText(at, s)
}

// turn goes on to the next segment, the oldest, and empties it. A trace that was
// kept with a larger bound loses more of its oldest.
func (w *traceWriter) turn() error {
	w.current = (w.current + 1) % traceSegments
	if err := w.empty(w.current); err != nil {
		return err
	}
	total := int64(0)
	for i := range w.segments {
		total += w.segments[i].rows
	}
	for i := 1; i < traceSegments && total > int64(w.store.options.Keep)-w.room(); i++ {
		oldest := (w.current + i) % traceSegments
		total -= w.segments[oldest].rows
		if err := w.empty(oldest); err != nil {
			return err
		}
	}
	return sqlitex.Execute(w.conn, "DELETE FROM runs WHERE id < ?1 AND id < "+oldestRun, &sqlitex.ExecOptions{Args: []any{w.run}})
}

func (w *traceWriter) empty(segment int) error {
	g := &w.segments[segment]
	g.rows = 0
	return errors.Join(w.connection.run(g.clearRows), w.connection.run(g.clearZones))
}
