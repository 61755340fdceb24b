// Package audio plays passages: a Deck decodes ahead and mixes, and an Output takes the
// mix.
//
// A Deck is a player.Deck on real files; package decode turns those into frames. The
// outputs are RealTime, which takes frames at the pace of a sound card and drops them,
// Discard, which drops them at once, and WAVFile. Scan finds music in a folder;
// MakeTracks makes music from a seed.
//
// It is not a style and knows none: a style sees a deck only as a value behind an
// interface of package player. It has no sound card: it measures whether the sound
// would be there in time. The fade curves and the mixing are in package player, because
// they are work that every style must do.
package audio

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"rubato/audio/decode"
	"rubato/player"
)

// Defaults of a deck.
const (
	PlayoutBuffers = 3
	PlayoutFrames  = 661_941 // 15 s, 5.3 MB
	StartFrames    = player.SampleRate / 2
	Patience       = 10 * time.Second
)

// Sound is what a deck reads frames from: a decode.Stream, or a fake in a test.
type Sound interface {
	// Read reads the next frames. io.EOF follows the last.
	Read(into []player.Frame) (n int, err error)
	// Missing is how many of the frames read so far the file did not have.
	Missing() int64
	Close() error
}

// DeckOptions configure a deck. The zero value of every field is usable.
type DeckOptions struct {
	Output  Output // nil: Discard
	Buffers int    // most passages decoded at the same time; 0: PlayoutBuffers
	Frames  int    // size of a playout buffer; 0: PlayoutFrames
	Start   int    // frames decoded before a passage is ready; 0: StartFrames
	// Wait makes the mixer wait for the decoder. Then the sound does not depend on how
	// fast either is. Without it, frames that are late are silence, and counted.
	Wait     bool
	Patience time.Duration // longest wait for the decoder; 0: Patience
	// Open opens a passage; nil: decode.Open.
	Open func(player.Cut) (Sound, error)
}

func (o DeckOptions) defaults() DeckOptions {
	if o.Output == nil {
		o.Output = Discard{}
	}
	o.Buffers = cmp.Or(max(o.Buffers, 0), PlayoutBuffers)
	o.Frames = max(cmp.Or(max(o.Frames, 0), PlayoutFrames), 2)
	o.Start = min(cmp.Or(max(o.Start, 0), StartFrames), o.Frames/2) // decoding rests when a buffer is half full
	o.Patience = cmp.Or(max(o.Patience, 0), Patience)
	if o.Open == nil {
		o.Open = openStream
	}
	return o
}

