package sqlite

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rubato/player"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// traceReader answers one question, in one snapshot, on a connection of its own.
type traceReader struct {
	*connection
	run int64 // that the question is about; 0: there is none yet
}

// read asks f in one snapshot of the file as it is now. A connection a question
// costs a millisecond, and never holds on to a file that was replaced.
func (s *TraceStore) read(f func(*traceReader) error) error {
	s.mu.Lock()
	chosen, closed := s.chosen, s.closed
	s.mu.Unlock()
	if closed {
		return &player.Error{Code: player.Closed, Op: "sqlite: read trace " + s.path}
	}
	// Not OpenReadOnly: such a connection leaves the log's two files behind it.
	conn, err := sqlite.OpenConn(s.path, sqlite.OpenReadWrite)
	if err != nil {
		return explainTrace("open", s.path, err)
	}
	conn.SetBusyTimeout(s.options.Busy)
	r := &traceReader{connection: &connection{conn: conn, path: s.path}}
	if err = r.begin(chosen); err == nil {
		err = f(r)
	}
	return errors.Join(err, r.close()) // which ends the snapshot
}

func (r *traceReader) begin(chosen int64) error {
	for _, q := range [...]string{"PRAGMA query_only = 1", "BEGIN"} {
		if err := sqlitex.ExecuteTransient(r.conn, q, nil); err != nil {
			return explainTrace("read", r.path, err)
		}
	}
	empty, err := r.checkTrace()
	if err != nil {
		return err
	}
	if empty {
		return fmt.Errorf("sqlite: %s is empty, not a trace: has anything been recorded there?", r.path)
	}
	if err := r.conn.CreateFunction("field", fieldFunction); err != nil {
		return explainTrace("read", r.path, err)
	}
	newest, err := r.number("SELECT max(id) FROM runs")
	if err != nil {
		return err
	}
	if r.run = newest; chosen == 0 {
		return nil
	}
	r.run = chosen
	n, err := r.number("SELECT count(*) FROM runs WHERE id = " + strconv.FormatInt(chosen, 10))
	if err == nil && n == 0 {
		err = &player.Error{Code: player.NotFound, Op: "sqlite: read trace " + r.path,
			Err: fmt.Errorf("it has no run %d; the newest is %d", chosen, newest)}
	}
	return err
}

// newestFirst are the segments in use, in order of their newest row.
func (r *traceReader) newestFirst() ([]int, error) {
	type age struct {
		segment int
		last    int64
	}
	var ages []age
	for i := range traceSegments {
		last, err := r.number(fmt.Sprintf("SELECT max(first) FROM zones_%d", i))
		if err != nil {
			return nil, err
		}
		if last > 0 {
			ages = append(ages, age{i, last})
		}
	}
	slices.SortFunc(ages, func(a, b age) int { return cmp.Compare(b.last, a.last) })
	out := make([]int, len(ages))
	for i, a := range ages {
		out[i] = a.segment
	}
	return out, nil
}

// A condition chooses rows r of zones z, with parameters for its question marks.
type condition struct {
	sql  string
	args []any
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// walk gives f the run's rows for which c holds, the newest first, until it
// answers errEnough. The joins are in the order that reads least: zones, rows of
// the zone, what the row shares with others.
func (r *traceReader) walk(c condition, f func(*sqlite.Stmt) error) error {
	segments, err := r.newestFirst()
	if err != nil {
		return err
	}
	for _, i := range segments {
		query := fmt.Sprintf(`SELECT r.flow, r.id, r.cause, k.rule, k.trigger, k.action, r.start, r.took, r.input, r.output, r.err
			FROM zones_%[1]d z CROSS JOIN rows_%[1]d r CROSS JOIN kinds k
			WHERE z.run = ? AND r.seq BETWEEN z.first AND z.last AND k.id = r.kind AND %[2]s
			ORDER BY z.first DESC, r.seq DESC`, i, c.sql)
		err := sqlitex.ExecuteTransient(r.conn, query, &sqlitex.ExecOptions{Args: append([]any{r.run}, c.args...), ResultFunc: f})
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return explainTrace("read", r.path, err)
		}
	}
	return nil
}

// rows are at most limit of the run's rows for which c holds, the newest first.
func (r *traceReader) rows(c condition, limit int) (out []player.TraceRow, err error) {
	limit = bounded(limit)
	err = r.walk(c, func(stmt *sqlite.Stmt) error {
		out = append(out, rowOf(stmt))
		if len(out) == limit {
			return errEnough
		}
		return nil
	})
	return out, err
}

// MaxAnswers is the most that a question is answered with.
const MaxAnswers = 10_000

// bounded is a limit between 1 and MaxAnswers; 0 and less mean 100.
func bounded(limit int) int {
	if limit <= 0 {
		return 100
	}
	return min(limit, MaxAnswers)
}

func rowOf(stmt *sqlite.Stmt) player.TraceRow {
	return player.TraceRow{
		Flow: uint64(stmt.ColumnInt64(0)), ID: uint64(stmt.ColumnInt64(1)), Cause: uint64(stmt.ColumnInt64(2)),
		Rule: stmt.ColumnText(3), Trigger: stmt.ColumnText(4), Action: stmt.ColumnText(5),
		Start: time.UnixMicro(stmt.ColumnInt64(6)).UTC(), Took: time.Duration(stmt.ColumnInt64(7)),
		In: stmt.ColumnText(8), Out: stmt.ColumnText(9), Err: stmt.ColumnText(10),
	}
}

// flow is the flow with this token, its rows in order of start. MaxAnswers rows
// are more than an engine lets a flow have.
func (r *traceReader) flow(token uint64) (player.Flow, error) {
	t := int64(token)
	rows, err := r.rows(condition{"z.low <= ? AND z.high >= ? AND r.flow = ?", []any{t, t, t}}, MaxAnswers)
	slices.SortStableFunc(rows, func(a, b player.TraceRow) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
	return player.Flow{Token: token, Rows: rows}, err
}

// kindIs is a condition on what rows share: it is looked up once, not per row.
func kindIs(column, operator string, value any) condition {
	return condition{fmt.Sprintf("r.kind IN (SELECT id FROM kinds WHERE %s %s ?)", column, operator), []any{value}}
}

func (c condition) and(d condition) condition {
	return condition{strings.Join([]string{c.sql, d.sql}, " AND "), slices.Concat(c.args, d.args)}
}
