package sqlite

import (
	"slices"

	"rubato/player"

	"zombiezen.com/go/sqlite"
)

// flavorSize is one byte more than a packed flavor, so that a longer one is noticed.
var flavorSize = len(new(player.Flavor).Pack(nil)) + 1

// director is module pd's view: the library as a selection reads it, and the cooldowns
// that it writes.
type director struct {
	*Conn
	flavor []byte // scratch for one packed flavor

	references                           *sqlite.Stmt
	songs, artists, works                *sqlite.Stmt
	passageSongs, songArtists, songWorks *sqlite.Stmt
	flavors, flavorOf, passage           *sqlite.Stmt
	begin, commit, rollback              *sqlite.Stmt
	cooling                              [3]cooling // songs, artists, works
}

func (d *director) prepare() error {
	list := slices.Concat(d.cooling[0].prepared("songs", songsOf),
		d.cooling[1].prepared("artists", artistsOf), d.cooling[2].prepared("works", worksOf))
	return d.Conn.Prepare(append(list,
		Statement{&d.references, `SELECT p.flavor FROM timeslot_passages AS t JOIN passages AS p ON p.id = t.passage
			WHERE t.timeslot = coalesce(
				(SELECT id FROM timeslots WHERE begins <= ?1 ORDER BY begins DESC LIMIT 1),
				(SELECT id FROM timeslots ORDER BY begins DESC LIMIT 1)) -- the last slot of the day before
			ORDER BY t.passage`},
		Statement{&d.songs, unusual("songs")},
		Statement{&d.artists, unusual("artists")},
		Statement{&d.works, unusual("works")},
		Statement{&d.passageSongs, "SELECT passage, song FROM passage_songs ORDER BY passage"},
		Statement{&d.songArtists, "SELECT song, artist, weight FROM song_artists ORDER BY song"},
		Statement{&d.songWorks, "SELECT song, work FROM song_works ORDER BY song"},
		Statement{&d.flavors, "SELECT id, flavor FROM passages ORDER BY id"},
		Statement{&d.flavorOf, "SELECT flavor FROM passages WHERE id = ?1"},
		Statement{&d.passage, "SELECT title, begins, ends FROM passages WHERE id = ?1"},
		Statement{&d.begin, "BEGIN IMMEDIATE"},
		Statement{&d.commit, "COMMIT"},
		Statement{&d.rollback, "ROLLBACK"},
	)...)
}

// References visits the reference flavors of the timeslot that holds the second.
func (d *director) References(secondOfDay int, visit func(*player.Flavor)) error {
	var flavor player.Flavor
	return d.Each(d.references, func() error {
		if err := flavor.Unpack(d.packed(d.references, 0)); err != nil {
			return err
		}
		visit(&flavor)
		return nil
	}, int64(secondOfDay))
}

// FlavorOf reads the flavor of one passage; NotFound when there is none.
func (d *director) FlavorOf(passage int64, into *player.Flavor) error {
	return d.Conn.passage("flavor", d.flavorOf, passage, func() error { return into.Unpack(d.packed(d.flavorOf, 0)) })
}

// Passage reads one passage; NotFound when there is none.
func (d *director) Passage(id int64) (p player.Passage, err error) {
	err = d.Conn.passage("passage", d.passage, id, func() error {
		p = player.Passage{
			ID:    id,
			Title: d.passage.ColumnText(0),
			Start: player.Ticks(d.passage.ColumnInt64(1)),
			End:   player.Ticks(d.passage.ColumnInt64(2)),
		}
		return nil
	})
	return p, err
}

// Seven plain scans that the player joins in memory take less than half the time of one
// seven-way join in SQL, which looks up every link by key.

// unusual selects the entities whose weight may differ from 1: those still cooling down
// at ?1, and of the others those whose base is not 1.
func unusual(table string) string {
	const columns = "SELECT id, base, minimum, ramp, last_played FROM "
	return columns + table + " INDEXED BY " + table + "_cooling" +
		" WHERE last_played + minimum + ramp > ?1 AND last_played IS NOT NULL UNION ALL " +
		columns + table + " INDEXED BY " + table + "_weighted" +
		" WHERE base <> 1 AND (last_played IS NULL OR last_played + minimum + ramp <= ?1)"
}

