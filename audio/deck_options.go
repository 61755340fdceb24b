package audio

import (
	"time"

	"rubato/player"
)

// Defaults of a deck.
const (
	PlayoutBuffers = 3
	PlayoutFrames  = 661_941 // 15 s, 5.3 MB
	StartFrames    = player.SampleRate / 2
	Patience       = 10 * time.Second
)

// Sound is what a deck decodes: a Stream, or in a test something else.
type Sound interface {
	// Read gives the next frames; io.EOF after the last.
	Read(into []player.Frame) (n int, err error)
	// Missing is how many of the frames given so far the file did not have.
	Missing() int64
	Close() error
}

// DeckOptions say how a deck works. The zero value of every field is usable.
type DeckOptions struct {
	Output  Output // nil: Discard
	Buffers int    // passages that are decoded at the same time; 0: PlayoutBuffers
	Frames  int    // that a playout buffer holds; 0: PlayoutFrames
	Start   int    // frames that are decoded before a passage is ready; 0: StartFrames
	// Wait has the mixer wait for the decoder, so that the same sound comes out
	// however fast each is. Without it, what is late is silence, and counted.
	Wait     bool
	Patience time.Duration // longest wait for the decoder; 0: Patience
	// Open opens a passage; nil: Open of this package.
	Open func(player.Cut) (Sound, error)
}

func (o DeckOptions) defaults() DeckOptions {
	if o.Output == nil {
		o.Output = Discard{}
	}
	if o.Buffers <= 0 {
		o.Buffers = PlayoutBuffers
	}
	if o.Frames <= 0 {
		o.Frames = PlayoutFrames
	}
	if o.Start <= 0 {
		o.Start = StartFrames
	}
	o.Frames = max(o.Frames, 2)
	o.Start = min(o.Start, o.Frames/2) // decoding rests when a buffer is half full
	if o.Patience <= 0 {
		o.Patience = Patience
	}
	if o.Open == nil {
		o.Open = openStream
	}
	return o
}
