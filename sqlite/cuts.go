package sqlite

import (
	"fmt"

	"rubato/player"

	"zombiezen.com/go/sqlite"
)

// cuts is module ap's view: where the sound of a passage is.
type cuts struct {
	*connection
	cut *sqlite.Stmt
}

func (c *cuts) prepare() error {
	return c.connection.prepare(prepared{&c.cut, `SELECT
		coalesce((SELECT r.path FROM passage_recordings AS l JOIN recordings AS r ON r.id = l.recording WHERE l.passage = p.id), ''),
		begins, ends, fade_in, fade_out, lead_in, lead_out, fade_in_curve, fade_out_curve,
		(SELECT count(*) FROM passage_songs AS s WHERE s.passage = p.id)
		FROM passages AS p WHERE id = ?1`})
}

// Cut reads one passage's; NotFound when there is none.
func (c *cuts) Cut(passage int64) (player.Cut, error) {
	var cut player.Cut
	err := c.each(c.cut, func() error {
		ticks := func(column int) player.Ticks { return player.Ticks(c.cut.ColumnInt64(column)) }
		cut = player.Cut{
			Passage: passage,
			File:    c.cut.ColumnText(0),
			Start:   ticks(1), End: ticks(2),
			FadeIn: ticks(3), FadeOut: ticks(4),
			LeadIn: ticks(5), LeadOut: ticks(6),
			InCurve: player.Curve(c.cut.ColumnText(7)), OutCurve: player.Curve(c.cut.ColumnText(8)),
		}
		cut.Boundaries = boundaries(cut.End-cut.Start, c.cut.ColumnInt64(9))
		return nil
	}, passage)
	if err == nil && cut.Passage == 0 {
		err = c.unknown("cut", passage)
	}
	return cut, err
}

// boundaries are where the second, third … song of a passage begins: at equal
// parts, on whole frames, because the library does not know better.
func boundaries(length player.Ticks, songs int64) []player.Ticks {
	var list []player.Ticks
	for i := int64(1); i < songs; i++ {
		part := length / player.Ticks(songs) * player.Ticks(i)
		list = append(list, part-part%player.TicksPerFrame)
	}
	return list
}

// unknown is the error for a passage that the library does not have.
func (c *connection) unknown(what string, passage int64) error {
	return &player.Error{Code: player.NotFound, Op: "sqlite: " + what, Err: fmt.Errorf("no passage %d in %s", passage, c.path)}
}
