package tracedb

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"rubato/player"
	"rubato/sqlite"

	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// MaxAnswers is the largest number of rows or flows in one answer.
const MaxAnswers = 10_000

// bounded is a limit between 1 and MaxAnswers; 0 and less mean 100.
func bounded(limit int) int {
	if limit <= 0 {
		return 100
	}
	return min(limit, MaxAnswers)
}

// Flow is the flow with this token; false when the run does not have it, or no longer.
func (s *Store) Flow(token uint64) (f player.Flow, found bool, err error) {
	err = s.read(func(r *reader) error { f, err = r.flow(token); return err })
	return f, len(f.Rows) > 0, err
}

// enqueue is the action that puts a passage into the queue.
const enqueue = "ap::Queue::enqueue"

// Why are the flows that enqueued the passage, newest first, each from what started it
// to that action. At most limit; 0: 100.
func (s *Store) Why(passage int64, limit int) (out []player.Flow, err error) {
	limit = bounded(limit)
	c := kindIs("action", enqueue).and(condition{"field(r.input, 'passage') = ?", []any{passage}})
	err = s.read(func(r *reader) error {
		var tokens []uint64
		err := r.walk(c, func(stmt *driver.Stmt) error {
			if t := uint64(stmt.ColumnInt64(0)); !slices.Contains(tokens, t) {
				tokens = append(tokens, t)
			}
			if len(tokens) == limit {
				return errEnough
			}
			return nil
		})
		for _, t := range tokens {
			if err != nil {
				break
			}
			var f player.Flow
			f, err = r.flow(t)
			out = append(out, f)
		}
		return err
	})
	return out, err
}

// Caused are the rows that the rule caused and that started in a period, newest first.
// Both ends are included; a zero time leaves its end open. At most limit; 0: 100.
func (s *Store) Caused(rule string, from, to time.Time, limit int) (out []player.TraceRow, err error) {
	limit = bounded(limit)
	c := kindIs("rule", rule)
	if !from.IsZero() {
		c = condition{"z.ended >= ? AND r.start >= ?", []any{from.UnixMicro(), from.UnixMicro()}}.and(c)
	}
	if !to.IsZero() {
		c = condition{"z.began <= ? AND r.start <= ?", []any{to.UnixMicro(), to.UnixMicro()}}.and(c)
	}
	err = s.read(func(r *reader) error { out, err = r.rows(c, limit); return err })
	return out, err
}

// Rules sums up what the run still has of each rule, in order of name.
func (s *Store) Rules() (out []player.RecordedRule, err error) {
	rules := map[string]player.RecordedRule{}
	total := map[string]int64{}
	err = s.read(func(r *reader) error {
		return r.perSegment(`SELECT k.rule, count(*), count(r.err), sum(r.took), max(r.took)
			FROM zones_%[1]d z CROSS JOIN rows_%[1]d r CROSS JOIN kinds k
			WHERE z.run = ?1 AND r.seq BETWEEN z.first AND z.last AND k.id = r.kind GROUP BY k.rule`,
			func(stmt *driver.Stmt) {
				name := stmt.ColumnText(0)
				sum := rules[name]
				sum.Rule = name
				sum.Actions += uint64(stmt.ColumnInt64(1))
				sum.Failures += uint64(stmt.ColumnInt64(2))
				total[name] += stmt.ColumnInt64(3)
				sum.Max = max(sum.Max, time.Duration(stmt.ColumnInt64(4)))
				sum.Mean = time.Duration(total[name] / int64(sum.Actions))
				rules[name] = sum
			})
	})
	out = slices.SortedFunc(maps.Values(rules), func(a, b player.RecordedRule) int { return cmp.Compare(a.Rule, b.Rule) })
	return out, err
}

