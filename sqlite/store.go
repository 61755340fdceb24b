// Package sqlite keeps the player's stores in a SQLite database on disk, and
// makes the library that they read from a seed.
//
// It is the only importer of a driver. It is not a general data layer: each
// method is one thing that a part of the player asks (see player.Store), with a
// statement prepared for it, and nothing read is kept between two calls. A style
// gets a *Store as a player.Store and does not know this package; scenarios Make
// a library once and give each style a Copy.
package sqlite

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"rubato/player"

	"zombiezen.com/go/sqlite"
)

// Options say how a store is opened. The zero value is usable.
type Options struct {
	// Synchronous is when a commit waits for the disk: "normal" (default: at
	// checkpoints only; a power cut may lose the last commits, never consistency)
	// or "full" (one fsync a commit).
	Synchronous string
	// Busy is the longest wait for a lock that another connection holds. Default
	// 5 s.
	Busy time.Duration
}

// A Store is a library and what the player remembers, on disk in WAL mode. Each
// view has a connection of its own: a view serves one goroutine at a time,
// different views serve different goroutines at once.
type Store struct {
	director *director
	log      *log
	cuts     *cuts
	reading  sync.Mutex
	readback *readback
}

var _ player.Store = (*Store)(nil)

// Open opens the library at path, which must exist.
func Open(path string, options Options) (*Store, error) {
	options, err := options.defaults()
	if err != nil {
		return nil, err
	}
	if err := plain(path); err != nil {
		return nil, err
	}
	s := new(Store)
	if err := s.open(path, options); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (o Options) defaults() (Options, error) {
	switch o.Synchronous {
	case "":
		o.Synchronous = "normal"
	case "normal", "full":
	default:
		return o, fmt.Errorf("sqlite: synchronous %q: use normal or full", o.Synchronous)
	}
	if o.Busy <= 0 {
		o.Busy = 5 * time.Second
	}
	return o, nil
}

func (s *Store) open(path string, options Options) error {
	c, err := connectTo(path, options, directorCache)
	if err != nil {
		return err
	}
	s.director = &director{connection: c, flavor: make([]byte, flavorSize)}
	if err := s.director.prepare(); err != nil {
		return err
	}
	if c, err = connectTo(path, options, otherCache); err != nil {
		return err
	}
	s.log = &log{connection: c}
	if err := s.log.prepare(); err != nil {
		return err
	}
	if c, err = connectTo(path, options, otherCache); err != nil {
		return err
	}
	s.readback = &readback{connection: c}
	if err := s.readback.prepare(); err != nil {
		return err
	}
	if c, err = connectTo(path, options, otherCache); err != nil {
		return err
	}
	s.cuts = &cuts{connection: c}
	return s.cuts.prepare()
}

// connectTo opens a connection to a library of this schema.
func connectTo(path string, options Options, cache string) (*connection, error) {
	c, err := connect(path, sqlite.OpenReadWrite, options.Busy)
	if err != nil {
		return nil, err
	}
	if err := c.checkSchema(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	err = c.set("journal_mode = wal", "synchronous = "+options.Synchronous, cache, mapped, "temp_store = memory")
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// Director is module pd's view.
func (s *Store) Director() player.DirectorStore { return s.director }

// Log is module log's view.
func (s *Store) Log() player.LogStore { return s.log }

// Cuts is module ap's view.
func (s *Store) Cuts() player.CutStore { return s.cuts }

// Stored reads back what is durable, in one snapshot.
func (s *Store) Stored() (player.Stored, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	return s.readback.stored()
}

// Close rolls back what is pending and closes every connection. The last to
// close a library leaves one file, without a write-ahead log.
func (s *Store) Close() error {
	s.reading.Lock()
	defer s.reading.Unlock()
	var errs []error
	if s.director != nil {
		errs = append(errs, s.director.close())
	}
	if s.log != nil {
		errs = append(errs, s.log.close())
	}
	if s.cuts != nil {
		errs = append(errs, s.cuts.close())
	}
	if s.readback != nil {
		errs = append(errs, s.readback.close())
	}
	return errors.Join(errs...)
}

// Version is that of SQLite itself, for the record of the machine.
func Version() string { return sqlite.Version }