// Songs visits the songs whose weight at target may differ from 1.
func (d *director) Songs(target player.Ticks, visit func(int64, player.Standing)) error {
	return d.standings(d.songs, target, visit)
}

// Artists visits the artists whose weight at target may differ from 1.
func (d *director) Artists(target player.Ticks, visit func(int64, player.Standing)) error {
	return d.standings(d.artists, target, visit)
}

// Works visits the works whose weight at target may differ from 1.
func (d *director) Works(target player.Ticks, visit func(int64, player.Standing)) error {
	return d.standings(d.works, target, visit)
}

func (d *director) standings(stmt *sqlite.Stmt, target player.Ticks, visit func(int64, player.Standing)) error {
	return d.Each(stmt, func() error {
		visit(stmt.ColumnInt64(0), player.Standing{
			Base:       stmt.ColumnFloat(1),
			Minimum:    player.Ticks(stmt.ColumnInt64(2)),
			Ramp:       player.Ticks(stmt.ColumnInt64(3)),
			LastPlayed: player.Ticks(stmt.ColumnInt64(4)),
			Played:     !stmt.ColumnIsNull(4),
		})
		return nil
	}, int64(target))
}

// PassageSongs visits every passage's songs, in ascending order of passage.
func (d *director) PassageSongs(visit func(passage, song int64)) error {
	return d.links(d.passageSongs, visit)
}

// SongWorks visits every song's works, in ascending order of song.
func (d *director) SongWorks(visit func(song, work int64)) error {
	return d.links(d.songWorks, visit)
}

func (d *director) links(stmt *sqlite.Stmt, visit func(from, to int64)) error {
	return d.Each(stmt, func() error {
		visit(stmt.ColumnInt64(0), stmt.ColumnInt64(1))
		return nil
	})
}

// SongArtists visits every song's artists, in ascending order of song.
func (d *director) SongArtists(visit func(song, artist int64, weight float64)) error {
	return d.Each(d.songArtists, func() error {
		visit(d.songArtists.ColumnInt64(0), d.songArtists.ColumnInt64(1), d.songArtists.ColumnFloat(2))
		return nil
	})
}

// Flavors visits every passage's packed flavor, in ascending order of id.
func (d *director) Flavors(visit func(passage int64, packed []byte) error) error {
	return d.Each(d.flavors, func() error {
		return visit(d.flavors.ColumnInt64(0), d.packed(d.flavors, 1))
	})
}

// packed copies a flavor into the buffer that all rows share. A flavor that is too long
// is cut to a length that Unpack refuses.
func (d *director) packed(stmt *sqlite.Stmt, column int) []byte {
	return d.flavor[:stmt.ColumnBytes(column, d.flavor)]
}

// cooling sets when one kind of entity was last played: touched finds the entities of a
// passage, update sets one.
//
// Reading the ids first and updating them one by one takes half the time of
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

func (c *cooling) prepared(table, touched string) []Statement {
	return []Statement{
		{&c.touched, touched},
		{&c.update, "UPDATE " + table + " SET last_played = ?2 WHERE id = ?1"},
	}
}

// RecordPlayed commits last_played of the passage's songs, their artists and their works
// in one transaction, and returns the number of rows it set: 0 for a passage without a
// song and for an unknown one.
func (d *director) RecordPlayed(passage int64, at player.Ticks) (rows int, err error) {
	if err := d.Run(d.begin); err != nil {
		return 0, Explain("begin a write to", d.Path, err)
	}
	for i := range d.cooling {
		n, err := d.cool(&d.cooling[i], passage, at)
		if err != nil {
			return 0, d.Undo("record a play in", d.rollback, err)
		}
		rows += n
	}
	if err := d.Run(d.commit); err != nil {
		return 0, d.Undo("commit to", d.rollback, err)
	}
	return rows, nil
}

func (d *director) cool(c *cooling, passage int64, at player.Ticks) (rows int, err error) {
	c.ids = c.ids[:0]
	err = d.Each(c.touched, func() error {
		if id := c.touched.ColumnInt64(0); !slices.Contains(c.ids, id) {
			c.ids = append(c.ids, id)
		}
		return nil
	}, passage)
	if err != nil {
		return 0, err
	}
	for _, id := range c.ids {
		if err := d.Write(c.update, nil, id, int64(at)); err != nil {
			return 0, err
		}
		rows += d.DB.Changes()
	}
	return rows, nil
}
