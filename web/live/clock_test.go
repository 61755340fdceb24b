package live

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"rubato/player"
)

// playedAt is a store in which one song was played.
type playedAt struct {
	player.Store
	player.DirectorStore
	at player.Ticks
}

func (s playedAt) Director() player.DirectorStore { return s }

func (s playedAt) Songs(_ player.Ticks, visit func(int64, player.Standing)) error {
	visit(1, player.Standing{Played: true, LastPlayed: s.at})
	return nil
}

// Whatever the time of day is and was, the player's time begins at or after its newest record,
// goes on, and stays where it can be counted; the next session continues it.
func TestClockWithoutBattery(t *testing.T) {
	t.Parallel()
	const epoch = 1_767_225_600 * player.Second // 2026-01-01, as a made library has it
	now := time.Now()
	played := epoch + 40*player.Day
	for name, c := range map[string]struct {
		begun time.Time
		mute  bool
		want  player.Ticks // at the start, to within a minute
	}{
		"right":             {now.Add(-50 * 24 * time.Hour), false, epoch + 50*player.Day},
		"right, mute":       {now.Add(-24 * time.Hour), true, epoch + Speed*player.Day},
		"1970":              {time.Unix(600, 0), false, played},
		"1970, mute":        {time.Unix(600, 0), true, played},
		"in the future":     {now.Add(20 * 365 * 24 * time.Hour), false, played},
		"far, mute":         {now.Add(20 * 365 * 24 * time.Hour), true, played},
		"behind its record": {now.Add(-10 * 24 * time.Hour), false, played},
	} {
		path := filepath.Join(t.TempDir(), "begun")
		if err := writeBegun(path, c.begun); err != nil {
			t.Fatal(err)
		}
		for session := range 2 {
			k, err := Deps{Epoch: epoch}.clock(serveConfig{mute: c.mute}, path, playedAt{at: played})
			if err != nil {
				t.Fatal(name, err)
			}
			minute := k.speed * player.Minute
			if k.start < c.want-minute || k.start > c.want+minute {
				t.Errorf("%s, session %d: starts %v days after the epoch, want %v", name, session+1, (k.start-epoch)/player.Day, (c.want-epoch)/player.Day)
			}
			last := k.start
			for _, since := range []time.Duration{time.Second, time.Hour, 24 * time.Hour, longestAway} {
				at := k.at(k.began.Add(since))
				if at-last <= 0 || at-k.start != k.speed*player.Ticks(since/time.Second)*player.Second {
					t.Errorf("%s: %v after the start it is %v, before it was %v", name, since, at, last)
				}
				last = at
			}
		}
		if _, err := os.Stat(path + ".part"); err == nil {
			t.Errorf("%s: half a file is left", name)
		}
	}
}
