-- What a selection has to know of songs, artists and works: those that cool down
-- and those whose base is not 1. Each index holds every column that is asked
-- for, so that the tables themselves are not read. They are made after the rows.

CREATE INDEX songs_cooling ON songs (last_played + minimum + ramp, base, minimum, ramp, last_played) WHERE last_played IS NOT NULL;
CREATE INDEX songs_weighted ON songs (base, minimum, ramp, last_played) WHERE base <> 1;
CREATE INDEX artists_cooling ON artists (last_played + minimum + ramp, base, minimum, ramp, last_played) WHERE last_played IS NOT NULL;
CREATE INDEX artists_weighted ON artists (base, minimum, ramp, last_played) WHERE base <> 1;
CREATE INDEX works_cooling ON works (last_played + minimum + ramp, base, minimum, ramp, last_played) WHERE last_played IS NOT NULL;
CREATE INDEX works_weighted ON works (base, minimum, ramp, last_played) WHERE base <> 1;
