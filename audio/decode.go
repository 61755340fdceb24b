package audio

import (
	"errors"
	"fmt"
	"io"
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

// sniff skips a tag and reads what is behind it. The file stands there then.
func sniff(f *os.File, size int64) (start int64, head []byte, err error) {
	start, err = behindTag(f, size)
	if err != nil {
		return 0, nil, err
	}
	head = make([]byte, sniffed)
	n, err := f.ReadAt(head, start)
	if err != nil && err != io.EOF {
		return 0, nil, err
	}
	_, err = f.Seek(start, io.SeekStart)
	return start, head[:n], err
}

// behindTag is where the sound begins after the ID3 tags that stand in front. Such
// a tag is no sound, and its length is whatever its four bytes say: decoders would
// make room for it.
func behindTag(f *os.File, size int64) (int64, error) {
	const most = 8 // more of them is no file of sound
	start := int64(0)
	for range most {
		var h [10]byte
		if _, err := f.ReadAt(h[:], start); err != nil || string(h[:3]) != "ID3" {
			return start, ignoreEOF(err)
		}
		start += 10 + int64(h[6]&0x7f)<<21 + int64(h[7]&0x7f)<<14 + int64(h[8]&0x7f)<<7 + int64(h[9]&0x7f)
		if start >= size {
			return 0, errors.New("ends in its tag: the file is truncated")
		}
	}
	return 0, errors.New("has nothing but tags")
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// kindOf tells a file by its first bytes.
func kindOf(head []byte) string {
	switch {
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WAVE":
		return "WAV"
	case len(head) >= 4 && string(head[:4]) == "fLaC":
		return "FLAC"
	case len(head) >= 4 && string(head[:4]) == "OggS":
		return "Ogg"
	case len(head) >= 4 && mpegHeader(head).valid():
		return "MP3"
	}
	return ""
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
