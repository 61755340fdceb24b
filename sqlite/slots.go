package sqlite

import (
	"math/rand/v2"
	"slices"
)

// A slot is a part of the day with the passages that sound like it.
type slot struct {
	name       string
	begins     int // second of the day
	references []int64
}

// makeSlots divides the day; the night lasts past midnight. The references of a
// slot are of one style of music.
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

// some draws n different passages, of this style as long as there are any.
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
