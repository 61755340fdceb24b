// Package sqlite keeps the player's stores in a SQLite database on disk, and makes the
// library that they read from a seed.
//
// It is not a general data layer: each method is one thing that a part of the player
// asks (see player.Store), with its own prepared statement, and nothing is cached between
// two calls. A style gets a *Store as a player.Store and does not know this package.
// Scenarios make a library once and give each style a copy. This package and tracedb
// below it are the only importers of a driver.
//
// store.go opens a library, director.go is what a selection reads and the cooldowns,
// log.go the log and the cuts, receipts.go which messages the log has, readback.go what can be read back to verify the work.
// make.go writes a library that plan.go has drawn from the seed.
package sqlite

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"rubato/player"

	"zombiezen.com/go/sqlite"
)

// Options say how to open a store. The zero value is usable.
type Options struct {
	// Synchronous is when a commit waits for the disk: "normal" (default: at
	// checkpoints only; a power cut may lose the last commits, never consistency)
	// or "full" (one fsync a commit).
	Synchronous string
	// Busy is the longest wait for a lock that another connection holds, default 5 s.
	Busy time.Duration
}

// A Store is a library and what the player remembers, on disk in WAL mode. Each view has
// its own connection, so different views serve different goroutines at once. One view
// serves one goroutine at a time.
type Store struct {
	director *director
	log      *log
	cuts     *cuts
	reading  sync.Mutex
	readback *readback
	index    *os.File // of the write-ahead log, see commits; nil until it is read

	head        [2*indexHeader + 4]byte // of index
	looked      logState                // see Checkpoints
	checkpoints int64
}

var _ player.Store = (*Store)(nil)