// Runs are the runs that the file has rows of, newest first.
func (s *Store) Runs() (out []player.RecordedRun, err error) {
	runs := map[int64]player.RecordedRun{}
	err = s.read(func(r *reader) error {
		return r.perSegment(`SELECT n.id, n.started, max(z.ended), sum(z.last - z.first + 1)
			FROM zones_%[1]d z JOIN runs n ON n.id = z.run WHERE ?1 >= 0 GROUP BY n.id`,
			func(stmt *driver.Stmt) {
				run := runs[stmt.ColumnInt64(0)]
				run.ID = stmt.ColumnInt64(0)
				run.Started = time.UnixMicro(stmt.ColumnInt64(1)).UTC()
				if last := time.UnixMicro(stmt.ColumnInt64(2)).UTC(); last.After(run.Last) {
					run.Last = last
				}
				run.Rows += uint64(stmt.ColumnInt64(3))
				runs[run.ID] = run
			})
	})
	out = slices.SortedFunc(maps.Values(runs), func(a, b player.RecordedRun) int { return cmp.Compare(b.ID, a.ID) })
	return out, err
}

// reader answers one question, in one snapshot, on its own connection.
type reader struct {
	*sqlite.Conn
	run int64 // that the question is about; 0: there is none yet
}

// read asks f in one snapshot of the file as it is now. A new connection for every
// question costs a millisecond, and never keeps a file that was replaced.
func (s *Store) read(f func(*reader) error) error {
	s.mu.Lock()
	chosen, closed := s.chosen, s.closed
	s.mu.Unlock()
	if closed {
		return &player.Error{Code: player.Closed, Op: "sqlite: read trace " + s.path}
	}
	r, err := s.reader(chosen)
	if err != nil {
		return err
	}
	return errors.Join(f(r), r.Close()) // which ends the snapshot
}

// reader begins a snapshot. Not with OpenReadOnly where the folder can be written: such a
// connection leaves the two files of the log behind. Where it cannot be, the log is read if a
// player keeps it; else the file is as it will stay, and is read without a log.
func (s *Store) reader(chosen int64) (*reader, error) {
	r, err := s.begin(chosen, s.path, driver.OpenReadWrite)
	if err == nil || !unwritable(err) {
		return r, err
	}
	if r, second := s.begin(chosen, s.path, driver.OpenReadOnly); second == nil || !unwritable(second) {
		return r, second
	}
	if log, missing := os.Stat(s.path + "-wal"); missing == nil && log.Size() > 0 {
		return nil, fmt.Errorf("%w; or copy %s and its -wal to a folder that can be written, and ask there", err, s.path)
	}
	file := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(s.path), RawQuery: "immutable=1"}
	return s.begin(chosen, file.String(), driver.OpenReadOnly|driver.OpenURI)
}

// unwritable reports whether SQLite needs to write beside the file, and cannot.
func unwritable(err error) bool {
	code := driver.ErrCode(err).ToPrimary()
	return code == driver.ResultCantOpen || code == driver.ResultReadOnly || code == driver.ResultPerm
}

func (s *Store) begin(chosen int64, file string, how driver.OpenFlags) (*reader, error) {
	c, err := sqlite.Connect(file, how, s.options.Busy)
	if err != nil {
		return nil, err
	}
	c.Path = s.path // for messages
	r := &reader{Conn: c}
	if err := r.begin(chosen); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *reader) begin(chosen int64) error {
	for _, q := range [...]string{"PRAGMA query_only = 1", "BEGIN"} {
		if err := sqlitex.ExecuteTransient(r.DB, q, nil); err != nil {
			return sqlite.Explain("read trace", r.Path, err)
		}
	}
	empty, err := checkSchema(r.Conn)
	if err != nil {
		return err
	}
	if empty {
		return fmt.Errorf("sqlite: %s is empty, not a trace: has anything been recorded there?", r.Path)
	}
	if err := r.DB.CreateFunction("field", fieldFunction); err != nil {
		return sqlite.Explain("read trace", r.Path, err)
	}
	newest, err := r.Number("SELECT max(id) FROM runs")
	if err != nil {
		return err
	}
	if r.run = newest; chosen == 0 {
		return nil
	}
	r.run = chosen
	n, err := r.Number("SELECT count(*) FROM runs WHERE id = " + strconv.FormatInt(chosen, 10))
	if err == nil && n == 0 {
		err = &player.Error{Code: player.NotFound, Op: "sqlite: read trace " + r.Path,
			Err: fmt.Errorf("it has no run %d; the newest is %d", chosen, newest)}
	}
	return err
}

