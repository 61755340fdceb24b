// Package decode turns files of sound into frames: 44.1 kHz, stereo, faded.
//
// Open opens a cut of a file as a Stream; Probe reports what a file holds. Both
// recognise WAV, FLAC, MP3 and Ogg Vorbis by content, not by name.
//
// It is the only importer of decoders: mewkiz/flac, hajimehoshi/go-mp3 and
// jfreymuth/oggvorbis, which beep uses too. beep's own wrappers are not used: they
// keep only the first two channels and read MP3 and Vorbis one sample at a time. From
// beep comes the resampler. None of them needs cgo.
//
// The decoders trust the file. So every size in a header is checked before memory is
// allocated for it, and a decoder's panic becomes an error.
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
	// the next call. io.EOF follows the last.
	next() ([]float32, error)
	// complete returns how many frames the file has at its own rate, and an error if
	// some are missing. It reads the end of the file instead of decoding it all, and
	// does not move the position from which next reads.
	complete(f *os.File, size int64) (int64, error)
}

// format is what a file's header says of the sound. Every decoder has one.
type format struct {
	name     string // "FLAC"
	rate     int
	speakers []speaker // one per channel
	frames   int64     // 0: unknown
}

func (f format) sound() format { return f }

// Sample rates that can be decoded, in Hz.
const (
	LowestRate  = 8_000
	HighestRate = 192_000
)

// newDecoder recognises the format by the content and opens a decoder for it.
func newDecoder(f *os.File, size int64) (d decoder, err error) {
	err = guarded(func() error {
		start, head, err := sniff(f, size)
		if err != nil {
			return err
		}
		switch {
		case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WAVE":
			d, err = newWAV(f, size)
		case len(head) >= 4 && string(head[:4]) == "fLaC":
			d, err = newFLAC(f)
		case len(head) >= 4 && string(head[:4]) == "OggS":
			d, err = newVorbis(f, size)
		case len(head) >= 4 && mpegHeader(head).valid():
			d, err = newMP3(f, start)
		default:
			err = errors.New("neither WAV, FLAC, MP3 nor Ogg Vorbis: convert it to one of these")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if form := d.sound(); form.rate < LowestRate || form.rate > HighestRate {
		return nil, fmt.Errorf("%s of %d Hz: convert it to %d to %d Hz", form.name, form.rate, LowestRate, HighestRate)
	}
	return d, nil
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

// missing is the error for a file that has fewer frames than its header says.
func missing(has, promised int64) error {
	return fmt.Errorf("is truncated: it has %d of %d frames", has, promised)
}

// sniff skips the tags, positions the file behind them and returns the first bytes
// there.
func sniff(f *os.File, size int64) (start int64, head []byte, err error) {
	const longest = 12 // bytes that kindOf looks at
	start, err = behindTags(f, size)
	if err != nil {
		return 0, nil, err
	}
	head = make([]byte, longest)
	n, err := f.ReadAt(head, start)
	if err != nil && err != io.EOF {
		return 0, nil, err
	}
	_, err = f.Seek(start, io.SeekStart)
	return start, head[:n], err
}

// behindTags returns where the sound begins, behind the ID3 tags in front of it. The
// decoders would allocate whatever length such a tag claims.
func behindTags(f *os.File, size int64) (int64, error) {
	const most = 8 // a file with more is not music
	start := int64(0)
	for range most {
		var h [10]byte
		_, err := f.ReadAt(h[:], start)
		if err == io.EOF || err == nil && string(h[:3]) != "ID3" {
			return start, nil
		}
		if err != nil {
			return 0, err
		}
		start += 10 + int64(h[6]&0x7f)<<21 + int64(h[7]&0x7f)<<14 + int64(h[8]&0x7f)<<7 + int64(h[9]&0x7f)
		if start >= size {
			return 0, errors.New("ends in its tag: the file is truncated")
		}
	}
	return 0, errors.New("has nothing but tags")
}
