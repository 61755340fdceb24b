package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"zombiezen.com/go/sqlite"
)

// Limits of a library, in passages.
const (
	DefaultPassages = 1_000
	FewestPassages  = 100
	MostPassages    = 200_000
)

// A Library says what to make. The same one is the same library, byte for byte,
// on every machine, as long as SQLite's version is the same.
type Library struct {
	Passages int // FewestPassages to MostPassages; 0: DefaultPassages
	Seed     uint64
	Tracks   []Track // what the passages sound from, in turn; none: a library without sound
}

// Check says what is wrong with the size or with a track.
func (l Library) Check() error {
	if n := l.Passages; n != 0 && (n < FewestPassages || n > MostPassages) {
		return fmt.Errorf("a library of %d passages: ask for %d to %d", n, FewestPassages, MostPassages)
	}
	return checkTracks(l.Tracks)
}

// Make makes a library of one file at path, where nothing may be yet. progress
// is told how many passages are written, and may be nil. A library that could not
// be finished is removed.
//
// Below some 200 passages a passage an hour is more than cooldowns allow: songs
// rest for a week at least, so a selection may find no candidate.
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
	if err := plain(path); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("sqlite: %s is there already: remove it or give another path", path)
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

// makeFile writes without a journal and without waiting for the disk: until it
// is renamed the file is nobody's, and a broken one is made again.
func makeFile(path string, spec Library, progress func(done, total int)) error {
	const wait = time.Second
	c, err := connect(path, sqlite.OpenReadWrite|sqlite.OpenCreate, wait)
	if err != nil {
		return err
	}
	err = c.set(pageSize, "journal_mode = off", "synchronous = off", "locking_mode = exclusive",
		fmt.Sprintf("application_id = %d", applicationID), fmt.Sprintf("user_version = %d", schemaVersion))
	if err == nil {
		err = fill(c, newPlan(spec), spec, progress)
	}
	return errors.Join(err, c.close())
}

func fill(c *connection, p *plan, spec Library, progress func(done, total int)) error {
	if err := c.script(tables); err != nil {
		return err
	}
	w := &writer{connection: c}
	w.exec("BEGIN")
	w.settings(spec)
	w.entities("songs", len(p.songs), func(i int) entity { return p.songs[i].entity })
	w.entities("artists", len(p.artists), func(i int) entity { return p.artists[i] })
	w.entities("works", len(p.works), func(i int) entity { return p.works[i] })
	w.links(p)
	w.slots(p.slots)
	w.tracks(spec.Tracks, len(p.passages))
	w.passages(p.passages, newFlavors(stream(spec.Seed, streamFlavors)), progress)
	w.exec("COMMIT")
	if w.err != nil {
		return explain("make", c.path, w.err)
	}
	return c.script(indexes)
}

// curves of the fades, as player's document has them by default.
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