// perSegment asks each segment the same question. ?1 is the run.
func (r *reader) perSegment(query string, row func(*driver.Stmt)) error {
	for i := range segmentCount {
		err := sqlitex.ExecuteTransient(r.DB, fmt.Sprintf(query, i), &sqlitex.ExecOptions{Args: []any{r.run}, ResultFunc: each(row)})
		if err != nil {
			return sqlite.Explain("read trace", r.Path, err)
		}
	}
	return nil
}

// newestFirst are the segments in use, in order of their newest row.
func (r *reader) newestFirst() ([]int, error) {
	var segments []int
	var newest [segmentCount]int64
	for i := range segmentCount {
		var err error
		if newest[i], err = r.Number(fmt.Sprintf("SELECT max(first) FROM zones_%d", i)); err != nil {
			return nil, err
		}
		if newest[i] > 0 {
			segments = append(segments, i)
		}
	}
	slices.SortFunc(segments, func(a, b int) int { return cmp.Compare(newest[b], newest[a]) })
	return segments, nil
}

// A condition chooses rows r of zones z, with parameters for its question marks.
type condition struct {
	sql  string
	args []any
}

func (c condition) and(d condition) condition {
	return condition{c.sql + " AND " + d.sql, slices.Concat(c.args, d.args)}
}

// kindIs is a condition on what rows share: it is looked up once, not per row.
func kindIs(column, value string) condition {
	return condition{"r.kind IN (SELECT id FROM kinds WHERE " + column + " = ?)", []any{value}}
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// walk calls f for the run's rows for which c holds, newest first, until f returns
// errEnough. The joins are in the order that reads least: zones, the rows of a zone,
// what a row shares with others.
func (r *reader) walk(c condition, f func(*driver.Stmt) error) error {
	segments, err := r.newestFirst()
	if err != nil {
		return err
	}
	for _, i := range segments {
		query := fmt.Sprintf(`SELECT r.flow, r.id, r.cause, k.rule, k.trigger, k.action, r.start, r.took, r.input, r.output, r.err
			FROM zones_%[1]d z CROSS JOIN rows_%[1]d r CROSS JOIN kinds k
			WHERE z.run = ? AND r.seq BETWEEN z.first AND z.last AND k.id = r.kind AND %[2]s
			ORDER BY z.first DESC, r.seq DESC`, i, c.sql)
		err := sqlitex.ExecuteTransient(r.DB, query, &sqlitex.ExecOptions{Args: append([]any{r.run}, c.args...), ResultFunc: f})
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return sqlite.Explain("read trace", r.Path, err)
		}
	}
	return nil
}

// rows are at most limit of the run's rows for which c holds, newest first.
func (r *reader) rows(c condition, limit int) (out []player.TraceRow, err error) {
	err = r.walk(c, func(stmt *driver.Stmt) error {
		out = append(out, rowOf(stmt))
		if len(out) == limit {
			return errEnough
		}
		return nil
	})
	return out, err
}

func rowOf(stmt *driver.Stmt) player.TraceRow {
	return player.TraceRow{
		Flow: uint64(stmt.ColumnInt64(0)), ID: uint64(stmt.ColumnInt64(1)), Cause: uint64(stmt.ColumnInt64(2)),
		Rule: stmt.ColumnText(3), Trigger: stmt.ColumnText(4), Action: stmt.ColumnText(5),
		Start: time.UnixMicro(stmt.ColumnInt64(6)).UTC(), Took: time.Duration(stmt.ColumnInt64(7)),
		In: stmt.ColumnText(8), Out: stmt.ColumnText(9), Err: stmt.ColumnText(10),
	}
}

// flow is the flow with this token, its rows in order of start. An engine lets no flow
// have as many as MaxAnswers rows.
func (r *reader) flow(token uint64) (player.Flow, error) {
	t := int64(token)
	rows, err := r.rows(condition{"z.low <= ? AND z.high >= ? AND r.flow = ?", []any{t, t, t}}, MaxAnswers)
	slices.SortStableFunc(rows, func(a, b player.TraceRow) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
	return player.Flow{Token: token, Rows: rows}, err
}
