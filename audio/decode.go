package audio

import (
	"errors"
	"fmt"
	"os"
)

// A decoder reads the sound of one file from its beginning.
type decoder interface {
	format() format
	// next returns the next samples, those of all channels in turn. They are the
	// decoder's until the next call. io.EOF after the last.
	next() ([]float32, error)
	// complete counts the frames of the file at its own rate, and says if some are
	// missing, by looking at its end rather than by decoding it. It does not move the
	// file from where the decoder reads.
	complete(f *os.File) (int64, error)
}

// A format is what a file's header says of the sound.
type format struct {
	name     string // "FLAC"
	rate     int
	speakers []speaker // one a channel
	frames   int64     // 0: it does not say
}

// Limits of what is decoded.
const (
	LowestRate   = 8_000
	HighestRate  = 192_000
	MostChannels = 6 // 5.1
)

// check says what a header promises that this package does not keep.
func (f format) check() error {
	if f.rate < LowestRate || f.rate > HighestRate {
		return fmt.Errorf("%s of %d Hz: convert it to %d to %d Hz", f.name, f.rate, LowestRate, HighestRate)
	}
	if n := len(f.speakers); n < 1 || n > MostChannels {
		return fmt.Errorf("%s of %d channels: convert it to mono to 5.1", f.name, n)
	}
	return nil
}

// channels refuses what check would, before a decoder makes room for them.
func channels(name string, n int, order [][]speaker) ([]speaker, error) {
	if n < 1 || n > MostChannels {
		return nil, fmt.Errorf("%s of %d channels: convert it to mono to 5.1", name, n)
	}
	return order[n-1], nil
}

// sniffed is how much of a file tells its format, after a tag.
const sniffed = 12

var errFormat = errors.New("neither WAV, FLAC, MP3 nor Ogg Vorbis: convert it to one of these")

// newDecoder tells the format by the content and opens a decoder for it.
func newDecoder(f *os.File) (d decoder, err error) {
	size, err := regularSize(f)
	if err != nil {
		return nil, err
	}
	err = guarded(func() error {
		start, head, err := sniff(f, size)
		if err != nil {
			return err
		}
		switch kindOf(head) {
		case "WAV":
			d, err = newWAV(f, size)
		case "FLAC":
			d, err = newFLAC(f)
		case "MP3":
			d, err = newMP3(f, start)
		case "Ogg":
			d, err = newVorbis(f, size)
		default:
			err = errFormat
		}
		return err
	})
	if err == nil {
		err = d.format().check()
	}
	return d, err
}

func regularSize(f *os.File) (int64, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return 0, err
	case !info.Mode().IsRegular():
		return 0, errors.New("is no regular file")
	case info.Size() == 0:
		return 0, errors.New("is empty")
	}
	return info.Size(), nil
}

// guarded turns a panic into an error. The decoders are other people's, and some
// index what a broken file told them to.
func guarded(decode func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("is broken: the decoder gave up: %v", r)
		}
	}()
	return decode()
}
