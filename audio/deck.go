package audio

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"rubato/player"
)

// Deck turns passages into sound: it is the player's Deck on real files. One
// goroutine decodes into playout buffers; all else happens in the caller's, one at
// a time. Buffers go to passages in order of Load, and are free again when a
// passage has ended, was dropped or failed. They are made when first needed and
// then kept.
type Deck struct {
	options DeckOptions
	batch   []player.Frame // Mix's own

	mu      sync.Mutex // never held while a file is read or the output waits
	mixer   *player.Mixer
	loaded  []*passage // in order of Load
	free    []*ring
	made    int      // buffers
	busy    *passage // what the decoder is at
	retired []Sound  // for the decoder to close
	paused  bool
	closed  bool
	sound   player.Delivered
	missing int64

	wake  chan struct{} // there is something to decode
	news  chan struct{} // closed at the decoder's next step; nil when nobody waits
	ended chan struct{}
	once  sync.Once
}

var _ player.Deck = (*Deck)(nil)

// A passage on the deck.
type passage struct {
	cut     player.Cut
	buffer  *ring // nil: waits for one, or has failed
	sound   Sound // nil: not open yet
	decoded int64
	lost    int64 // frames that the file did not have
	err     error // cannot be decoded
	counted int64 // of those lost and those that the stream missed
	whole   bool  // all is decoded
	filling bool  // until the buffer is nearly full
	ready   bool
	told    bool // by Prepared
	began   bool // to sound
	gone    bool // released while the decoder was at it
}

// NewDeck returns a deck on which nothing is loaded. Close it.
func NewDeck(options DeckOptions) (*Deck, error) {
	o := options.defaults()
	if o.Buffers > player.QueueLimit {
		return nil, fmt.Errorf("audio: %d playout buffers, want at most %d", o.Buffers, player.QueueLimit)
	}
	d := &Deck{options: o, mixer: player.NewMixer(), wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go d.decode()
	return d, nil
}

// Load begins to decode a passage. One of that number that has not begun to sound
// is forgotten. QueueFull when QueueLimit passages wait.
func (d *Deck) Load(cut player.Cut) error {
	const op = "deck: load"
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return player.ErrClosed
	}
	if cut.Passage <= 0 || cut.Frames() <= 0 {
		return &player.Error{Code: player.Invalid, Op: op, Err: fmt.Errorf("passage %d of %d frames", cut.Passage, cut.Frames())}
	}
	d.drop(cut.Passage)
	if waiting := d.waiting(); waiting >= player.QueueLimit {
		return &player.Error{Code: player.QueueFull, Op: op, Err: fmt.Errorf("%d passages wait", waiting)}
	}
	d.loaded = append(d.loaded, &passage{cut: cut})
	d.poke()
	return nil
}

func (d *Deck) waiting() int {
	n := 0
	for _, p := range d.loaded {
		if !p.began {
			n++
		}
	}
	return n
}

// Drop forgets a passage that has not begun to sound.
func (d *Deck) Drop(passage int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drop(passage)
}

func (d *Deck) drop(number int64) {
	for _, p := range slices.Backward(d.loaded) { // release takes it out
		if p.cut.Passage == number && !p.began {
			d.release(p)
		}
	}
}

// Close ends decoding, closes all files and then the output. Closing twice is once.
func (d *Deck) Close() error {
	var err error
	d.once.Do(func() {
		d.mu.Lock()
		d.closed = true
		d.tell()
		d.poke()
		d.mu.Unlock()
		late := time.NewTimer(d.options.Patience)
		defer late.Stop()
		select {
		case <-d.ended:
		case <-late.C:
			err = fmt.Errorf("audio: a file did not let itself be read for %v; is its disk there?", d.options.Patience)
		}
		err = errors.Join(err, d.options.Output.Close())
	})
	return err
}
