package sqlite

import (
	"math/rand/v2"

	"rubato/player"
)

// Epoch is where the history of a made library ends and a scenario may begin:
// 2026-01-01T00:00:00Z.
const Epoch = 1_767_225_600 * player.Second

// historyHours is how long a made library has been listened to, a passage an
// hour. Twice the longest cooldown, so that as many songs cool down at Epoch as
// will at any time after it, if a passage is played every hour.
const historyHours = 2 * 2 * 21 * 24

// play lives through the history: each hour a passage that its cooldowns allow.
// It draws passages until it accepts one, by its weight; that leaves the steady
// state of a listener without taste, which is all that cooldowns know of one.
func (p *plan) play(r *rand.Rand) {
	const tries = 1000 // then this hour passes in silence: a small library is all cooling
	for hour := historyHours; hour > 0; hour-- {
		at := Epoch - player.Ticks(hour)*player.Hour
		for range tries {
			x := &p.passages[r.IntN(len(p.passages))]
			if r.Float64() < p.weight(x, at) {
				p.hear(x, at)
				break
			}
		}
	}
}

// weight is base × cooldown as player.Director has it.
func (p *plan) weight(x *passage, at player.Ticks) float64 {
	if len(x.songs) == 0 {
		return 0
	}
	weight := 1.0
	for _, id := range x.songs {
		s := &p.songs[id-1]
		artists := 0.0
		for _, a := range s.artists {
			artist := &p.artists[a.artist-1]
			artists += float64(a.weight * artist.Base)
			weight *= artist.Multiplier(at)
		}
		weight *= s.Base * s.Multiplier(at) * artists
		for _, w := range s.works {
			work := &p.works[w-1]
			weight *= work.Base * work.Multiplier(at)
		}
	}
	return weight
}

func (p *plan) hear(x *passage, at player.Ticks) {
	for _, id := range x.songs {
		s := &p.songs[id-1]
		s.LastPlayed, s.Played = at, true
		for _, a := range s.artists {
			p.artists[a.artist-1].LastPlayed, p.artists[a.artist-1].Played = at, true
		}
		for _, w := range s.works {
			p.works[w-1].LastPlayed, p.works[w-1].Played = at, true
		}
	}
}