// Open opens the library at path, which must exist.
func Open(path string, options Options) (*Store, error) {
	options, err := options.defaults()
	if err != nil {
		return nil, err
	}
	if err := CheckPath(path); err != nil {
		return nil, err
	}
	s := new(Store)
	if err := s.open(path, options); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (o Options) defaults() (Options, error) {
	o.Synchronous = cmp.Or(o.Synchronous, "normal")
	if o.Synchronous != "normal" && o.Synchronous != "full" {
		return o, fmt.Errorf("sqlite: synchronous %q: use normal or full", o.Synchronous)
	}
	o.Busy = cmp.Or(max(o.Busy, 0), 5*time.Second)
	return o, nil
}

func (s *Store) open(path string, options Options) error {
	s.director = &director{flavor: make([]byte, flavorSize)}
	s.log, s.readback, s.cuts = new(log), new(readback), new(cuts)
	for _, view := range []struct {
		conn    **Conn
		cache   string
		prepare func() error
	}{
		{&s.director.Conn, directorCache, s.director.prepare},
		{&s.log.Conn, SmallCache, s.log.prepare},
		{&s.readback.Conn, SmallCache, s.readback.prepare},
		{&s.cuts.Conn, SmallCache, s.cuts.prepare},
	} {
		var err error
		if *view.conn, err = connectTo(path, options, view.cache); err != nil {
			return err
		}
		if err = errors.Join(view.prepare(), (*view.conn).Prepare(Statement{&(*view.conn).synchronous, "PRAGMA synchronous"})); err != nil {
			return err
		}
	}
	return nil
}

// connectTo opens a connection to a library of this schema.
func connectTo(path string, options Options, cache string) (*Conn, error) {
	c, err := Connect(path, sqlite.OpenReadWrite, options.Busy)
	if err != nil {
		return nil, err
	}
	if err = c.checkSchema(); err == nil {
		err = c.Set("journal_mode = wal", "synchronous = "+options.Synchronous, cache, MemoryMap, "temp_store = memory")
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Director is module pd's view.
func (s *Store) Director() player.DirectorStore { return s.director }

// Log is module log's view.
func (s *Store) Log() player.LogStore { return s.log }

// Cuts is module ap's view.
func (s *Store) Cuts() player.CutStore { return s.cuts }

// Stored reads what is durable, in one snapshot.
func (s *Store) Stored() (player.Stored, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	return s.readback.stored()
}

// Close rolls back what is pending and closes every connection. The last store of a
// library to close leaves one file, without a write-ahead log.
func (s *Store) Close() error {
	s.reading.Lock()
	defer s.reading.Unlock()
	err := errors.Join(s.director.Close(), s.log.Close(), s.cuts.Close(), s.readback.Close())
	if s.index != nil { // last: closing any descriptor of a file drops the process's locks on it (POSIX)
		err, s.index = errors.Join(err, s.index.Close()), nil
	}
	return err
}

// Version is the version of SQLite itself, for the record of the machine.
func Version() string { return sqlite.Version }

// The tables, and the indexes on them.
var (
	//go:embed schema.sql
	tables string
	//go:embed indexes.sql
	indexes string
)

// The header of a library. A change of schema.sql or indexes.sql is a new version.
const (
	applicationID = 0x72756261 // "ruba"
	schemaVersion = 2
)

// Settings chosen by measurement (BenchmarkQueueLow, 1 000 to 50 000 passages): pages of
// 2 to 16 KiB, caches of 2 to 64 MiB and a memory map differ by less than the noise, so
// the smallest is used. A commit writes whole pages, which favours small ones. Without a
// memory map a large library stays out of the resident set.
//
// Every database has pages of the same size, the trace too. SQLite's page caches share their
// memory in a process: with two sizes, a page of one size is freed for each page of the other
// that is read, and two selections from 50 000 passages took 281 ms instead of 137
// (BenchmarkSelectionBesideTrace).
const (
	PageSize      = "page_size = 4096"
	MemoryMap     = "mmap_size = 0"
	directorCache = "cache_size = -8192" // KiB when negative
	SmallCache    = "cache_size = -1024"
)

// checkSchema refuses a file that is not a library, or one of another schema.
func (c *Conn) checkSchema() error {
	application, version, err := c.Header()
	switch {
	case err != nil:
		return err
	case application != applicationID:
		return fmt.Errorf("sqlite: %s is a database, but not a library of rubato: give another path", c.Path)
	case version != schemaVersion:
		return fmt.Errorf("sqlite: %s has schema version %d, this program reads %d: remove it and make the library again",
			c.Path, version, schemaVersion)
	}
	return nil
}

// Copy copies the library at from, which must be closed, to a path where nothing is yet.
// So each style gets its own library.
func Copy(from, to string) error {
	if err := checkpointed(from); err != nil {
		return err
	}
	if err := vacant(to); err != nil {
		return err
	}
	if err := copyFile(from, to); err != nil {
		return fmt.Errorf("sqlite: copy library: %w", err)
	}
	return nil
}

// CopyLive copies the library at from, which may be open and at rest, page by page, with its
// write-ahead log, to a path where nothing is yet.
func CopyLive(from, to string) (err error) {
	if err := vacant(to); err != nil {
		return err
	}
	source, err := Connect(from, sqlite.OpenReadWrite, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := Connect(to, sqlite.OpenReadWrite|sqlite.OpenCreate, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	copying, err := sqlite.NewBackup(target.DB, "main", source.DB, "main")
	if err == nil {
		_, err = copying.Step(-1)
		err = errors.Join(err, copying.Close())
	}
	return Explain("copy", from, err)
}

// checkpointed refuses a library whose write-ahead log still holds commits: a copy of the
// file alone would lack them.
func checkpointed(path string) error {
	if err := CheckPath(path); err != nil {
		return err
	}
	wal := path + "-wal"
	if info, err := os.Stat(wal); err == nil && info.Size() > 0 {
		return fmt.Errorf("sqlite: %s holds commits that %s lacks: close the program that has it open, or open and close it once", wal, path)
	}
	return nil
}

// copyFile waits until the copy is on disk. Otherwise the system would write it back
// later, during a measurement.
func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	if err == nil {
		err = target.Sync()
	}
	if err = errors.Join(err, target.Close()); err != nil {
		err = errors.Join(err, os.Remove(to))
	}
	return err
}
