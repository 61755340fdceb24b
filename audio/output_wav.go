package audio

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"rubato/player"
)

// Sample is how a WAV file holds a sample.
type Sample int

const (
	// Float32 keeps every bit that was mixed.
	Float32 Sample = iota
	// Int16 is what every program reads: 16 bits, rounded to the nearest, and cut off
	// at full scale.
	Int16
)

// WAVFile is an output that keeps all in a WAV file: stereo, 44.1 kHz. Its sizes are
// filled in by Close, and say nothing before.
type WAVFile struct {
	file   *os.File
	to     *bufio.Writer
	sample Sample
	size   int64 // of the sound, in bytes
	limit  int64
	packed []byte
	err    error // the first; from then on nothing is kept
}

var _ Output = (*WAVFile)(nil)

// wavLimit is as much sound as the file's 32-bit sizes can tell.
const wavLimit = math.MaxUint32 - 1024

// CreateWAV makes the file, in place of one that is there. Close it.
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
	b := append([]byte(nil), "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, tag)
	b = le.AppendUint16(b, channels)
	b = le.AppendUint32(b, player.SampleRate)
	b = le.AppendUint32(b, uint32(bytes)*channels*player.SampleRate)
	b = le.AppendUint16(b, bytes*channels)
	b = le.AppendUint16(b, bytes*8)
	if w.sample == Float32 { // what is not PCM says how many frames it has
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

// pack puts frames into bytes, little end first.
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

// toInt16 has -1 to 1 fill the range evenly on both sides. What is no number is silence.
func toInt16(s float32) int16 {
	if s != s {
		return 0
	}
	return int16(math.RoundToEven(float64(max(-1, min(s, 1))) * math.MaxInt16))
}

// Close fills in the sizes, and closes the file. A file that is full or that could
// not be written is closed with what it has. Closing twice is once.
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
