package live

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"rubato/player"
)

// clock maps real time to the player's time.
type clock struct {
	began time.Time    // when this session began; its monotonic reading does not jump when the time of day is set
	start player.Ticks // the player's time then
	speed player.Ticks // the player's seconds in a real second
}

// at is the player's time. Before began it is start.
func (c clock) at(now time.Time) player.Ticks {
	return c.start + c.speed*ticksOf(max(0, now.Sub(c.began)))
}

func ticksOf(d time.Duration) player.Ticks {
	seconds, rest := d/time.Second, d%time.Second
	return player.Ticks(seconds)*player.Second + player.Ticks(rest)*player.Second/player.Ticks(time.Second)
}

// longestAway is how long a library may have been in use by the time of day. More means that
// the clock was wrong, now or then, and would overflow the player's time at Speed.
const longestAway = 10 * 365 * 24 * time.Hour

// clock continues the player's time, which is kept as the time of day at which the library was
// first used. A machine without a battery may start in 1970, or anywhere. If the time of day
// is before that of first use, too long after it, or behind what the library has recorded,
// the player's time goes on from the newest record.
func (d Deps) clock(c serveConfig, path string, store player.Store) (clock, error) {
	now := time.Now()
	begun, err := readBegun(path, now)
	if err != nil {
		return clock{}, err
	}
	k := clock{began: now, start: d.Epoch, speed: 1}
	if c.mute {
		k.speed = Speed
	}
	away := now.Sub(begun)
	right := away >= 0 && away <= longestAway
	if right {
		k.start += k.speed * ticksOf(away)
	}
	newest := k.start
	err = store.Director().Songs(k.start, func(_ int64, s player.Standing) {
		if s.Played {
			newest = max(newest, s.LastPlayed)
		}
	})
	if err != nil {
		return clock{}, err
	}
	if right && newest <= k.start+player.Day { // what waited in the queue is recorded ahead of time
		return k, nil
	}
	k.start = newest
	used := time.Duration((newest-d.Epoch)/player.Second/k.speed) * time.Second
	return k, writeBegun(path, now.Add(-used))
}

// readBegun is the time in the file. A missing file gets the present time.
func readBegun(path string, now time.Time) (time.Time, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		now = now.Truncate(time.Second)
		return now, writeBegun(path, now)
	}
	if err != nil {
		return time.Time{}, err
	}
	begun, err := time.Parse(time.RFC3339, strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff")))
	if err != nil {
		return time.Time{}, fmt.Errorf("%s does not hold a time: remove the data folder, or write a time such as 2026-01-02T15:04:05Z", path)
	}
	return begun, nil
}

// writeBegun writes the file in one step: half of it would be no time.
func writeBegun(path string, begun time.Time) error {
	part := path + ".part"
	if err := os.WriteFile(part, []byte(begun.UTC().Format(time.RFC3339)+"\n"), 0o644); err != nil {
		return err
	}
	return os.Rename(part, path)
}
