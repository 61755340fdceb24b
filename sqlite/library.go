package sqlite

import (
	"rubato/player"

	"zombiezen.com/go/sqlite"
)

// Seven plain scans, joined by the player in memory, take less than half of the
// time of one seven-way join in SQL, which looks up every link by key.

// unusual selects the entities that may weigh other than 1: those that have not
// cooled down at ?1, and of the others those whose base is not 1.
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
	return d.each(stmt, func() error {
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
	return d.each(stmt, func() error {
		visit(stmt.ColumnInt64(0), stmt.ColumnInt64(1))
		return nil
	})
}

// SongArtists visits every song's artists, in ascending order of song.
func (d *director) SongArtists(visit func(song, artist int64, weight float64)) error {
	return d.each(d.songArtists, func() error {
		visit(d.songArtists.ColumnInt64(0), d.songArtists.ColumnInt64(1), d.songArtists.ColumnFloat(2))
		return nil
	})
}

// Flavors visits every passage's packed flavor, in ascending order of id.
func (d *director) Flavors(visit func(passage int64, packed []byte) error) error {
	return d.each(d.flavors, func() error {
		return visit(d.flavors.ColumnInt64(0), d.packed(d.flavors, 1))
	})
}

// packed copies a flavor into the one buffer that all rows share. One that is too
// long is cut to a length that Unpack refuses.
func (d *director) packed(stmt *sqlite.Stmt, column int) []byte {
	return d.flavor[:stmt.ColumnBytes(column, d.flavor)]
}
