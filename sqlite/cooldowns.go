package sqlite

import (
	"slices"

	"rubato/player"

	"zombiezen.com/go/sqlite"
)

// cooling is one kind of entity as a play sets it: which of them a passage
// touches, and the update of one.
//
// Reading the ids first and updating them one by one takes half of the time of
// UPDATE … WHERE id IN (SELECT …), which builds a temporary tree for each list.
type cooling struct {
	touched, update *sqlite.Stmt
	ids             []int64 // scratch
}

const (
	songsOf   = "SELECT song FROM passage_songs WHERE passage = ?1"
	artistsOf = "SELECT a.artist FROM passage_songs AS p CROSS JOIN song_artists AS a ON a.song = p.song WHERE p.passage = ?1"
	worksOf   = "SELECT w.work FROM passage_songs AS p CROSS JOIN song_works AS w ON w.song = p.song WHERE p.passage = ?1"
)

func (c *cooling) prepared(table, touched string) []prepared {
	return []prepared{
		{&c.touched, touched},
		{&c.update, "UPDATE " + table + " SET last_played = ?2 WHERE id = ?1"},
	}
}

// RecordPlayed commits last_played of the passage's songs, their artists and
// their works in one transaction, and returns how many rows it set: 0 for a
// passage that has no song or is unknown.
func (d *director) RecordPlayed(passage int64, at player.Ticks) (rows int, err error) {
	if err := d.run(d.begin); err != nil {
		return 0, explain("begin a write to", d.path, err)
	}
	for i := range d.cooling {
		n, err := d.cool(&d.cooling[i], passage, at)
		if err != nil {
			return 0, d.undo("record a play in", d.rollback, err)
		}
		rows += n
	}
	if err := d.run(d.commit); err != nil {
		return 0, d.undo("commit to", d.rollback, err)
	}
	return rows, nil
}

func (d *director) cool(c *cooling, passage int64, at player.Ticks) (rows int, err error) {
	c.ids = c.ids[:0]
	err = d.each(c.touched, func() error {
		if id := c.touched.ColumnInt64(0); !slices.Contains(c.ids, id) {
			c.ids = append(c.ids, id)
		}
		return nil
	}, passage)
	if err != nil {
		return 0, err
	}
	for _, id := range c.ids {
		if err := d.run(c.update, id, int64(at)); err != nil {
			return 0, err
		}
		rows += d.conn.Changes()
	}
	return rows, nil
}
