package tracedb

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"rubato/player"
	"rubato/sqlite"

	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// writer appends to one trace file. What it remembers of the file is read again after
// a failure, and after another process has written.
type writer struct {
	*sqlite.Conn
	store *Store
	file  os.FileInfo

	begin, commit, rollback, version *driver.Stmt
	segments                         [segmentCount]segment

	known   bool  // what follows is up to date
	seen    int64 // data_version
	run     int64
	last    int64 // seq of the newest row
	current int   // segment that is written
	kinds   map[kind]int64
}

// kind is what a row shares with thousands of others.
type kind struct{ rule, trigger, action string }

// maxKinds bounds what is remembered, not what is stored.
const maxKinds = 1 << 14

// segment is an eighth of the rows, and its statements.
type segment struct {
	insert, zone, clearRows, clearZones *driver.Stmt
	rows                                int64
}

// connect opens the file, and makes it a trace if it is empty.
func (s *Store) connect() (*writer, error) {
	if err := sqlite.CheckPath(s.path); err != nil {
		return nil, err
	}
	c, err := sqlite.Connect(s.path, driver.OpenReadWrite|driver.OpenCreate, s.options.Busy)
	if err != nil {
		return nil, err
	}
	w := &writer{Conn: c, store: s}
	if err := w.open(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *writer) open() error {
	empty, err := checkSchema(w.Conn)
	if err != nil {
		return err
	}
	if err := w.Set(sqlite.PageSize, "journal_mode = wal", "synchronous = normal", sqlite.SmallCache, sqlite.MemoryMap,
		"temp_store = memory", "journal_size_limit = 16777216"); err != nil {
		return err
	}
	if empty {
		if err := w.Script(schema()); err != nil {
			return err
		}
	}
	if w.file, err = os.Stat(w.Path); err != nil {
		return fmt.Errorf("sqlite: open trace: %w", err)
	}
	statements := []sqlite.Statement{{Place: &w.begin, SQL: "BEGIN IMMEDIATE"}, {Place: &w.commit, SQL: "COMMIT"},
		{Place: &w.rollback, SQL: "ROLLBACK"}, {Place: &w.version, SQL: "PRAGMA data_version"}}
	for i := range w.segments {
		g := &w.segments[i]
		statements = append(statements,
			sqlite.Statement{Place: &g.insert, SQL: fmt.Sprintf("INSERT INTO rows_%d VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", i)},
			sqlite.Statement{Place: &g.zone, SQL: fmt.Sprintf("INSERT INTO zones_%d VALUES (?, ?, ?, ?, ?, ?, ?)", i)},
			sqlite.Statement{Place: &g.clearRows, SQL: fmt.Sprintf("DELETE FROM rows_%d", i)},
			sqlite.Statement{Place: &g.clearZones, SQL: fmt.Sprintf("DELETE FROM zones_%d", i)})
	}
	return w.Prepare(statements...)
}

// checkpoint copies the write-ahead log into a file that has lost its name. SQLite
// would take a log left under that name for the log of the next file. A failure is
// ignored: the file may be on a disk that is gone, and then there is nothing to do.
func (w *writer) checkpoint() { _ = w.Set("wal_checkpoint(TRUNCATE)") }

// append writes rows in one transaction.
func (w *writer) append(rows []player.TraceRow) error {
	err := w.Run(w.begin)
	if err == nil {
		if err = w.write(rows); err == nil {
			err = w.Run(w.commit)
		}
		w.known = err == nil
	}
	if err != nil {
		return w.Undo("append to trace", w.rollback, err)
	}
	return nil
}

func (w *writer) write(rows []player.TraceRow) error {
	if err := w.refresh(); err != nil {
		return err
	}
	for len(rows) > 0 {
		room := w.room() - w.segments[w.current].rows
		if room <= 0 {
			if err := w.advance(); err != nil {
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
func (w *writer) room() int64 { return int64(w.store.options.Keep / segmentCount) }

// fill writes rows that fit into the current segment, and their zone.
func (w *writer) fill(rows []player.TraceRow) error {
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
		if err := w.Run(g.insert, w.last, flow, int64(r.ID), int64(r.Cause), kind, start, int64(r.Took)); err != nil {
			return err
		}
	}
	g.rows += int64(len(rows))
	return w.Run(g.zone, first, w.last, w.run, low, high, began, ended)
}

func bindOrNull(stmt *driver.Stmt, at int, s string) {
	if s == "" {
		stmt.BindNull(at)
		return
	}
	stmt.BindText(at, s)
}

// advance empties the next segment, the oldest, and makes it the current one. A trace
// that was kept with a larger bound loses more of its oldest rows.
func (w *writer) advance() error {
	w.current = (w.current + 1) % segmentCount
	if err := w.empty(w.current); err != nil {
		return err
	}
	total := int64(0)
	for i := range w.segments {
		total += w.segments[i].rows
	}
	for i := 1; i < segmentCount && total > int64(w.store.options.Keep)-w.room(); i++ {
		oldest := (w.current + i) % segmentCount
		total -= w.segments[oldest].rows
		if err := w.empty(oldest); err != nil {
			return err
		}
	}
	return w.execute("DELETE FROM runs WHERE id < ?1 AND id < "+oldestRun, nil, w.run)
}

func (w *writer) empty(segment int) error {
	g := &w.segments[segment]
	g.rows = 0
	return errors.Join(w.Run(g.clearRows), w.Run(g.clearZones))
}

// oldestRun is the first run that still has zones.
var oldestRun = func() string {
	var parts []string
	for i := range segmentCount {
		parts = append(parts, fmt.Sprintf("SELECT run FROM zones_%d", i))
	}
	return "(SELECT min(run) FROM (" + strings.Join(parts, " UNION ALL ") + "))"
}()

// refresh reads, within the transaction, what another process may have changed.
func (w *writer) refresh() error {
	version, err := w.Int(w.version)
	if err != nil {
		return err
	}
	if w.known && version == w.seen {
		return nil
	}
	if err := w.measure(); err != nil {
		return err
	}
	if err := w.register(); err != nil {
		return err
	}
	w.kinds = make(map[kind]int64)
	w.known, w.seen = true, version
	return nil
}

// measure finds the newest row and how full each segment is. The rows of a segment
// have numbers without gaps.
func (w *writer) measure() error {
	w.last, w.current = 0, 0
	for i := range w.segments {
		var first, last int64
		query := fmt.Sprintf("SELECT (SELECT min(seq) FROM rows_%[1]d), (SELECT max(seq) FROM rows_%[1]d)", i)
		err := w.execute(query, func(stmt *driver.Stmt) { first, last = stmt.ColumnInt64(0), stmt.ColumnInt64(1) })
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

// register finds the number of this run, or takes the next one.
func (w *writer) register() error {
	err := w.execute("INSERT INTO runs (nonce, started) VALUES (?1, ?2) ON CONFLICT (nonce) DO NOTHING", nil,
		w.store.nonce, w.store.started.UnixMicro())
	if err != nil {
		return err
	}
	return w.execute("SELECT id FROM runs WHERE nonce = ?1", func(stmt *driver.Stmt) { w.run = stmt.ColumnInt64(0) }, w.store.nonce)
}

// kind is the number of what a row shares with others.
func (w *writer) kind(k kind) (int64, error) {
	if id, ok := w.kinds[k]; ok {
		return id, nil
	}
	err := w.execute("INSERT INTO kinds (rule, trigger, action) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", nil, k.rule, k.trigger, k.action)
	if err != nil {
		return 0, err
	}
	var id int64
	err = w.execute("SELECT id FROM kinds WHERE rule = ?1 AND trigger = ?2 AND action = ?3",
		func(stmt *driver.Stmt) { id = stmt.ColumnInt64(0) }, k.rule, k.trigger, k.action)
	if len(w.kinds) >= maxKinds {
		clear(w.kinds)
	}
	w.kinds[k] = id
	return id, err
}

// execute runs a statement that the connection keeps prepared; row may be nil.
func (w *writer) execute(query string, row func(*driver.Stmt), args ...any) error {
	return sqlitex.Execute(w.DB, query, &sqlitex.ExecOptions{Args: args, ResultFunc: each(row)})
}

// each adapts a function of a row that cannot fail.
func each(row func(*driver.Stmt)) func(*driver.Stmt) error {
	if row == nil {
		return nil
	}
	return func(stmt *driver.Stmt) error { row(stmt); return nil }
}
