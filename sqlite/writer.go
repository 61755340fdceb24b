package sqlite

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rubato/player"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// writer fills tables, row by row. After the first error it does nothing more.
type writer struct {
	*connection
	stmt *sqlite.Stmt
	err  error
}

func (w *writer) exec(sql string) {
	if w.err == nil {
		w.err = sqlitex.ExecuteTransient(w.conn, sql, nil)
	}
}

// insert prepares for rows of so many columns.
func (w *writer) insert(table string, columns int) {
	if w.err == nil {
		marks := strings.TrimSuffix(strings.Repeat("?, ", columns), ", ")
		w.stmt, w.err = w.conn.Prepare("INSERT INTO " + table + " VALUES (" + marks + ")")
	}
}

func (w *writer) row(values ...any) {
	if w.err != nil {
		return
	}
	for i, v := range values {
		w.bind(i+1, v)
	}
	w.err = w.run(w.stmt)
}

func (w *writer) bind(column int, value any) {
	switch v := value.(type) {
	case nil:
		w.stmt.BindNull(column)
	case int64:
		w.stmt.BindInt64(column, v)
	case player.Ticks:
		w.stmt.BindInt64(column, int64(v))
	case float64:
		w.stmt.BindFloat(column, v)
	case string:
		w.stmt.BindText(column, v)
	case []byte:
		w.stmt.BindBytes(column, v)
	default:
		panic(fmt.Sprintf("sqlite: no column takes a %T", value))
	}
}

func (w *writer) settings(spec Library) {
	w.insert("settings", 2)
	w.row("library_passages", strconv.Itoa(spec.Passages))
	w.row("library_seed", strconv.FormatUint(spec.Seed, 10))
}

// links writes in order of the keys, so that each table is appended to.
func (w *writer) links(p *plan) {
	w.insert("passage_songs", 2)
	for i, x := range p.passages {
		for _, song := range x.songs {
			w.row(int64(i)+1, song)
		}
	}
	w.insert("song_artists", 3)
	for i, s := range p.songs {
		slices.SortFunc(s.artists, func(a, b share) int { return int(a.artist - b.artist) })
		for _, a := range s.artists {
			w.row(int64(i)+1, a.artist, a.weight)
		}
	}
	w.insert("song_works", 2)
	for i, s := range p.songs {
		for _, work := range s.works {
			w.row(int64(i)+1, work)
		}
	}
}

func (w *writer) slots(list []slot) {
	w.insert("timeslots", 3)
	for i, s := range list {
		w.row(int64(i)+1, s.name, int64(s.begins))
	}
	w.insert("timeslot_passages", 2)
	for i, s := range list {
		for _, passage := range s.references {
			w.row(int64(i)+1, passage)
		}
	}
}
