package scenarios

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"rubato/player"
	"rubato/sqlite"
	"rubato/web"
)

// stormRate is how many events a second come in beside the sound.
const stormRate = 100

// beside is a storm that wants in while music plays: of ten events six are messages,
// one asks what would be selected, and three what plays. It is an open loop with
// exponential gaps, and no event touches what is heard, so that the samples stay the
// same however they fall between the periods. A nil one is no storm.
type beside struct {
	front  *web.Front
	next   int // event
	events []player.Stimulus
	due    []time.Duration
	took   *hdrhistogram.Histogram
	ended  chan error
}

func newBeside(front *web.Front) *beside { return &beside{front: front, took: newTimes()} }

// prepare makes the events of a block of this length.
func (b *beside) prepare(seed uint64, length time.Duration) {
	most := int(2*stormRate*length.Seconds()) + 100 // twice as many as are due on average
	due := arrivals(seed, b.next, most, stormRate)
	n, _ := slices.BinarySearch(due, length)
	b.due, b.events = due[:n], b.events[:0]
	for i := b.next; i < b.next+n; i++ {
		b.events = append(b.events, stormBeside(seed, i))
	}
	b.next += n
	b.took.Reset()
}

// stormBeside is the i-th event. One of no kind is a question.
func stormBeside(seed uint64, i int) player.Stimulus {
	const apart = 0x6265_7369_6465 // its seeds from those of the periods
	h := stir(seed^apart, i)
	switch {
	case h%10 < 6:
		return say(seed, i)
	case h%10 < 7:
		return player.Stimulus{Kind: player.Suggestion, At: sqlite.Epoch + player.Ticks(1+i%24)*player.Hour, Seed: h | 1}
	}
	return player.Stimulus{}
}

// begin has the events come when they are due; unpaced they all come in wait, one after
// the other, so that the transcript is the same every time.
func (b *beside) begin(start time.Time, paced bool) {
	if b == nil {
		return
	}
	b.ended = make(chan error, 1)
	if !paced {
		b.ended = nil
		return
	}
	go func() { b.ended <- b.run(start) }()
}

// wait returns when all have come, and had their last effect.
func (b *beside) wait() error {
	switch {
	case b == nil:
		return nil
	case b.ended == nil:
		return b.run(time.Now().Add(-time.Hour))
	}
	return <-b.ended
}

func (b *beside) run(start time.Time) error {
	until := newAlarm()
	for i, due := range b.due {
		if time.Since(start) < due {
			until(start.Add(due))
		}
		if err := b.pose(b.events[i]); err != nil {
			return err
		}
		note(b.took, time.Since(start)-due)
	}
	return nil
}

func (b *beside) pose(s player.Stimulus) error {
	if s.Kind == 0 {
		_, err := b.front.Status(context.Background())
		return err
	}
	err := b.front.Do(context.Background(), s)
	if player.CodeOf(err) == player.NoCandidate {
		return nil // after hours all has been played of late
	}
	return err
}

// said is how many of the events are messages.
func (b *beside) said() (n int64) {
	if b == nil {
		return 0
	}
	for _, s := range b.events {
		if s.Kind == player.MessageSaid {
			n++
		}
	}
	return n
}

func (b *beside) figures() map[string]float64 {
	if b == nil || b.took.TotalCount() == 0 {
		return nil
	}
	return map[string]float64{"event-p99": float64(b.took.ValueAtPercentile(99))}
}

// digestBeside is digest for when a storm goes on beside: how its events fall between
// the periods is up to the clock, so of the lanes that both write in only the length
// is compared. Samples, queue and all that is stored are compared as ever.
func digestBeside(seen player.Observation) string {
	seen.Lanes = slices.Clone(seen.Lanes)
	for i, lane := range seen.Lanes {
		if slices.Contains([]string{"broadcast", "director", "timeslots"}, lane.Name) {
			seen.Lanes[i].Digest = math.MaxUint64
		}
	}
	return digest(seen)
}
