// Package decode turns files of sound into frames: 44.1 kHz, stereo, faded.
//
// Open opens a cut of a file as a Stream; Probe reports what a file holds. Both
// recognise WAV, FLAC, MP3 and Ogg Vorbis by content, not by name, and look for what
// plays: they skip tags in front, behind and between, skip what is broken, and go on
// with the next stream where several follow each other. The length of a file is what
// decodes, never what a counter in it says. What is left out is told in Info.Notices.
//
// It is the only importer of decoders: mewkiz/flac, hajimehoshi/go-mp3 and
// jfreymuth/vorbis, which beep uses too. beep's own wrappers are not used: they keep
// only the first two channels and read MP3 and Vorbis one sample at a time. From beep
// comes the resampler. None of them needs cgo.
//
// The decoders trust the file, and stop at the first byte that they do not know. So
// this package finds the frames and gives the decoders one at a time. Every size in a
// header is checked before memory is allocated for it, and a decoder's panic becomes an
// error.
package decode

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// A decoder reads the sound of one file from its beginning.
type decoder interface {
	sound() format
	// next returns the next samples, the channels interleaved. They are valid until
	// the next call. io.EOF follows the last. errOtherFormat means that the next
	// samples are of another format, which sound returns from now on.
	next() ([]float32, error)
	// measure walks through the file without decoding it. It does not move the
	// position from which next reads.
	measure() (measured, error)
	damaged() *damage
}

var errOtherFormat = errors.New("the sound goes on in another format")

// format is how the sound is stored. Every decoder has one.
type format struct {
	name     string // "FLAC"
	rate     int
	speakers []speaker // one per channel
}

func (f format) sound() format { return f }

// measured is what a walk through a file finds.
type measured struct {
	frames  int64 // at 44.1 kHz
	notices []string
}

func (m *measured) add(frames int64, rate int) { m.frames += resampledLength(frames, rate) }

func (m *measured) notice(when bool, text string, values ...any) {
	if when {
		m.notices = append(m.notices, fmt.Sprintf(text, values...))
	}
}

// damage counts what could not be decoded. The frames are silence.
type damage struct {
	front  int64 // bytes in front of the sound that are left out
	frames int64 // at 44.1 kHz
	why    error // the first
}

func (d *damage) damaged() *damage { return d }

func (d *damage) lose(frames int64, rate int, why error) {
	d.frames += resampledLength(frames, rate)
	if d.why == nil {
		d.why = why
	}
}

// Sample rates that can be decoded, in Hz.
const (
	LowestRate  = 8_000
	HighestRate = 192_000
)

// newDecoder recognises the format by the content and opens a decoder for it.
func newDecoder(f io.ReaderAt, size int64) (d decoder, err error) {
	err = guarded(func() error {
		kind, sound, front, err := recognise(f, size)
		if err != nil {
			return err
		}
		if d, err = kind.open(sound); err == nil {
			d.damaged().front = front
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return d, checkRate(d.sound())
}

func checkRate(f format) error {
	if f.rate < LowestRate || f.rate > HighestRate {
		return fmt.Errorf("%s of %d Hz: convert it to %d to %d Hz", f.name, f.rate, LowestRate, HighestRate)
	}
	return nil
}

// openFile returns a file and its size. It refuses all but regular files: opening a pipe
// would wait for a writer.
func openFile(path string) (f *os.File, size int64, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, 0, withoutPath(err)
	case !info.Mode().IsRegular():
		return nil, 0, errors.New("is no regular file")
	case info.Size() == 0:
		return nil, 0, errors.New("is empty")
	}
	f, err = os.Open(path)
	return f, info.Size(), withoutPath(err)
}

// withoutPath drops the path from an error: the caller's error names it already.
func withoutPath(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// guarded turns a panic into an error. Some decoders index by what a broken file says.
func guarded(decode func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("is broken: the decoder gave up: %v", r)
		}
	}()
	return decode()
}

// truncated says what it means that a file ends in the middle of something.
func truncated(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file is truncated")
	}
	return err
}
