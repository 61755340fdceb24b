package scenarios

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"

	"rubato/player"
)

// people are those who listen: a function of the seed and of the player's time alone,
// so that every style has the same ones at any pace.
//
// Who pauses goes on some seconds later, and nobody skips or pauses meanwhile.
type people struct {
	seed   uint64
	start  player.Ticks
	second int               // since then, as far as they have made up their minds
	coming []player.Stimulus // in that second, soonest first; one of no kind is a question
	resume player.Ticks      // when whoever has paused goes on; 0: nobody has
	said   int               // messages
	acted  int64             // all that they did
}

func newPeople(seed uint64, start player.Ticks) *people { return &people{seed: seed, start: start} }

// How often, on average, in seconds.
const (
	looking  = 2
	turning  = 45
	wishing  = 240
	pausing  = 300
	skipping = 400
	longing  = 600 // for the flavor of a passage

	mostTalk = 20 // messages a second when the talk is liveliest; it is livelier in some minutes than in others
)

// next is what somebody does until at, if anything.
func (p *people) next(at player.Ticks) (player.Stimulus, bool) {
	for len(p.coming) == 0 {
		if p.start+player.Ticks(p.second)*player.Second > at {
			return player.Stimulus{}, false
		}
		p.decide()
	}
	if p.coming[0].At > at {
		return player.Stimulus{}, false
	}
	s := p.coming[0]
	p.coming = p.coming[1:]
	p.acted++
	return s, true
}

// decide draws what happens in the next second.
func (p *people) decide() {
	second := p.start + player.Ticks(p.second)*player.Second
	r := rand.New(rand.NewPCG(p.seed, uint64(p.second)))
	lively := int(stir(p.seed, p.second/60) % (mostTalk + 1))
	p.second++
	p.coming = p.coming[:0]
	add := func(s player.Stimulus) {
		s.At = second + player.Ticks(r.IntN(1000))*player.Second/1000
		p.coming = append(p.coming, s)
	}
	for range r.IntN(lively + 1) {
		s := say(p.seed, p.said)
		p.said++
		add(s)
	}
	if r.IntN(looking) == 0 {
		add(player.Stimulus{})
	}
	if r.IntN(turning) == 0 {
		add(player.Stimulus{Kind: player.VolumeSet, Volume: 20 + r.IntN(player.MaxVolume-19)})
	}
	if r.IntN(wishing) == 0 {
		add(player.Stimulus{Kind: player.Wanted, Passage: 1 + r.Int64N(musicPassages)})
	}
	if r.IntN(longing) == 0 {
		add(player.Stimulus{Kind: player.FlavorWanted, Passage: 1 + r.Int64N(musicPassages), Until: second + 10*player.Minute})
	}
	p.command(second, r, add)
	slices.SortStableFunc(p.coming, func(a, b player.Stimulus) int { return cmp.Compare(a.At, b.At) })
}

// command has at most one command a second come.
func (p *people) command(second player.Ticks, r *rand.Rand, add func(player.Stimulus)) {
	pause, skip := r.IntN(pausing) == 0, r.IntN(skipping) == 0
	switch {
	case p.resume > second:
	case p.resume > 0:
		p.resume = 0
		add(player.Stimulus{Kind: player.Control, Command: player.Play})
	case pause && p.second > 10:
		p.resume = second + player.Ticks(2+r.IntN(10))*player.Second
		add(player.Stimulus{Kind: player.Control, Command: player.Pause})
	case skip:
		add(player.Stimulus{Kind: player.Control, Command: player.Skip})
	}
}

// pose has the player do what somebody wants.
func (w *evening) pose(s player.Stimulus) error {
	switch s.Kind {
	case 0:
		_, err := w.front.Status(context.Background())
		return err
	case player.MessageSaid:
		s.Message.At = s.At
		w.due++
	}
	return w.do(s)
}
