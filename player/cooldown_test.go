package player

import "testing"

func TestMultiplier(t *testing.T) {
	t.Parallel()
	for _, e := range []struct {
		name          string
		minimum, ramp Ticks // in seconds, as published
	}{
		{"song", 604_800, 1_209_600},
		{"artist", 7_200, 14_400},
		{"work", 259_200, 604_800},
	} {
		s := map[string]Standing{
			"song":   {Minimum: SongMinimum, Ramp: SongRamp},
			"artist": {Minimum: ArtistMinimum, Ramp: ArtistRamp},
			"work":   {Minimum: WorkMinimum, Ramp: WorkRamp},
		}[e.name]
		s.Played, s.LastPlayed = true, 1000*Day
		minimum, ramp := e.minimum*Second, e.ramp*Second
		for _, c := range []struct {
			elapsed Ticks
			want    float64
		}{
			{-Day, 0}, {0, 0}, {minimum / 2, 0}, {minimum - 1, 0}, {minimum, 0},
			{minimum + 1, 1 / float64(ramp)}, {minimum + ramp/4, 0.25}, {minimum + ramp/2, 0.5},
			{minimum + ramp - 1, float64(ramp-1) / float64(ramp)}, {minimum + ramp, 1}, {minimum + ramp + 1, 1}, {1000 * Day, 1},
		} {
			if got := s.Multiplier(s.LastPlayed + c.elapsed); got != c.want {
				t.Errorf("%s, %v after its play: %v, want %v", e.name, c.elapsed.Duration(), got, c.want)
			}
		}
	}
}

func TestMultiplierOfUnusualStandings(t *testing.T) {
	t.Parallel()
	never := Standing{Minimum: Day, Ramp: Day, LastPlayed: 50 * Day}
	if got := never.Multiplier(50 * Day); got != 1 {
		t.Errorf("never played: %v, want 1", got)
	}
	sudden := Standing{Minimum: Day, Played: true}
	for at, want := range map[Ticks]float64{Day - 1: 0, Day: 1} {
		if got := sudden.Multiplier(at); got != want {
			t.Errorf("without a ramp, at %d: %v, want %v", at, got, want)
		}
	}
	always := Standing{Played: true}
	if got := always.Multiplier(0); got != 1 {
		t.Errorf("without a cooldown: %v, want 1", got)
	}
}

func TestRecordCooldown(t *testing.T) {
	t.Parallel()
	c := NewCooldowns(&shelf{}, true)
	if err := c.Record(7, 9); err != nil || len(c.Lane.Lines) != 1 || c.Lane.Lines[0] != "record 7 9 3" {
		t.Errorf("lane %q, %v", c.Lane.Lines, err)
	}
	broken := NewCooldowns(&shelf{err: errShelf}, true)
	if err := broken.Record(7, 9); CodeOf(err) != Unavailable || broken.Lane.Count != 0 {
		t.Errorf("a failed record: %v, lane %q", err, broken.Lane.Lines)
	}
}
