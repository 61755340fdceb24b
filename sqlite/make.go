package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"rubato/player"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Limits of a library, in passages.
const (
	DefaultPassages = 1_000
	FewestPassages  = 100
	MostPassages    = 200_000
	// HourlyPassages is the smallest library that offers a passage every hour, whatever the
	// seed: songs rest for a week at least, which is 168 of them.
	HourlyPassages = 300
)

// A Library says what to make. Equal values make the same library, byte for byte, on
// every machine with the same version of SQLite.
type Library struct {
	Passages int // FewestPassages to MostPassages; 0: DefaultPassages
	Seed     uint64
	Tracks   []Track // files that the passages play, in turn; none: a library without sound
}

// Check reports what is wrong with the size or with a track.
func (l Library) Check() error {
	if n := l.Passages; n != 0 && (n < FewestPassages || n > MostPassages) {
		return fmt.Errorf("a library of %d passages: ask for %d to %d", n, FewestPassages, MostPassages)
	}
	for i, t := range l.Tracks {
		if t.Path == "" || t.Length <= 0 || t.Length%player.TicksPerFrame != 0 {
			return fmt.Errorf("track %d, %q of %d ticks: give a path, and a length in whole frames of %d ticks",
				i+1, t.Path, t.Length, player.TicksPerFrame)
		}
	}
	return nil
}

// Make makes a library of one file at path, where nothing may be yet. It calls progress,
// which may be nil, with the number of passages written. A library that cannot be finished
// is removed.
//
// With fewer than HourlyPassages, a selection may find no candidate.
func Make(path string, spec Library, progress func(done, total int)) error {
	if err := spec.Check(); err != nil {
		return fmt.Errorf("sqlite: make %s: %w", path, err)
	}
	if spec.Passages == 0 {
		spec.Passages = DefaultPassages
	}
	if progress == nil {
		progress = func(int, int) {}
	}
	if err := vacant(path); err != nil {
		return err
	}
	part := path + ".part"
	if err := clearPart(part); err != nil {
		return err
	}
	if err := makeFile(part, spec, progress); err != nil {
		return errors.Join(err, clearPart(part))
	}
	if err := os.Rename(part, path); err != nil {
		return errors.Join(fmt.Errorf("sqlite: make %s: %w", path, err), clearPart(part))
	}
	return nil
}

// vacant refuses to write over anything.
func vacant(path string) error {
	if err := CheckPath(path); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("sqlite: %s exists already: remove it or give another path", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("sqlite: cannot look at %s: %w", path, err)
	}
	return nil
}

func clearPart(part string) error {
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("sqlite: remove unfinished library: %w", err)
	}
	return nil
}

// makeFile writes without a journal and without waiting for the disk: nobody uses the
// file before it is renamed, and a broken one is made again.
func makeFile(path string, spec Library, progress func(done, total int)) error {
	const wait = time.Second
	c, err := Connect(path, sqlite.OpenReadWrite|sqlite.OpenCreate, wait)
	if err != nil {
		return err
	}
	err = c.Set(PageSize, "journal_mode = off", "synchronous = off", "locking_mode = exclusive",
		fmt.Sprintf("application_id = %d", applicationID), fmt.Sprintf("user_version = %d", schemaVersion))
	if err == nil {
		err = fill(c, newPlan(spec), spec, progress)
	}
	return errors.Join(err, c.Close())
}

func fill(c *Conn, p *plan, spec Library, progress func(done, total int)) error {
	if err := c.Script(tables); err != nil {
		return err
	}
	w := &writer{Conn: c}
	w.exec("BEGIN")
	w.insert("settings", 2)
	w.row("library_passages", strconv.Itoa(spec.Passages))
	w.row("library_seed", strconv.FormatUint(spec.Seed, 10))
	w.entities("songs", len(p.songs), func(i int) entity { return p.songs[i].entity })
	w.entities("artists", len(p.artists), func(i int) entity { return p.artists[i] })
	w.entities("works", len(p.works), func(i int) entity { return p.works[i] })
	w.links(p)
	w.slots(p.slots)
	w.tracks(spec.Tracks, len(p.passages))
	w.passages(p.passages, newFlavors(stream(spec.Seed, streamFlavors)), progress)
	w.exec("COMMIT")
	if w.err != nil {
		return Explain("make", c.Path, w.err)
	}
	return c.Script(indexes)
}

// The default curves of the fades.
const (
	fadeInCurve  = "exponential"
	fadeOutCurve = "logarithmic"
)

func (w *writer) passages(list []passage, flavors *flavors, progress func(done, total int)) {
	w.insert("passages", 11)
	var packed []byte
	for i, x := range list {
		flavor := flavors.of(x.style)
		packed = flavor.Pack(packed[:0])
		w.row(int64(i)+1, packed, x.title, x.begins, x.ends, x.fade, x.lead, x.lead, x.fade, fadeInCurve, fadeOutCurve)
		if done := i + 1; done%1000 == 0 || done == len(list) {
			progress(done, len(list))
		}
	}
}

func (w *writer) entities(table string, n int, entity func(i int) entity) {
	w.insert(table, 6)
	for i := range n {
		e := entity(i)
		var last any
		if e.Played {
			last = e.LastPlayed
		}
		w.row(int64(i)+1, e.name, e.Base, e.Minimum, e.Ramp, last)
	}
}

// writer fills tables row by row. After the first error it does nothing.
type writer struct {
	*Conn
	stmt *sqlite.Stmt
	err  error
}

func (w *writer) exec(sql string) {
	if w.err == nil {
		w.err = sqlitex.ExecuteTransient(w.DB, sql, nil)
	}
}

// insert prepares the statement for rows of a table with this number of columns.
func (w *writer) insert(table string, columns int) {
	if w.err == nil {
		marks := strings.TrimSuffix(strings.Repeat("?, ", columns), ", ")
		w.stmt, w.err = w.DB.Prepare("INSERT INTO " + table + " VALUES (" + marks + ")")
	}
}

func (w *writer) row(values ...any) {
	if w.err != nil {
		return
	}
	for i, v := range values {
		w.bind(i+1, v)
	}
	w.err = w.Run(w.stmt)
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

// links writes in order of the keys, so that every insert appends.
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

// A Track is a sound file that passages of a library play.
type Track struct {
	Path   string       // as the decoder will open it: best absolute
	Title  string       // "": the passage keeps its own
	Length player.Ticks // whole frames
}

// sound makes every passage play a whole track, in turn. It draws nothing, so a selection
// reads the same with tracks and without.
func (p *plan) sound(tracks []Track) {
	if len(tracks) == 0 {
		return
	}
	for i := range p.passages {
		x, t := &p.passages[i], &tracks[i%len(tracks)]
		x.begins, x.ends = 0, t.Length
		x.lead, x.fade = min(x.lead, t.Length/2), min(x.fade, t.Length/2)
		if t.Title != "" {
			x.title = t.Title
		}
	}
}

// tracks writes which passage plays which file, in separate tables, so that the rows that
// a selection scans stay short.
func (w *writer) tracks(list []Track, passages int) {
	if len(list) == 0 {
		return
	}
	w.insert("recordings", 2)
	for i, t := range list {
		w.row(int64(i)+1, t.Path)
	}
	w.insert("passage_recordings", 2)
	for i := range passages {
		w.row(int64(i)+1, int64(i%len(list))+1)
	}
}
