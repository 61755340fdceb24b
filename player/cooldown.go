package player

// Cooldowns as they are set by default: nothing of an entity is heard again
// before the minimum, and its probability climbs back over the ramp.
const (
	SongMinimum   = 7 * Day
	SongRamp      = 14 * Day
	ArtistMinimum = 2 * Hour
	ArtistRamp    = 4 * Hour
	WorkMinimum   = 3 * Day
	WorkRamp      = 7 * Day
)

// A Standing is what a song, artist or work brings to the choice: its base
// probability (0 to 1000, 1 by default) and how it cools down.
type Standing struct {
	Base       float64
	Minimum    Ticks
	Ramp       Ticks
	LastPlayed Ticks
	Played     bool // false: never; LastPlayed means nothing
}

// Multiplier is the cooldown at target: 0 until Minimum has passed since the
// entity was last played, then climbing linearly to 1 over Ramp. It is 0, too,
// for an entity that is played after target.
func (s Standing) Multiplier(target Ticks) float64 {
	if !s.Played {
		return 1
	}
	elapsed := target - s.LastPlayed
	switch {
	case elapsed < s.Minimum:
		return 0
	case elapsed < s.Minimum+s.Ramp:
		return float64(elapsed-s.Minimum) / float64(s.Ramp)
	default:
		return 1
	}
}

// Cooldowns remember when songs, artists and works were last played. Part of
// module pd.
type Cooldowns struct {
	Lane  Lane
	store CooldownStore
}

// NewCooldowns returns the part over its store.
func NewCooldowns(store CooldownStore, verbatim bool) *Cooldowns {
	return &Cooldowns{Lane: NewLane("cooldowns", verbatim), store: store}
}

// Record sets last_played of the passage's songs, their artists and their works
// to at, durably.
func (c *Cooldowns) Record(passage int64, at Ticks) error {
	rows, err := c.store.RecordPlayed(passage, at)
	if err != nil {
		return fail(Unavailable, "cooldowns: record", err)
	}
	c.Lane.Record("record", "", passage, int64(at), int64(rows))
	return nil
}
