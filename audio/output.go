package audio

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"rubato/player"
)

// An Output takes sound. Only one goroutine may write to it.
type Output interface {
	// Write takes the next frames. It waits while there is no room.
	Write([]player.Frame) error
	// Close plays or stores what was written, and leaves nothing running.
	Close() error
}

// A Paced output takes frames only as fast as they are played. A caller that waits for
// room before it mixes does not block others while it holds the player.
type Paced interface {
	Output
	// Room returns when this many frames can be written without waiting.
	Room(ctx context.Context, frames int) error
}

// Discard drops all frames at once.
type Discard struct{}

// Write drops the frames.
func (Discard) Write([]player.Frame) error { return nil }

// Close does nothing.
func (Discard) Close() error { return nil }

// Pumping configures Pump.
type Pumping struct {
	Frames  int          // per period
	Start   player.Ticks // when the first period begins
	Periods int          // 0: until the context ends
}

// Pump drives a player at the pace of its output. For each period it makes one stimulus
// that mixes the frames, then one for each passage that the deck has decoded or cannot
// decode. It waits for room in a paced output first, so that no other stimulus waits
// behind a period. With a deck that waits for its decoder, the stimuli come at the same
// places, however fast the decoder is.
//
// do gets stimuli without Seq. It numbers them and coordinates with other callers. Pump
// returns the first error of do, and nil when the context ends.
func Pump(ctx context.Context, deck *Deck, p Pumping, do func(player.Stimulus) error) error {
	at := p.Start
	paced, waits := deck.options.Output.(Paced)
	for n := 0; p.Periods == 0 || n < p.Periods; n++ {
		var err error
		if waits {
			err = paced.Room(ctx, p.Frames)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := do(player.Stimulus{Kind: player.Period, At: at, Frames: p.Frames}); err != nil {
			return err
		}
		at += player.Ticks(p.Frames) * player.TicksPerFrame
		for _, loaded := range deck.Prepared(deck.options.Wait) {
			kind := player.BufferReady
			if loaded.Err != nil {
				kind = player.BufferFailed
			}
			if err := do(player.Stimulus{Kind: kind, At: at, Passage: loaded.Passage}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Sample is the format of a sample in a WAV file.
type Sample int

const (
	// Float32 keeps every bit of the mix.
	Float32 Sample = iota
	// Int16 is readable by every program: 16 bits, rounded, and limited to full scale.
	Int16
)

// WAVFile is an output that writes a WAV file: stereo, 44.1 kHz. The sizes in its header
// are valid only after Close.
type WAVFile struct {
	file   *os.File
	to     *bufio.Writer
	sample Sample
	size   int64 // bytes of sound
	limit  int64
	packed []byte
	err    error // the first one; nothing is written after it
}

var _ Output = (*WAVFile)(nil)

// wavLimit is how many bytes of sound fit the file's 32-bit sizes.
const wavLimit = math.MaxUint32 - 1024

// CreateWAV creates the file, replacing an existing one. The caller must close it.
func CreateWAV(path string, sample Sample) (*WAVFile, error) {
	if sample != Float32 && sample != Int16 {
		return nil, fmt.Errorf("audio: WAV of sample kind %d, want Float32 or Int16", sample)
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("audio: create WAV: %w", err)
	}
	w := &WAVFile{file: file, to: bufio.NewWriterSize(file, 1<<16), sample: sample, limit: wavLimit}
	_, w.err = w.to.Write(w.header())
	return w, nil
}

// header is the RIFF header for the sound so far.
func (w *WAVFile) header() []byte {
	const channels = 2
	tag, bytes := uint16(3), uint16(4) // IEEE float
	if w.sample == Int16 {
		tag, bytes = 1, 2 // PCM
	}
	le := binary.LittleEndian
	b := []byte("WAVEfmt ")
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, tag)
	b = le.AppendUint16(b, channels)
	b = le.AppendUint32(b, player.SampleRate)
	b = le.AppendUint32(b, uint32(bytes)*channels*player.SampleRate)
	b = le.AppendUint16(b, bytes*channels)
	b = le.AppendUint16(b, bytes*8)
	if w.sample == Float32 { // formats other than PCM state the number of frames
		b = append(b, "fact"...)
		b = le.AppendUint32(b, 4)
		b = le.AppendUint32(b, uint32(w.size/(int64(bytes)*channels)))
	}
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(w.size))
	riff := le.AppendUint32([]byte("RIFF"), uint32(int64(len(b))+w.size))
	return append(riff, b...)
}

// Write appends the frames.
func (w *WAVFile) Write(frames []player.Frame) error {
	if w.err != nil {
		return w.err
	}
	w.pack(frames)
	if w.size+int64(len(w.packed)) > w.limit {
		w.err = fmt.Errorf("audio: %s is full: a WAV file holds %d bytes of sound; play less into it", w.file.Name(), w.limit)
		return w.err
	}
	n, err := w.to.Write(w.packed)
	w.size += int64(n)
	w.err = err
	return err
}

// pack converts frames to little-endian bytes.
func (w *WAVFile) pack(frames []player.Frame) {
	w.packed = w.packed[:0]
	for _, f := range frames {
		for _, s := range f {
			if w.sample == Int16 {
				w.packed = binary.LittleEndian.AppendUint16(w.packed, uint16(toInt16(s)))
			} else {
				w.packed = binary.LittleEndian.AppendUint32(w.packed, math.Float32bits(s))
			}
		}
	}
}

// toInt16 maps -1 to 1 to ±32767. NaN is silence.
func toInt16(s float32) int16 {
	if s != s {
		return 0
	}
	return int16(math.RoundToEven(float64(max(-1, min(s, 1))) * math.MaxInt16))
}

// Close writes the sizes and closes the file, even if it is full or a write failed.
// Closing again does nothing.
func (w *WAVFile) Close() error {
	if w.file == nil {
		return nil
	}
	err := w.to.Flush()
	if err == nil {
		_, err = w.file.Seek(0, io.SeekStart)
	}
	if err == nil {
		_, err = w.file.Write(w.header())
	}
	err = errors.Join(err, w.file.Close())
	if err != nil {
		err = fmt.Errorf("audio: close WAV: %w", err)
	}
	w.file = nil
	w.err = errEnded
	return err
}
