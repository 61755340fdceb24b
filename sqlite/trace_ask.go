package sqlite

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"rubato/player"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// enqueue is the action by which a passage comes to be played.
const enqueue = "ap::Queue::enqueue"

// Flow is the flow with this token; false when the run has none, or no more.
func (s *TraceStore) Flow(token uint64) (f player.Flow, found bool, err error) {
	err = s.read(func(r *traceReader) error { f, err = r.flow(token); return err })
	return f, len(f.Rows) > 0, err
}

// Why are the flows in which the passage was enqueued, the newest first: from
// what set them off to that action. At most limit; 0: 100.
func (s *TraceStore) Why(passage int64, limit int) (out []player.Flow, err error) {
	limit = bounded(limit)
	c := kindIs("action", "=", enqueue).and(condition{"field(r.input, 'passage') = ?", []any{strconv.FormatInt(passage, 10)}})
	err = s.read(func(r *traceReader) error {
		var tokens []uint64
		err := r.walk(c, func(stmt *sqlite.Stmt) error {
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

// Caused are the rows that the rule caused and that started in a period, both
// ends included, the newest first. A zero time leaves its end open. At most
// limit; 0: 100.
func (s *TraceStore) Caused(rule string, from, to time.Time, limit int) (out []player.TraceRow, err error) {
	c := kindIs("rule", "=", rule)
	if !from.IsZero() {
		c = condition{"z.ended >= ? AND r.start >= ?", []any{from.UnixMicro(), from.UnixMicro()}}.and(c)
	}
	if !to.IsZero() {
		c = condition{"z.began <= ? AND r.start <= ?", []any{to.UnixMicro(), to.UnixMicro()}}.and(c)
	}
	err = s.read(func(r *traceReader) error { out, err = r.rows(c, limit); return err })
	return out, err
}

// Find are the rows for which a query holds, the newest first: see ParseTraceQuery
// for its language. At most limit; 0: 100.
func (s *TraceStore) Find(query string, limit int) (out []player.TraceRow, err error) {
	q, err := ParseTraceQuery(query)
	if err != nil {
		return nil, err
	}
	c := q.condition(time.Now())
	err = s.read(func(r *traceReader) error { out, err = r.rows(c, limit); return err })
	return out, err
}

// Rules sum up what the run still has of each rule, in order of name.
func (s *TraceStore) Rules() (out []player.RecordedRule, err error) {
	rules := map[string]player.RecordedRule{}
	total := map[string]int64{}
	err = s.read(func(r *traceReader) error {
		return r.perSegment(`SELECT k.rule, count(*), count(r.err), sum(r.took), max(r.took)
			FROM zones_%[1]d z CROSS JOIN rows_%[1]d r CROSS JOIN kinds k
			WHERE z.run = ?1 AND r.seq BETWEEN z.first AND z.last AND k.id = r.kind GROUP BY k.rule`,
			func(stmt *sqlite.Stmt) {
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

// Runs are those that the file has rows of, the newest first.
func (s *TraceStore) Runs() (out []player.RecordedRun, err error) {
	runs := map[int64]player.RecordedRun{}
	err = s.read(func(r *traceReader) error {
		return r.perSegment(`SELECT n.id, n.started, max(z.ended), sum(z.last - z.first + 1)
			FROM zones_%[1]d z JOIN runs n ON n.id = z.run WHERE ?1 >= 0 GROUP BY n.id`,
			func(stmt *sqlite.Stmt) {
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

// perSegment asks each segment the same. ?1 is the run.
func (r *traceReader) perSegment(query string, row func(*sqlite.Stmt)) error {
	for i := range traceSegments {
		err := sqlitex.ExecuteTransient(r.conn, fmt.Sprintf(query, i), &sqlitex.ExecOptions{
			Args:       []any{r.run},
			ResultFunc: func(stmt *sqlite.Stmt) error { row(stmt); return nil },
		})
		if err != nil {
			return explainTrace("read", r.path, err)
		}
	}
	return nil
}
