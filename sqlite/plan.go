package sqlite

import (
	"math/rand/v2"
	"slices"
	"strings"

	"rubato/player"
)

// A plan is a library before it is written, without its flavors, which are drawn one by
// one during writing. Ids are positions from 1.
//
// It uses only + - × ÷ and square root, which are exact on every processor. With a
// logarithm, or a product fused with a sum, one seed would make different libraries on
// arm64 and amd64.
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

// Streams of random numbers, one for each subject, so that a change of one leaves the
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

// makePassages gives most passages their own song. Of 100 passages, 2 have none, 2 have
// two, and 3 play a song of an earlier passage.
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

// performers are one artist; for 7 songs in 100 two, and for 1 three.
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

// anotherArtist favours the first artists: a few have many songs, most have few.
func (p *plan) anotherArtist(r *rand.Rand, not []share) int64 {
	for {
		x := r.Float64()
		artist := 1 + int64(x*x*float64(len(p.artists)))
		if !slices.ContainsFunc(not, func(s share) bool { return s.artist == artist }) {
			return artist
		}
	}
}

// worksOf gives most songs their own work. Of 100 songs, 10 have none, 10 are another
// version of a known work, and 2 are medleys of two.
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

// standing is base 1 and the usual cooldown, except for the few that a listener has set
// differently.
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

// A slot is a part of the day, with the passages that have its flavor.
type slot struct {
	name       string
	begins     int // second of the day
	references []int64
}

// makeSlots divides the day. The night lasts past midnight. The references of a slot have
// one style of music.
func (p *plan) makeSlots(r *rand.Rand) {
	p.slots = []slot{
		{name: "morning", begins: 6 * 3600},
		{name: "forenoon", begins: 9 * 3600},
		{name: "afternoon", begins: 13 * 3600},
		{name: "evening", begins: 18 * 3600},
		{name: "night", begins: 23 * 3600},
	}
	styles := r.Perm(musicStyles)
	for i := range p.slots {
		p.slots[i].references = p.some(3+r.IntN(6), uint8(styles[i]), r)
	}
}

// some draws n different passages, of this style while there are any.
func (p *plan) some(n int, style uint8, r *rand.Rand) []int64 {
	var chosen []int64
	for _, i := range r.Perm(len(p.passages)) {
		if len(chosen) < n && p.passages[i].style == style {
			chosen = append(chosen, int64(i)+1)
		}
	}
	for id := int64(1); len(chosen) < min(n, 3); id++ {
		if !slices.Contains(chosen, id) {
			chosen = append(chosen, id)
		}
	}
	slices.Sort(chosen)
	return chosen
}

// Epoch is where the history of a made library ends and a scenario may begin:
// 2026-01-01T00:00:00Z.
const Epoch = 1_767_225_600 * player.Second

// historyHours is the length of the history, with a passage an hour. It is twice the
// longest cooldown, so that at Epoch as many songs are cooling down as at any later time,
// if a passage is played every hour.
const historyHours = 2 * 2 * 21 * 24

// play fills the history: each hour a passage that its cooldowns allow. It draws passages
// until it accepts one, with its weight as the probability. That gives the steady state
// of a listener without taste.
func (p *plan) play(r *rand.Rand) {
	const tries = 1000 // then this hour stays silent: in a small library everything may be cooling down
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

// weight is base × cooldown, as in player.Director.
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

// musicStyles is the number of styles of music in a library. The passages of a style lie
// around its middle, so that some are near a timeslot's flavor and most are not, as with
// real recordings.
const musicStyles = 12

// flavors makes the flavor vectors of a library, one by one.
type flavors struct {
	r       *rand.Rand
	middles [musicStyles]player.Flavor
}

func newFlavors(r *rand.Rand) *flavors {
	f := &flavors{r: r}
	for style := range f.middles {
		for _, c := range player.Categories {
			values := f.middles[style].Values[c.First : c.First+len(c.Elements)]
			for i := range values {
				values[i] = 0.02 + f.peak()
			}
			normalise(values)
		}
	}
	return f
}

// of makes the flavor of one passage of this style of music. 3 passages in 100 lack some
// categories, like a recording whose analysis failed in part.
func (f *flavors) of(style uint8) player.Flavor {
	var flavor player.Flavor
	middle := &f.middles[style].Values
	partial := f.r.IntN(100) < 3
	for i, c := range player.Categories {
		if partial && f.r.IntN(4) == 0 {
			continue
		}
		flavor.Present |= 1 << i
		values := flavor.Values[c.First : c.First+len(c.Elements)]
		for j := range values {
			scattered := middle[c.First+j] * f.peak()
			values[j] = 0.001 + float64(scattered)
		}
		normalise(values)
	}
	return flavor
}

// peak is mostly below 1 and sometimes large, up to 20. Normalised, one or two elements of
// a category then dominate, as in the output of classifiers.
func (f *flavors) peak() float64 {
	u := f.r.Float64()
	return u / (1.05 - u)
}

func normalise(values []float64) {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	for i := range values {
		values[i] /= sum
	}
}

// Words for titles and names, so that pages and logs look like those of a player.
var (
	adjectives = strings.Fields("Amber Borrowed Broken Burning Crooked Distant Electric Empty Faded Gentle Golden Hollow Idle Late Little Lonely Lost Midnight Northern Paper Quiet Restless Scarlet Second Silver Slow Stolen Sudden Tender Velvet Wandering Winter")
	nouns      = strings.Fields("Avenue Bridge Candle City Clock Coast Dance Door Dream Ember Field Fire Garden Harbour Heart Hour Letter Lighthouse Mirror Moon Mountain Ocean Orchard Parade Rain River Season Shadow Station Summer Time Window")
	forenames  = strings.Fields("Ada Anton Bela Carla Cecil Clara Dora Edgar Elena Emil Fanny Felix Greta Hugo Ines Ivan Jonas Judith Karl Lena Leo Maria Nadia Otto Paula Rosa Simon Theo Ursula Vera Willem Zoe")
	surnames   = strings.Fields("Abel Bach Becker Brandt Castell Dahl Eklund Faber Gruber Hahn Holm Ibsen Jensen Keller Lind Marek Moreau Nagy Novak Olsen Petrov Quist Rossi Sand Silva Tanaka Urban Vidal Weiss Winter Young Zeller")
)

func word(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

func title(r *rand.Rand) string {
	switch r.IntN(4) {
	case 0:
		return word(r, nouns) + " of the " + word(r, nouns)
	case 1:
		return "The " + word(r, adjectives) + " " + word(r, nouns)
	case 2:
		return word(r, adjectives) + " " + word(r, nouns) + " in " + word(r, surnames)
	default:
		return word(r, adjectives) + " " + word(r, nouns)
	}
}

func band(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		return "The " + word(r, adjectives) + " " + word(r, nouns) + "s"
	}
	return word(r, forenames) + " " + word(r, surnames)
}
