package sqlite

import (
	"math/rand/v2"

	"rubato/player"
)

// A plan is a library before it is written: all but the flavors, which are made
// one by one as they are written. Ids are positions from 1.
//
// It uses only + - × ÷ and square root, which are exact on every processor; a
// logarithm, or a product fused with a sum, would make another library on arm64
// than on amd64 from the same seed.
type plan struct {
	passages []passage
	songs    []song
	artists  []entity
	works    []entity
	slots    []slot
}

type passage struct {
	title      string
	style      uint8 // of music: passages of one style lie near one another
	begins     player.Ticks
	ends       player.Ticks
	lead, fade player.Ticks
	songs      []int64
}

// An entity is a song, artist or work.
type entity struct {
	name string
	player.Standing
}

type song struct {
	entity
	artists []share
	works   []int64
}

// A share is an artist's part in a song.
type share struct {
	artist int64
	weight float64
}

// Streams of random numbers, one a subject, so that a change of one leaves the
// others alone.
const (
	streamPassages = iota + 1
	streamSongs
	streamArtists
	streamWorks
	streamSlots
	streamHistory
	streamFlavors
)

func stream(seed, subject uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, subject)) }

func newPlan(spec Library) *plan {
	p := new(plan)
	p.makePassages(spec.Passages, stream(spec.Seed, streamPassages))
	p.makeArtists(stream(spec.Seed, streamArtists))
	p.makeSongs(stream(spec.Seed, streamSongs), stream(spec.Seed, streamWorks))
	p.makeSlots(stream(spec.Seed, streamSlots))
	p.play(stream(spec.Seed, streamHistory))
	p.sound(spec.Tracks)
	return p
}

// makePassages gives most passages a song of their own; 2 in 100 have none, 2
// have two, and 3 play a song that an earlier passage plays, too.
func (p *plan) makePassages(n int, r *rand.Rand) {
	p.passages = make([]passage, n)
	songs := int64(0)
	for i := range p.passages {
		x := &p.passages[i]
		x.title = title(r)
		x.style = uint8(r.IntN(musicStyles))
		x.begins = milliseconds(max(0, r.IntN(25_000)-20_000)) // most begin with their file
		x.ends = x.begins + milliseconds(120_000+r.IntN(240_001))
		x.lead = milliseconds(1_000 + 500*r.IntN(5)) // 2 s on average
		x.fade = milliseconds(500 * r.IntN(3))
		switch lot := r.IntN(100); {
		case lot < 2:
		case lot < 4:
			x.songs = []int64{songs + 1, songs + 2}
			songs += 2
		case lot < 7 && songs > 0:
			x.songs = []int64{1 + r.Int64N(songs)}
		default:
			songs++
			x.songs = []int64{songs}
		}
	}
	p.songs = make([]song, songs)
}

func milliseconds(n int) player.Ticks { return player.Ticks(n) * player.Second / 1000 }

// makeArtists makes a tenth as many artists as songs.
func (p *plan) makeArtists(r *rand.Rand) {
	p.artists = make([]entity, max(3, len(p.songs)/10))
	for i := range p.artists {
		p.artists[i] = entity{band(r), standing(r, player.ArtistMinimum, player.ArtistRamp)}
	}
}

func (p *plan) makeSongs(r, worksRand *rand.Rand) {
	for i := range p.songs {
		s := &p.songs[i]
		s.entity = entity{title(r), standing(r, player.SongMinimum, player.SongRamp)}
		s.artists = p.performers(r)
		s.works = p.worksOf(s.name, worksRand)
	}
}

// performers are one artist; two for 7 songs in 100; three for 1.
func (p *plan) performers(r *rand.Rand) []share {
	weights := [][]float64{{1}, {0.5, 0.5}, {0.75, 0.25}, {0.5, 0.25, 0.25}}
	pick := 0
	switch lot := r.IntN(100); {
	case lot < 4:
		pick = 1
	case lot < 7:
		pick = 2
	case lot < 8:
		pick = 3
	}
	var list []share
	for _, w := range weights[pick] {
		list = append(list, share{p.anotherArtist(r, list), w})
	}
	return list
}

// anotherArtist favours the first: some artists fill shelves, most have little.
func (p *plan) anotherArtist(r *rand.Rand, not []share) int64 {
	for {
		x := r.Float64()
		artist := 1 + int64(x*x*float64(len(p.artists)))
		taken := false
		for _, s := range not {
			taken = taken || s.artist == artist
		}
		if !taken {
			return artist
		}
	}
}

// worksOf makes a work of the song's own; 10 songs in 100 have none, 10 are
// another version of a known work, 2 are medleys of two.
func (p *plan) worksOf(name string, r *rand.Rand) []int64 {
	known := int64(len(p.works))
	lot := r.IntN(100)
	switch {
	case lot < 10:
		return nil
	case lot < 20 && known > 0:
		return []int64{1 + r.Int64N(known)}
	}
	p.works = append(p.works, entity{name, standing(r, player.WorkMinimum, player.WorkRamp)})
	own := known + 1
	if lot < 22 && known > 0 {
		return []int64{1 + r.Int64N(known), own}
	}
	return []int64{own}
}

// standing is base 1 and the usual cooldown, but for the few that somebody has
// set otherwise.
func standing(r *rand.Rand, minimum, ramp player.Ticks) player.Standing {
	s := player.Standing{Base: 1, Minimum: minimum, Ramp: ramp}
	set := [...]float64{0.1, 0.25, 0.5, 0.75, 1.5, 2, 3, 5, 10, 1000}
	switch lot := r.IntN(1000); {
	case lot < 4:
		s.Base = 0
	case lot < 40:
		s.Base = set[r.IntN(len(set)-1)]
	case lot < 41:
		s.Base = set[len(set)-1]
	}
	switch lot := r.IntN(100); {
	case lot < 1:
		s.Minimum, s.Ramp = minimum*2, ramp*2
	case lot < 2:
		s.Minimum, s.Ramp = minimum/2, ramp/2
	}
	return s
}
