package sqlite

import (
	"slices"

	"rubato/player"

	"zombiezen.com/go/sqlite"
)

// flavorSize is one more than a packed flavor takes, so that a longer one shows.
var flavorSize = len(new(player.Flavor).Pack(nil)) + 1

// director is module pd's view: the library as a selection reads it, and the
// cooldowns as it writes them.
type director struct {
	*connection
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
	return d.connection.prepare(append(list,
		prepared{&d.references, `SELECT p.flavor FROM timeslot_passages AS t JOIN passages AS p ON p.id = t.passage
			WHERE t.timeslot = coalesce(
				(SELECT id FROM timeslots WHERE begins <= ?1 ORDER BY begins DESC LIMIT 1),
				(SELECT id FROM timeslots ORDER BY begins DESC LIMIT 1)) -- the last one of the day before
			ORDER BY t.passage`},
		prepared{&d.songs, unusual("songs")},
		prepared{&d.artists, unusual("artists")},
		prepared{&d.works, unusual("works")},
		prepared{&d.passageSongs, "SELECT passage, song FROM passage_songs ORDER BY passage"},
		prepared{&d.songArtists, "SELECT song, artist, weight FROM song_artists ORDER BY song"},
		prepared{&d.songWorks, "SELECT song, work FROM song_works ORDER BY song"},
		prepared{&d.flavors, "SELECT id, flavor FROM passages ORDER BY id"},
		prepared{&d.flavorOf, "SELECT flavor FROM passages WHERE id = ?1"},
		prepared{&d.passage, "SELECT title, begins, ends FROM passages WHERE id = ?1"},
		prepared{&d.begin, "BEGIN IMMEDIATE"},
		prepared{&d.commit, "COMMIT"},
		prepared{&d.rollback, "ROLLBACK"},
	)...)
}

// References visits the reference flavors of the timeslot that holds the second.
func (d *director) References(secondOfDay int, visit func(*player.Flavor)) error {
	var flavor player.Flavor
	return d.each(d.references, func() error {
		if err := flavor.Unpack(d.packed(d.references, 0)); err != nil {
			return err
		}
		visit(&flavor)
		return nil
	}, int64(secondOfDay))
}

// FlavorOf reads the flavor of one passage; NotFound when there is none.
func (d *director) FlavorOf(passage int64, into *player.Flavor) error {
	found := false
	err := d.each(d.flavorOf, func() error {
		found = true
		return into.Unpack(d.packed(d.flavorOf, 0))
	}, passage)
	if err == nil && !found {
		err = d.unknown("flavor", passage)
	}
	return err
}

// Passage reads one passage; NotFound when there is none.
func (d *director) Passage(id int64) (player.Passage, error) {
	var p player.Passage
	err := d.each(d.passage, func() error {
		p = player.Passage{
			ID:    id,
			Title: d.passage.ColumnText(0),
			Start: player.Ticks(d.passage.ColumnInt64(1)),
			End:   player.Ticks(d.passage.ColumnInt64(2)),
		}
		return nil
	}, id)
	if err == nil && p.ID == 0 {
		err = d.unknown("passage", id)
	}
	return p, err
}
