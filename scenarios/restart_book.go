package scenarios

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"rubato/player"
)

// book is what a sender knows of what it has said: each attempt, and what it was told of
// it. What is in the database it does not know; balance brings the two together.
type book struct {
	start   time.Time
	due     []time.Duration
	said    map[player.Ticks]int // message by when it was said in the script
	late    []time.Duration      // of the generator
	mu      sync.Mutex
	first   uint64 // sequence number before the first
	tries   []attempt
	settled bool // whoever answers from now on has been waited for
	err     error
}

// attempt is one time that a message was said, or a place that an order took.
type attempt struct {
	message          int // -1: an order to the module
	posted, answered time.Duration
	told, settled    bool // answered at all; only when all was over
	err              error
}

func newBook(due []time.Duration, stimuli []player.Stimulus, seq uint64) *book {
	b := &book{due: due, said: map[player.Ticks]int{}, first: seq, start: time.Now()}
	for i, s := range stimuli {
		b.said[s.Message.At] = i
	}
	return b
}

// enter opens an attempt at a message.
func (b *book) enter(message int) (i int, seq uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries = append(b.tries, attempt{message: message, posted: time.Since(b.start)})
	return len(b.tries) - 1, b.first + uint64(len(b.tries))
}

// next is a sequence number for what is no message.
func (b *book) next() uint64 {
	_, seq := b.enter(-1)
	b.done(seq, nil)
	return seq
}

// last is the last sequence number there is.
func (b *book) last() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.first + uint64(len(b.tries))
}

// done takes an answer, on whatever goroutine.
func (b *book) done(seq uint64, err error) {
	now := time.Since(b.start)
	b.mu.Lock()
	defer b.mu.Unlock()
	i := seq - b.first - 1
	if i >= uint64(len(b.tries)) || b.tries[i].told {
		b.err = cmp.Or(b.err, fmt.Errorf("stimulus %d was answered twice, or is none of these", seq))
		return
	}
	a := &b.tries[i]
	a.answered, a.told, a.settled, a.err = now, true, b.settled, err
	if err != nil && player.CodeOf(err) != player.Unavailable {
		b.err = cmp.Or(b.err, err)
	}
}

// blame keeps the first error that is no outcome of a message.
func (b *book) blame(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = cmp.Or(b.err, err)
}

// failed is the first error so far that is no outage.
func (b *book) failed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// settles says that from now on nobody is answered in time.
func (b *book) settles() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settled = true
}

// well tells whether an attempt was reported durable.
func (b *book) well(i int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tries[i].told && b.tries[i].err == nil
}

func (b *book) message(i int) int { return b.tries[i].message } // written by the same goroutine

func (b *book) posted(i int) time.Duration { return b.tries[i].posted }

// complete is an error when somebody was never answered, or what happened makes no sense.
func (b *book) complete() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, a := range b.tries {
		if !a.told {
			return cmp.Or(b.err, fmt.Errorf("attempt %d, at message %d, was never answered", i+1, a.message))
		}
	}
	return b.err
}

// latencies tells when what was reported durable was, since it was due.
func (b *book) latencies(latency func(time.Duration)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	told := make([]bool, len(b.due))
	for _, a := range b.tries {
		if a.message >= 0 && a.err == nil && !told[a.message] {
			told[a.message] = true
			latency(a.answered - b.due[a.message])
		}
	}
}
