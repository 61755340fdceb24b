package scenarios

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/audio"
	"rubato/player"
	"rubato/runner"
	"rubato/sqlite"
	"rubato/web"
)

// listening is a style that plays music: the whole player, from the queue to the
// samples. It is driven as its output asks for frames, in the player's time, by one
// period after the other; what the deck has decoded or cannot decode becomes a
// stimulus in between. All comes through the one door that serve has, too.
//
// What an operation is, and what else happens, is its scenario's.
type listening struct {
	*workload
	deck  *tappedDeck
	hall  *hall
	front *web.Front
	// effects are what was done and what should have been, between two tallies.
	effects func(before, after tally) (effects, expected int64)
	digest  func(player.Observation) string

	frames  int          // of a period
	at      player.Ticks // when the next begins
	alive   player.Ticks // when something was passed, or a silent player was looked after
	posed   int          // stimuli so far
	silent  int          // periods in which nothing was passed, since something was
	settled time.Time    // when the last period had its last effect

	took       *hdrhistogram.Histogram // by the periods of this block
	ops        int                     // of this block
	due        int64                   // what effects are expected of, so far
	before     tally
	refused    int64 // stimuli that the player refused, as it may
	broken     int64 // passages that the deck could not decode
	unplayable int   // files that are not in the library
}

// listen opens a style that plays into output, which is closed with it.
func (s styleSet) listen(setup runner.Setup, output audio.Output, frames int) (*listening, error) {
	left, err := unplayable(setup)
	if err != nil {
		return nil, errors.Join(err, output.Close())
	}
	deck, err := openDeck(output)
	if err != nil {
		return nil, errors.Join(err, output.Close())
	}
	l := &listening{workload: &workload{}, deck: deck, hall: newHall(), digest: digest, took: newTimes(), frames: frames, unplayable: left,
		at: sqlite.Epoch + player.Hour, alive: sqlite.Epoch}
	if _, err := s.start(setup, l.workload, func(c *player.Config) { c.Deck, c.Audience = deck, l.hall }); err != nil {
		return nil, errors.Join(err, deck.Close())
	}
	l.front = web.NewFront(l.player, web.FrontConfig{})
	return l, nil
}

// period has the next frames mixed, and tells what became of passages meanwhile.
func (l *listening) period() error {
	before, _ := l.deck.passes()
	err := audio.Pump(context.Background(), l.deck.Deck, audio.Pumping{Frames: l.frames, Start: l.at, Periods: 1}, l.do)
	l.at += player.Ticks(l.frames) * player.TicksPerFrame
	if err != nil {
		return err
	}
	if after, _ := l.deck.passes(); after != before {
		l.alive, l.silent = l.at, 0
	}
	if l.silent++; l.silent > silence/l.frames {
		return fmt.Errorf("nothing has sounded for %v of the player's time: can this music be decoded, and is there anything to select?", silence/player.SampleRate*time.Second)
	}
	return l.revive()
}

// silence is how many frames of it in a row are no music any more: ten minutes.
const silence = 600 * player.SampleRate

// revive starts a player that has been silent for RefillInterval because nothing is
// queued: what refills the queue else is the passing of positions.
func (l *listening) revive() error {
	if l.at-l.alive < player.RefillInterval {
		return nil
	}
	l.alive = l.at
	waiting, err := l.front.Waiting(context.Background())
	if err != nil || len(waiting) > 0 {
		return err
	}
	return l.do(player.Stimulus{Kind: player.QueueLow, At: l.at})
}

// do has the player do something.
func (l *listening) do(s player.Stimulus) error {
	l.posed++
	s.Seed = stir(l.seed, l.posed)
	start := time.Now()
	err := l.front.Do(context.Background(), s)
	switch s.Kind {
	case player.Period:
		l.settled = time.Now()
		note(l.took, l.settled.Sub(start))
	case player.BufferFailed:
		l.broken++
	}
	return l.forgive(s, err)
}

// forgive counts what a player may refuse in an evening: a passage to select when all
// have been played of late, one more when the queue is full, what is queued already,
// what is not there, and a skip after a skip.
func (l *listening) forgive(s player.Stimulus, err error) error {
	switch player.CodeOf(err) {
	case "":
		return nil
	case player.NoCandidate, player.QueueFull, player.AlreadyQueued, player.NotFound, player.TooSoon:
		l.refused++
		return nil
	}
	return fmt.Errorf("stimulus of kind %d, %v into the evening: %w", s.Kind, (l.at - sqlite.Epoch).Duration(), err)
}

// Close ends the player, its stores, and the deck.
func (l *listening) Close() error {
	l.front.Close()
	return errors.Join(l.workload.Close(), l.deck.Close())
}