// openStream is decode.Open as a deck needs it: a nil Sound beside an error, not a
// Sound that holds a nil stream.
func openStream(cut player.Cut) (Sound, error) {
	s, err := decode.Open(cut)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Deck turns passages into sound. It is a player.Deck on real files. One goroutine
// decodes into playout buffers; everything else happens in the goroutine of the caller,
// which makes one call at a time. Passages get buffers in order of Load. A buffer is
// free again when its passage ended, was dropped or failed. Buffers are allocated when
// first needed and then reused.
type Deck struct {
	options DeckOptions
	batch   []player.Frame // used by Mix only

	mu       sync.Mutex // never held while a file is read or the output waits
	mixer    *player.Mixer
	loaded   []*passage // in order of Load
	free     []*ring
	made     int      // buffers allocated
	decoding *passage // nil: none
	retired  []Sound  // the decoder closes them
	paused   bool
	closed   bool
	sound    player.Delivered
	missing  int64

	wake     chan struct{} // there is something to decode
	progress chan struct{} // closed at the decoder's next step; nil if nobody waits
	ended    chan struct{}
	once     sync.Once
}

var _ player.Deck = (*Deck)(nil)

// A passage on the deck.
type passage struct {
	cut      player.Cut
	buffer   *ring // nil: waits for one, or failed
	sound    Sound // nil: not open
	decoded  int64
	lost     int64 // frames after the end or failure of the file
	err      error // why it cannot be decoded
	counted  int64 // missing frames that are in Deck.missing
	whole    bool  // all is decoded
	filling  bool  // until the buffer is nearly full
	ready    bool
	reported bool // by Prepared
	began    bool // to sound
	released bool // while it was being decoded
}

// NewDeck returns an empty deck. The caller must close it.
func NewDeck(options DeckOptions) (*Deck, error) {
	o := options.defaults()
	if o.Buffers > player.QueueLimit {
		return nil, fmt.Errorf("audio: %d playout buffers, want at most %d", o.Buffers, player.QueueLimit)
	}
	d := &Deck{options: o, mixer: player.NewMixer(), wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go d.decode()
	return d, nil
}

// Load starts to decode a passage. An earlier one of the same number is dropped unless
// it began to sound. QueueFull if player.QueueLimit passages wait.
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
	d.wakeDecoder()
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

// Drop forgets a passage unless it began to sound.
func (d *Deck) Drop(passage int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drop(passage)
}

func (d *Deck) drop(number int64) {
	for _, p := range slices.Backward(d.loaded) { // release removes it
		if p.cut.Passage == number && !p.began {
			d.release(p)
		}
	}
}

// Close ends decoding, closes all files and then the output. Closing again does nothing.
func (d *Deck) Close() error {
	var err error
	d.once.Do(func() {
		d.mu.Lock()
		d.closed = true
		d.signal()
		d.wakeDecoder()
		d.mu.Unlock()
		late := time.NewTimer(d.options.Patience)
		defer late.Stop()
		select {
		case <-d.ended:
		case <-late.C:
			err = fmt.Errorf("audio: a read of a file took longer than %v; is its disk there?", d.options.Patience)
		}
		err = errors.Join(err, d.options.Output.Close())
	})
	return err
}

// Play starts a passage with the next mixed frame.
func (d *Deck) Play(passage int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.find(passage, true, "deck: play")
	if err == nil {
		d.mixer.Play(p.cut, p.buffer)
		p.began = true
		d.releaseEnded()
	}
	return err
}

// Cue makes a passage follow what sounds. One that sounds already continues.
func (d *Deck) Cue(passage int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.find(passage, false, "deck: cue")
	if err == nil && !p.began {
		d.mixer.Cue(p.cut, p.buffer)
	}
	return err
}

// find finds a ready passage. A passage may be loaded twice: one play that sounds, and a
// later one. began says which is preferred.
func (d *Deck) find(number int64, began bool, op string) (found *passage, err error) {
	if d.closed {
		return nil, player.ErrClosed
	}
	for _, p := range d.loaded {
		if p.cut.Passage == number && p.ready && (found == nil || p.began == began) {
			found = p
		}
	}
	if found == nil {
		return nil, &player.Error{Code: player.NotFound, Op: op, Err: fmt.Errorf("passage %d is not ready", number)}
	}
	return found, nil
}

// Halt ends the passage that plays. One that sounds beside it, in a crossfade, continues.
func (d *Deck) Halt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mixer.Halt()
	d.releaseEnded()
}

// Pause holds the sound, or continues it.
func (d *Deck) Pause(hold bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.paused = hold
}

// SetVolume takes 0 to player.MaxVolume.
func (d *Deck) SetVolume(volume int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mixer.SetVolume(volume)
}

// Position is the position in the passage that sounds.
func (d *Deck) Position() player.Ticks {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mixer.Position()
}

// releaseEnded releases the passages that no longer sound. A passage may have begun and
// ended since the last call; its buffer shows that it was read.
func (d *Deck) releaseEnded() {
	for _, p := range slices.Backward(d.loaded) {
		if p.buffer == nil {
			continue
		}
		p.began = p.began || p.buffer.read.Load() > 0
		if p.began && !d.mixer.Sounds(p.buffer) {
			d.release(p)
		}
	}
}

// Mix mixes the next frames and writes them to the output. While the deck is paused or
// nothing plays, it writes silence and makes no markers.
func (d *Deck) Mix(frames int) ([]player.Marker, error) {
	if frames <= 0 || frames > player.MostFrames {
		return nil, &player.Error{Code: player.Invalid, Op: "deck: mix", Err: fmt.Errorf("%d frames, want 1 to %d", frames, player.MostFrames)}
	}
	if frames > cap(d.batch) {
		d.batch = make([]player.Frame, frames)
	}
	batch := d.batch[:frames]
	markers, err := d.mix(batch)
	if err != nil {
		return nil, err
	}
	if err := d.options.Output.Write(batch); err != nil {
		return nil, &player.Error{Code: player.Unavailable, Op: "deck: mix", Err: err}
	}
	return markers, nil
}

func (d *Deck) mix(batch []player.Frame) ([]player.Marker, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, player.ErrClosed
	}
	d.mixer.Begin()
	if d.paused {
		clear(batch)
	} else if err := d.fill(batch); err != nil {
		return nil, err
	}
	d.sound.Frames += uint64(len(batch))
	d.sound.Digest = digest(d.sound.Digest, batch)
	d.refill()
	return d.mixer.Markers(), nil
}

// fill mixes a batch. It waits for frames that are not decoded, or makes them silence.
func (d *Deck) fill(batch []player.Frame) error {
	for done := 0; ; {
		done += d.mixer.Mix(batch[done:])
		if done == len(batch) {
			return nil
		}
		if !d.options.Wait {
			d.sound.Starved += uint64(len(batch) - done)
			clear(batch[done:])
			d.wakeDecoder()
			return nil
		}
		d.refill()
		if d.await(d.mixer.Fed) {
			continue
		}
		if d.closed {
			return player.ErrClosed
		}
		return &player.Error{Code: player.Unavailable, Op: "deck: mix",
			Err: fmt.Errorf("the decoder made no frame for %v; is the disk of the music there?", d.options.Patience)}
	}
}

// Delivered is what Mix has written so far.
func (d *Deck) Delivered() player.Delivered {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sound
}

// Missing is how many of the frames decoded so far the files did not have. They are
// silence.
func (d *Deck) Missing() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.missing
}

// digest folds in a frame as one word: left in the upper half, right in the lower.
func digest(h uint64, frames []player.Frame) uint64 {
	for _, f := range frames {
		h = player.DigestWord(h, uint64(math.Float32bits(f[0]))<<32|uint64(math.Float32bits(f[1])))
	}
	return h
}
