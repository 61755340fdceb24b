package player

import "strconv"

// A Fact is one thing that a player tells of how it was really opened, as against
// how it was asked to be: what its codec makes of a known value, how many messages
// share a commit.
type Fact struct {
	Name  string
	Value string
	Own   bool // of this style alone: another need not have the same, or any
}

// Described is what tells facts about itself. Every style does; facts are read
// from what works, not from the Config, and do not change while it does.
type Described interface {
	Describe() []Fact
}

// Describe tells what the parts do whatever joins them.
func (p *Parts) Describe() []Fact {
	sound := "none"
	if p.Playback.deck != nil {
		sound = "deck"
	}
	audience := "none"
	if p.Broadcast.audience != nil {
		audience = "one"
	}
	return []Fact{
		{Name: "batch", Value: strconv.Itoa(p.Batch.limit)},
		{Name: "pace", Value: string(p.Pace.mode)},
		{Name: "sound", Value: sound},
		{Name: "audience", Value: audience},
		{Name: "witnessed", Value: strconv.FormatBool(!p.Queue.Lane.Quiet)},
	}
}
