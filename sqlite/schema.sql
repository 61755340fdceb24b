-- The library and what the player remembers. Times and spans are in ticks,
-- 28 224 000 a second; instants count from 1970-01-01 UTC.

CREATE TABLE passages (
	id             INTEGER PRIMARY KEY,
	flavor         BLOB    NOT NULL, -- player.Flavor packed; first, because every selection reads it
	title          TEXT    NOT NULL,
	begins         INTEGER NOT NULL, -- within its file
	ends           INTEGER NOT NULL,
	fade_in        INTEGER NOT NULL, -- how long each takes
	lead_in        INTEGER NOT NULL,
	lead_out       INTEGER NOT NULL,
	fade_out       INTEGER NOT NULL,
	fade_in_curve  TEXT    NOT NULL,
	fade_out_curve TEXT    NOT NULL
) STRICT;

-- What a passage sounds from. A passage that is not here is silent.

CREATE TABLE recordings (
	id   INTEGER PRIMARY KEY,
	path TEXT    NOT NULL
) STRICT;

CREATE TABLE passage_recordings (
	passage   INTEGER PRIMARY KEY REFERENCES passages,
	recording INTEGER NOT NULL REFERENCES recordings
) STRICT;

CREATE TABLE songs (
	id          INTEGER PRIMARY KEY,
	title       TEXT    NOT NULL,
	base        REAL    NOT NULL, -- 0 to 1000
	minimum     INTEGER NOT NULL,
	ramp        INTEGER NOT NULL,
	last_played INTEGER           -- NULL: never
) STRICT;

CREATE TABLE artists (
	id          INTEGER PRIMARY KEY,
	name        TEXT    NOT NULL,
	base        REAL    NOT NULL,
	minimum     INTEGER NOT NULL,
	ramp        INTEGER NOT NULL,
	last_played INTEGER
) STRICT;

CREATE TABLE works (
	id          INTEGER PRIMARY KEY,
	title       TEXT    NOT NULL,
	base        REAL    NOT NULL,
	minimum     INTEGER NOT NULL,
	ramp        INTEGER NOT NULL,
	last_played INTEGER
) STRICT;

-- Links lie in the order in which a selection reads them.

CREATE TABLE passage_songs (
	passage INTEGER NOT NULL REFERENCES passages,
	song    INTEGER NOT NULL REFERENCES songs,
	PRIMARY KEY (passage, song)
) STRICT, WITHOUT ROWID;

CREATE TABLE song_artists (
	song   INTEGER NOT NULL REFERENCES songs,
	artist INTEGER NOT NULL REFERENCES artists,
	weight REAL    NOT NULL, -- those of a song sum to 1
	PRIMARY KEY (song, artist)
) STRICT, WITHOUT ROWID;

CREATE TABLE song_works (
	song INTEGER NOT NULL REFERENCES songs,
	work INTEGER NOT NULL REFERENCES works,
	PRIMARY KEY (song, work)
) STRICT, WITHOUT ROWID;

CREATE TABLE timeslots (
	id     INTEGER PRIMARY KEY,
	name   TEXT    NOT NULL,
	begins INTEGER NOT NULL UNIQUE -- second of the day, UTC; lasts until the next one begins
) STRICT;

CREATE TABLE timeslot_passages (
	timeslot INTEGER NOT NULL REFERENCES timeslots,
	passage  INTEGER NOT NULL REFERENCES passages,
	PRIMARY KEY (timeslot, passage)
) STRICT, WITHOUT ROWID;

CREATE TABLE play_history (
	id      INTEGER PRIMARY KEY,
	passage INTEGER NOT NULL REFERENCES passages,
	began   INTEGER NOT NULL,
	ended   INTEGER NOT NULL,
	reason  TEXT    NOT NULL -- why it ended
) STRICT;

CREATE TABLE messages (
	id        INTEGER PRIMARY KEY, -- rows are never deleted, so the last id counts them
	username  TEXT    NOT NULL,
	message   TEXT    NOT NULL,
	timestamp INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
	username TEXT    NOT NULL PRIMARY KEY,
	messages INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
	key   TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
