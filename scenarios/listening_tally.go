package scenarios

import (
	"context"
	"fmt"
	"maps"

	"rubato/player"
	"rubato/runner"
)

// A tally is how much has come of all that was asked, counted where it came out.
type tally struct {
	due        int64 // what effects are expected of: transitions, or messages
	rows       int64 // of messages, and what users' counters add up to, in the database
	plays      int64 // of play history, in the database
	periods    int64 // mixed
	crossfades int64 // heard of
	starts     int64 // of passages, heard of
	playing    int64 // passages that have been started and have not ended: 0 or 1
}

// count takes the tally.
func (l *listening) count(seen player.Observation) (tally, error) {
	status, err := l.front.Status(context.Background())
	passed, _ := l.deck.passes()
	t := tally{
		due:        l.due,
		rows:       stored(seen),
		plays:      seen.Stored.Plays,
		periods:    int64(seen.Sound.Frames) / int64(l.frames),
		crossfades: l.hall.count(player.Crossfading),
		// The next song of a passage is heard of, too.
		starts: l.hall.count(player.SongChanged) - passed[player.BoundaryMark],
	}
	if status.Passage != 0 {
		t.playing = 1
	}
	return t, err
}

func (t tally) since(before tally) tally {
	return tally{t.due - before.due, t.rows - before.rows, t.plays - before.plays, t.periods - before.periods,
		t.crossfades - before.crossfades, t.starts - before.starts, t.playing - before.playing}
}

// Prepare notes how much has come so far.
func (l *listening) Prepare(_, n int) error {
	l.ops = n
	l.took.Reset()
	l.deck.figures(l.frames) // from here on
	seen, err := l.front.Observe(context.Background())
	if err == nil {
		l.before, err = l.count(seen)
	}
	return err
}

// Work counts what has come since Prepare, and digests all lanes, what is stored and
// every sample.
func (l *listening) Work() (runner.Work, error) {
	peak := peakMemory() // before the counting adds to it
	seen, err := l.front.Observe(context.Background())
	if err != nil {
		return runner.Work{}, err
	}
	if seen.Dropped > 0 {
		return runner.Work{}, fmt.Errorf("%d messages were dropped on the way", seen.Dropped)
	}
	after, err := l.count(seen)
	if err != nil {
		return runner.Work{}, err
	}
	w := runner.Work{Stimuli: int64(l.ops), Lanes: verbatim(seen),
		Digest: fmt.Sprintf("%s, %d refused, %d broken", l.digest(seen), l.refused, l.broken)}
	w.Effects, w.Expected = l.effects(l.before, after)
	w.Figures = map[string]float64{"refused": float64(l.refused), "broken": float64(l.broken), "unplayable": float64(l.unplayable)}
	if peak > 0 {
		w.Figures["memory"] = float64(peak)
	}
	maps.Copy(w.Figures, l.deck.figures(l.frames))
	return w, nil
}

// listeningMeasures are what every scenario of sound tells.
var listeningMeasures = []runner.Measure{
	{Name: "mix-one", Unit: "ns", Better: "less", Doc: "mixing 10 ms of one passage, and digesting it, in the median"},
	{Name: "mix-two", Unit: "ns", Better: "less", Doc: "mixing 10 ms of two passages, in the median"},
	{Name: "decode", Unit: "x", Better: "more", Doc: "how much faster than it plays the decoder decodes, opening and fading included"},
	{Name: "memory", Unit: "bytes", Better: "less", Doc: "most of this process that was in memory since the block began, the runner's own side in it, and in nats the server"},
	{Name: "refused", Better: "less", Doc: "stimuli so far that the player refused as it may: nothing to select, already queued, skipped too soon"},
	{Name: "unplayable", Better: "less", Doc: "files of the folder that cannot be played; each is named when the library is made"},
	{Name: "broken", Better: "less", Doc: "passages so far that the deck could not decode, and the player left out"},
}
